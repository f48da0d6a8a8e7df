// SPDX-License-Identifier: MIT
// SDM 1 "Managing State Using the XSAVE Feature Set" for the x87 part, which XSAVE alone moves
// without the vector registers. The last-instruction pointers that the host keeps are those of
// translated code: the guest's stand in the frame.
#include "jit/residency.h"

#include <cstddef>

#include "jit/jit.h"

namespace ring3 {

bool host_saves_x87() {
  const auto& host = asmjit::CpuInfo::host().features().x86();
  return host.hasXSAVE() && host.hasOSXSAVE();
}

namespace jit {
namespace {

using asmjit::imm;

constexpr i32 kImage = offsetof(CpuState, fpu);
constexpr i32 kHeader = kImage + 512;
constexpr u32 kSimdMasks = 0x1F80, kX87Masks = 0x3F;

x86::Mem image16(unsigned offset) {
  return x86::xmmword_ptr(kState, kImage + static_cast<i32>(offset));
}
x86::Mem image(unsigned offset, u32 bytes) {
  return x86::Mem(kState, kImage + static_cast<i32>(offset), bytes);
}
x86::Mem low_half(unsigned n) { return image16(fpu::kXmm + 16 * n); }
x86::Mem high_half(unsigned n) { return image16(fpu::kYmmHigh + 16 * n); }

x86::Mem resident(i32 pushed) {
  return x86::dword_ptr(x86::rsp, static_cast<i32>(offsetof(Frame, resident)) + pushed);
}

constexpr i32 kCalled = 8;  // the return address

void emit_allowed(x86::Assembler& a) {
  a.clc();
  a.ret();
}

/// CR0.EM, CR0.TS: no x87, MMX or SSE.
void emit_check_cr0(x86::Assembler& a, u32 bits, asmjit::Label refuse) {
  a.test(x86::dword_ptr(kState, offsetof(CpuState, cr0)), imm(bits));
  a.jnz(refuse);
}

void emit_load_xmm(x86::Assembler& a, asmjit::Label refuse) {
  emit_check_cr0(a, cr0::EM | cr0::TS, refuse);
  a.test(x86::dword_ptr(kState, offsetof(CpuState, cr4)), imm(u32{cr4::OSFXSR}));
  a.jz(refuse);
  a.mov(kScratchA.r32(), image(fpu::kMxcsr, 4));
  a.and_(kScratchA.r32(), imm(kSimdMasks));
  a.cmp(kScratchA.r32(), imm(kSimdMasks));
  a.jne(refuse);
  for (unsigned n = 0; n < 16; ++n) a.movaps(x86::xmm(n), low_half(n));
  a.ldmxcsr(image(fpu::kMxcsr, 4));
  a.or_(resident(kCalled), imm(kXmm));
}

void emit_load_ymm(x86::Assembler& a, asmjit::Label refuse) {
  constexpr u32 kSseAvx = 6;
  emit_check_cr0(a, cr0::TS, refuse);
  a.test(x86::dword_ptr(kState, offsetof(CpuState, cr4)), imm(u32{cr4::OSXSAVE}));
  a.jz(refuse);
  a.mov(kScratchA.r32(), x86::dword_ptr(kState, offsetof(CpuState, xcr0)));
  a.and_(kScratchA.r32(), imm(kSseAvx));
  a.cmp(kScratchA.r32(), imm(kSseAvx));
  a.jne(refuse);
  const asmjit::Label loaded = a.newLabel();
  a.test(resident(kCalled), imm(kXmm));
  a.jnz(loaded);
  emit_load_xmm(a, refuse);
  a.bind(loaded);
  for (unsigned n = 0; n < 16; ++n) a.vinsertf128(x86::ymm(n), x86::ymm(n), high_half(n), imm(1));
  a.or_(resident(kCalled), imm(kYmm));
}

void emit_pointers(x86::Assembler& a, x86::Gp scratch, i32 pushed, bool to_image) {
  constexpr std::pair<size_t, unsigned> kPlaces[] = {{offsetof(Frame, fip), fpu::kFip},
                                                     {offsetof(Frame, fdp), fpu::kFdp}};
  const auto move = [&](x86::Gp reg, const x86::Mem& in_frame, const x86::Mem& in_image) {
    a.mov(reg, to_image ? in_frame : in_image);
    a.mov(to_image ? in_image : in_frame, reg);
  };
  for (auto [in_frame, in_image] : kPlaces)
    move(scratch, frame(in_frame, pushed), image(in_image, 8));
  const i32 fop = static_cast<i32>(offsetof(Frame, fop)) + pushed;
  move(scratch.r16(), x86::word_ptr(x86::rsp, fop), image(fpu::kFop, 2));
}

void emit_load_x87(x86::Assembler& a, asmjit::Label refuse) {
  if (!host_saves_x87()) {
    a.jmp(refuse);
    return;
  }
  emit_check_cr0(a, cr0::EM | cr0::TS, refuse);
  a.movzx(kScratchA.r32(), image(fpu::kFcw, 2));
  a.not_(kScratchA.r32());
  a.test(kScratchA.r32(), imm(kX87Masks));
  a.jnz(refuse);
  a.mov(kScratchA, x86::rax);
  a.mov(kScratchB, x86::rdx);
  a.mov(x86::eax, imm(1));
  a.xor_(x86::edx, x86::edx);
  a.mov(x86::qword_ptr(kState, kHeader), x86::rax);
  a.mov(x86::qword_ptr(kState, kHeader + 8), x86::rdx);
  a.xrstor64(x86::ptr(kState, kImage));
  a.mov(x86::qword_ptr(kState, kHeader), x86::rdx);
  a.mov(x86::rax, kScratchA);
  a.mov(x86::rdx, kScratchB);
  emit_pointers(a, kScratchA, kCalled, false);
  a.or_(resident(kCalled), imm(kX87));
}

using Load = void (*)(x86::Assembler& a, asmjit::Label refuse);
asmjit::Label emit_loader(x86::Assembler& a, Resident kind, Load load, asmjit::Label refuse) {
  const asmjit::Label entry = a.newLabel(), done = a.newLabel();
  a.bind(entry);
  a.test(resident(kCalled), imm(kind));
  a.jnz(done);
  load(a, refuse);
  a.bind(done);
  emit_allowed(a);
  return entry;
}

void emit_spill_xmm(x86::Assembler& a, asmjit::Label host_mxcsr) {
  const asmjit::Label low = a.newLabel();
  a.stmxcsr(image(fpu::kMxcsr, 4));
  a.ldmxcsr(x86::dword_ptr(host_mxcsr));
  a.test(x86::al, imm(kYmm));
  a.jz(low);
  for (unsigned n = 0; n < 16; ++n) a.vextractf128(high_half(n), x86::ymm(n), imm(1));
  a.vzeroupper();
  a.bind(low);
  for (unsigned n = 0; n < 16; ++n) a.movaps(low_half(n), x86::xmm(n));
}

void emit_spill_x87(x86::Assembler& a, i32 pushed) {
  a.mov(x86::eax, imm(1));
  a.xor_(x86::edx, x86::edx);
  a.xsave64(x86::ptr(kState, kImage));
  a.fninit();
  a.mov(x86::qword_ptr(kState, kHeader), x86::rdx);
  emit_pointers(a, x86::rax, pushed, true);
}

bool is_simd(Family family) {
  switch (family) {
    case Family::x87:
    case Family::mmx:
    case Family::sse:
    case Family::avx:
    case Family::crypto:
      return true;
    default:
      return false;
  }
}

u8 residents_of_stub(const Stub& stub) {
  u8 need = 0;
  if (stub.enable & kEnableSse) need |= kXmm;
  if (stub.enable & kEnableAvx) need |= kXmm | kYmm;
  if (stub.enable & (kEnableX87 | kEnableMmx)) need |= kX87;
  return need;
}

}  // namespace

const Stub* host_stub(const Insn& insn) {
  const Row* row = find_row(static_cast<ZydisMnemonic>(insn.mnemonic));
  // MOVSD and CMPSD stand among the string rows too, whose handlers have no aux.
  const bool both = insn.mnemonic == ZYDIS_MNEMONIC_MOVSD || insn.mnemonic == ZYDIS_MNEMONIC_CMPSD;
  if (!row || !(both || is_simd(row->family))) return nullptr;
  return static_cast<const Stub*>(insn.aux);
}

u8 needed_residents(const Insn& insn) {
  if (const Stub* stub = host_stub(insn)) return residents_of_stub(*stub);
  switch (insn.mnemonic) {
    case ZYDIS_MNEMONIC_LDMXCSR:
    case ZYDIS_MNEMONIC_STMXCSR:
      return kXmm;
    case ZYDIS_MNEMONIC_VLDMXCSR:
    case ZYDIS_MNEMONIC_VSTMXCSR:
    case ZYDIS_MNEMONIC_VZEROUPPER:
    case ZYDIS_MNEMONIC_VZEROALL:
    case ZYDIS_MNEMONIC_VMASKMOVPS:
    case ZYDIS_MNEMONIC_VMASKMOVPD:
    case ZYDIS_MNEMONIC_VPMASKMOVD:
    case ZYDIS_MNEMONIC_VPMASKMOVQ:
      return kXmm | kYmm;
    case ZYDIS_MNEMONIC_FNSTCW:
    case ZYDIS_MNEMONIC_FNSTSW:
    case ZYDIS_MNEMONIC_FNCLEX:
    case ZYDIS_MNEMONIC_FWAIT:
      return kX87;
    default:
      return 0;
  }
}

u8 residents_of(const Block& block) {
  u8 need = 0;
  for (const Insn& insn : block.insns) need |= needed_residents(insn);
  return need;
}

Loaders emit_loaders(x86::Assembler& a) {
  const asmjit::Label refuse = a.newLabel();
  Loaders loaders;
  loaders.xmm = emit_loader(a, kXmm, emit_load_xmm, refuse);
  loaders.ymm = emit_loader(a, kYmm, emit_load_ymm, refuse);
  loaders.x87 = emit_loader(a, kX87, emit_load_x87, refuse);
  a.bind(refuse);
  a.stc();
  a.ret();
  return loaders;
}

void emit_spill_residents(x86::Assembler& a, i32 pushed) {
  const asmjit::Label done = a.newLabel(), no_vector = a.newLabel(), host_mxcsr = a.newLabel();
  a.mov(x86::eax, resident(pushed));
  a.test(x86::eax, x86::eax);
  a.jz(done);
  a.mov(resident(pushed), imm(0));
  a.test(x86::al, imm(kXmm));
  a.jz(no_vector);
  emit_spill_xmm(a, host_mxcsr);
  a.bind(no_vector);
  a.test(x86::al, imm(kX87));
  a.jz(done);
  emit_spill_x87(a, pushed);
  a.jmp(done);
  a.bind(host_mxcsr);
  a.embedUInt32(fpu::kMxcsrDefault);
  a.bind(done);
}

}  // namespace jit
}  // namespace ring3
