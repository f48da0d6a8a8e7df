// SPDX-License-Identifier: MIT
#include "jit/address_guess.h"

#include <cstring>

#include "jit/reencode.h"
#include "jit/treatment.h"

namespace ring3::jit {

AddressGuess::AddressGuess(const Cpu& cpu, u64 rip) : cpu_(cpu), next_(rip) {
  for (unsigned n = 0; n < 16; ++n) values_[n] = cpu.state.gpr[n];
}

/// An index that is not known counts as 0: it likely stays where the base is.
AddressGuess::Value AddressGuess::address_of(const Insn& insn) const {
  u64 at = static_cast<u64>(insn.disp);
  if (insn.base == CpuState::kRipSlot) at += next_;
  if (insn.base < 16) {
    if (!values_[insn.base]) return std::nullopt;
    at += *values_[insn.base];
  }
  if (insn.index < 16) {
    if (!values_[insn.index] && insn.base >= 16) return std::nullopt;
    at += values_[insn.index].value_or(0) << insn.scale;
  }
  if (insn.address_width != 8) at &= 0xFFFFFFFF;
  return at;
}

AddressGuess::Value AddressGuess::value_of(const Decoded& d, unsigned operand,
                                           const Value& address) const {
  const ZydisDecodedOperand& op = d.operands[operand];
  const u64 mask = low_mask(op.size);
  switch (op.type) {
    case ZYDIS_OPERAND_TYPE_IMMEDIATE:
      return op.imm.value.u;
    case ZYDIS_OPERAND_TYPE_REGISTER: {
      const u8 guest = guest_register(op.reg.value);
      const bool high = op.reg.value >= ZYDIS_REGISTER_AH && op.reg.value <= ZYDIS_REGISTER_BH;
      if (guest == kNoGuest || high || !values_[guest]) return std::nullopt;
      return *values_[guest] & mask;
    }
    case ZYDIS_OPERAND_TYPE_MEMORY: {
      if (!address || op.size == 0 || op.size > 64) return std::nullopt;
      const u8* const host = cpu_.mmu.probe_read(*address, op.size / 8u, cpu_.mmu.view());
      if (!host) return std::nullopt;
      u64 value = 0;
      std::memcpy(&value, host, op.size / 8u);
      return value;
    }
    default:
      return std::nullopt;
  }
}

/// Of the first operand, a register.
AddressGuess::Value AddressGuess::result_of(const Decoded& d, const Value& address) const {
  const ZydisMnemonic m = d.insn.mnemonic;
  if (m == ZYDIS_MNEMONIC_LEA) return address;
  const bool loads = m == ZYDIS_MNEMONIC_MOV || m == ZYDIS_MNEMONIC_MOVZX;
  const bool unary = m == ZYDIS_MNEMONIC_INC || m == ZYDIS_MNEMONIC_DEC;
  const Value left = loads ? u64{0} : value_of(d, 0, address);
  const Value right = unary ? u64{1} : value_of(d, 1, address);
  if (!left || !right) return std::nullopt;
  switch (m) {
    case ZYDIS_MNEMONIC_MOV:
    case ZYDIS_MNEMONIC_MOVZX:
      return right;
    case ZYDIS_MNEMONIC_MOVSXD:
      return static_cast<u64>(static_cast<i64>(static_cast<i32>(*right)));
    case ZYDIS_MNEMONIC_ADD:
    case ZYDIS_MNEMONIC_INC:
      return *left + *right;
    case ZYDIS_MNEMONIC_SUB:
    case ZYDIS_MNEMONIC_DEC:
      return *left - *right;
    case ZYDIS_MNEMONIC_AND:
      return *left & *right;
    case ZYDIS_MNEMONIC_OR:
      return *left | *right;
    case ZYDIS_MNEMONIC_XOR:
      return *left ^ *right;
    case ZYDIS_MNEMONIC_SHL:
      return *left << (*right & 63);
    case ZYDIS_MNEMONIC_SHR:
      return *left >> (*right & 63);
    default:
      return std::nullopt;
  }
}

void AddressGuess::step(const Decoded& d, const Value& address) {
  const u16 written = written_guests(d);
  const ZydisDecodedOperand& to = d.operands[0];
  const bool simple = d.insn.operand_count_visible != 0 && to.type == ZYDIS_OPERAND_TYPE_REGISTER &&
                      guest_register(to.reg.value) != kNoGuest && to.size >= 32;
  const Value result =
      simple && d.insn.operand_count_visible <= 2 ? result_of(d, address) : std::nullopt;
  const Value rsp = values_[kRsp];
  for (unsigned n = 0; n < 16; ++n)
    if (written >> n & 1) values_[n].reset();
  if (simple && result) values_[guest_register(to.reg.value)] = *result & low_mask(to.size);
  if (d.insn.mnemonic == ZYDIS_MNEMONIC_PUSH && rsp) values_[kRsp] = *rsp - 8;
  if (d.insn.mnemonic == ZYDIS_MNEMONIC_POP && rsp) values_[kRsp] = *rsp + 8;
}

void AddressGuess::follow(std::span<const Decoded> decoded, std::span<const Insn> insns,
                          std::vector<u64>& out) {
  u64 last = values_[kRsp].value_or(0);
  for (size_t n = 0; n < insns.size(); ++n) {
    next_ += insns[n].length;
    const Value address = address_of(insns[n]);
    if (memory_operand(decoded[n]) && address) last = *address;
    out.push_back(last);
    step(decoded[n], address);
  }
}

}  // namespace ring3::jit
