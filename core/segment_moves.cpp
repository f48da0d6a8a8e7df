// SPDX-License-Identifier: MIT
// Instructions on segment registers and selectors: MOV, PUSH, POP, LDS and its kin (SDM 2A, 2B),
// LAR, LSL, VERR, VERW, ARPL (SDM 3A "Pointer Validation").
#include "core/alu.h"
#include "core/debug.h"
#include "core/handlers.h"
#include "core/operands.h"
#include "core/stack_cursor.h"
#include "core/system.h"
#include "core/system_moves.h"

namespace ring3 {

namespace {

// Interrupts and debug traps wait until the instruction after a load of SS has run.
void shadow_after_ss(Cpu& cpu, Seg seg) {
  if (seg != kSs) return;
  cpu.state.shadow = CpuState::kSsShadow;
  update_trap_signal(cpu);
}

u16 selector_operand(Cpu& cpu, const Insn& i, unsigned n) {
  if (i.kinds[n] == Kind::Mem) return read_mem<u16>(cpu, i);
  return cpu.reg<u16>(n == 0 ? i.dst : i.src);
}

template <Seg seg>
void load_far_pointer_run(Cpu& cpu, const Insn& i) {
  cpu.exits.add(ExitReason::SegmentLoad);
  require(i.kinds[1] == Kind::Mem, UD());
  const Seg from = static_cast<Seg>(i.segment);
  const u64 at = cpu.effective_address(i);
  const u64 selector_at = (at + i.operand_width) & low_mask(i.address_width * 8u);
  const u64 offset = i.operand_width == 8   ? cpu.read<u64>(from, at)
                     : i.operand_width == 4 ? cpu.read<u32>(from, at)
                                            : cpu.read<u16>(from, at);
  load_segment(cpu, seg, {cpu.read<u16>(from, selector_at)});
  switch (i.operand_width) {
    case 2:
      cpu.set_reg<u16>(i.dst, static_cast<u16>(offset));
      break;
    case 4:
      cpu.set_reg<u32>(i.dst, static_cast<u32>(offset));
      break;
    default:
      cpu.set_reg<u64>(i.dst, offset);
  }
}

template <Seg seg>
constexpr Binding load_far_pointer = one<load_far_pointer_run<seg>>;

// The descriptor if it exists and CPL and RPL may see it: conforming code always, else DPL >= both.
std::optional<Descriptor> visible_descriptor(Cpu& cpu, Selector sel) {
  if (sel.null()) return std::nullopt;
  const std::optional<Descriptor> d = find_descriptor(cpu, sel);
  if (!d || d->is_conforming()) return d;
  if (d->dpl() < cpu.state.cpl || d->dpl() < sel.rpl()) return std::nullopt;
  return d;
}

void set_zf(Cpu& cpu, bool value) { set_flags(cpu, flag::ZF, flag_if(value, flag::ZF)); }

// System types that LAR (LSL) knows, one bit each.
constexpr u16 kLarTypes = 0x1A3E, kLarTypesLong = 0x1A04;
constexpr u16 kLslTypes = 0x0A0E, kLslTypesLong = 0x0A04;

bool known_type(const Cpu& cpu, const Descriptor& d, u16 types, u16 long_types) {
  return d.s() || ((cpu.state.long_mode() ? long_types : types) >> d.type() & 1);
}

void set_result(Cpu& cpu, const Insn& i, u32 value) {
  if (i.width == 2) {
    cpu.set_reg<u16>(i.dst, static_cast<u16>(value));
  } else {
    cpu.set_reg<u32>(i.dst, value);
  }
}

void lar_run(Cpu& cpu, const Insn& i) {
  cpu.exits.add(ExitReason::OtherSystem);
  require(cpu.state.protected_mode(), UD());
  const std::optional<Descriptor> d = visible_descriptor(cpu, {selector_operand(cpu, i, 1)});
  const bool ok = d && known_type(cpu, *d, kLarTypes, kLarTypesLong);
  if (ok) set_result(cpu, i, static_cast<u32>(d->low >> 32) & 0x00FFFF00);
  set_zf(cpu, ok);
}

void lsl_run(Cpu& cpu, const Insn& i) {
  cpu.exits.add(ExitReason::OtherSystem);
  require(cpu.state.protected_mode(), UD());
  const std::optional<Descriptor> d = visible_descriptor(cpu, {selector_operand(cpu, i, 1)});
  const bool ok = d && known_type(cpu, *d, kLslTypes, kLslTypesLong);
  if (ok) set_result(cpu, i, d->limit());
  set_zf(cpu, ok);
}

void verr_run(Cpu& cpu, const Insn& i) {
  cpu.exits.add(ExitReason::OtherSystem);
  require(cpu.state.protected_mode(), UD());
  const std::optional<Descriptor> d = visible_descriptor(cpu, {selector_operand(cpu, i, 0)});
  set_zf(cpu, d && (d->is_data() || d->is_readable_code()));
}

void verw_run(Cpu& cpu, const Insn& i) {
  cpu.exits.add(ExitReason::OtherSystem);
  require(cpu.state.protected_mode(), UD());
  const std::optional<Descriptor> d = visible_descriptor(cpu, {selector_operand(cpu, i, 0)});
  set_zf(cpu, d && d->is_writable_data());
}

// Raises the RPL of the destination to that of the source; ZF tells.
void arpl_run(Cpu& cpu, const Insn& i) {
  require(cpu.state.protected_mode(), UD());
  const u16 rpl = cpu.reg<u16>(i.src) & 3;
  const bool memory = i.kinds[0] == Kind::Mem;
  // #GP(0) if the destination is in a non-writable segment, written to or not; the page is touched
  // for writing only if RPL rises, as silicon does.
  if (memory)
    cpu.linear_address<Access::Write>(static_cast<Seg>(i.segment), cpu.effective_address(i), 2);
  const u16 old = memory ? read_mem<u16>(cpu, i) : cpu.reg<u16>(i.dst);
  const bool raised = (old & 3) < rpl;
  const u16 value = static_cast<u16>((old & ~3) | rpl);
  if (raised) memory ? write_mem<u16>(cpu, i, value) : cpu.set_reg<u16>(i.dst, value);
  set_zf(cpu, raised);
}

constexpr Binding lar = one<lar_run>, lsl = one<lsl_run>, verr = one<verr_run>,
                  verw = one<verw_run>, arpl = one<arpl_run>;

constexpr FamilyRow kRows[] = {
#define ROW(m, f, t, h) {ZYDIS_MNEMONIC_##m, h},
#include "decoder/isa/segment.def"
#undef ROW
};

}  // namespace

void mov_to_seg(Cpu& cpu, const Insn& i) {
  cpu.exits.add(ExitReason::SegmentLoad);
  const Seg seg = static_cast<Seg>(i.dst);
  require(seg != kCs && seg <= kGs, UD());
  load_segment(cpu, seg, {selector_operand(cpu, i, 1)});
  shadow_after_ss(cpu, seg);
}

void mov_from_seg(Cpu& cpu, const Insn& i) {
  require(i.src <= kGs, UD());
  const u16 selector = cpu.state.seg[i.src].selector;
  if (i.kinds[0] == Kind::Mem) return write_mem<u16>(cpu, i, selector);
  if (i.width == 2) return cpu.set_reg<u16>(i.dst, selector);
  cpu.set_reg<u64>(i.dst, selector);
}

// Only the selector is stored, in a slot of the operand size (SDM 2B PUSH: recent processors).
void push_seg(Cpu& cpu, const Insn& i) {
  StackCursor stack(cpu);
  stack.skip(u64{2} - i.operand_width);
  stack.push(cpu.state.seg[i.dst].selector, 2);
  cpu.state.gpr[kRsp] = stack.rsp();
}

void pop_seg(Cpu& cpu, const Insn& i) {
  cpu.exits.add(ExitReason::SegmentLoad);
  const Seg seg = static_cast<Seg>(i.dst);
  StackCursor stack(cpu);
  const Selector sel{static_cast<u16>(stack.pop(2))};
  stack.skip(u64{i.operand_width} - 2);
  load_segment(cpu, seg, sel);
  cpu.state.gpr[kRsp] = stack.rsp();
  shadow_after_ss(cpu, seg);
}

FamilyTable segment_family() { return kRows; }

}  // namespace ring3
