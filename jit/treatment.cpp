// SPDX-License-Identifier: MIT
#include "jit/treatment.h"

#include <cctype>

#include "core/handlers.h"
#include "decoder/block.h"
#include "jit/forms.h"
#include "jit/reencode.h"
#include "jit/simd_treatment.h"

namespace ring3 {

bool JitOptions::call_out(std::string_view mnemonic) {
  std::string wanted;
  for (char c : mnemonic) wanted += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  for (unsigned m = 1; m <= ZYDIS_MNEMONIC_MAX_VALUE; ++m) {
    if (wanted != ZydisMnemonicGetString(static_cast<ZydisMnemonic>(m))) continue;
    callouts.set(m);
    return true;
  }
  return false;
}

namespace jit {
namespace {

constexpr u32 kArith = ZYDIS_CPUFLAG_CF | ZYDIS_CPUFLAG_PF | ZYDIS_CPUFLAG_AF | ZYDIS_CPUFLAG_ZF |
                       ZYDIS_CPUFLAG_SF | ZYDIS_CPUFLAG_OF;

bool is_general(const ZydisDecodedOperand& op) {
  const ZydisRegisterClass c = ZydisRegisterGetClass(op.reg.value);
  return c >= ZYDIS_REGCLASS_GPR8 && c <= ZYDIS_REGCLASS_GPR64;
}

bool general_operands_only(const Decoded& d) {
  for (unsigned n = 0; n < d.insn.operand_count; ++n) {
    const ZydisDecodedOperand& op = d.operands[n];
    const bool visible = n < d.insn.operand_count_visible;
    if (op.type == ZYDIS_OPERAND_TYPE_MEMORY && !visible) return false;
    if (op.type == ZYDIS_OPERAND_TYPE_REGISTER && visible && !is_general(op)) return false;
  }
  return true;
}

/// Rows that may be copied: what the host has and whose handler asks for no feature.
bool copyable(const Decoded& d, Family family) {
  if (!host_has(d.insn.meta.isa_set)) return false;
  switch (family) {
    case Family::alu:
    case Family::shift:
    case Family::muldiv:
    case Family::data:
    case Family::flags:
    case Family::bits:
      return true;
    default:
      return false;
  }
}

bool is_nop(ZydisMnemonic m) {
  return m == ZYDIS_MNEMONIC_NOP || m == ZYDIS_MNEMONIC_ENDBR32 || m == ZYDIS_MNEMONIC_ENDBR64;
}

bool emittable(const Decoded& d, const Insn& insn) {
  if (d.insn.meta.branch_type == ZYDIS_BRANCH_TYPE_FAR) return false;
  const ZydisMnemonic m = d.insn.mnemonic;
  const unsigned word = d.insn.machine_mode == ZYDIS_MACHINE_MODE_LONG_64 ? 8 : 4;
  if (insn.operand_width != word || (insn.has_mem() && insn.address_width < 4)) return false;
  switch (m) {
    case ZYDIS_MNEMONIC_JMP:
    case ZYDIS_MNEMONIC_CALL:
    case ZYDIS_MNEMONIC_RET:
    case ZYDIS_MNEMONIC_LEAVE:
      return true;
    case ZYDIS_MNEMONIC_PUSH:
    case ZYDIS_MNEMONIC_POP:
      return insn.kinds[0] == Kind::Imm ||
             (insn.kinds[0] == Kind::Reg && is_general(d.operands[0]));
    case ZYDIS_MNEMONIC_JCXZ:
    case ZYDIS_MNEMONIC_JECXZ:
    case ZYDIS_MNEMONIC_JRCXZ:
    case ZYDIS_MNEMONIC_LOOP:
    case ZYDIS_MNEMONIC_LOOPE:
    case ZYDIS_MNEMONIC_LOOPNE:
      return false;
    default:
      return d.insn.meta.category == ZYDIS_CATEGORY_COND_BR;
  }
}

}  // namespace

const ZydisDecodedOperand* memory_operand(const Decoded& d) {
  for (unsigned n = 0; n < d.insn.operand_count_visible; ++n)
    if (d.operands[n].type == ZYDIS_OPERAND_TYPE_MEMORY &&
        d.operands[n].mem.type != ZYDIS_MEMOP_TYPE_AGEN)
      return &d.operands[n];
  return nullptr;
}

namespace {

/// Guest registers that the first `count` operands with one of `actions` name.
u16 guests(const Decoded& d, unsigned count, ZydisOperandActions actions) {
  u16 mask = 0;
  for (unsigned n = 0; n < count; ++n) {
    const ZydisDecodedOperand& op = d.operands[n];
    if (op.type != ZYDIS_OPERAND_TYPE_REGISTER || !(op.actions & actions)) continue;
    const u8 guest = guest_register(op.reg.value);
    if (guest != kNoGuest) mask |= static_cast<u16>(1u << guest);
  }
  return mask;
}

}  // namespace

u16 written_guests(const Decoded& d) {
  return guests(d, d.insn.operand_count, ZYDIS_OPERAND_ACTION_MASK_WRITE);
}

u16 named_guests(const Decoded& d) { return guests(d, d.insn.operand_count_visible, 0xFF); }

/// Split locks may be forbidden by the host; CMPXCHG16B raises #GP.
bool wants_alignment(const Decoded& d) {
  return (d.insn.attributes & ZYDIS_ATTRIB_HAS_LOCK) || d.insn.mnemonic == ZYDIS_MNEMONIC_XCHG ||
         d.insn.mnemonic == ZYDIS_MNEMONIC_CMPXCHG16B;
}

Treatment callout_of(const Decoded& d) {
  return is_terminator(d) ? Treatment::CalloutEnd : Treatment::Callout;
}

Treatment treatment_of(const Decoded& d, const Insn& insn, const JitOptions& options) {
  const Treatment end = callout_of(d);
  const ZydisMnemonic m = d.insn.mnemonic;
  const Row* row = find_row(m);
  if (!row || options.callouts[m] || insn.handler == raise_ud) return end;
  if (has_emitter(d, insn)) return Treatment::Emit;
  if (is_simd(d, insn)) return simd_treatment(d, insn);
  if (row->treatment == Treatment::Emit) return emittable(d, insn) ? Treatment::Emit : end;
  if (row->treatment != Treatment::Copy || end == Treatment::CalloutEnd) return end;
  if (is_nop(m)) return Treatment::Copy;
  // The bit offset leads away from what the probe checked.
  if (is_bit_string(d)) return end;
  if (!copyable(d, row->family) || !general_operands_only(d)) return end;
  const ZydisDecodedOperand* mem = memory_operand(d);
  if (m == ZYDIS_MNEMONIC_LEA && insn.address_width < 4) return end;
  if (!mem) return Treatment::Copy;
  if (insn.address_width < 4 || mem->mem.type != ZYDIS_MEMOP_TYPE_MEM) return end;
  return Treatment::CopyMem;
}

FlagUse flag_use(const Decoded& d) {
  const ZydisAccessedFlags* f = d.insn.cpu_flags;
  if (!f) return {};
  const Row* row = find_row(d.insn.mnemonic);
  u32 written = (f->modified | f->set_0 | f->set_1) & kArith;
  u32 undefined = f->undefined & kArith;
  // DIV leaves what the manual calls undefined.
  if (d.insn.mnemonic == ZYDIS_MNEMONIC_DIV || d.insn.mnemonic == ZYDIS_MNEMONIC_IDIV) return {};
  FlagUse use;
  use.writes = (written | undefined) != 0;
  // Scans and bit tests leave what the manual calls undefined; shifts by 0 leave all.
  if (d.insn.meta.isa_set == ZYDIS_ISA_SET_I386 && row && row->family == Family::bits)
    undefined = 0;
  bool certain = true;
  if (row && row->family == Family::shift) {
    const ZydisDecodedOperand& count = d.operands[d.insn.operand_count_visible - 1];
    const u64 mask = d.operands[0].size == 64 ? 63 : 31;
    certain = count.type == ZYDIS_OPERAND_TYPE_IMMEDIATE && (count.imm.value.u & mask) != 0;
  }
  // A repeated comparison may have nothing to compare.
  constexpr u64 kAnyRep = ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE | ZYDIS_ATTRIB_HAS_REPNE;
  if (d.insn.meta.category == ZYDIS_CATEGORY_STRINGOP && (d.insn.attributes & kAnyRep))
    certain = false;
  const bool full = (written | undefined) == kArith && certain;
  use.reads = (f->tested & kArith) || (use.writes && !full);
  return use;
}

}  // namespace jit
}  // namespace ring3
