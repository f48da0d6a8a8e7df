// SPDX-License-Identifier: MIT
// What is read from the current TSS without a task switch: stacks, IST, the I/O permission bitmap
// (SDM 3A "Task Management", SDM 1 "I/O Permission Bit Map").
#include "core/system.h"

namespace ring3 {

namespace {

constexpr u32 kTss32Limit = 0x67, kIoMapBase = 0x66, kIst1 = 0x24;

bool is_tss32(const Segment& tr) { return tr.usable && (tr.type & 8); }

}  // namespace

StackPointer tss_stack(Cpu& cpu, u8 level, Fault (*fault)(Selector)) {
  const Segment& tr = cpu.state.seg[kTr];
  const Selector self{tr.selector};
  const Selector null_ss{level};
  if (cpu.state.long_mode()) {
    const u32 at = 4 + level * 8u;
    require(at + 7 <= tr.limit, fault(self));
    return {null_ss, cpu.read_system<u64>(tr.base + at)};
  }
  if (is_tss32(tr)) {
    const u32 at = 4 + level * 8u;
    require(at + 5 <= tr.limit, fault(self));
    return {{cpu.read_system<u16>(tr.base + at + 4)}, cpu.read_system<u32>(tr.base + at)};
  }
  const u32 at = 2 + level * 4u;
  require(tr.usable && at + 3 <= tr.limit, fault(self));
  return {{cpu.read_system<u16>(tr.base + at + 2)}, cpu.read_system<u16>(tr.base + at)};
}

u64 tss_ist(Cpu& cpu, unsigned ist) {
  const Segment& tr = cpu.state.seg[kTr];
  const u32 at = kIst1 + (ist - 1) * 8;
  require(at + 7 <= tr.limit, TS(Selector{tr.selector}));
  return cpu.read_system<u64>(tr.base + at);
}

void check_io(Cpu& cpu, u16 port, unsigned bytes) {
  const CpuState& st = cpu.state;
  if (!(st.cr0 & cr0::PE)) return;
  if (!st.has(flag::VM) && st.cpl <= st.iopl()) return;
  // CPL > IOPL or virtual-8086 mode: each port's bit must be 0 in a 32-bit TSS, else #GP(0).
  const Segment& tr = st.seg[kTr];
  require(is_tss32(tr) && tr.limit >= kTss32Limit, GP(u16{0}));
  const u32 map = cpu.read_system<u16>(tr.base + kIoMapBase);
  const u32 at = map + port / 8;
  // Two bytes are read, so that the last of the map is followed by FFH.
  require(at + 1 <= tr.limit, GP(u16{0}));
  const u16 denied = cpu.read_system<u16>(tr.base + at) >> (port & 7);
  require((denied & low_mask(bytes)) == 0, GP(u16{0}));
}

}  // namespace ring3
