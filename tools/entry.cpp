// SPDX-License-Identifier: MIT
// Mode switches take the architectural way (SDM 3A "Mode Switching", "Initializing IA-32e Mode"),
// so that every derived state follows; the segments' hidden parts are then set as the GDT has them.
#include "tools/entry.h"

#include "core/system.h"

namespace ring3 {

namespace {

constexpr u32 kEferMsr = 0xC0000080;
constexpr u8 kCodeType = 11, kDataType = 3;  // accessed; execute/read, read/write

Segment flat_segment(u16 selector, u8 type, bool long_code) {
  Segment s;
  s.selector = selector;
  s.type = type;
  s.s = s.present = s.usable = s.g = true;
  s.limit = 0xFFFFFFFF;
  s.l = long_code;
  s.db = !long_code;
  return s;
}

Segment real_segment(u16 selector, u8 type) {
  Segment s;
  s.selector = selector;
  s.type = type;
  s.s = s.present = s.usable = true;
  s.limit = 0xFFFF;
  s.base = u64{selector} << 4;
  return s;
}

void load_segments(CpuState& state, const EntryState& entry) {
  const bool real = entry.mode == EntryMode::Real16;
  const bool long64 = entry.mode == EntryMode::Long64;
  for (unsigned n = kEs; n <= kGs; ++n) {
    const u16 selector = n == kCs ? entry.cs : entry.ds;
    const u8 type = n == kCs ? kCodeType : kDataType;
    // Real mode's CS has the rights of a data segment (SDM 3A "Real-Address Mode Operation").
    state.seg[n] =
        real ? real_segment(selector, kDataType) : flat_segment(selector, type, long64 && n == kCs);
  }
  if (entry.gdt_limit != 0) state.gdtr = {entry.gdt_base, entry.gdt_limit};
}

void load_registers(CpuState& state, const EntryState& entry) {
  state.gpr[kRax] = entry.rax;
  state.gpr[kRbx] = entry.rbx;
  state.gpr[kRcx] = entry.rcx;
  state.gpr[kRdx] = entry.rdx;
  state.gpr[kRsi] = entry.rsi;
  state.gpr[kRdi] = entry.rdi;
  state.gpr[kRbp] = entry.rbp;
  state.gpr[kRsp] = entry.rsp;
  state.rip() = entry.rip;
}

}  // namespace

void enter(Cpu& cpu, const EntryState& entry) {
  cpu.reset();
  if (entry.mode == EntryMode::Reset) return;
  if (entry.mode == EntryMode::Long64) {
    write_cr4(cpu, cr4::PAE);
    write_msr(cpu, kEferMsr, efer::LME);
    write_cr3(cpu, entry.cr3);
  }
  u64 mode = cr0::ET;
  if (entry.mode != EntryMode::Real16) mode |= cr0::PE;
  if (entry.mode == EntryMode::Long64) mode |= cr0::PG;
  write_cr0(cpu, mode);
  load_segments(cpu.state, entry);
  load_registers(cpu.state, entry);
  cpu.update_mode();
}

}  // namespace ring3
