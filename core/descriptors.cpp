// SPDX-License-Identifier: MIT
// Segment and gate descriptors in memory (SDM 3A "Segment Descriptors", "System Descriptor Types").
#include "core/system.h"

namespace ring3 {

namespace {

// LDT, TSS and call-gate descriptors are 16 bytes long in IA-32e mode.
bool is_wide(const Descriptor& d) {
  const u8 t = d.type();
  return !d.s() && (t == 2 || t == 9 || t == 11 || t == 12);
}

}  // namespace

u64 Descriptor::base() const {
  return bits(low, 39, 16) | bits(low, 63, 56) << 24 | bits(high, 31, 0) << 32;
}

u32 Descriptor::limit() const {
  const u32 raw = static_cast<u32>(bits(low, 15, 0) | bits(low, 51, 48) << 16);
  return bits(low, 55, 55) ? raw << 12 | 0xFFF : raw;
}

u64 Descriptor::gate_offset() const {
  const u64 offset = bits(low, 15, 0);
  if (!(type() & 8)) return offset;
  return offset | bits(low, 63, 48) << 16 | bits(high, 31, 0) << 32;
}

std::optional<Descriptor> find_descriptor(Cpu& cpu, Selector sel) {
  const Segment& ldtr = cpu.state.seg[kLdtr];
  if (sel.local() && !ldtr.usable) return std::nullopt;
  const u64 base = sel.local() ? ldtr.base : cpu.state.gdtr.base;
  const u64 limit = sel.local() ? ldtr.limit : cpu.state.gdtr.limit;
  const u64 offset = sel.table_offset();
  if (offset + 7 > limit) return std::nullopt;
  Descriptor d{.low = cpu.read_system<u64>(base + offset), .address = base + offset};
  if (cpu.state.long_mode() && is_wide(d)) {
    if (offset + 15 > limit) return std::nullopt;
    d.high = cpu.read_system<u64>(base + offset + 8);
  }
  return d;
}

Descriptor read_descriptor(Cpu& cpu, Selector sel, Fault (*fault)(Selector)) {
  const std::optional<Descriptor> d = find_descriptor(cpu, sel);
  require(d.has_value(), fault(sel));
  return *d;
}

void set_accessed(Cpu& cpu, Descriptor& d) {
  if (d.low & bit(40)) return;
  d.low |= bit(40);
  cpu.write_system<u8>(d.address + 5, static_cast<u8>(d.low >> 40));
}

Segment to_segment(Selector sel, const Descriptor& d) {
  Segment s;
  s.selector = sel.value;
  s.type = d.type();
  s.s = d.s();
  s.dpl = d.dpl();
  s.present = d.present();
  s.avl = d.low >> 52 & 1;
  s.l = d.l();
  s.db = d.db();
  s.g = d.low >> 55 & 1;
  s.usable = true;
  s.limit = d.limit();
  s.base = d.base();
  return s;
}

void load_real_segment(Cpu& cpu, Seg seg, u16 selector) {
  Segment& s = cpu.state.seg[seg];
  const bool v86 = cpu.state.has(flag::VM);
  s.selector = selector;
  s.base = u64{selector} << 4;
  s.type = 3;  // read/write data, accessed
  s.s = s.present = s.usable = true;
  s.dpl = v86 ? 3 : 0;
  s.l = false;
  // Real mode keeps the limit and the size of the last protected-mode load ("unreal mode").
  if (!v86) return;
  s.limit = 0xFFFF;
  s.db = s.g = false;
}

}  // namespace ring3
