// SPDX-License-Identifier: MIT
// Conditions of undefined_flags.def, from the operands of a case.
#include "tests/silicon/undefined.h"

#include "core/cpu_state.h"

namespace ring3::silicon {
namespace {

using namespace flag;

/// A shift: its masked count and operand width.
struct Shift {
  unsigned count = 0, width = 0;
};

Shift shift_of(const Decode& d, const Registers& in) {
  const unsigned width = d.operands[0].size;
  unsigned count = 1;  // the D0/D1 forms
  for (const auto& op : d.all()) {
    if (op.type == ZYDIS_OPERAND_TYPE_IMMEDIATE) count = static_cast<unsigned>(op.imm.value.u);
    if (op.type == ZYDIS_OPERAND_TYPE_REGISTER && op.reg.value == ZYDIS_REGISTER_CL)
      count = static_cast<unsigned>(in.gpr[kRcx]);
  }
  return {count & (width == 64 ? 63u : 31u), width};
}

bool Always(const Shift&) { return true; }
bool CountNotZero(const Shift& s) { return s.count != 0; }
/// Count 0 changes no flag at all.
bool CountNotOne(const Shift& s) { return s.count > 1; }
bool CountAtLeastWidth(const Shift& s) { return s.count >= s.width; }
bool CountAboveWidth(const Shift& s) { return s.count > s.width; }

struct Entry {
  ZydisMnemonic mnemonic;
  bool (*holds)(const Shift&);
  u64 flags;
};

constexpr Entry kEntries[] = {
#define UNDEFINED(m, condition, flags) {ZYDIS_MNEMONIC_##m, condition, flags},
#include "tests/silicon/undefined_flags.def"
#undef UNDEFINED
};

bool shifts(ZydisMnemonic m) { return m == ZYDIS_MNEMONIC_SHLD || m == ZYDIS_MNEMONIC_SHRD; }

}  // namespace

u64 operand_address(const Decode& d, const Registers& regs) {
  for (const auto& op : d.all()) {
    if (op.type != ZYDIS_OPERAND_TYPE_MEMORY) continue;
    u64 address = static_cast<u64>(op.mem.disp.value);
    if (op.mem.base == ZYDIS_REGISTER_RIP || op.mem.base == ZYDIS_REGISTER_EIP)
      address += kInsnAt + d.insn.length;
    auto value = [&](ZydisRegister r) -> u64 {
      const auto full = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, r);
      if (ZydisRegisterGetClass(full) != ZYDIS_REGCLASS_GPR64) return 0;
      return regs.gpr[ZydisRegisterGetId(full)];
    };
    address += value(op.mem.base) + value(op.mem.index) * op.mem.scale;
    address &= low_mask(d.insn.address_width);
    return op.mem.segment == ZYDIS_REGISTER_GS ? address + kGsBase : address;
  }
  return 0;
}

Undefined undefined_after(const Decode& d, const Registers& in) {
  Undefined u;
  u.address = operand_address(d, in);
  const Shift shift = shift_of(d, in);
  for (const Entry& e : kEntries)
    if (e.mnemonic == d.insn.mnemonic && e.holds(shift)) u.flags |= e.flags;
  // SDM 2B SHLD: a count above the operand size leaves the destination undefined.
  if (shifts(d.insn.mnemonic)) u.destination = CountAboveWidth(shift);
  // SDM 2A BSWAP: undefined for a 16-bit register.
  if (d.insn.mnemonic == ZYDIS_MNEMONIC_BSWAP) u.destination = d.operands[0].size == 16;
  return u;
}

}  // namespace ring3::silicon
