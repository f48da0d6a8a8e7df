// SPDX-License-Identifier: MIT
// Conditions of tolerances.def.
#include "core/fault.h"
#include "tests/silicon/undefined.h"

namespace ring3::silicon {
namespace {

struct Context {
  const Decode& d;
  const Registers& in;
  const Outcome& silicon;
  const Outcome& interp;
  ZydisMnemonic mnemonic() const { return d.insn.mnemonic; }
  std::string name() const { return ZydisMnemonicGetString(d.insn.mnemonic); }
  bool both(Vector v) const { return silicon_is(v) && interp_is(v); }
  bool silicon_is(Vector v) const { return silicon.vector == static_cast<int>(v); }
  bool interp_is(Vector v) const { return interp.vector == static_cast<int>(v); }
};

bool is_block(const Context& c) {
  switch (c.mnemonic()) {
    case ZYDIS_MNEMONIC_FNSAVE:
    case ZYDIS_MNEMONIC_FRSTOR:
    case ZYDIS_MNEMONIC_FNSTENV:
    case ZYDIS_MNEMONIC_FLDENV:
    case ZYDIS_MNEMONIC_FXSAVE:
    case ZYDIS_MNEMONIC_FXSAVE64:
    case ZYDIS_MNEMONIC_FXRSTOR:
    case ZYDIS_MNEMONIC_FXRSTOR64:
      return true;
    default:
      return c.d.insn.meta.category == ZYDIS_CATEGORY_XSAVE ||
             c.d.insn.meta.category == ZYDIS_CATEGORY_XSAVEOPT;
  }
}

bool is_masked_store(const Context& c) {
  return c.mnemonic() == ZYDIS_MNEMONIC_MASKMOVQ || c.mnemonic() == ZYDIS_MNEMONIC_MASKMOVDQU ||
         c.mnemonic() == ZYDIS_MNEMONIC_VMASKMOVDQU;
}

bool block_fault(const Context& c) { return is_block(c) && c.both(Vector::PF); }
/// The page fault is in the legacy region or the header, which the components asked for leave
/// alone.
bool legacy_region_fault(const Context& c) {
  return is_block(c) && c.silicon_is(Vector::PF) && !c.interp_is(Vector::PF) &&
         c.silicon.cr2 - operand_address(c.d, c.in) < kYmmHigh;
}
bool masked_store_fault(const Context& c) { return is_masked_store(c) && c.silicon_is(Vector::PF); }
bool gather_fault(const Context& c) {
  return c.d.insn.meta.category == ZYDIS_CATEGORY_AVX2GATHER && c.silicon.vector >= 0 &&
         c.interp.vector == c.silicon.vector;
}
bool popa_fault(const Context& c) {
  return (c.mnemonic() == ZYDIS_MNEMONIC_POPA || c.mnemonic() == ZYDIS_MNEMONIC_POPAD) &&
         c.both(Vector::PF);
}
bool call_order(const Context& c) {
  return c.mnemonic() == ZYDIS_MNEMONIC_CALL && c.interp_is(Vector::GP) &&
         (c.silicon_is(Vector::PF) || c.silicon_is(Vector::SS));
}
bool sha_alignment(const Context& c) {
  return c.d.insn.meta.isa_set == ZYDIS_ISA_SET_SHA && c.interp_is(Vector::GP) &&
         operand_address(c.d, c.in) % 16 != 0;
}
bool mmx_convert_fault(const Context& c) {
  const std::string name = c.name();
  return c.both(Vector::XM) && name.starts_with("cvt") && name.find("pi") != std::string::npos;
}
/// OE or UE raised and unmasked.
bool unmasked_simd(const Context& c) {
  const u32 mxcsr = load<u32>(c.silicon.regs.fpu + kMxcsr);
  return c.both(Vector::XM) && (mxcsr & ~(mxcsr >> 7) & 0x18);
}
bool dot_product_fault(const Context& c) {
  const std::string name = c.name();
  return c.both(Vector::XM) && name.find("dpp") != std::string::npos;
}
bool wraps_4g(const Context& c) {
  return c.d.insn.machine_mode != ZYDIS_MACHINE_MODE_LONG_64 &&
         (c.silicon_is(Vector::SS) || c.silicon_is(Vector::GP)) && c.interp_is(Vector::PF) &&
         c.interp.cr2 >= 0xFFFFFF00;
}
/// MM of MXCSR was loaded.
bool loads_mm(const Context& c) {
  return c.interp_is(Vector::GP) && c.silicon.vector == Outcome::kNoFault &&
         (load<u32>(c.silicon.regs.fpu + kMxcsr) & 0x20000);
}
bool host_memory(const Context& c) {
  return c.both(Vector::PF) && c.silicon.cr2 == c.interp.cr2 && c.silicon.cr2 >> 32 != 0;
}
bool saves_mxcsr_mask(const Context& c) { return is_block(c); }

struct Tolerance {
  bool (*holds)(const Context&);
  u32 relax;
  const char* reason;
};

constexpr Tolerance kTolerances[] = {
#define TOLERATE(condition, relax, reason) {condition, relax, reason},
#include "tests/silicon/tolerances.def"
#undef TOLERATE
};

}  // namespace

void tolerate(Undefined& u, const Decode& d, const Registers& in, const Outcome& silicon,
              const Outcome& interp) {
  const Context context{d, in, silicon, interp};
  for (const Tolerance& t : kTolerances) {
    if (!t.holds(context)) continue;
    u.relax |= t.relax;
    u.reason = t.reason;
  }
}

}  // namespace ring3::silicon
