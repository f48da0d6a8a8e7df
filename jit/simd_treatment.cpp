// SPDX-License-Identifier: MIT
#include "jit/simd_treatment.h"

#include "jit/residency.h"
#include "jit/treatment.h"

namespace ring3::jit {

bool is_prefetch(u16 mnemonic) {
  switch (mnemonic) {
    case ZYDIS_MNEMONIC_PREFETCH:
    case ZYDIS_MNEMONIC_PREFETCHNTA:
    case ZYDIS_MNEMONIC_PREFETCHT0:
    case ZYDIS_MNEMONIC_PREFETCHT1:
    case ZYDIS_MNEMONIC_PREFETCHT2:
    case ZYDIS_MNEMONIC_PREFETCHW:
    case ZYDIS_MNEMONIC_PREFETCHWT1:
    case ZYDIS_MNEMONIC_CLDEMOTE:
      return true;
    default:
      return false;
  }
}

bool is_fence(u16 mnemonic) {
  return mnemonic == ZYDIS_MNEMONIC_LFENCE || mnemonic == ZYDIS_MNEMONIC_MFENCE ||
         mnemonic == ZYDIS_MNEMONIC_SFENCE;
}

bool is_simd(const Decoded&, const Insn& insn) {
  return host_stub(insn) || needed_residents(insn) || is_prefetch(insn.mnemonic) ||
         is_fence(insn.mnemonic);
}

Treatment simd_treatment(const Decoded& d, const Insn& insn) {
  // Outside 64-bit mode they leave YMM8 to YMM15 alone, which the host's do not.
  const bool zeroes =
      insn.mnemonic == ZYDIS_MNEMONIC_VZEROALL || insn.mnemonic == ZYDIS_MNEMONIC_VZEROUPPER;
  if (zeroes && d.insn.machine_mode != ZYDIS_MACHINE_MODE_LONG_64) return Treatment::Callout;
  if (is_prefetch(insn.mnemonic) || is_fence(insn.mnemonic)) return Treatment::Copy;
  for (unsigned n = d.insn.operand_count_visible; n < d.insn.operand_count; ++n)
    if (d.operands[n].type == ZYDIS_OPERAND_TYPE_MEMORY) return Treatment::Callout;
  const ZydisDecodedOperand* mem = memory_operand(d);
  if (!mem) return Treatment::Copy;
  if (insn.address_width < 4 || mem->mem.type != ZYDIS_MEMOP_TYPE_MEM) return Treatment::Callout;
  return Treatment::CopyMem;
}

}  // namespace ring3::jit
