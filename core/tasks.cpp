// SPDX-License-Identifier: MIT
// Hardware task switches with 16-bit and 32-bit TSSs (SDM 3A "Task Switching", "Task-State
// Segment"). Faults before the commit point belong to the old task and are thrown; later ones
// belong to the new task and are taken here, with its registers in place.
#include "core/debug.h"
#include "core/segment_loads.h"
#include "core/stack_cursor.h"
#include "core/system.h"

namespace ring3 {

namespace {

constexpr u8 kBusy = 2, kTypeLdt = 2;

/// Where things stand in a TSS; `size` is that of a slot.
struct Layout {
  unsigned size, rip, rflags, gpr, segments, segment_count, ldt, minimum_limit;
};
constexpr Layout kLayout16{2, 14, 16, 18, 34, 4, 42, 0x2B};
constexpr Layout kLayout32{4, 32, 36, 40, 72, 6, 96, 0x67};
constexpr unsigned kCr3 = 28, kTrapFlag = 100;

const Layout& layout_of(u8 type) { return type & 8 ? kLayout32 : kLayout16; }

/// What a task switch loads.
struct TaskImage {
  u64 rip = 0, rflags = 0, cr3 = 0;
  u64 gpr[8] = {};
  u16 selectors[6] = {};
  u16 ldt = 0;
  bool trap = false;
};

u64 read_slot(Cpu& cpu, u64 address, unsigned size) {
  return size == 4 ? cpu.read_system<u32>(address) : cpu.read_system<u16>(address);
}

void write_slot(Cpu& cpu, u64 address, u64 value, unsigned size) {
  if (size == 4) return cpu.write_system<u32>(address, static_cast<u32>(value));
  cpu.write_system<u16>(address, static_cast<u16>(value));
}

TaskImage read_image(Cpu& cpu, u64 base, const Layout& at) {
  TaskImage image;
  const bool wide = at.size == 4;
  image.rip = read_slot(cpu, base + at.rip, at.size);
  image.rflags = read_slot(cpu, base + at.rflags, at.size);
  for (unsigned n = 0; n < 8; ++n) {
    const u64 value = read_slot(cpu, base + at.gpr + n * at.size, at.size);
    image.gpr[n] = wide ? value : value | 0xFFFF0000;  // upper halves as processors leave them
  }
  for (unsigned n = 0; n < at.segment_count; ++n)
    image.selectors[n] = cpu.read_system<u16>(base + at.segments + n * at.size);
  image.ldt = cpu.read_system<u16>(base + at.ldt);
  if (wide) {
    image.cr3 = cpu.read_system<u32>(base + kCr3);
    image.trap = cpu.read_system<u16>(base + kTrapFlag) & 1;
  }
  return image;
}

void save_task(Cpu& cpu, u64 rip, u64 rflags) {
  const CpuState& st = cpu.state;
  const u64 base = st.seg[kTr].base;
  const Layout& at = layout_of(st.seg[kTr].type);
  write_slot(cpu, base + at.rip, rip, at.size);
  write_slot(cpu, base + at.rflags, rflags, at.size);
  for (unsigned n = 0; n < 8; ++n) write_slot(cpu, base + at.gpr + n * at.size, st.gpr[n], at.size);
  for (unsigned n = 0; n < at.segment_count; ++n)
    cpu.write_system<u16>(base + at.segments + n * at.size, st.seg[n].selector);
}

// The new TSS: in the GDT, of the right type and busy state, present, long enough. IRET: #TS.
Descriptor checked_tss(Cpu& cpu, Selector sel, TaskCause cause) {
  const bool back = cause == TaskCause::Iret;
  Fault (*fault)(Selector) = GP;
  if (back) fault = TS;
  require(!sel.local() && !sel.null(), fault(sel));
  const Descriptor d = read_descriptor(cpu, sel, fault);
  const u8 kind = d.type() & ~(kBusy | 8);
  require(!d.s() && kind == 1 && ((d.type() & kBusy) != 0) == back, fault(sel));
  require(d.present(), NP(sel));
  require(d.limit() >= layout_of(d.type()).minimum_limit, TS(sel));
  return d;
}

void set_busy(Cpu& cpu, Selector sel, bool busy) {
  const u64 at = cpu.state.gdtr.base + sel.table_offset() + 5;
  const u8 access = cpu.read_system<u8>(at);
  cpu.write_system<u8>(at, static_cast<u8>(busy ? access | kBusy : access & ~kBusy));
}

// Every later access to either TSS and to the GDT goes through.
void probe(Cpu& cpu, Selector sel, const Descriptor& tss) {
  const Segment& tr = cpu.state.seg[kTr];
  const View view = View::Supervisor;
  require(tr.limit >= layout_of(tr.type).minimum_limit, TS(Selector{tr.selector}));
  cpu.probe_linear(tr.base, layout_of(tr.type).minimum_limit + 1, Access::Write, view);
  cpu.probe_linear(tss.base(), layout_of(tss.type()).minimum_limit + 1, Access::Write, view);
  cpu.probe_linear(cpu.state.gdtr.base + sel.table_offset() + 5, 1, Access::Write, view);
  const Selector old{tr.selector};
  if (!old.null())
    cpu.probe_linear(cpu.state.gdtr.base + old.table_offset() + 5, 1, Access::Write, view);
}

void load_ldt_of_task(Cpu& cpu, Selector sel) {
  cpu.state.seg[kLdtr] = null_segment(sel);
  if (sel.null()) return;
  require(!sel.local(), TS(sel));
  const Descriptor d = read_descriptor(cpu, sel, TS);
  require(!d.s() && d.type() == kTypeLdt && d.present(), TS(sel));
  cpu.state.seg[kLdtr] = to_segment(sel, d);
}

Segment checked_task_code(Cpu& cpu, Selector sel) {
  require(!sel.null(), TS(sel));
  Descriptor d = read_descriptor(cpu, sel, TS);
  require(d.is_code(), TS(sel));
  // Nonconforming: DPL = RPL. Conforming: DPL <= RPL. Else #TS(selector).
  require(d.is_conforming() ? d.dpl() <= sel.rpl() : d.dpl() == sel.rpl(), TS(sel));
  require(d.present(), NP(sel));
  set_accessed(cpu, d);
  return to_segment(sel, d);
}

void load_segments_of_task(Cpu& cpu, const TaskImage& image) {
  CpuState& st = cpu.state;
  if (st.has(flag::VM)) {
    for (unsigned n = kEs; n <= kGs; ++n)
      load_real_segment(cpu, static_cast<Seg>(n), image.selectors[n]);
    return;
  }
  st.seg[kCs] = checked_task_code(cpu, {image.selectors[kCs]});
  const Selector ss{image.selectors[kSs]};
  require(!ss.null(), TS(ss));
  st.seg[kSs] = checked_stack_segment(cpu, ss, st.cpl, TS);
  for (const Seg seg : {kDs, kEs, kFs, kGs})
    st.seg[seg] = checked_data_segment(cpu, {image.selectors[seg]}, st.cpl, TS);
}

// The registers that need no check: after this the new task is the current one.
void commit(Cpu& cpu, const TaskImage& image) {
  CpuState& st = cpu.state;
  for (unsigned n = 0; n < 8; ++n) st.gpr[n] = image.gpr[n];
  st.rip() = image.rip;
  st.rflags = (image.rflags & flag::kAll) | flag::kFixed;
  const bool v86 = st.has(flag::VM);
  st.cpl = v86 ? 3 : image.selectors[kCs] & 3;
  for (unsigned n = kEs; n <= kGs; ++n) {
    // Until the new stack segment is loaded, faults of the other loads go to the old one's hidden
    // part.
    if (n == kSs && !v86) {
      st.seg[n].selector = image.selectors[n];
      continue;
    }
    const bool big = n == kCs && st.seg[kCs].db;
    st.seg[n] = null_segment({image.selectors[n]});
    st.seg[n].db = big;
  }
  st.cr0 |= cr0::TS;
  st.dr[7] &= ~u64{0x155};  // local breakpoint enables
}

void enter_task(Cpu& cpu, const TaskImage& image, std::optional<u32> error, unsigned size) {
  CpuState& st = cpu.state;
  if (size == 4 && (st.cr0 & cr0::PG)) write_cr3(cpu, image.cr3);
  load_ldt_of_task(cpu, {image.ldt});
  load_segments_of_task(cpu, image);
  cpu.update_mode();
  require(st.rip() <= st.seg[kCs].limit, GP(u16{0}));
  if (error) {
    StackCursor stack(cpu);
    stack.push(*error, size);
    st.gpr[kRsp] = stack.rsp();
  }
  if (image.trap) cpu.pending_dr6 |= dr6::BT;
  update_trap_signal(cpu);
}

}  // namespace

void switch_task(Cpu& cpu, Selector sel, TaskCause cause, std::optional<u32> error,
                 u64 return_rip) {
  cpu.exits.add(ExitReason::TaskSwitch);
  CpuState& st = cpu.state;
  Descriptor tss = checked_tss(cpu, sel, cause);
  probe(cpu, sel, tss);
  const Layout& layout = layout_of(tss.type());
  const bool nested = cause == TaskCause::Call || cause == TaskCause::Gate;
  const Selector old{st.seg[kTr].selector};
  if (!nested) set_busy(cpu, old, false);
  save_task(cpu, return_rip, cause == TaskCause::Iret ? st.rflags & ~flag::NT : st.rflags);
  TaskImage image = read_image(cpu, tss.base(), layout);
  if (nested) {
    cpu.write_system<u16>(tss.base(), old.value);
    image.rflags |= flag::NT;
  }
  if (cause != TaskCause::Iret) set_busy(cpu, sel, true);
  tss.low |= u64{kBusy} << 40;
  st.seg[kTr] = to_segment(sel, tss);
  commit(cpu, image);
  cpu.update_mode();
  try {
    enter_task(cpu, image, error, layout.size);
  } catch (const Fault& fault) {
    cpu.update_mode();
    take_fault(cpu, fault);
  }
}

}  // namespace ring3
