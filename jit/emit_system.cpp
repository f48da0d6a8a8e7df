// SPDX-License-Identifier: MIT
// Sensitive instructions that are patched into a few inline ones instead of a callout, because
// kernels run them all the time: CLI, STI, PUSHF, POPF, CLD, STD, CLAC, STAC, SWAPGS, PAUSE,
// SERIALIZE, RDTSC and RDTSCP. They work on CpuState and on what the engine derives from it,
// exactly as their handlers in core do; any case that asks for more (another ring, a signal that
// waits, TF, AC, IOPL) goes to those.
#include <cstddef>

#include "core/feature_bits.h"
#include "jit/translator.h"

namespace ring3::jit {

using asmjit::imm;

namespace {

constexpr i32 kRflags = offsetof(CpuState, rflags);
constexpr u64 kIntrWaits = kSignalIntr;

x86::Mem rflags_byte(unsigned n) { return x86::byte_ptr(kState, kRflags + static_cast<i32>(n)); }

i32 gs_field(size_t field) {
  return static_cast<i32>(offsetof(CpuState, seg) + kGs * sizeof(Segment) + field);
}

}  // namespace

bool Translator::emit_system() {
  switch (d_.insn.mnemonic) {
    case ZYDIS_MNEMONIC_CLI:
      return emit_cli(), true;
    case ZYDIS_MNEMONIC_STI:
      return emit_sti(), true;
    case ZYDIS_MNEMONIC_PUSHFD:
    case ZYDIS_MNEMONIC_PUSHFQ:
      return emit_pushf(), true;
    case ZYDIS_MNEMONIC_POPFD:
    case ZYDIS_MNEMONIC_POPFQ:
      return emit_popf(), true;
    case ZYDIS_MNEMONIC_CLD:
      release_flags();
      return a_.and_(rflags_byte(1), imm(~flag::DF >> 8 & 0xFF)), true;
    case ZYDIS_MNEMONIC_STD:
      release_flags();
      return a_.or_(rflags_byte(1), imm(flag::DF >> 8)), true;
    case ZYDIS_MNEMONIC_CLAC:
      return emit_ac(false), true;
    case ZYDIS_MNEMONIC_STAC:
      return emit_ac(true), true;
    case ZYDIS_MNEMONIC_SWAPGS:
      return emit_swapgs(), true;
    case ZYDIS_MNEMONIC_PAUSE:
      return true;
    case ZYDIS_MNEMONIC_SERIALIZE:
      if (!has(c_.cpu.model, feature::SERIALIZE)) callout(false);
      return true;
    case ZYDIS_MNEMONIC_RDTSC:
    case ZYDIS_MNEMONIC_RDTSCP:
      return emit_rdtsc(), true;
    default:
      return false;
  }
}

/// Jumped to instead of what comes now; flags as they stand without the host's.
asmjit::Label Translator::cold_here() {
  cold_flags_ = without_host();
  return a_.newLabel();
}

void Translator::emit_cli() {
  if (!ring0()) return callout(false);
  release_flags();
  a_.and_(rflags_byte(1), imm(~flag::IF >> 8 & 0xFF));
  a_.mov(frame(offsetof(Frame, poll)), imm(static_cast<i32>(~kIntrWaits)));
}

/// The next instruction is the block's last, so that nothing is taken before it has run.
void Translator::emit_sti() {
  if (!ring0() || !insn_->joined) return callout(!insn_->joined);
  release_flags();
  const asmjit::Label cold = cold_here();
  a_.cmp(x86::dword_ptr(kState, c_.signals), imm(0));
  a_.jne(cold);
  a_.or_(rflags_byte(1), imm(flag::IF >> 8));
  a_.mov(frame(offsetof(Frame, poll)), imm(-1));
  finish_cold(cold);
}

/// kScratchB = RFLAGS without VM and RF. kScratchA is lost, and the host's flags.
void Translator::rflags_from_frame() {
  save_flags();
  make_plain();
  flags_ = kFrame;
  const i32 at = offsetof(Frame, flags);
  a_.movzx(kScratchB.r32(), x86::byte_ptr(x86::rsp, at + 1));
  a_.and_(kScratchB.r32(), imm(flag::kArith & 0xFF));
  a_.movzx(kScratchA.r32(), x86::byte_ptr(x86::rsp, at));
  a_.shl(kScratchA.r32(), imm(11));
  a_.or_(kScratchB, kScratchA);
  a_.mov(kScratchA, state64(kRflags));
  a_.and_(kScratchA, imm(static_cast<i32>(~(flag::kArith | flag::VM | flag::RF))));
  a_.or_(kScratchB, kScratchA);
}

/// What the frame has of RFLAGS becomes that of kScratchA. kScratchB is lost too.
void Translator::rflags_to_frame() {
  a_.mov(kScratchB.r32(), kScratchA.r32());
  a_.shr(kScratchB.r32(), imm(9));
  a_.and_(kScratchB.r32(), imm(1));
  a_.sub(kScratchB, imm(2));  // IF: all signals, else all but INTR
  static_assert(flag::IF == bit(9) && kIntrWaits == 1);
  a_.mov(frame(offsetof(Frame, poll)), kScratchB);
  a_.mov(kScratchB.r32(), kScratchA.r32());
  a_.and_(kScratchB.r32(), imm(flag::kArith & 0xFF));
  a_.shl(kScratchB.r32(), imm(8));
  a_.shr(kScratchA.r32(), imm(11));
  a_.and_(kScratchA.r32(), imm(1));
  a_.lea(kScratchB.r32(), x86::ptr(kScratchB, kScratchA, 0, 0x200));
  a_.mov(frame(offsetof(Frame, flags)), kScratchB);
  a_.mov(frame(offsetof(Frame, origin)), imm(0));
  flags_ = kFrame;
}

void Translator::emit_pushf() {
  const i32 size = static_cast<i32>(word());
  rflags_from_frame();
  a_.mov(frame(offsetof(Frame, scratch)), kScratchB);
  stack_slot(-size);
  const asmjit::Label cold = probe(Access::Write, word());
  a_.mov(kScratchB, frame(offsetof(Frame, scratch)));
  a_.mov(x86::ptr(kScratchA), sized(kScratchB));
  move_stack(-size);
  finish_cold(cold);
}

/// Inline if nothing but arithmetic flags, DF and, in ring 0, IF changes.
void Translator::emit_popf() {
  u64 hard = flag::TF | flag::NT | flag::IOPL | flag::AC | flag::ID;
  if (!ring0()) hard |= flag::IF;
  release_flags();
  stack_slot(0);
  const asmjit::Label cold = probe(Access::Read, word());
  last_cold(cold);
  a_.mov(sized(kScratchA), x86::ptr(kScratchA));
  a_.mov(kScratchB, kScratchA);
  a_.xor_(kScratchB, state64(kRflags));
  a_.test(kScratchB.r32(), imm(hard));
  a_.jnz(cold);
  a_.cmp(x86::dword_ptr(kState, c_.signals), imm(0));
  a_.jne(cold);
  a_.and_(kScratchB, imm(flag::IF | flag::DF));
  a_.xor_(state64(kRflags), kScratchB);
  rflags_to_frame();
  move_stack(static_cast<i32>(word()));
  exit_to(truncate(at_ + insn_->length));
}

/// The view of data accesses follows AC; alignment is not checked in ring 0.
void Translator::emit_ac(bool on) {
  if (!ring0() || !has(c_.cpu.model, feature::SMAP)) return callout(false);
  release_flags();
  constexpr u64 kByte = flag::AC >> 16;
  if (on) {
    a_.or_(rflags_byte(2), imm(kByte));
  } else {
    a_.and_(rflags_byte(2), imm(~kByte & 0xFF));
  }
  set_view(on ? View::SupervisorAc : View::Supervisor);
  if (!on) emit_forget_lines(a_);  // AC lifts SMAP, and does nothing else
}

/// Mmu::set_view().
void Translator::set_view(View view) {
  const i32 from = c_.views + static_cast<i32>(static_cast<size_t>(view) * sizeof(TlbWindow));
  for (const size_t field : {offsetof(TlbWindow, base), offsetof(TlbWindow, mask)}) {
    a_.mov(kScratchA, state64(from + static_cast<i32>(field)));
    a_.mov(state64(c_.window + static_cast<i32>(field)), kScratchA);
  }
  a_.mov(x86::byte_ptr(kState, c_.view), imm(static_cast<u8>(view)));
}

/// TickLine::at() and the cpu's offset. All that the handler would write is lost before its cold
/// path.
void Translator::emit_rdtsc() {
  static_assert(EventClock::now_to_tsc(1) == 1);
  const TickLine* const line = c_.cpu.clock.tsc_line();
  const bool with_aux = d_.insn.mnemonic == ZYDIS_MNEMONIC_RDTSCP;
  if (!line || (with_aux && !has(c_.cpu.model, feature::RDTSCP))) return callout(false);
  release_flags();
  const asmjit::Label cold = cold_here();
  if (!ring0()) {
    a_.test(x86::dword_ptr(kState, offsetof(CpuState, cr4)), imm(u32{cr4::TSD}));
    a_.jnz(cold);
  }
  const auto field = [](size_t offset) {
    return x86::qword_ptr(kScratchA, static_cast<i32>(offset));
  };
  a_.mov(kScratchA, imm(reinterpret_cast<u64>(line)));
  if (with_aux) a_.lfence();  // waits for all before
  a_.rdtsc();
  a_.shl(x86::rdx, imm(32));
  a_.or_(x86::rax, x86::rdx);
  a_.sub(x86::rax, field(offsetof(TickLine, ticks)));
  a_.cmp(x86::rax, field(offsetof(TickLine, limit)));
  a_.jae(cold);
  a_.mul(field(offsetof(TickLine, rate)));
  a_.add(x86::rdx, field(offsetof(TickLine, nanos)));
  a_.add(x86::rdx, state64(offsetof(CpuState, tsc_offset)));
  a_.mov(x86::eax, x86::edx);
  a_.shr(x86::rdx, imm(32));
  if (with_aux) a_.mov(x86::ecx, x86::dword_ptr(kState, offsetof(CpuState, tsc_aux)));
  finish_cold(cold);
}

void Translator::emit_swapgs() {
  if (!ring0()) return callout(false);
  const x86::Mem kernel = state64(offsetof(CpuState, kernel_gs_base));
  a_.mov(kScratchA, kernel);
  a_.mov(kScratchB, state64(gs_field(offsetof(Segment, base))));
  a_.mov(state64(gs_field(offsetof(Segment, base))), kScratchA);
  a_.mov(state64(gs_field(offsetof(Segment, access_base))), kScratchA);
  a_.mov(kernel, kScratchB);
}

}  // namespace ring3::jit
