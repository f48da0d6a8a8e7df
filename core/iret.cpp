// SPDX-License-Identifier: MIT
// IRET, IRETD, IRETQ in every direction (SDM 2A "IRET/IRETD/IRETQ").
#include "core/far.h"
#include "core/segment_loads.h"
#include "core/stack_cursor.h"

namespace ring3 {

namespace {

constexpr u64 kAlways = flag::kArith | flag::TF | flag::DF | flag::NT;
constexpr u64 kWide = flag::RF | flag::AC | flag::ID;  // not in a 16-bit image

u64 merge(u64 old, u64 value, u64 mask) { return (old & ~mask) | (value & mask); }

// Which RFLAGS bits IRET may change: IOPL needs CPL 0, IF needs CPL <= IOPL, VIF and VIP CPL 0.
u64 flags_mask(const CpuState& st, unsigned size) {
  u64 mask = kAlways;
  if (size >= 4) mask |= kWide;
  if (st.cpl <= st.iopl()) mask |= flag::IF;
  if (st.cpl == 0) {
    mask |= flag::IOPL;
    if (size >= 4) mask |= flag::VIF | flag::VIP;
  }
  return mask;
}

struct Image {
  u64 rip;
  Selector cs;
  u64 rflags;
};

Image pop_image(StackCursor& stack, unsigned size) {
  const u64 rip = stack.pop(size);
  const Selector cs{static_cast<u16>(stack.pop(size))};
  return {rip, cs, stack.pop(size)};
}

void commit_real(Cpu& cpu, const Image& image, const StackCursor& stack, u64 rflags) {
  CpuState& st = cpu.state;
  const u64 limit = st.has(flag::VM) ? 0xFFFF : st.seg[kCs].limit;
  require(image.rip <= limit, GP(u16{0}));
  st.gpr[kRsp] = stack.rsp();
  st.rflags = rflags;
  load_real_segment(cpu, kCs, image.cs.value);
  st.rip() = image.rip;
  cpu.update_mode();
}

void iret_real(Cpu& cpu, unsigned size) {
  StackCursor stack(cpu);
  const Image image = pop_image(stack, size);
  const u64 mask = kAlways | flag::IF | flag::IOPL | (size == 4 ? kWide : 0);
  commit_real(cpu, image, stack, merge(cpu.state.rflags, image.rflags, mask));
}

// IOPL 3: as real mode but for IOPL. IOPL < 3: #GP(0), or with VME a 16-bit IRET moves IF to VIF.
void iret_virtual8086(Cpu& cpu, unsigned size) {
  CpuState& st = cpu.state;
  const bool vme = st.iopl() < 3;
  if (vme) require((st.cr4 & cr4::VME) && size == 2, GP(u16{0}));
  StackCursor stack(cpu);
  const Image image = pop_image(stack, size);
  if (!vme) {
    const u64 mask = kAlways | flag::IF | (size == 4 ? kWide : 0);
    return commit_real(cpu, image, stack, merge(st.rflags, image.rflags, mask));
  }
  // A pending virtual interrupt that would be enabled, or TF, is #GP(0).
  require(!(st.has(flag::VIP) && (image.rflags & flag::IF)), GP(u16{0}));
  require(!(image.rflags & flag::TF), GP(u16{0}));
  u64 rflags = merge(st.rflags, image.rflags, kAlways);
  rflags = (image.rflags & flag::IF) ? rflags | flag::VIF : rflags & ~flag::VIF;
  commit_real(cpu, image, stack, rflags);
}

void return_to_virtual8086(Cpu& cpu, const Image& image, StackCursor& stack) {
  CpuState& st = cpu.state;
  require(image.rip <= 0xFFFF, GP(u16{0}));
  const u64 esp = stack.pop(4);
  u16 selectors[kSegs] = {};
  for (const Seg seg : {kSs, kEs, kDs, kFs, kGs}) selectors[seg] = static_cast<u16>(stack.pop(4));
  selectors[kCs] = image.cs.value;
  st.rflags = merge(st.rflags, image.rflags, flag::kAll);
  for (const Seg seg : {kEs, kCs, kSs, kDs, kFs, kGs}) load_real_segment(cpu, seg, selectors[seg]);
  st.gpr[kRsp] = esp;
  st.rip() = image.rip;
  st.cpl = 3;
  cpu.update_mode();
}

// NT: back to the task that the TSS links to.
void return_to_task(Cpu& cpu) {
  require(!cpu.state.long_mode(), GP(u16{0}));  // no task switches in IA-32e mode
  const Selector link{cpu.read_system<u16>(cpu.state.seg[kTr].base)};
  switch_task(cpu, link, TaskCause::Iret, std::nullopt, cpu.state.rip());
}

void return_to_code(Cpu& cpu, const Image& image, StackCursor& stack, unsigned size) {
  CpuState& st = cpu.state;
  Descriptor code = checked_return_code(cpu, image.cs);
  const u8 cpl = image.cs.rpl();
  const bool outer = cpl > st.cpl;
  const bool long64 = st.long_mode() && code.l();
  const u64 rflags = merge(st.rflags, image.rflags, flags_mask(st, size));
  Segment ss = st.seg[kSs];
  u64 rsp = stack.rsp();
  // IRETs of 64-bit mode always pop SS:RSP.
  const bool pops_stack = outer || st.long64();
  if (pops_stack) {
    rsp = stack.pop(size);
    ss = checked_return_stack(cpu, {static_cast<u16>(stack.pop(size))}, cpl, long64);
  }
  check_target(cpu, code, image.rip);
  set_accessed(cpu, code);
  st.seg[kSs] = ss;
  st.rflags = rflags;
  enter_code(cpu, image.cs, code, cpl, image.rip);
  const u64 mask = low_mask(st.stack_bytes * 8u);
  st.gpr[kRsp] = pops_stack && st.stack_bytes == 2 ? merge(st.gpr[kRsp], rsp, mask) : rsp;
  if (outer) drop_inner_segments(cpu);
}

void iret_protected(Cpu& cpu, unsigned size) {
  CpuState& st = cpu.state;
  if (st.has(flag::NT)) return return_to_task(cpu);
  StackCursor stack(cpu);
  const Image image = pop_image(stack, size);
  if ((image.rflags & flag::VM) && st.cpl == 0 && size == 4 && !st.long_mode())
    return return_to_virtual8086(cpu, image, stack);
  return_to_code(cpu, image, stack, size);
}

}  // namespace

void iret(Cpu& cpu, const Insn& i) {
  cpu.exits.add(ExitReason::Iret);
  CpuState& st = cpu.state;
  if (st.mode == CpuMode::Real) {
    iret_real(cpu, i.operand_width);
  } else if (st.mode == CpuMode::Virtual8086) {
    iret_virtual8086(cpu, i.operand_width);
  } else {
    iret_protected(cpu, i.operand_width);
  }
  st.nmi_blocked = false;
}

}  // namespace ring3
