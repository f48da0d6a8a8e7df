// SPDX-License-Identifier: MIT
// Interrupt and exception delivery in real and protected mode (SDM 2A "INT n/INTO/INT3/INT1", 3A
// "Interrupt and Exception Handling").
#include "base/log.h"
#include "core/delivery.h"
#include "core/segment_loads.h"
#include "core/stack_cursor.h"

namespace ring3 {

namespace {

enum GateType : u8 {
  kTaskGate = 5,
  kInterrupt16 = 6,
  kTrap16 = 7,
  kInterrupt32 = 14,
  kTrap32 = 15
};

bool is_gate(const Descriptor& g) {
  if (g.s()) return false;
  const u8 t = g.type();
  return t == kTaskGate || t == kInterrupt16 || t == kTrap16 || t == kInterrupt32 || t == kTrap32;
}

Descriptor read_gate(Cpu& cpu, const Delivery& d) {
  const u64 offset = d.vector * 8u;
  require(offset + 7 <= cpu.state.idtr.limit, GP(d.idt_error()));
  Descriptor gate{.low = cpu.read_system<u64>(cpu.state.idtr.base + offset)};
  require(is_gate(gate), GP(d.idt_error()));
  // Software interrupts: DPL of the gate must be at least CPL, else #GP.
  if (d.software()) require(gate.dpl() >= cpu.state.cpl, GP(d.idt_error()));
  require(gate.present(), NP(d.idt_error()));
  return gate;
}

void push_return(StackCursor& stack, const CpuState& st, const Delivery& d, unsigned size) {
  stack.push(st.rflags | (d.resume ? flag::RF : 0), size);
  stack.push(st.seg[kCs].selector, size);
  stack.push(d.return_rip, size);
  if (d.error) stack.push(*d.error, size);
}

struct NewStack {
  Segment ss;
  u64 rsp;
};

// The stack of an inner level from the TSS: null is #TS(0), else the checks are #TS(SS selector).
NewStack inner_stack(Cpu& cpu, u8 level) {
  const StackPointer sp = tss_stack(cpu, level, TS);
  require(!sp.ss.null(), TS(u16{0}));
  return {checked_stack_segment(cpu, sp.ss, level, TS), sp.rsp};
}

void push_virtual8086_segments(StackCursor& stack, const CpuState& st, unsigned size) {
  for (const Seg seg : {kGs, kFs, kDs, kEs}) stack.push(st.seg[seg].selector, size);
}

struct HandlerEntry {
  Descriptor code;
  Selector selector;
  u64 rip;
  unsigned size;  ///< of a pushed item
  u64 rflags;
};

void to_inner_level(Cpu& cpu, const Delivery& d, const HandlerEntry& h) {
  CpuState& st = cpu.state;
  const bool from_v86 = st.has(flag::VM);
  const u8 level = h.code.dpl();
  const NewStack inner = inner_stack(cpu, level);
  StackCursor stack(cpu, inner.ss, inner.rsp, inner.ss.db ? 4 : 2, level,
                    SS(Selector{inner.ss.selector}));
  stack.reserve(((from_v86 ? 9 : 5) + (d.error ? 1 : 0)) * h.size);
  check_target(cpu, h.code, h.rip);
  if (from_v86) push_virtual8086_segments(stack, st, h.size);
  stack.push(st.seg[kSs].selector, h.size);
  stack.push(st.gpr[kRsp], h.size);
  push_return(stack, st, d, h.size);
  if (from_v86)
    for (const Seg seg : {kGs, kFs, kDs, kEs}) st.seg[seg] = null_segment({0});
  st.seg[kSs] = inner.ss;
  st.gpr[kRsp] = stack.rsp();
  st.rflags = h.rflags;
  enter_code(cpu, h.selector, h.code, level, h.rip);
}

void to_same_level(Cpu& cpu, const Delivery& d, const HandlerEntry& h) {
  CpuState& st = cpu.state;
  StackCursor stack(cpu);
  stack.reserve((3 + (d.error ? 1 : 0)) * h.size);
  check_target(cpu, h.code, h.rip);
  push_return(stack, st, d, h.size);
  st.gpr[kRsp] = stack.rsp();
  st.rflags = h.rflags;
  enter_code(cpu, h.selector, h.code, st.cpl, h.rip);
}

// The flags image of a fault, saved in the old TSS, has RF = 1.
void to_handler_task(Cpu& cpu, const Delivery& d, Selector tss) {
  const u64 rflags = cpu.state.rflags;
  if (d.resume) cpu.state.rflags |= flag::RF;
  try {
    switch_task(cpu, tss, TaskCause::Gate, d.error, d.return_rip);
  } catch (const Fault&) {
    cpu.state.rflags = rflags;
    throw;
  }
}

bool has_ext(const Fault& f) {
  return f.vector == Vector::TS || f.vector == Vector::NP || f.vector == Vector::SS ||
         f.vector == Vector::GP;
}

void log_delivery(const Cpu& cpu, const Delivery& d) {
  const CpuState& st = cpu.state;
  RING3_LOG(Int,
            "int {:02x} source {} error {:x} cpl {} cs:rip {:04x}:{:x} ss:rsp {:04x}:{:x} "
            "rax {:x} cr2 {:x}",
            d.vector, static_cast<int>(d.source), d.error.value_or(0), st.cpl, st.seg[kCs].selector,
            d.return_rip, st.seg[kSs].selector, st.gpr[kRsp], st.gpr[kRax], st.cr2);
}

}  // namespace

u64 handler_flags(u64 rflags, bool interrupt_gate) {
  rflags &= ~(flag::TF | flag::NT | flag::RF | flag::VM);
  return interrupt_gate ? rflags & ~flag::IF : rflags;
}

Descriptor checked_handler_code(Cpu& cpu, Selector sel) {
  require(!sel.null(), GP(u16{0}));
  Descriptor code = read_descriptor(cpu, sel, GP);
  // A code segment with DPL <= CPL, else #GP(selector).
  require(code.is_code() && code.dpl() <= cpu.state.cpl, GP(sel));
  require(code.present(), NP(sel));
  return code;
}

void deliver_real(Cpu& cpu, const Delivery& d) {
  CpuState& st = cpu.state;
  const u64 offset = d.vector * 4u;
  require(offset + 3 <= st.idtr.limit, GP(d.idt_error()));
  const u32 target = cpu.read_system<u32>(st.idtr.base + offset);
  StackCursor stack(cpu);
  stack.reserve(6);
  stack.push(st.rflags, 2);
  stack.push(st.seg[kCs].selector, 2);
  stack.push(d.return_rip, 2);
  st.gpr[kRsp] = stack.rsp();
  st.rflags &= ~(flag::IF | flag::TF | flag::AC | flag::RF);
  load_real_segment(cpu, kCs, static_cast<u16>(target >> 16));
  st.rip() = target & 0xFFFF;
  cpu.update_mode();
}

void deliver_protected(Cpu& cpu, const Delivery& d) {
  CpuState& st = cpu.state;
  const Descriptor gate = read_gate(cpu, d);
  const Selector sel = gate.gate_selector();
  if (gate.type() == kTaskGate) return to_handler_task(cpu, d, sel);
  Descriptor code = checked_handler_code(cpu, sel);
  const bool inner = !code.is_conforming() && code.dpl() < st.cpl;
  // From virtual-8086 mode the handler must run at CPL 0, else #GP(selector).
  if (st.has(flag::VM)) require(inner && code.dpl() == 0, GP(sel));
  // A nonconforming handler of the same level, else #GP(selector).
  if (!inner && !code.is_conforming()) require(code.dpl() == st.cpl, GP(sel));
  set_accessed(cpu, code);
  const bool interrupt_gate = (gate.type() & 1) == 0;
  const HandlerEntry entry{code, sel, gate.gate_offset(), gate.type() & 8 ? 4u : 2u,
                           handler_flags(st.rflags, interrupt_gate)};
  if (inner) {
    to_inner_level(cpu, d, entry);
  } else {
    to_same_level(cpu, d, entry);
  }
}

void deliver_event(Cpu& cpu, const Delivery& d) {
  if (log_enabled(Log::Int)) log_delivery(cpu, d);
  cpu.state.activity = CpuState::Activity::Active;  // a task switch below may end in shutdown
  try {
    if (cpu.state.long_mode()) {
      deliver_long(cpu, d);
    } else if (cpu.state.cr0 & cr0::PE) {
      if (!deliver_virtual8086_int(cpu, d)) deliver_protected(cpu, d);
    } else {
      deliver_real(cpu, d);
    }
  } catch (Fault& fault) {
    // EXT: the event came from outside the program (SDM 3A "Error Code").
    if (!d.software() && has_ext(fault)) fault.error |= 1;
    throw;
  }
  cpu.state.shadow = CpuState::kNoShadow;
  cpu.no_step_trap = true;
  cpu.update_flags_mode();
}

void deliver(Cpu& cpu, u8 vector, Source source, std::optional<u32> error, u64 return_rip) {
  deliver_event(cpu, {vector, source, error, return_rip});
}

}  // namespace ring3
