// SPDX-License-Identifier: MIT
// Interrupt and exception delivery in IA-32e mode (SDM 3A "Exception and Interrupt Handling in
// 64-bit Mode").
#include "core/delivery.h"
#include "core/segment_loads.h"
#include "core/stack_cursor.h"

namespace ring3 {

namespace {

constexpr u8 kInterrupt64 = 14, kTrap64 = 15;

Descriptor read_gate(Cpu& cpu, const Delivery& d) {
  const u64 offset = d.vector * 16u;
  require(offset + 15 <= cpu.state.idtr.limit, GP(d.idt_error()));
  const u64 at = cpu.state.idtr.base + offset;
  Descriptor gate{.low = cpu.read_system<u64>(at)};
  gate.high = cpu.read_system<u64>(at + 8);
  const bool known = !gate.s() && (gate.type() == kInterrupt64 || gate.type() == kTrap64);
  require(known && bits(gate.high, 44, 40) == 0, GP(d.idt_error()));
  if (d.software()) require(gate.dpl() >= cpu.state.cpl, GP(d.idt_error()));
  require(gate.present(), NP(d.idt_error()));
  return gate;
}

struct Level {
  u8 cpl;
  u64 rsp;
};

// IST if the gate names one; the TSS stack of the new level on a privilege change; else this one.
Level handler_stack(Cpu& cpu, const Descriptor& gate, const Descriptor& code) {
  const CpuState& st = cpu.state;
  const bool inner = !code.is_conforming() && code.dpl() < st.cpl;
  const u8 cpl = inner ? code.dpl() : st.cpl;
  if (const unsigned ist = bits(gate.low, 34, 32)) return {cpl, tss_ist(cpu, ist)};
  if (inner) return {cpl, tss_stack(cpu, cpl, TS).rsp};
  return {cpl, st.gpr[kRsp]};
}

void push_frame(Cpu& cpu, const Delivery& d, StackCursor& stack) {
  const CpuState& st = cpu.state;
  stack.push(st.seg[kSs].selector, 8);
  stack.push(st.gpr[kRsp], 8);
  stack.push(st.rflags | (d.resume ? flag::RF : 0), 8);
  stack.push(st.seg[kCs].selector, 8);
  stack.push(d.return_rip, 8);
  if (d.error) stack.push(*d.error, 8);
}

}  // namespace

void deliver_long(Cpu& cpu, const Delivery& d) {
  CpuState& st = cpu.state;
  const Descriptor gate = read_gate(cpu, d);
  const Selector sel = gate.gate_selector();
  Descriptor code = checked_handler_code(cpu, sel);
  require(code.l() && !code.db(), GP(sel));  // 64-bit code, else #GP(selector).
  if (!code.is_conforming()) require(code.dpl() <= st.cpl, GP(sel));
  const Level level = handler_stack(cpu, gate, code);
  const u64 target = gate.gate_offset();
  // The stack is aligned to 16 bytes; it must be canonical, else #SS; so must the target, else #GP.
  StackCursor stack(cpu, st.seg[kSs], level.rsp & ~u64{15}, 8, level.cpl, SS(u16{0}));
  stack.reserve(d.error ? 48 : 40);
  require(cpu.canonical(target), GP(u16{0}));
  set_accessed(cpu, code);
  push_frame(cpu, d, stack);
  st.gpr[kRsp] = stack.rsp();
  if (level.cpl != st.cpl) {
    // SS becomes null with RPL = new CPL.
    st.seg[kSs] = null_segment({level.cpl});
    st.seg[kSs].dpl = level.cpl;
  }
  st.rflags = handler_flags(st.rflags, gate.type() == kInterrupt64);
  enter_code(cpu, sel, code, level.cpl, target);
}

}  // namespace ring3
