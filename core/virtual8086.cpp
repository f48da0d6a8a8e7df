// SPDX-License-Identifier: MIT
// Software interrupts of virtual-8086 mode with and without CR4.VME (SDM 3B "Interrupt and
// Exception Handling in Virtual-8086 Mode", table "Software Interrupt Handling Methods While in
// Virtual-8086 Mode").
#include "core/delivery.h"
#include "core/stack_cursor.h"

namespace ring3 {

namespace {

constexpr u32 kIoMapBase = 0x66, kRedirectionBytes = 32, kTss32Limit = 0x67;

// The interrupt redirection map: 32 bytes right below the I/O permission map. A clear bit sends
// the interrupt to the 8086 program.
bool redirected(Cpu& cpu, u8 vector) {
  const Segment& tr = cpu.state.seg[kTr];
  require(tr.limit >= kTss32Limit, GP(u16{0}));
  const u32 io_map = cpu.read_system<u16>(tr.base + kIoMapBase);
  require(io_map >= kRedirectionBytes, GP(u16{0}));
  const u32 at = io_map - kRedirectionBytes + vector / 8;
  require(at <= tr.limit, GP(u16{0}));
  return !(cpu.read_system<u8>(tr.base + at) >> (vector & 7) & 1);
}

// With IOPL < 3 the program sees VIF in the place of IF, and IOPL 3.
u64 virtual_flags(const CpuState& st) {
  if (st.iopl() == 3) return st.rflags;
  const u64 rest = st.rflags & ~(flag::IF | flag::IOPL);
  return rest | flag::IOPL | (st.has(flag::VIF) ? flag::IF : 0);
}

void enter_8086_handler(Cpu& cpu, const Delivery& d) {
  CpuState& st = cpu.state;
  u32 target = 0;
  cpu.read_linear(d.vector * 4u, &target, sizeof target, View::User);
  StackCursor stack(cpu);
  stack.reserve(6);
  stack.push(virtual_flags(st), 2);
  stack.push(st.seg[kCs].selector, 2);
  stack.push(d.return_rip, 2);
  st.gpr[kRsp] = stack.rsp();
  st.rflags &= ~(flag::TF | flag::NT | flag::RF | (st.iopl() == 3 ? flag::IF : flag::VIF));
  load_real_segment(cpu, kCs, static_cast<u16>(target >> 16));
  st.rip() = target & 0xFFFF;
  cpu.update_mode();
}

}  // namespace

bool deliver_virtual8086_int(Cpu& cpu, const Delivery& d) {
  const CpuState& st = cpu.state;
  // INT3, INTO and everything that is not INT n go through the IDT.
  if (!st.has(flag::VM) || d.source != Source::SoftwareInt) return false;
  if ((st.cr4 & cr4::VME) && redirected(cpu, d.vector)) {
    enter_8086_handler(cpu, d);
    return true;
  }
  require(st.iopl() == 3, GP(u16{0}));  // IOPL < 3: #GP(0).
  return false;
}

}  // namespace ring3
