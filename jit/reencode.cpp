// SPDX-License-Identifier: MIT
#include "jit/reencode.h"

#include "jit/repatch.h"

namespace ring3::jit {
namespace {

/// The register of the same width, elsewhere.
ZydisRegister moved(ZydisRegister reg, const std::array<u8, 16>& places) {
  const u8 guest = guest_register(reg);
  if (guest == kNoGuest || places[guest] == guest) return reg;
  const int host = places[guest];  // 8 to 15
  switch (ZydisRegisterGetClass(reg)) {
    case ZYDIS_REGCLASS_GPR8:
      return static_cast<ZydisRegister>(ZYDIS_REGISTER_R8B + host - 8);
    case ZYDIS_REGCLASS_GPR16:
      return static_cast<ZydisRegister>(ZYDIS_REGISTER_R8W + host - 8);
    case ZYDIS_REGCLASS_GPR32:
      return static_cast<ZydisRegister>(ZYDIS_REGISTER_R8D + host - 8);
    default:
      return static_cast<ZydisRegister>(ZYDIS_REGISTER_R8 + host - 8);
  }
}

void replace_memory(ZydisEncoderOperand& op, const HostAddress& at) {
  const auto named = [](u8 host) {
    return host == kNoGuest ? ZYDIS_REGISTER_NONE
                            : static_cast<ZydisRegister>(ZYDIS_REGISTER_RAX + host);
  };
  const bool index = at.index != kNoGuest;
  op.mem.base = named(at.base);
  op.mem.index = named(at.index);
  op.mem.scale = static_cast<ZyanU8>(index ? 1 << at.scale : 0);
  op.mem.displacement = at.offset;
}

}  // namespace

u8 guest_register(ZydisRegister reg) {
  switch (ZydisRegisterGetClass(reg)) {
    case ZYDIS_REGCLASS_GPR8:
      if (reg >= ZYDIS_REGISTER_AH && reg <= ZYDIS_REGISTER_BH)
        return static_cast<u8>(reg - ZYDIS_REGISTER_AH);
      if (reg >= ZYDIS_REGISTER_SPL) return static_cast<u8>(reg - ZYDIS_REGISTER_SPL + 4);
      return static_cast<u8>(reg - ZYDIS_REGISTER_AL);
    case ZYDIS_REGCLASS_GPR16:
    case ZYDIS_REGCLASS_GPR32:
    case ZYDIS_REGCLASS_GPR64:
      return static_cast<u8>(ZydisRegisterGetId(reg));
    default:
      return kNoGuest;
  }
}

namespace {

bool make_request(const Decoded& d, ZydisEncoderRequest& request) {
  if (ZYAN_FAILED(ZydisEncoderDecodedInstructionToEncoderRequest(
          &d.insn, d.operands, d.insn.operand_count_visible, &request)))
    return false;
  request.machine_mode = ZYDIS_MACHINE_MODE_LONG_64;
  request.address_size_hint = ZYDIS_ADDRESS_SIZE_HINT_NONE;
  request.prefixes &= ~static_cast<ZydisInstructionAttributes>(ZYDIS_ATTRIB_HAS_SEGMENT);
  return true;
}

HostCode encode(const ZydisEncoderRequest& request) {
  HostCode out;
  ZyanUSize length = sizeof out.bytes;
  if (ZYAN_SUCCESS(ZydisEncoderEncodeInstruction(&request, out.bytes, &length)))
    out.length = length;
  return out;
}

/// Narrow writes would zero the rest of a register, or make the next full read wait.
bool may_stand_at_home(const Decoded& d, const ZydisDecodedOperand& op) {
  if ((op.actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) && op.size != 64) return false;
  switch (d.insn.mnemonic) {
    case ZYDIS_MNEMONIC_XCHG:  // locks
    case ZYDIS_MNEMONIC_BT:    // a bit offset reaches anywhere
    case ZYDIS_MNEMONIC_BTS:
    case ZYDIS_MNEMONIC_BTR:
    case ZYDIS_MNEMONIC_BTC:
      return false;
    default:
      return d.insn.encoding == ZYDIS_INSTRUCTION_ENCODING_LEGACY;
  }
}

}  // namespace

HostCode reencode(const Decoded& d, const std::array<u8, 16>& places, bool memory,
                  const HostAddress& at) {
  if (const HostCode code = repatch(d, places, memory, at); code.length != 0) return code;
  return encode_anew(d, places, memory, at);
}

HostCode encode_anew(const Decoded& d, const std::array<u8, 16>& places, bool memory,
                     const HostAddress& at) {
  ZydisEncoderRequest request;
  if (!make_request(d, request)) return {};
  for (unsigned n = 0; n < request.operand_count; ++n) {
    ZydisEncoderOperand& op = request.operands[n];
    if (op.type == ZYDIS_OPERAND_TYPE_REGISTER) op.reg.value = moved(op.reg.value, places);
    if (op.type != ZYDIS_OPERAND_TYPE_MEMORY) continue;
    if (memory) {
      replace_memory(op, at);
    } else {
      op.mem.base = moved(op.mem.base, places);
      op.mem.index = moved(op.mem.index, places);
    }
  }
  HostCode code = encode(request);
  // The encoder's 90H is NOP, which does not clear the upper half of RAX (SDM 2B NOP).
  const bool nop = code.length == 1 && code.bytes[0] == 0x90;
  if (d.insn.mnemonic == ZYDIS_MNEMONIC_XCHG && nop) code = {{0x87, 0xC0}, 2};
  return code;
}

HostCode reencode_at_home(const Decoded& d, const std::array<u8, 16>& places, u8 guest) {
  ZydisEncoderRequest request;
  if (!make_request(d, request)) return {};
  unsigned found = 0;
  for (unsigned n = 0; n < request.operand_count; ++n) {
    ZydisEncoderOperand& op = request.operands[n];
    if (op.type == ZYDIS_OPERAND_TYPE_MEMORY) return {};
    if (op.type != ZYDIS_OPERAND_TYPE_REGISTER) continue;
    if (guest_register(op.reg.value) != guest) {
      op.reg.value = moved(op.reg.value, places);
      continue;
    }
    if (++found > 1 || !may_stand_at_home(d, d.operands[n])) return {};
    op.type = ZYDIS_OPERAND_TYPE_MEMORY;
    op.mem.base = ZYDIS_REGISTER_R15;
    op.mem.index = ZYDIS_REGISTER_NONE;
    op.mem.scale = 0;
    op.mem.displacement = 8 * guest;
    op.mem.size = d.operands[n].size / 8;
  }
  return encode(request);
}

}  // namespace ring3::jit
