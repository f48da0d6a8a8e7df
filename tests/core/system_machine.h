// SPDX-License-Identifier: MIT
// A bare machine with GDT, IDT and TSS in memory, for tests of privilege, gates and delivery.
#pragma once

#include "tests/core/bare_machine.h"

namespace ring3 {

class SystemMachine : public BareMachine {
 public:
  static constexpr u64 kGdt = 0x1000, kIdt = 0x2000, kTss = 0x4000, kTss2 = 0x5000;
  static constexpr u64 kHandler = 0x40000, kKernelStack = 0x30000, kUserStack = 0x28000;
  static constexpr u16 kCode0 = 0x08, kData0 = 0x10, kCode3 = 0x18, kData3 = 0x20, kTssSel = 0x28,
                       kTss2Sel = 0x38, kFree = 0x48, kLdtSel = 0x58;

  /// Access bytes.
  enum Access : u8 { kCodeAccess = 0x9B, kDataAccess = 0x93, kTss32 = 0x89, kTss16 = 0x81 };

  using BareMachine::BareMachine;

  static u64 segment(u64 base, u32 limit, u8 access, u8 flags) {
    return (limit & 0xFFFF) | (base & 0xFFFFFF) << 16 | u64{access} << 40 |
           u64{(limit >> 16) & 0xFu} << 48 | u64{flags} << 52 | (base >> 24 & 0xFF) << 56;
  }
  static u64 gate(u16 sel, u32 offset, u8 access, u8 count = 0) {
    return (offset & 0xFFFF) | u64{sel} << 16 | u64{count} << 32 | u64{access} << 40 |
           u64{offset >> 16} << 48;
  }

  void gdt(u16 sel, u64 low) { memory.write<u64>({kGdt + (sel & 0xFFF8u)}, low); }
  u64 gdt(u16 sel) { return memory.read<u64>({kGdt + (sel & 0xFFF8u)}); }
  void idt(u8 vector, u64 low) { memory.write<u64>({kIdt + vector * 8u}, low); }
  void idt64(u8 vector, u16 sel, u64 offset, u8 access = 0x8E, u8 ist = 0) {
    memory.write<u64>({kIdt + vector * 16u}, gate(sel, static_cast<u32>(offset), access, ist));
    memory.write<u64>({kIdt + vector * 16u + 8}, offset >> 32);
  }

  /// Flat 32-bit protected mode, CPL 0 or 3, with an interrupt gate (DPL 0) for each exception.
  void protected_system(std::initializer_list<u8> code, u8 cpl = 0) {
    protected_mode(code, cpl);
    common_tables(0xC);
    for (unsigned v = 0; v < 32; ++v)
      idt(static_cast<u8>(v), gate(kCode0, kHandler + v * 16, 0x8E));
    memory.write<u32>({kTss + 4}, kKernelStack);
    memory.write<u16>({kTss + 8}, kData0);
    memory.write<u16>({kTss + 0x66}, 0x68);
    select(cpl);
  }

  /// 64-bit mode, CPL 0 or 3, the same with 64-bit gates.
  void long_system(std::initializer_list<u8> code, u8 cpl = 0) {
    long_mode(code, cpl);
    common_tables(0xA);
    for (unsigned v = 0; v < 32; ++v) idt64(static_cast<u8>(v), kCode0, kHandler + v * 16);
    memory.write<u64>({kTss + 4}, kKernelStack);
    select(cpl);
  }

  /// Virtual-8086 mode at 0:8000, below the protected system.
  void virtual8086_system(std::initializer_list<u8> code, u8 iopl = 3) {
    protected_system({}, 0);
    cpu.state.rflags |= flag::VM | u64{iopl} << flag::kIoplShift;
    for (Seg seg : {kEs, kCs, kSs, kDs, kFs, kGs}) load_real_segment(cpu, seg, 0);
    start(0x8000, code);
    cpu.state.gpr[kRsp] = 0x7000;
  }

  u32 stack32(unsigned n) { return memory.read<u32>({reg(kRsp) + n * 4}); }
  u64 stack64(unsigned n) { return memory.read<u64>({reg(kRsp) + n * 8}); }
  u64 handler(unsigned vector) const { return kHandler + vector * 16; }
  u64 rip() const { return cpu.state.rip(); }
  u16 sel(Seg seg) const { return cpu.state.seg[seg].selector; }

 private:
  void common_tables(u8 code_flags) {
    CpuState& st = cpu.state;
    gdt(0, 0);
    gdt(kCode0, segment(0, 0xFFFFF, kCodeAccess, code_flags));
    gdt(kData0, segment(0, 0xFFFFF, kDataAccess, 0xC));
    gdt(kCode3, segment(0, 0xFFFFF, kCodeAccess | 0x60, code_flags));
    gdt(kData3, segment(0, 0xFFFFF, kDataAccess | 0x60, 0xC));
    gdt(kTssSel, segment(kTss, 0x2FFF, kTss32 | 2, 0));
    gdt(kTssSel + 8, 0);
    gdt(kTss2Sel, segment(kTss2, 0x67, kTss32, 0));
    gdt(kTss2Sel + 8, 0);
    st.gdtr = {kGdt, 0xFFF};
    st.idtr = {kIdt, 0xFFF};
    Segment& tr = st.seg[kTr];
    tr = to_segment({kTssSel}, Descriptor{.low = gdt(kTssSel)});
  }

  // Selectors as the GDT has them, instead of BareMachine's.
  void select(u8 cpl) {
    for (Seg seg : {kEs, kSs, kDs, kFs, kGs})
      cpu.state.seg[seg].selector = cpl ? kData3 | 3 : kData0;
    cpu.state.seg[kCs].selector = cpl ? kCode3 | 3 : kCode0;
    if (cpl) reg(kRsp) = kUserStack;
  }
};

}  // namespace ring3
