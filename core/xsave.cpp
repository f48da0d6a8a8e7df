// SPDX-License-Identifier: MIT
// FXSAVE, FXRSTOR and the XSAVE family (SDM 1 "Managing State Using the XSAVE Feature Set"), by
// state component. Not emulated: the modified optimization of XSAVEOPT and XSAVES (everything in
// use is written), supervisor components (there are none).
#include <algorithm>
#include <array>
#include <cstring>

#include "core/debug.h"
#include "core/host_exec.h"
#include "core/operands.h"
#include "core/simd_enable.h"

namespace ring3 {
namespace {

constexpr u64 kX87 = bit(0), kSse = bit(1), kAvx = bit(2), kPkru = bit(9), kCompacted = bit(63);
constexpr unsigned kHeader = 512, kHeaderEnd = 576, kAvxOffset = 576, kPkruOffset = 2688;
constexpr unsigned kAreaBytes = kPkruOffset + 8;
/// FXSAVE writes no further; the rest up to 512 is the software's.
constexpr unsigned kFxsaveBytes = 416;

unsigned vector_registers(const Cpu& cpu) { return cpu.state.long64() ? 16 : 8; }

/// The last-instruction pointers in the 64-bit form (REX.W) or as 32 bits and a selector.
u64 pointer_out(const Cpu& cpu, u64 pointer, bool rex_w) {
  return cpu.state.long_mode() && !rex_w ? pointer & 0xFFFFFFFF : pointer;
}
u64 pointer_in(const Cpu& cpu, u64 pointer, bool rex_w) {
  if (rex_w) return pointer;
  return pointer & (cpu.state.long_mode() ? 0xFFFFFFFFull : 0xFFFF'FFFF'FFFFull);
}

void x87_out(const Cpu& cpu, u8* area, bool rex_w) {
  const FpuState& f = cpu.state.fpu;
  std::memcpy(area, f.image, fpu::kFip);
  area[5] = 0;
  store<u64>(area + fpu::kFip, pointer_out(cpu, fpu::get<u64>(f, fpu::kFip), rex_w));
  store<u64>(area + fpu::kFdp, pointer_out(cpu, fpu::get<u64>(f, fpu::kFdp), rex_w));
  std::memcpy(area + fpu::kSt, f.image + fpu::kSt, 128);
}

void x87_in(Cpu& cpu, const u8* area, bool rex_w) {
  FpuState& f = cpu.state.fpu;
  constexpr u16 kFcwBits = 0x1F3F, kFcwOnes = 0x40;
  const u16 fcw = (load<u16>(area) & kFcwBits) | kFcwOnes;
  fpu::set<u16>(f, fpu::kFcw, fcw);
  fpu::set<u16>(f, fpu::kFsw, fpu::with_summary(load<u16>(area + fpu::kFsw), fcw));
  fpu::set<u8>(f, fpu::kFtw, area[fpu::kFtw]);
  fpu::set<u16>(f, fpu::kFop, load<u16>(area + fpu::kFop) & 0x7FF);
  fpu::set<u64>(f, fpu::kFip, pointer_in(cpu, load<u64>(area + fpu::kFip), rex_w));
  fpu::set<u64>(f, fpu::kFdp, pointer_in(cpu, load<u64>(area + fpu::kFdp), rex_w));
  for (unsigned n = 0; n < 8; ++n)
    std::memcpy(f.image + fpu::kSt + 16 * n, area + fpu::kSt + 16 * n, 10);
}

void mxcsr_out(const Cpu& cpu, u8* area) {
  store<u32>(area + fpu::kMxcsr, fpu::mxcsr(cpu.state.fpu));
  store<u32>(area + fpu::kMxcsrMaskField, fpu::kMxcsrMask);
}

/// A reserved bit of MXCSR set: #GP(0).
u32 mxcsr_in(const u8* area) {
  const u32 value = load<u32>(area + fpu::kMxcsr);
  require((value & ~fpu::kMxcsrMask) == 0, GP(0));
  return value;
}

/// Where the instruction's area stands.
struct Area {
  Cpu& cpu;
  Seg seg;
  u64 offset, linear;

  Area(Cpu& c, const Insn& i, unsigned align)
      : cpu(c), seg(static_cast<Seg>(i.segment)), offset(c.effective_address(i)) {
    linear = cpu.state.seg[seg].access_base + offset;
    require((linear & (align - 1)) == 0, GP(0));  // misaligned: #GP(0)
  }
  template <Access access>
  u64 at(unsigned from, unsigned bytes) const {
    return cpu.linear_address<access>(seg, offset + from, bytes);
  }
  void read(unsigned from, void* out, unsigned bytes) const {
    const u64 address = at<Access::Read>(from, bytes);
    cpu.read_linear(address, out, bytes, cpu.data_view(), seg);
    note_data_access(cpu, address, bytes, Access::Read);
  }
  void probe(unsigned from, unsigned bytes) const {
    cpu.probe_linear(at<Access::Write>(from, bytes), bytes, Access::Write, cpu.data_view(), seg);
  }
  void write(unsigned from, const void* in, unsigned bytes) const {
    const u64 address = at<Access::Write>(from, bytes);
    cpu.write_linear(address, in, bytes, cpu.data_view(), seg);
    note_data_access(cpu, address, bytes, Access::Write);
  }
};

void check_fxsave(const Cpu& cpu) {
  require(cpu.model.has(FeatureWord::L1Edx, 24), UD());
  check_x87_no_wait(cpu);
}

void fxsave_run(Cpu& cpu, const Insn& i) {
  check_fxsave(cpu);
  const Area area(cpu, i, 16);
  u8 out[kFxsaveBytes] = {};
  x87_out(cpu, out, i.prefixes & kRexW);
  mxcsr_out(cpu, out);
  // Outside 64-bit mode XMM8 to XMM15 are neither written nor read.
  const unsigned bytes = fpu::kXmm + 16 * vector_registers(cpu);
  std::memcpy(out + fpu::kXmm, cpu.state.fpu.image + fpu::kXmm, bytes - fpu::kXmm);
  area.probe(0, fpu::kLegacyBytes);
  area.write(0, out, bytes);
}

void fxrstor_run(Cpu& cpu, const Insn& i) {
  check_fxsave(cpu);
  u8 in[fpu::kLegacyBytes];
  Area(cpu, i, 16).read(0, in, sizeof in);
  const u32 mxcsr = mxcsr_in(in);
  x87_in(cpu, in, i.prefixes & kRexW);
  fpu::set_mxcsr(cpu.state.fpu, mxcsr);
  std::memcpy(cpu.state.fpu.image + fpu::kXmm, in + fpu::kXmm, 16 * vector_registers(cpu));
}

bool all_zero(const u8* p, unsigned bytes) {
  return std::all_of(p, p + bytes, [](u8 b) { return b == 0; });
}

/// XINUSE: the components that are not in their initial configuration.
u64 in_use(const Cpu& cpu) {
  const FpuState& f = cpu.state.fpu;
  u64 used = 0;
  const bool x87_initial = fpu::fcw(f) == fpu::kFcwDefault &&
                           all_zero(f.image + fpu::kFsw, fpu::kMxcsr - fpu::kFsw) &&
                           all_zero(f.image + fpu::kSt, 128);
  if (!x87_initial) used |= kX87;
  if (!all_zero(f.image + fpu::kXmm, 256)) used |= kSse;
  if (!all_zero(f.image + fpu::kYmmHigh, 256)) used |= kAvx;
  if (cpu.state.pkru) used |= kPkru;
  return used;
}

enum class Form : u8 { Xsave, Xsaveopt, Xsavec, Xsaves };

/// CPUID and CR4.OSXSAVE: #UD. CPL for the supervisor forms: #GP(0). CR0.TS: #NM.
void check_xsave(const Cpu& cpu, FeatureWord word, unsigned number, bool supervisor) {
  require(cpu.model.has(FeatureWord::L1Ecx, 26) && cpu.model.has(word, number), UD());
  require(cpu.state.cr4 & cr4::OSXSAVE, UD());
  require(!supervisor || cpu.state.cpl == 0, GP(0));
  require(!(cpu.state.cr0 & cr0::TS), NM());
}

u64 requested(const Cpu& cpu, bool supervisor) {
  const u64 mask = (cpu.state.gpr[kRdx] << 32) | (cpu.state.gpr[kRax] & 0xFFFFFFFF);
  return mask & (cpu.state.xcr0 | (supervisor ? cpu.state.xss : 0));
}

/// The offset of AVX or PKRU in the form that XCOMP_BV says.
unsigned component_offset(u64 component, u64 xcomp) {
  if (!(xcomp & kCompacted)) return component == kAvx ? kAvxOffset : kPkruOffset;
  return component == kPkru && (xcomp & kAvx) ? kAvxOffset + 256 : kAvxOffset;
}

/// The parts that an XSAVE writes: collected, probed, then written.
class Pieces {
 public:
  void add(unsigned offset, const void* from, unsigned bytes) {
    pieces_[count_++] = {offset, bytes, static_cast<const u8*>(from)};
  }
  void write(const Area& area) const {
    for (unsigned n = 0; n < count_; ++n) area.probe(pieces_[n].offset, pieces_[n].bytes);
    for (unsigned n = 0; n < count_; ++n)
      area.write(pieces_[n].offset, pieces_[n].from, pieces_[n].bytes);
  }

 private:
  struct Piece {
    unsigned offset, bytes;
    const u8* from;
  };
  std::array<Piece, 8> pieces_{};
  unsigned count_ = 0;
};

void save(Cpu& cpu, const Insn& i, Form form) {
  const bool compact = form == Form::Xsavec || form == Form::Xsaves;
  const Area area(cpu, i, 64);
  const u64 rfbm = requested(cpu, form == Form::Xsaves);
  u64 used = in_use(cpu);
  // The compacted forms count MXCSR to the SSE component.
  if (compact && fpu::mxcsr(cpu.state.fpu) != fpu::kMxcsrDefault) used |= kSse;
  const u64 saved = form == Form::Xsave ? rfbm : rfbm & used;
  u64 header[2] = {rfbm & used, compact ? rfbm | kCompacted : 0};
  if (!compact) {
    area.probe(kHeader, 8);
    area.read(kHeader, header, 8);
    header[0] = (header[0] & ~rfbm) | (rfbm & used);
  }
  u8 legacy[fpu::kXmm] = {};
  x87_out(cpu, legacy, i.prefixes & kRexW);
  mxcsr_out(cpu, legacy);
  Pieces pieces;
  if (saved & kX87) {
    pieces.add(0, legacy, fpu::kMxcsr);
    pieces.add(fpu::kSt, legacy + fpu::kSt, 128);
  }
  const bool mxcsr = compact ? saved & kSse : rfbm & (kSse | kAvx);
  if (mxcsr) pieces.add(fpu::kMxcsr, legacy + fpu::kMxcsr, 8);
  const unsigned vectors = 16 * vector_registers(cpu);
  const u8* image = cpu.state.fpu.image;
  if (saved & kSse) pieces.add(fpu::kXmm, image + fpu::kXmm, vectors);
  if (saved & kAvx) pieces.add(component_offset(kAvx, header[1]), image + fpu::kYmmHigh, vectors);
  const u64 pkru = cpu.state.pkru;
  if (saved & kPkru) pieces.add(component_offset(kPkru, header[1]), &pkru, 8);
  pieces.add(kHeader, header, compact ? 16 : 8);
  pieces.write(area);
}

void init_x87_component(FpuState& f) {
  fpu::init_x87(f);
  std::memset(f.image + fpu::kSt, 0, 128);
}

/// The memory image of an XRSTOR, with its header checked.
struct Restore {
  std::array<u8, kAreaBytes> area{};
  u64 xstate = 0, xcomp = 0;
};

/// SDM 1 "Operation of XRSTOR": a header that names what is not enabled, or with reserved bits
/// set, raises #GP(0).
void check_header(const Cpu& cpu, const Restore& r, bool supervisor) {
  const u64 enabled = cpu.state.xcr0 | (supervisor ? cpu.state.xss : 0);
  require((r.xstate & ~enabled) == 0, GP(0));
  const bool compact = r.xcomp & kCompacted;
  require(compact || (!supervisor && r.xcomp == 0), GP(0));
  require(all_zero(r.area.data() + kHeader + 16, compact ? 48 : 8), GP(0));
  if (!compact) return;
  require(cpu.model.has(FeatureWord::D1Eax, 1), GP(0));
  require((r.xcomp & ~kCompacted & ~enabled) == 0, GP(0));
  require((r.xstate & ~r.xcomp) == 0, GP(0));
}

void read_area(const Area& area, u64 rfbm, bool supervisor, Restore& r) {
  area.read(kHeader, r.area.data() + kHeader, kHeaderEnd - kHeader);
  r.xstate = load<u64>(r.area.data() + kHeader);
  r.xcomp = load<u64>(r.area.data() + kHeader + 8);
  check_header(area.cpu, r, supervisor);
  area.read(0, r.area.data(), kHeader);
  const u64 loaded = rfbm & r.xstate;
  for (auto [component, bytes] : {std::pair{kAvx, 256u}, std::pair{kPkru, 8u}}) {
    const unsigned offset = component_offset(component, r.xcomp);
    if (loaded & component) area.read(offset, r.area.data() + offset, bytes);
  }
}

/// A vector component: from the area, or zero if it is in its initial configuration there.
void restore_vectors(u8* to, const u8* from, unsigned bytes, bool loaded) {
  loaded ? static_cast<void>(std::memcpy(to, from, bytes))
         : static_cast<void>(std::memset(to, 0, bytes));
}

void restore(Cpu& cpu, const Insn& i, bool supervisor) {
  const u64 rfbm = requested(cpu, supervisor);
  Restore r;
  read_area(Area(cpu, i, 64), rfbm, supervisor, r);
  FpuState& f = cpu.state.fpu;
  const u8* area = r.area.data();
  const bool compact = r.xcomp & kCompacted;
  u32 mxcsr = fpu::mxcsr(f);
  // The standard form loads MXCSR whatever XSTATE_BV says.
  if (compact ? rfbm & kSse : rfbm & (kSse | kAvx))
    mxcsr = compact && !(r.xstate & kSse) ? fpu::kMxcsrDefault : mxcsr_in(area);
  fpu::set_mxcsr(f, mxcsr);
  if (rfbm & kX87) r.xstate& kX87 ? x87_in(cpu, area, i.prefixes & kRexW) : init_x87_component(f);
  const unsigned vectors = 16 * vector_registers(cpu);
  if (rfbm & kSse) restore_vectors(fpu::xmm(f, 0), area + fpu::kXmm, vectors, r.xstate & kSse);
  if (rfbm & kAvx)
    restore_vectors(fpu::ymm_high(f, 0), area + component_offset(kAvx, r.xcomp), vectors,
                    r.xstate & kAvx);
  if (rfbm & kPkru) {
    cpu.state.pkru = r.xstate & kPkru ? load<u32>(area + component_offset(kPkru, r.xcomp)) : u32{0};
    cpu.mmu.set_pkru(cpu.state.pkru);
  }
}

void xsave_run(Cpu& cpu, const Insn& i) {
  check_xsave(cpu, FeatureWord::L1Ecx, 26, false);
  save(cpu, i, Form::Xsave);
}
void xsaveopt_run(Cpu& cpu, const Insn& i) {
  check_xsave(cpu, FeatureWord::D1Eax, 0, false);
  save(cpu, i, Form::Xsaveopt);
}
void xsavec_run(Cpu& cpu, const Insn& i) {
  check_xsave(cpu, FeatureWord::D1Eax, 1, false);
  save(cpu, i, Form::Xsavec);
}
void xsaves_run(Cpu& cpu, const Insn& i) {
  check_xsave(cpu, FeatureWord::D1Eax, 3, true);
  save(cpu, i, Form::Xsaves);
}
void xrstor_run(Cpu& cpu, const Insn& i) {
  check_xsave(cpu, FeatureWord::L1Ecx, 26, false);
  restore(cpu, i, false);
}
void xrstors_run(Cpu& cpu, const Insn& i) {
  check_xsave(cpu, FeatureWord::D1Eax, 3, true);
  restore(cpu, i, true);
}

void xgetbv_run(Cpu& cpu, const Insn&) {
  require(cpu.model.has(FeatureWord::L1Ecx, 26) && (cpu.state.cr4 & cr4::OSXSAVE), UD());
  const u32 index = static_cast<u32>(cpu.state.gpr[kRcx]);
  // ECX = 1, the components in use, needs its own feature; others raise #GP(0).
  require(index == 0 || (index == 1 && cpu.model.has(FeatureWord::D1Eax, 2)), GP(0));
  const u64 value = index == 0 ? cpu.state.xcr0 : cpu.state.xcr0 & in_use(cpu);
  cpu.set_reg<u32>(8 * kRax, static_cast<u32>(value));
  cpu.set_reg<u32>(8 * kRdx, static_cast<u32>(value >> 32));
}

constexpr Binding fxsave = one<fxsave_run>, fxrstor = one<fxrstor_run>, xsave = one<xsave_run>,
                  xsaveopt = one<xsaveopt_run>, xsavec = one<xsavec_run>, xsaves = one<xsaves_run>,
                  xrstor = one<xrstor_run>, xrstors = one<xrstors_run>, xgetbv = one<xgetbv_run>;

constexpr FamilyRow kRows[] = {
#define ROW(m, f, t, h) {ZYDIS_MNEMONIC_##m, h},
#include "decoder/isa/xsave.def"
#undef ROW
};

}  // namespace

FamilyTable xsave_family() { return kRows; }

}  // namespace ring3
