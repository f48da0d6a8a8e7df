// SPDX-License-Identifier: MIT
// JMP and CALL through call gates, task gates and TSS descriptors (SDM 3A "Accessing a Code Segment
// Through a Call Gate", 2A "CALL", "JMP").
#include "core/far.h"
#include "core/segment_loads.h"
#include "core/stack_cursor.h"

namespace ring3 {

namespace {

enum SystemType : u8 { kTss16 = 1, kCallGate16 = 4, kTaskGate = 5, kTss32 = 9, kCallGate32 = 12 };

bool is_call_gate(const Cpu& cpu, const Descriptor& d) {
  // In IA-32e mode type 12 is the 64-bit call gate, and the only one.
  return d.type() == kCallGate32 || (d.type() == kCallGate16 && !cpu.state.long_mode());
}

// DPL of a gate or TSS must be at least CPL and RPL, else #GP(selector); present, else #NP.
void check_access(const Cpu& cpu, Selector sel, const Descriptor& d) {
  require(d.dpl() >= cpu.state.cpl && d.dpl() >= sel.rpl(), GP(sel));
}

struct GateTarget {
  Selector selector;
  Descriptor code;
  u64 rip;
  unsigned size;        ///< of a pushed item
  unsigned parameters;  ///< items copied to the inner stack
};

GateTarget open_gate(Cpu& cpu, Selector sel, const Descriptor& gate) {
  check_access(cpu, sel, gate);
  const bool long_mode = cpu.state.long_mode();
  if (long_mode) require(bits(gate.high, 44, 40) == 0, GP(sel));
  require(gate.present(), NP(sel));
  const Selector cs = gate.gate_selector();
  require(!cs.null(), GP(u16{0}));
  Descriptor code = read_descriptor(cpu, cs, GP);
  require(code.is_code() && code.dpl() <= cpu.state.cpl, GP(cs));
  if (long_mode) require(code.l() && !code.db(), GP(cs));  // 64-bit code only
  require(code.present(), NP(cs));
  const unsigned size = long_mode ? 8 : gate.type() == kCallGate32 ? 4 : 2;
  const unsigned parameters = long_mode ? 0 : static_cast<unsigned>(bits(gate.low, 36, 32));
  return {cs, code, gate.gate_offset(), size, parameters};
}

void call_same_level(Cpu& cpu, GateTarget& t) {
  CpuState& st = cpu.state;
  StackCursor stack(cpu);
  stack.reserve(2 * t.size);
  check_target(cpu, t.code, t.rip);
  set_accessed(cpu, t.code);
  stack.push(st.seg[kCs].selector, t.size);
  stack.push(st.rip(), t.size);
  st.gpr[kRsp] = stack.rsp();
  enter_code(cpu, t.selector, t.code, st.cpl, t.rip);
}

Segment inner_ss(Cpu& cpu, const StackPointer& sp, u8 level) {
  if (cpu.state.long_mode()) {
    Segment s = null_segment({level});
    s.dpl = level;
    return s;
  }
  require(!sp.ss.null(), TS(u16{0}));
  return checked_stack_segment(cpu, sp.ss, level, TS);
}

void copy_parameters(Cpu& cpu, const GateTarget& t, StackCursor& stack) {
  u64 values[31];
  StackCursor old(cpu);
  for (unsigned n = 0; n < t.parameters; ++n) values[n] = old.pop(t.size);
  for (unsigned n = t.parameters; n-- > 0;) stack.push(values[n], t.size);
}

void call_inner_level(Cpu& cpu, GateTarget& t) {
  CpuState& st = cpu.state;
  const u8 level = t.code.dpl();
  const StackPointer sp = tss_stack(cpu, level, TS);
  const Segment ss = inner_ss(cpu, sp, level);
  const unsigned width = st.long_mode() ? 8 : ss.db ? 4 : 2;
  StackCursor stack(cpu, ss, sp.rsp, width, level, SS(Selector{ss.selector}));
  stack.reserve((4 + t.parameters) * t.size);
  check_target(cpu, t.code, t.rip);
  set_accessed(cpu, t.code);
  stack.push(st.seg[kSs].selector, t.size);
  stack.push(st.gpr[kRsp], t.size);
  copy_parameters(cpu, t, stack);
  stack.push(st.seg[kCs].selector, t.size);
  stack.push(st.rip(), t.size);
  st.seg[kSs] = ss;
  st.gpr[kRsp] = stack.rsp();
  enter_code(cpu, t.selector, t.code, level, t.rip);
}

// A TSS or task gate: to another task. Not in IA-32e mode.
void to_task(Cpu& cpu, Selector sel, const Descriptor& d, TaskCause cause) {
  require(!cpu.state.long_mode(), GP(sel));
  const bool gate = d.type() == kTaskGate;
  require(gate || d.type() == kTss16 || d.type() == kTss32, GP(sel));
  check_access(cpu, sel, d);
  if (gate) require(d.present(), NP(sel));
  switch_task(cpu, gate ? d.gate_selector() : sel, cause, std::nullopt, cpu.state.rip());
}

}  // namespace

void jump_system(Cpu& cpu, Selector sel, const Descriptor& d) {
  if (!is_call_gate(cpu, d)) return to_task(cpu, sel, d, TaskCause::Jump);
  GateTarget t = open_gate(cpu, sel, d);
  // JMP does not change CPL: nonconforming code must have DPL = CPL.
  if (!t.code.is_conforming()) require(t.code.dpl() == cpu.state.cpl, GP(t.selector));
  check_target(cpu, t.code, t.rip);
  set_accessed(cpu, t.code);
  enter_code(cpu, t.selector, t.code, cpu.state.cpl, t.rip);
}

void call_system(Cpu& cpu, Selector sel, const Descriptor& d) {
  if (!is_call_gate(cpu, d)) return to_task(cpu, sel, d, TaskCause::Call);
  GateTarget t = open_gate(cpu, sel, d);
  if (!t.code.is_conforming() && t.code.dpl() < cpu.state.cpl) {
    call_inner_level(cpu, t);
  } else {
    call_same_level(cpu, t);
  }
}

}  // namespace ring3
