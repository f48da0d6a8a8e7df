// SPDX-License-Identifier: MIT
// Instructions on IF, IOPL, VIF and AC: CLI, STI, PUSHF, POPF, CLAC, STAC (SDM 2A, 2B; 3B
// "Virtual-8086 Mode", "Protected-Mode Virtual Interrupts").
#include "core/feature_bits.h"
#include "core/stack.h"
#include "core/system_ops.h"

namespace ring3 {

namespace {

/// What CLI and STI act on.
enum class Target : u8 { If, Vif, None };

Target interrupt_flag(const CpuState& st) {
  if (st.cpl <= st.iopl()) return Target::If;  // real mode: CPL 0
  const bool v86 = st.has(flag::VM);
  if (v86 ? st.cr4 & cr4::VME : st.cpl == 3 && (st.cr4 & cr4::PVI)) return Target::Vif;
  return Target::None;
}

// Virtual-8086 mode with IOPL < 3: a 16-bit PUSHF or POPF with VME works on VIF, else #GP(0).
bool uses_vif(const CpuState& st, const Insn& i) {
  if (!st.has(flag::VM) || st.iopl() == 3) return false;
  require((st.cr4 & cr4::VME) && i.operand_width == 2, GP(u16{0}));
  return true;
}

u64 peek_image(Cpu& cpu, unsigned size) {
  switch (size) {
    case 2:
      return peek<u16>(cpu);
    case 4:
      return peek<u32>(cpu);
    default:
      return peek<u64>(cpu);
  }
}

constexpr u64 kAnyLevel = flag::kArith | flag::TF | flag::DF | flag::NT | flag::AC | flag::ID;

u64 popf_mask(const CpuState& st) {
  u64 mask = kAnyLevel;
  if (st.cpl <= st.iopl()) mask |= flag::IF;
  if (st.cpl == 0) mask |= flag::IOPL;
  return mask;
}

u64 virtual_popf(const CpuState& st, u64 image) {
  // A pending virtual interrupt that would be enabled, or TF, is #GP(0).
  require(!((image & flag::IF) && st.has(flag::VIP)), GP(u16{0}));
  require(!(image & flag::TF), GP(u16{0}));
  const u64 mask = kAnyLevel & 0xFFFF & ~flag::TF;
  const u64 rflags = (st.rflags & ~(mask | flag::VIF | flag::TF)) | (image & mask);
  return image & flag::IF ? rflags | flag::VIF : rflags;
}

void require_smap(const Cpu& cpu) {
  require(has(cpu.model, feature::SMAP) && cpu.state.cpl == 0, UD());
}

}  // namespace

void cli(Cpu& cpu, const Insn&) {
  cpu.exits.add(ExitReason::FlagsIf);
  CpuState& st = cpu.state;
  const Target target = interrupt_flag(st);
  require(target != Target::None, GP(u16{0}));
  st.rflags &= ~(target == Target::If ? flag::IF : flag::VIF);
}

void sti(Cpu& cpu, const Insn& i) {
  cpu.exits.add(ExitReason::FlagsIf);
  CpuState& st = cpu.state;
  const Target target = interrupt_flag(st);
  require(target != Target::None, GP(u16{0}));
  if (target == Target::Vif) {
    require(!st.has(flag::VIP), GP(u16{0}));  // a virtual interrupt waits: #GP(0).
    st.rflags |= flag::VIF;
    return;
  }
  if (st.has(flag::IF)) return;
  st.rflags |= flag::IF;
  if (i.joined) return;              // nothing is taken before the block's end
  st.shadow = CpuState::kStiShadow;  // one more instruction runs first
  cpu.update_flags_mode();
}

void pushf(Cpu& cpu, const Insn& i) {
  cpu.exits.add(ExitReason::Popf);
  CpuState& st = cpu.state;
  u64 image = st.rflags & ~(flag::VM | flag::RF);
  if (uses_vif(st, i)) {
    image = (image & ~flag::IF) | flag::IOPL;
    if (st.has(flag::VIF)) image |= flag::IF;
  }
  switch (i.operand_width) {
    case 2:
      return push<u16>(cpu, static_cast<u16>(image));
    case 4:
      return push<u32>(cpu, static_cast<u32>(image));
    default:
      return push<u64>(cpu, image);
  }
}

void popf(Cpu& cpu, const Insn& i) {
  cpu.exits.add(ExitReason::Popf);
  CpuState& st = cpu.state;
  const bool virtual_if = uses_vif(st, i);
  const u64 image = peek_image(cpu, i.operand_width);
  u64 rflags;
  if (virtual_if) {
    rflags = virtual_popf(st, image);
  } else {
    const u64 mask = popf_mask(st) & low_mask(i.operand_width * 8u);
    rflags = (st.rflags & ~(mask | flag::RF)) | (image & mask);
  }
  drop(cpu, i.operand_width);
  cpu.set_rflags(rflags);
}

void clac(Cpu& cpu, const Insn&) {
  require_smap(cpu);
  cpu.set_rflags(cpu.state.rflags & ~flag::AC);
}

void stac(Cpu& cpu, const Insn&) {
  require_smap(cpu);
  cpu.set_rflags(cpu.state.rflags | flag::AC);
}

}  // namespace ring3
