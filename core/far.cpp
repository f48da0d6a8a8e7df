// SPDX-License-Identifier: MIT
// Far JMP, CALL and RET (SDM 2A "CALL", "JMP", 2B "RET"). Gates and task switches: far_gates.cpp.
#include "core/far.h"

#include "core/segment_loads.h"
#include "core/stack_cursor.h"

namespace ring3 {

namespace {

FarPointer pointer_operand(Cpu& cpu, const Insn& i) {
  if (i.kinds[0] != Kind::Mem) return {{i.imm2}, i.imm & low_mask(i.operand_width * 8u)};
  const Seg seg = static_cast<Seg>(i.segment);
  const u64 at = cpu.effective_address(i);
  const u64 selector_at = (at + i.operand_width) & low_mask(i.address_width * 8u);
  const u64 offset = i.operand_width == 8   ? cpu.read<u64>(seg, at)
                     : i.operand_width == 4 ? cpu.read<u32>(seg, at)
                                            : cpu.read<u16>(seg, at);
  return {{cpu.read<u16>(seg, selector_at)}, offset};
}

// Real and virtual-8086 mode: the offset lies within the limit that CS will have.
void check_real_target(const CpuState& st, u64 rip) {
  const u64 limit = st.has(flag::VM) ? 0xFFFF : st.seg[kCs].limit;
  require(rip <= limit, GP(u16{0}));
}

void enter_real_code(Cpu& cpu, Selector sel, u64 rip) {
  load_real_segment(cpu, kCs, sel.value);
  cpu.state.rip() = rip;
  cpu.update_mode();
}

// A code segment that JMP or CALL names directly.
Descriptor checked_direct_code(Cpu& cpu, Selector sel, Descriptor d) {
  const u8 cpl = cpu.state.cpl;
  if (d.is_conforming()) {
    require(d.dpl() <= cpl, GP(sel));  // DPL must not exceed CPL, else #GP(selector).
  } else {
    // RPL must not exceed CPL and DPL must equal CPL, else #GP(selector).
    require(sel.rpl() <= cpl && d.dpl() == cpl, GP(sel));
  }
  require(d.present(), NP(sel));
  // In IA-32e mode L and D may not both be set.
  if (cpu.state.long_mode()) require(!(d.l() && d.db()), GP(sel));
  return d;
}

// Null and out of the table: #GP; a data segment: #GP(selector).
Descriptor target_descriptor(Cpu& cpu, Selector sel) {
  require(!sel.null(), GP(u16{0}));
  const Descriptor d = read_descriptor(cpu, sel, GP);
  require(!d.is_data(), GP(sel));
  return d;
}

void return_to_same_level(Cpu& cpu, Selector sel, Descriptor code, u64 rip, StackCursor& stack,
                          const Insn& i) {
  check_target(cpu, code, rip);
  set_accessed(cpu, code);
  stack.skip(static_cast<u16>(i.imm));
  cpu.state.gpr[kRsp] = stack.rsp();
  enter_code(cpu, sel, code, cpu.state.cpl, rip);
}

void return_to_outer_level(Cpu& cpu, Selector sel, Descriptor code, u64 rip, StackCursor& stack,
                           const Insn& i) {
  CpuState& st = cpu.state;
  const u8 cpl = sel.rpl();
  const unsigned size = i.operand_width;
  stack.skip(static_cast<u16>(i.imm));
  const u64 rsp = stack.pop(size);
  const Selector ss{static_cast<u16>(stack.pop(size))};
  const bool long64 = st.long_mode() && code.l();
  const Segment new_ss = checked_return_stack(cpu, ss, cpl, long64);
  check_target(cpu, code, rip);
  set_accessed(cpu, code);
  st.seg[kSs] = new_ss;
  enter_code(cpu, sel, code, cpl, rip);
  // The released parameters are dropped from the outer stack too.
  const u64 mask = low_mask(st.stack_bytes * 8u);
  const u64 kept = st.stack_bytes == 2 ? st.gpr[kRsp] & ~mask : 0;
  st.gpr[kRsp] = kept | ((rsp + static_cast<u16>(i.imm)) & mask);
  drop_inner_segments(cpu);
}

}  // namespace

Descriptor checked_return_code(Cpu& cpu, Selector sel) {
  require(!sel.null(), GP(u16{0}));
  const Descriptor d = read_descriptor(cpu, sel, GP);
  require(d.is_code(), GP(sel));
  require(sel.rpl() >= cpu.state.cpl, GP(sel));  // RPL must not be below CPL.
  // Conforming: DPL <= RPL. Nonconforming: DPL = RPL. Else #GP(selector).
  require(d.is_conforming() ? d.dpl() <= sel.rpl() : d.dpl() == sel.rpl(), GP(sel));
  require(d.present(), NP(sel));
  if (cpu.state.long_mode()) require(!(d.l() && d.db()), GP(sel));
  return d;
}

Segment checked_return_stack(Cpu& cpu, Selector sel, u8 cpl, bool to_long64) {
  if (!sel.null()) return checked_stack_segment(cpu, sel, cpl, GP);
  require(to_long64 && cpl < 3 && sel.rpl() == cpl, GP(u16{0}));
  Segment s = null_segment(sel);
  s.dpl = cpl;
  return s;
}

void jmp_far(Cpu& cpu, const Insn& i) {
  cpu.exits.add(ExitReason::FarTransfer);
  const FarPointer p = pointer_operand(cpu, i);
  if (!cpu.state.protected_mode()) {
    check_real_target(cpu.state, p.offset);
    return enter_real_code(cpu, p.selector, p.offset);
  }
  Descriptor d = target_descriptor(cpu, p.selector);
  if (!d.s()) return jump_system(cpu, p.selector, d);
  d = checked_direct_code(cpu, p.selector, d);
  check_target(cpu, d, p.offset);
  set_accessed(cpu, d);
  enter_code(cpu, p.selector, d, cpu.state.cpl, p.offset);
}

void call_far(Cpu& cpu, const Insn& i) {
  cpu.exits.add(ExitReason::FarTransfer);
  CpuState& st = cpu.state;
  const FarPointer p = pointer_operand(cpu, i);
  const bool real = !st.protected_mode();
  Descriptor d;
  if (!real) {
    d = target_descriptor(cpu, p.selector);
    if (!d.s()) return call_system(cpu, p.selector, d);
    d = checked_direct_code(cpu, p.selector, d);
  }
  StackCursor stack(cpu);
  stack.reserve(2u * i.operand_width);
  if (real) {
    check_real_target(st, p.offset);
  } else {
    check_target(cpu, d, p.offset);
    set_accessed(cpu, d);
  }
  stack.push(st.seg[kCs].selector, i.operand_width);
  stack.push(st.rip(), i.operand_width);
  st.gpr[kRsp] = stack.rsp();
  if (real) return enter_real_code(cpu, p.selector, p.offset);
  enter_code(cpu, p.selector, d, st.cpl, p.offset);
}

void ret_far(Cpu& cpu, const Insn& i) {
  cpu.exits.add(ExitReason::FarTransfer);
  StackCursor stack(cpu);
  const u64 rip = stack.pop(i.operand_width);
  const Selector sel{static_cast<u16>(stack.pop(i.operand_width))};
  if (!cpu.state.protected_mode()) {
    check_real_target(cpu.state, rip);
    stack.skip(static_cast<u16>(i.imm));
    cpu.state.gpr[kRsp] = stack.rsp();
    return enter_real_code(cpu, sel, rip);
  }
  const Descriptor code = checked_return_code(cpu, sel);
  if (sel.rpl() == cpu.state.cpl) return return_to_same_level(cpu, sel, code, rip, stack, i);
  return_to_outer_level(cpu, sel, code, rip, stack, i);
}

}  // namespace ring3
