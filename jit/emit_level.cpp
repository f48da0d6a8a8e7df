// SPDX-License-Identifier: MIT
// SYSCALL in 64-bit user code and SYSRET to it, inline: they change the level and go to what the
// indirect-branch table of the other one has. Nothing changes before that is found and it is
// certain that the handlers of core/syscall.cpp would do no more than what stands here; else they
// run. AC, TF, an interrupt that waits and a table that is not for the present space are theirs.
// The block's poll saw no other signal, so that no trap is due: see update_trap_signal().
#include <array>
#include <bit>
#include <cstddef>

#include "core/far.h"
#include "jit/translator.h"

namespace ring3::jit {

using asmjit::imm;

namespace {

constexpr i32 kRflags = offsetof(CpuState, rflags);

/// Segment as it stands in CpuState, with 0 for a selector, by what words are written.
struct SegmentWords {
  std::array<u64, offsetof(Segment, flat_read) / sizeof(u64)> words;
  u16 flat;
};

SegmentWords words_of(const Segment& segment) {
  SegmentWords w{};
  const u8* const from = reinterpret_cast<const u8*>(&segment);
  for (size_t n = 0; n < w.words.size(); ++n) w.words[n] = load<u64>(from + n * sizeof(u64));
  w.flat = load<u16>(from + offsetof(Segment, flat_read));
  return w;
}

}  // namespace

std::optional<u8> other_level(const Block& block) {
  const u16 last = block.insns.back().mnemonic;
  if ((block.key & 3) != 2) return std::nullopt;
  if (last == ZYDIS_MNEMONIC_SYSCALL && (block.key & kUserCode)) return u8{0};
  if (last == ZYDIS_MNEMONIC_SYSRET && !(block.key & (kUserCode | kMiddleRing))) return u8{3};
  return std::nullopt;
}

bool Translator::emit_level() {
  const bool call = d_.insn.mnemonic == ZYDIS_MNEMONIC_SYSCALL;
  if (!call && d_.insn.mnemonic != ZYDIS_MNEMONIC_SYSRET) return false;
  if (!c_.other_level) {
    callout(true);
  } else {
    call ? emit_syscall() : emit_sysret();
  }
  return true;
}

void Translator::require_syscall(asmjit::Label cold) {
  a_.test(x86::byte_ptr(kState, offsetof(CpuState, efer)), imm(efer::SCE));
  a_.jz(cold);
}

/// The frame takes the other level's table, and Frame::scratch is the code there for the rip in
/// kScratchA. A rip that is in the table is canonical.
void Translator::find_on_other_level(asmjit::Label cold) {
  const auto field = [](size_t offset) {
    return x86::qword_ptr(kScratchB, static_cast<i32>(offset));
  };
  static_assert(offsetof(Targets, entries) == 0);
  a_.mov(frame(offsetof(Frame, scratch)), kScratchA);
  a_.mov(kScratchB, imm(reinterpret_cast<u64>(c_.other_level)));
  a_.mov(kScratchA, field(offsetof(Targets, generation)));
  a_.cmp(kScratchA, state64(c_.generation));
  a_.jne(cold);
  a_.mov(frame(offsetof(Frame, targets)), kScratchB);
  if (!c_.other_level->user) {
    a_.mov(kScratchA, field(offsetof(Targets, salt)));
    a_.mov(frame(offsetof(Frame, salt)), kScratchA);
  }
  a_.mov(kScratchA, frame(offsetof(Frame, scratch)));
  find_target(cold, c_.other_targets, c_.other_level->user);
  a_.mov(kScratchA, field(static_cast<size_t>(c_.other_targets) + offsetof(Target, code)));
  a_.mov(frame(offsetof(Frame, scratch)), kScratchA);
}

/// With the selector in kScratchB.
void Translator::set_segment(Seg seg, const Segment& to) {
  const i32 at = static_cast<i32>(offsetof(CpuState, seg) + seg * sizeof(Segment));
  const SegmentWords w = words_of(to);
  for (size_t n = 0; n < w.words.size(); ++n) {
    const x86::Mem word = state64(at + static_cast<i32>(n * sizeof(u64)));
    if (w.words[n] == 0) {
      a_.mov(word, imm(0));
      continue;
    }
    a_.mov(kScratchA, imm(w.words[n]));
    if (n == 0) a_.or_(kScratchA, kScratchB);
    a_.mov(word, kScratchA);
  }
  a_.mov(x86::word_ptr(kState, at + static_cast<i32>(offsetof(Segment, flat_read))), imm(w.flat));
}

/// Cpu::update_level() and on to Frame::scratch. Lines are of the view that ends.
void Translator::enter_level(u8 cpl) {
  a_.mov(x86::byte_ptr(kState, offsetof(CpuState, cpl)), imm(cpl));
  a_.mov(x86::dword_ptr(kState, offsetof(CpuState, mode_key)), imm(key_at_level(block_.key, cpl)));
  set_view(cpl == 3 ? View::User : View::Supervisor);
  emit_forget_lines(a_);
  a_.jmp(frame(offsetof(Frame, scratch)));
}

void Translator::emit_syscall() {
  constexpr i32 kStar = offsetof(CpuState, star) + 4;
  const u64 next = at_ + insn_->length;
  save_flags();
  const asmjit::Label cold = cold_path(false);
  require_syscall(cold);
  a_.test(x86::byte_ptr(kState, kRflags + 2), imm(flag::AC >> 16));
  a_.jnz(cold);
  a_.mov(kScratchA, state64(offsetof(CpuState, lstar)));
  find_on_other_level(cold);
  rflags_from_frame();
  a_.mov(gpr_home(kR11), kScratchB);
  a_.mov(x86::rcx, imm(next));
  a_.mov(kScratchA, state64(offsetof(CpuState, fmask)));
  a_.not_(kScratchA);
  a_.and_(kScratchA, kScratchB);
  a_.or_(kScratchA, imm(flag::kFixed));
  a_.mov(state64(kRflags), kScratchA);
  rflags_to_frame();
  a_.movzx(kScratchB.r32(), x86::word_ptr(kState, kStar));
  a_.and_(kScratchB.r32(), imm(0xFFFC));
  set_segment(kCs, flat_code(0, 0, true));
  a_.movzx(kScratchB.r32(), x86::word_ptr(kState, kStar));
  a_.add(kScratchB.r16(), imm(8));
  set_segment(kSs, flat_stack(0, 0));
  enter_level(0);
}

void Translator::emit_sysret() {
  constexpr i32 kStar = offsetof(CpuState, star) + 6;
  constexpr u64 kHard = flag::TF | flag::AC;
  save_flags();
  const asmjit::Label cold = cold_path(false);
  require_syscall(cold);
  a_.cmp(x86::dword_ptr(kState, c_.signals), imm(0));
  a_.jne(cold);
  a_.test(x86::dword_ptr(kState, 8 * kR11), imm(kHard));
  a_.jnz(cold);
  a_.mov(kScratchA, x86::rcx);
  find_on_other_level(cold);
  a_.mov(kScratchA, gpr_home(kR11));
  a_.and_(kScratchA.r32(), imm(kSysretFlags));
  a_.or_(kScratchA.r32(), imm(flag::kFixed));
  a_.mov(state64(kRflags), kScratchA);
  rflags_to_frame();
  for (const auto& [seg, offset] : {std::pair{kCs, 16}, std::pair{kSs, 8}}) {
    a_.movzx(kScratchB.r32(), x86::word_ptr(kState, kStar));
    a_.add(kScratchB.r16(), imm(offset));
    a_.or_(kScratchB.r32(), imm(3));
    set_segment(seg, seg == kCs ? flat_code(0, 3, true) : flat_stack(0, 3));
  }
  enter_level(3);
}

}  // namespace ring3::jit
