// SPDX-License-Identifier: MIT
// Loads of segment registers with their checks (SDM 2B "MOV", 2A "LLDT" and "LTR", 3A "Privilege
// Level Checking When Accessing Data Segments").
#include "core/segment_loads.h"

namespace ring3 {

namespace {

constexpr u8 kTypeLdt = 2, kTypeTss16 = 1, kTypeTss32 = 9, kTssBusy = 2;

Segment checked_ss(Cpu& cpu, Selector sel) {
  CpuState& st = cpu.state;
  if (sel.null()) {
    // Null only in 64-bit mode below CPL 3 and with RPL = CPL, else #GP(0).
    require(st.long64() && st.cpl < 3 && sel.rpl() == st.cpl, GP(u16{0}));
    Segment s = null_segment(sel);
    s.dpl = st.cpl;
    return s;
  }
  return checked_stack_segment(cpu, sel, st.cpl, GP);
}

// Bits 12:8 of the fourth dword of a 16-byte descriptor must be 0, and the base canonical.
void check_wide(Cpu& cpu, Selector sel, const Descriptor& d) {
  if (!cpu.state.long_mode()) return;
  require(bits(d.high, 44, 40) == 0, GP(sel));
  require(cpu.canonical(d.base()), GP(sel));
}

}  // namespace

Segment null_segment(Selector sel) {
  Segment s;
  s.selector = sel.value;
  return s;
}

Segment checked_data_segment(Cpu& cpu, Selector sel, u8 cpl, Fault (*fault)(Selector)) {
  if (sel.null()) return null_segment(sel);
  Descriptor d = read_descriptor(cpu, sel, fault);
  // Data or readable code, else fault(selector).
  require(d.is_data() || d.is_readable_code(), fault(sel));
  // Data and nonconforming code: RPL and CPL must not exceed DPL, else fault(selector).
  if (!d.is_conforming()) require(sel.rpl() <= d.dpl() && cpl <= d.dpl(), fault(sel));
  require(d.present(), NP(sel));
  set_accessed(cpu, d);
  return to_segment(sel, d);
}

Segment checked_stack_segment(Cpu& cpu, Selector sel, u8 cpl, Fault (*fault)(Selector)) {
  Descriptor d = read_descriptor(cpu, sel, fault);
  require(sel.rpl() == cpl, fault(sel));                        // RPL must equal CPL.
  require(d.is_writable_data() && d.dpl() == cpl, fault(sel));  // writable data, DPL = CPL.
  require(d.present(), SS(sel));                                // present, else #SS(selector).
  set_accessed(cpu, d);
  return to_segment(sel, d);
}

void load_segment(Cpu& cpu, Seg seg, Selector sel) {
  CpuState& st = cpu.state;
  if (!st.protected_mode()) {
    load_real_segment(cpu, seg, sel.value);
  } else {
    st.seg[seg] = seg == kSs ? checked_ss(cpu, sel) : checked_data_segment(cpu, sel, st.cpl);
  }
  cpu.update_mode();
}

void load_ldt(Cpu& cpu, Selector sel) {
  if (sel.null()) {
    cpu.state.seg[kLdtr] = null_segment(sel);
    return;
  }
  require(!sel.local(), GP(sel));  // must be in the GDT, else #GP(selector).
  const Descriptor d = read_descriptor(cpu, sel, GP);
  require(!d.s() && d.type() == kTypeLdt, GP(sel));
  check_wide(cpu, sel, d);
  require(d.present(), NP(sel));
  cpu.state.seg[kLdtr] = to_segment(sel, d);
}

void load_tr(Cpu& cpu, Selector sel) {
  require(!sel.null(), GP(u16{0}));
  require(!sel.local(), GP(sel));
  Descriptor d = read_descriptor(cpu, sel, GP);
  // An available TSS, in IA-32e mode a 64-bit one, else #GP(selector).
  const bool available =
      d.type() == kTypeTss32 || (d.type() == kTypeTss16 && !cpu.state.long_mode());
  require(!d.s() && available, GP(sel));
  check_wide(cpu, sel, d);
  require(d.present(), NP(sel));
  d.low |= u64{kTssBusy} << 40;
  cpu.write_system<u8>(d.address + 5, static_cast<u8>(d.low >> 40));
  cpu.state.seg[kTr] = to_segment(sel, d);
}

void check_target(Cpu& cpu, const Descriptor& d, u64 rip) {
  const bool long64 = cpu.state.long_mode() && d.l();
  require(long64 ? cpu.canonical(rip) : rip <= d.limit(), GP(u16{0}));
}

void enter_code(Cpu& cpu, Selector sel, Descriptor d, u8 cpl, u64 rip) {
  set_accessed(cpu, d);
  const Selector visible{static_cast<u16>((sel.value & ~3u) | cpl)};
  cpu.state.seg[kCs] = to_segment(visible, d);
  cpu.state.cpl = cpl;
  cpu.state.rip() = rip;
  cpu.update_mode();
}

void drop_inner_segments(Cpu& cpu) {
  for (const Seg seg : {kEs, kFs, kGs, kDs}) {
    Segment& s = cpu.state.seg[seg];
    const bool conforming = s.s && (s.type & 0xC) == 0xC;
    if (s.usable && !conforming && s.dpl < cpu.state.cpl) s = null_segment({0});
  }
  cpu.update_mode();
}

}  // namespace ring3
