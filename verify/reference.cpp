// SPDX-License-Identifier: MIT
#include "verify/reference.h"

namespace ring3::verify {
namespace {

constexpr u64 kComputed = u64{1} << 63;  ///< in Block::native: an Effect stands there

u64 arithmetic(u32 flags) { return flags & flag::kArith; }  // Zydis numbers them as RFLAGS does

/// An instruction that may leave all flags as they were: a shift by 0, a repetition of 0.
bool may_do_nothing(const Decoded& d, const Insn& insn) {
  if (insn.prefixes & (kRep | kRepne)) return true;
  const Row* row = find_row(d.insn.mnemonic);
  if (!row || row->family != Family::shift) return false;
  const ZydisDecodedOperand& count = d.operands[d.insn.operand_count_visible - 1];
  return count.type != ZYDIS_OPERAND_TYPE_IMMEDIATE || (count.imm.value.u & 31) == 0;
}

bool loads_flags(ZydisMnemonic m) {
  switch (m) {
    case ZYDIS_MNEMONIC_POPF:
    case ZYDIS_MNEMONIC_POPFD:
    case ZYDIS_MNEMONIC_POPFQ:
    case ZYDIS_MNEMONIC_IRET:
    case ZYDIS_MNEMONIC_IRETD:
    case ZYDIS_MNEMONIC_IRETQ:
    case ZYDIS_MNEMONIC_SYSRET:
    case ZYDIS_MNEMONIC_SAHF:
      return true;
    default:
      return false;
  }
}

CodeSize code_size(const CpuState& s) {
  if (s.long64()) return CodeSize::Bits64;
  return s.seg[kCs].db ? CodeSize::Bits32 : CodeSize::Bits16;
}

}  // namespace

void Reference::run_block(Cpu& cpu) {
  Block& block = blocks_.find(cpu);
  const Effect effect = effect_of(cpu, block);
  const u64 before = undefined_, first = cpu.state.instructions;
  const size_t count = block.insns.size();
  undefined_ |= effect.inside;  // if a fault ends the block
  interpret(cpu, block, 0, count);
  // So does a write to the block itself: what would define flags again has not run.
  if (cpu.state.instructions - first < count) return;
  undefined_ = (before & effect.kept) | effect.added;
  if (effect.loads && several_) undefined_ = flag::kArith;
}

Reference::Effect Reference::effect_of(const Cpu& cpu, Block& block) {
  u64 packed = reinterpret_cast<u64>(block.native);
  if (packed == 0) {
    const Effect e = compute(cpu, block);
    packed = kComputed | u64{e.loads} << 48 | u64{e.inside} << 32 | u64{e.added} << 16 | e.kept;
    block.native = reinterpret_cast<void*>(packed);
  }
  return {static_cast<u16>(packed), static_cast<u16>(packed >> 16),
          static_cast<u16>(packed >> 32), (packed >> 48 & 1) != 0};
}

/// Anything for a block that crosses pages: it is one instruction.
Reference::Effect Reference::compute(const Cpu& cpu, const Block& block) const {
  const PhysPage page = cpu.mmu.memory().page(block.start);
  Effect effect;
  if (block.crosses || !page.host) return {0xFFFF, flag::kArith, flag::kArith, true};
  std::span<const u8> bytes{page.host + block.start.offset(), block.bytes};
  for (const Insn& insn : block.insns) {
    Decoded d;
    if (decoder_.decode(code_size(cpu.state), bytes, d) != DecodeStatus::Ok) break;
    bytes = bytes.subspan(d.insn.length);
    effect.loads |= loads_flags(d.insn.mnemonic);
    const ZydisAccessedFlags* f = d.insn.cpu_flags;
    if (!f) continue;
    if (!may_do_nothing(d, insn)) {
      const u64 defined = arithmetic(f->modified | f->set_0 | f->set_1) & ~arithmetic(f->undefined);
      effect.kept &= static_cast<u16>(~defined);
      effect.added &= static_cast<u16>(~defined);
    }
    effect.added |= static_cast<u16>(arithmetic(f->undefined));
    effect.inside |= effect.added;
  }
  return effect;
}

}  // namespace ring3::verify
