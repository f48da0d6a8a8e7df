// SPDX-License-Identifier: MIT
// Values are drawn first, then the registers that form addresses are overwritten so that the
// address is the wanted one.
#include "tests/silicon/operands.h"

#include <algorithm>

#include "core/cpu_state.h"
#include "tests/silicon/fpu_values.h"
#include "tests/silicon/undefined.h"

namespace ring3::silicon {
namespace {

bool is_memory(const ZydisDecodedOperand& op) { return op.type == ZYDIS_OPERAND_TYPE_MEMORY; }

int gpr_of(ZydisRegister reg) {
  switch (ZydisRegisterGetClass(reg)) {
    case ZYDIS_REGCLASS_GPR8:
    case ZYDIS_REGCLASS_GPR16:
    case ZYDIS_REGCLASS_GPR32:
    case ZYDIS_REGCLASS_GPR64:
      return ZydisRegisterGetId(ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, reg));
    default:
      return -1;
  }
}

/// Where an operand of `size` bytes should lie.
u64 pick_target(Rng& rng, unsigned size) {
  size = std::clamp(size, 1u, 1024u);
  switch (below(rng, 40)) {
    case 0:
      return kData + kPageSize - below(rng, size + 1);  // across two writable pages
    case 1:
      return kReadOnly - below(rng, size + 1);  // into the read-only page
    case 2:
      return kReadOnly + below(rng, kPageSize - size);
    case 3:
      return kData + kDataBytes - below(rng, size + 1);  // past the end
    case 4:
      return kData - below(rng, size + 1);  // before the start
    case 5:
      return kData - kPageSize + below(rng, kPageSize);  // missing
    case 6:
    case 7:
    case 8:
    case 9:
      return kData + 0x400 + below(rng, 0x1400);  // any alignment
    default:
      return kData + 0x400 + (below(rng, 0x1400) & ~u64{63});
  }
}

/// Sets the address registers of memory operands.
class Aim {
 public:
  Aim(Case& c, const Decode& d, Rng& rng) : c_(c), d_(d), rng_(rng) {}

  void all() {
    for (const auto& op : d_.all())
      if (is_memory(op)) operand(op);
  }

 private:
  u64& reg(int n) { return c_.regs.gpr[n]; }
  u64 mask() const { return low_mask(d_.insn.address_width); }

  void operand(const ZydisDecodedOperand& op) {
    u64 target = pick_target(rng_, op.size / 8);
    if (op.mem.segment == ZYDIS_REGISTER_GS) target -= kGsBase;
    const u64 disp = static_cast<u64>(op.mem.disp.value);
    if (op.mem.type == ZYDIS_MEMOP_TYPE_VSIB) vector_index(op);
    const int base = gpr_of(op.mem.base), index = gpr_of(op.mem.index);
    if (index >= 0 && index != base) {
      const u64 value = small_index(op, index);
      if (base >= 0) return set(base, target - disp - value * op.mem.scale);
      return set(index, (target - disp) / std::max<u64>(op.mem.scale, 1));
    }
    if (base < 0) return;
    const u64 parts = index == base ? 1 + op.mem.scale : 1;
    set(base, (target - disp) / parts);
  }
  /// XLAT's index is AL and keeps its value.
  u64 small_index(const ZydisDecodedOperand& op, int index) {
    if (op.mem.index == ZYDIS_REGISTER_AL) return reg(index) & 0xFF;
    const bool stack = index == kRsp;
    const u64 value = stack ? reg(index) : (below(rng_, 0x80) - 0x40);
    reg(index) = value & mask();
    return reg(index);
  }
  /// Bits above the address size are free in 64-bit mode.
  void set(int n, u64 value) {
    const u64 above = c_.mode == Mode::Long64 ? rng_() & ~mask() : 0;
    reg(n) = (value & mask()) | above;
  }
  void vector_index(const ZydisDecodedOperand& op) {
    const auto n = static_cast<size_t>(ZydisRegisterGetId(op.mem.index));
    const std::string name = ZydisMnemonicGetString(d_.insn.mnemonic);
    const bool qwords = name.find("gatherq") != std::string::npos;
    for (size_t lane = 0; lane < 8; ++lane) {
      const u64 value = below(rng_, 0x100) - 0x80;
      u8* at =
          c_.regs.fpu + (lane < 4 ? kXmm + 16 * n + 4 * lane : kYmmHigh + 16 * n + 4 * (lane - 4));
      if (!qwords) store<u32>(at, static_cast<u32>(value));
      if (qwords && lane % 2 == 0) store<u64>(at, value);
    }
  }

  Case& c_;
  const Decode& d_;
  Rng& rng_;
};

/// REP counts: none, few, and now and then enough to run into a missing page.
void set_count(Case& c, const Decode& d, Rng& rng) {
  const bool rep =
      d.insn.attributes & (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE | ZYDIS_ATTRIB_HAS_REPNE);
  if (!rep) return;
  const u64 count = one_in(rng, 8)   ? below(rng, 9000)
                    : one_in(rng, 4) ? below(rng, 2)
                                     : below(rng, 40);
  const u64 keep = c.mode == Mode::Long64 ? ~low_mask(d.insn.address_width) & rng() : 0;
  c.regs.gpr[kRcx] = keep | count;
}

/// A bit offset in a register reaches memory far from the operand: mostly keep it in the arena.
void set_bit_offset(Case& c, const Decode& d, Rng& rng) {
  switch (d.insn.mnemonic) {
    case ZYDIS_MNEMONIC_BT:
    case ZYDIS_MNEMONIC_BTC:
    case ZYDIS_MNEMONIC_BTR:
    case ZYDIS_MNEMONIC_BTS:
      break;
    default:
      return;
  }
  if (!is_memory(d.operands[0]) || d.operands[1].type != ZYDIS_OPERAND_TYPE_REGISTER) return;
  if (one_in(rng, 16)) return;
  const u64 value = below(rng, 0x4000) - 0x2000;
  const u64 mask = c.mode == Mode::Long64 ? ~u64{0} : 0xFFFFFFFF;
  c.regs.gpr[gpr_of(d.operands[1].reg.value)] = value & mask;
}

/// Branches through registers and memory go to the code pages, clear of the instruction.
u64 code_address(Rng& rng) {
  const u64 at = kCode + 8 + below(rng, kCodeBytes - 16);
  return at >= kInsnAt - 1 && at < kInsnAt + 16 ? at + 17 : at;
}

bool branches(const Decode& d) {
  switch (d.insn.meta.category) {
    case ZYDIS_CATEGORY_CALL:
    case ZYDIS_CATEGORY_RET:
    case ZYDIS_CATEGORY_UNCOND_BR:
      return true;
    default:
      return false;
  }
}

bool saves_or_restores(const Decode& d) {
  return d.insn.meta.category == ZYDIS_CATEGORY_XSAVE ||
         d.insn.meta.category == ZYDIS_CATEGORY_XSAVEOPT;
}

/// Images to restore from must be mostly valid: header, MXCSR. The components asked for are those
/// that the guest has too.
void shape_image(Case& c, const Decode& d, Rng& rng) {
  const bool xsave = saves_or_restores(d);
  if (xsave) {
    c.regs.gpr[kRax] &= 7;
    c.regs.gpr[kRdx] = 0;
  }
  const bool fx =
      d.insn.mnemonic == ZYDIS_MNEMONIC_FXRSTOR || d.insn.mnemonic == ZYDIS_MNEMONIC_FXRSTOR64;
  const u64 at = operand_address(d, c.regs) - kData;
  if ((!xsave && !fx) || one_in(rng, 8) || at > kDataBytes - kFpuBytes) return;
  u8* image = c.data.data() + at;
  store<u32>(image + kMxcsr, static_cast<u32>(rng() & 0xFFFF));
  if (fx) return;
  std::memset(image + kXstateBv, 0, 64);
  store<u64>(image + kXstateBv, rng() & 7);
}

void fill_data(Case& c, bool code_pointers, Rng& rng) {
  static const DataImage background = [] {
    DataImage image;
    Rng fixed(1);
    for (size_t i = 0; i < image.size(); i += 8) store<u64>(image.data() + i, interesting(fixed));
    return image;
  }();
  c.data = background;
  const u64 fresh = 0x200;  // around every target that this case can have, new values
  for (const int n : {kRax, kRcx, kRdx, kRbx, kRsp, kRbp, kRsi, kRdi, kR8, kR9, kR10, kR11, kR12,
                      kR13, kR14, kR15}) {
    const u64 at = (c.regs.gpr[n] & 0xFFFFFFFF) - fresh / 2;
    if (at < kData || at > kData + kDataBytes - fresh) continue;
    const u8 run = static_cast<u8>(rng());
    for (u64 i = 0; i < fresh; i += 8) {
      const u64 value = code_pointers ? code_address(rng) : interesting_lane(rng);
      store<u64>(c.data.data() + (at - kData + i) / 8 * 8, value);
    }
    if (one_in(rng, 3)) std::memset(c.data.data() + (at - kData), run, fresh);
  }
}

}  // namespace

u64 interesting(Rng& rng) {
  static constexpr u64 corners[] = {0,
                                    1,
                                    2,
                                    0x7F,
                                    0x80,
                                    0xFF,
                                    0x7FFF,
                                    0x8000,
                                    0xFFFF,
                                    0x7FFFFFFF,
                                    0x80000000,
                                    0xFFFFFFFF,
                                    0x100000000,
                                    0x7FFFFFFFFFFFFFFF,
                                    0x8000000000000000,
                                    ~u64{0},
                                    0x5555555555555555,
                                    0xAAAAAAAAAAAAAAAA,
                                    0x0F,
                                    0x10,
                                    0x1F,
                                    0x20,
                                    0x3F,
                                    0x40};
  switch (below(rng, 8)) {
    case 0:
    case 1:
      return corners[below(rng, std::size(corners))];
    case 2:
      return below(rng, 256);
    case 3:
      return bit(below(rng, 64)) + below(rng, 3) - 1;
    case 4:
      return sign_extend<u32>(static_cast<u32>(rng()));
    case 5:
      return rng() >> below(rng, 64);
    default:
      return rng();
  }
}

Case make_case(Mode mode, std::span<const u8> bytes, u64 seed) {
  Case c;
  c.mode = mode;
  c.bytes.assign(bytes.begin(), bytes.end());
  c.seed = seed;
  Rng rng(seed);
  Decode d;
  if (!decode(mode, bytes, d)) return c;
  const u64 mask = mode == Mode::Long64 ? ~u64{0} : 0xFFFFFFFF;
  for (u64& r : c.regs.gpr) r = interesting(rng) & mask;
  if (mode == Mode::Compat32) std::fill(c.regs.gpr + 8, c.regs.gpr + 16, 0);
  c.regs.rip = kInsnAt;
  c.regs.rflags = flag::kFixed | flag::IF | (rng() & (flag::kArith | flag::DF));
  fill_fpu(c.regs.fpu, d, rng);
  if (branches(d) && d.operands[0].type == ZYDIS_OPERAND_TYPE_REGISTER && !one_in(rng, 16))
    for (u64& r : c.regs.gpr) r = code_address(rng);
  if (mode == Mode::Compat32) std::fill(c.regs.gpr + 8, c.regs.gpr + 16, 0);
  set_bit_offset(c, d, rng);
  Aim(c, d, rng).all();
  set_count(c, d, rng);
  fill_data(c, branches(d), rng);
  shape_image(c, d, rng);
  return c;
}

}  // namespace ring3::silicon
