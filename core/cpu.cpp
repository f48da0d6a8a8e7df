// SPDX-License-Identifier: MIT
// Guest memory off the fast path, and the cpu's pins.
#include "core/cpu.h"

#include <algorithm>
#include <cstring>

#include "core/debug.h"

namespace ring3 {
namespace {

Fault segment_fault(Seg seg) { return seg == kSs ? SS(0) : GP(0); }

/// One page's share of an access.
struct Piece {
  Translation t;
  unsigned size = 0;
};

}  // namespace

Cpu::Cpu(Mmu& mmu_, IoBus& io_, EventClock& clock_, const CpuModel& model_)
    : mmu(mmu_), io(io_), clock(clock_), model(model_) {
  mmu.set_physical_bits(model.physical_bits);
  reset();
}

Cpu::~Cpu() = default;

void Cpu::check_segment(Seg seg, u64 offset, unsigned size, Access access) {
  const Segment& s = state.seg[seg];
  const Fault fault = segment_fault(seg);
  require(s.usable, GP(0));
  if (state.mode != CpuMode::Real && state.mode != CpuMode::Virtual8086) {
    const bool code = s.type & 8;
    if (access == Access::Write) require(!code && (s.type & 2), fault);
    if (access == Access::Read) require(!code || (s.type & 2), fault);
  }
  // Expand-down: valid above the limit, up to 64 KiB or 4 GiB by the B bit.
  const u64 last = offset + size - 1;
  const bool expand_down = s.s && !(s.type & 8) && (s.type & 4);
  if (!expand_down) return require(last <= s.limit, fault);
  require(offset > s.limit && last <= (s.db ? 0xFFFFFFFFull : 0xFFFFull), fault);
}

namespace {

/// Data of 32-bit code wraps at 4 GiB; in compatibility mode tables and stacks may stand above.
u64 advance(const Cpu& cpu, u64 linear, u64 bytes) {
  const u64 next = linear + bytes;
  return linear >> 32 ? next : next & cpu.state.linear_mask;
}

/// Translates the one or two pages of a short access. #PF names the first byte of the bad page.
unsigned translate_pieces(Cpu& cpu, u64 linear, unsigned size, Access access, View view,
                          Piece (&pieces)[2]) {
  unsigned n = 0;
  while (size > 0) {
    const unsigned part = std::min<unsigned>(size, kPageSize - (linear & kPageMask));
    Piece& p = pieces[n++];
    p.t = cpu.mmu.translate({linear}, access, view);
    require(p.t.ok, PF({linear}, p.t.error));
    p.size = part;
    size -= part;
    linear = advance(cpu, linear, part);
  }
  return n;
}

void check_canonical(Cpu& cpu, u64 linear, unsigned size, Seg seg) {
  if (!cpu.state.long_mode()) return;
  require(cpu.canonical(linear) && cpu.canonical(linear + size - 1), segment_fault(seg));
}

/// SDM 3A "Alignment Check Exception (#AC)". Unaligned vectors may or may not raise it unless they
/// are on an 8-byte boundary (SDM 2B MOVUPS); those that must be aligned raised #GP before.
unsigned alignment_of(unsigned size) {
  constexpr unsigned kExtendedReal = 10;
  if (size == kExtendedReal) return 8;
  // Else the largest power of two: 2 and 4 for the 16 and 32-bit x87 environment and save area.
  return std::min(size & -size, 8u);
}

/// CR0.AM, EFLAGS.AC and CPL 3: unaligned data accesses raise #AC.
void check_alignment(Cpu& cpu, u64 linear, unsigned size) {
  if (!alignment_checked(cpu.state)) return;
  require((linear & (alignment_of(size) - 1)) == 0, AC());
}

void count_mmio(Cpu& cpu, const Translation& t) {
  if (t.page.kind == PageKind::Mmio) cpu.exits.add(ExitReason::Mmio);
}

}  // namespace

void Cpu::slow_read(Seg seg, u64 linear, void* out, unsigned size) {
  check_canonical(*this, linear, size, seg);
  check_alignment(*this, linear, size);
  read_linear(linear, out, size, data_view(), seg);
  note_data_access(*this, linear, size, Access::Read);
}

void Cpu::slow_write(Seg seg, u64 linear, const void* in, unsigned size) {
  if (u8* p = mmu.probe_beside_code(linear, size)) {
    std::memcpy(p, in, size);
    return;
  }
  check_canonical(*this, linear, size, seg);
  check_alignment(*this, linear, size);
  write_linear(linear, in, size, data_view(), seg);
  note_data_access(*this, linear, size, Access::Write);
}

void Cpu::read_linear(u64 linear, void* out, unsigned size, View view, Seg fault_seg) {
  if (const u8* p = mmu.probe_read(linear, size, view)) {
    std::memcpy(out, p, size);
    return;
  }
  check_canonical(*this, linear, size, fault_seg);
  u8* to = static_cast<u8*>(out);
  while (size > 0) {
    const unsigned chunk = std::min<unsigned>(size, kPageSize);
    Piece pieces[2];
    const unsigned n = translate_pieces(*this, linear, chunk, Access::Read, view, pieces);
    for (unsigned k = 0; k < n; ++k) {
      count_mmio(*this, pieces[k].t);
      mmu.memory().read(pieces[k].t.address, {to, pieces[k].size});
      to += pieces[k].size;
    }
    linear = advance(*this, linear, chunk);
    size -= chunk;
  }
}

void Cpu::write_linear(u64 linear, const void* in, unsigned size, View view, Seg fault_seg) {
  if (u8* p = mmu.probe_write(linear, size, view)) {
    std::memcpy(p, in, size);
    return;
  }
  check_canonical(*this, linear, size, fault_seg);
  const u8* from = static_cast<const u8*>(in);
  while (size > 0) {
    const unsigned chunk = std::min<unsigned>(size, kPageSize);
    Piece pieces[2];
    const unsigned n = translate_pieces(*this, linear, chunk, Access::Write, view, pieces);
    for (unsigned k = 0; k < n; ++k) {
      count_mmio(*this, pieces[k].t);
      mmu.memory().write(pieces[k].t.address, {from, pieces[k].size});
      from += pieces[k].size;
    }
    linear = advance(*this, linear, chunk);
    size -= chunk;
  }
}

void Cpu::probe_linear(u64 linear, unsigned size, Access access, View view, Seg fault_seg) {
  check_canonical(*this, linear, size, fault_seg);
  while (size > 0) {
    const unsigned chunk = std::min<unsigned>(size, kPageSize);
    Piece pieces[2];
    translate_pieces(*this, linear, chunk, access, view, pieces);
    linear = advance(*this, linear, chunk);
    size -= chunk;
  }
}

void Cpu::probe_write(Seg seg, u64 offset, unsigned size) {
  probe_data(seg, linear_address<Access::Write>(seg, offset, size), size);
}

void Cpu::probe_data(Seg seg, u64 linear, unsigned size) {
  check_canonical(*this, linear, size, seg);
  check_alignment(*this, linear, size);
  probe_linear(linear, size, Access::Write, data_view(), seg);
}

void Cpu::jump_to(u64 rip) {
  rip &= state.long64() ? ~u64{0} : 0xFFFFFFFFull;
  if (state.long64()) {
    require(canonical(rip), GP(0));
  } else {
    require(rip <= state.seg[kCs].limit, GP(0));
  }
  state.rip() = rip;
}

u64 Cpu::tsc() const { return clock.tsc() + state.tsc_offset; }

void Cpu::set_intr(bool level) {
  if (level) {
    signals |= kSignalIntr;
  } else {
    signals &= ~static_cast<u32>(kSignalIntr);
  }
}

void Cpu::pulse_sipi(u8 vector) {
  sipi_vector = vector;
  signals |= kSignalSipi;
}

}  // namespace ring3
