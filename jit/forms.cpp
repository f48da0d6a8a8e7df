// SPDX-License-Identifier: MIT
#include "jit/forms.h"

#include <asmjit/core.h>

namespace ring3::jit {
namespace {

bool is_register_of(const ZydisDecodedOperand& op, ZydisRegisterClass c) {
  return op.type == ZYDIS_OPERAND_TYPE_REGISTER && ZydisRegisterGetClass(op.reg.value) == c;
}

unsigned word_of(const Decoded& d) {
  return d.insn.machine_mode == ZYDIS_MACHINE_MODE_LONG_64 ? 8 : 4;
}

/// No memory operand with 16-bit addresses.
bool wide_addresses(const Insn& insn) { return !insn.has_mem() || insn.address_width >= 4; }

bool pushes_or_pops(const Decoded& d, const Insn& insn) {
  if (is_register_of(d.operands[0], ZYDIS_REGCLASS_SEGMENT))
    return d.insn.mnemonic == ZYDIS_MNEMONIC_PUSH && insn.operand_width == word_of(d);
  const bool size = insn.operand_width == word_of(d) || insn.operand_width == 2;
  return size && wide_addresses(insn);
}

}  // namespace

StringForm string_form(const Decoded& d) {
  if (d.insn.meta.category != ZYDIS_CATEGORY_STRINGOP) return {};
  const u8 opcode = d.insn.opcode & 0xFE;
  StringForm form{.opcode = opcode, .size = static_cast<u8>(d.insn.operand_width / 8)};
  if (!(d.insn.opcode & 1)) form.size = 1;
  switch (opcode) {
    case 0xA4:  // MOVS
      form.source = form.destination = form.writes = true;
      return form;
    case 0xA6:  // CMPS
      form.source = form.destination = form.compares = true;
      return form;
    case 0xAA:  // STOS
      form.destination = form.writes = true;
      return form;
    case 0xAC:  // LODS
      form.source = true;
      return form;
    case 0xAE:  // SCAS
      form.destination = form.compares = true;
      return form;
    default:
      return {};
  }
}

bool is_bit_string(const Decoded& d) {
  switch (d.insn.mnemonic) {
    case ZYDIS_MNEMONIC_BT:
    case ZYDIS_MNEMONIC_BTS:
    case ZYDIS_MNEMONIC_BTR:
    case ZYDIS_MNEMONIC_BTC:
      return d.operands[0].type == ZYDIS_OPERAND_TYPE_MEMORY &&
             d.operands[1].type == ZYDIS_OPERAND_TYPE_REGISTER;
    default:
      return false;
  }
}

bool is_patched(ZydisMnemonic m) {
  switch (m) {
    case ZYDIS_MNEMONIC_CLI:
    case ZYDIS_MNEMONIC_STI:
    case ZYDIS_MNEMONIC_PUSHFD:
    case ZYDIS_MNEMONIC_PUSHFQ:
    case ZYDIS_MNEMONIC_POPFD:
    case ZYDIS_MNEMONIC_POPFQ:
    case ZYDIS_MNEMONIC_CLD:
    case ZYDIS_MNEMONIC_STD:
    case ZYDIS_MNEMONIC_CLAC:
    case ZYDIS_MNEMONIC_STAC:
    case ZYDIS_MNEMONIC_SWAPGS:
    case ZYDIS_MNEMONIC_PAUSE:
    case ZYDIS_MNEMONIC_SERIALIZE:
    case ZYDIS_MNEMONIC_RDTSC:
    case ZYDIS_MNEMONIC_RDTSCP:
      return true;
    default:
      return false;
  }
}

bool has_emitter(const Decoded& d, const Insn& insn) {
  if (is_patched(d.insn.mnemonic)) return true;
  if (string_form(d).opcode != 0) return insn.address_width >= 4;
  if (is_bit_string(d)) return insn.address_width == word_of(d);
  switch (d.insn.mnemonic) {
    case ZYDIS_MNEMONIC_DIV:
    case ZYDIS_MNEMONIC_IDIV:
      return wide_addresses(insn);
    case ZYDIS_MNEMONIC_XLAT:
      return insn.address_width == word_of(d);
    case ZYDIS_MNEMONIC_LOOP:
    case ZYDIS_MNEMONIC_LOOPE:
    case ZYDIS_MNEMONIC_LOOPNE:
    case ZYDIS_MNEMONIC_JECXZ:
    case ZYDIS_MNEMONIC_JRCXZ:
      return insn.operand_width == word_of(d) && insn.address_width >= 4;
    case ZYDIS_MNEMONIC_PUSH:
    case ZYDIS_MNEMONIC_POP:
      return pushes_or_pops(d, insn);
    case ZYDIS_MNEMONIC_SYSCALL:
      return word_of(d) == 8;
    case ZYDIS_MNEMONIC_SYSRET:
      return insn.operand_width == 8;
    case ZYDIS_MNEMONIC_ENTER:
      return insn.operand_width == word_of(d) && (insn.imm2 & 31) == 0;
    case ZYDIS_MNEMONIC_MOV:
      return is_register_of(d.operands[1], ZYDIS_REGCLASS_SEGMENT) && wide_addresses(insn);
    default:
      return false;
  }
}

bool host_has(ZydisISASet set) {
  const auto& x86 = asmjit::CpuInfo::host().features().x86();
  switch (set) {
    case ZYDIS_ISA_SET_BMI1:
      return x86.hasBMI();
    case ZYDIS_ISA_SET_BMI2:
      return x86.hasBMI2();
    case ZYDIS_ISA_SET_LZCNT:
      return x86.hasLZCNT();
    case ZYDIS_ISA_SET_POPCNT:
      return x86.hasPOPCNT();
    case ZYDIS_ISA_SET_ADOX_ADCX:
      return x86.hasADX();
    case ZYDIS_ISA_SET_SSE42:
      return x86.hasSSE4_2();
    case ZYDIS_ISA_SET_MOVBE:
      return x86.hasMOVBE();
    case ZYDIS_ISA_SET_CMPXCHG16B:
      return x86.hasCMPXCHG16B();
    default:
      return true;
  }
}

}  // namespace ring3::jit
