// SPDX-License-Identifier: MIT
// The physical map: what was added, and the flat, sorted view of it that page() searches.
#include "mmu/physical_memory.h"

#include <algorithm>

#include "base/check.h"

namespace ring3 {
namespace {

/// RAM below 2 GiB in the host is reached by displacements (mmu/identity_ranges.h); more of it
/// would leave too little for who needs low addresses.
constexpr u64 kMaxLowRam = u64{768} << 20;

bool page_aligned(u64 value) { return (value & kPageMask) == 0; }

PhysPage advanced(PhysPage page, u64 bytes) {
  if (page.host) page.host += bytes;
  if (page.mmio) page.mmio_offset += bytes;
  return page;
}

}  // namespace

PhysicalMemory::PhysicalMemory(u64 ram_bytes, u64 device_ram_bytes, HostMemory::Kind kind)
    : ram_bytes_(ram_bytes),
      device_ram_bytes_(device_ram_bytes),
      ram_(ram_bytes + device_ram_bytes, "guest-ram",
           ram_bytes + device_ram_bytes <= kMaxLowRam ? kind : HostMemory::Kind::Anywhere),
      watch_((ram_bytes + device_ram_bytes) >> kPageShift, "guest-ram-watch"),
      code_lines_(sizeof(u64) * (ram_bytes >> kPageShift), "guest-ram-code") {
  RING3_CHECK(page_aligned(ram_bytes) && ram_bytes >= kMinRam, "{} bytes of RAM", ram_bytes);
  RING3_CHECK(page_aligned(device_ram_bytes), "{} bytes of device RAM", device_ram_bytes);
  rebuild_map();
}

u64 PhysicalMemory::low_ram_end() const { return std::min(ram_bytes_, kPciHoleStart); }

u64 PhysicalMemory::high_ram_end() const { return kHighRamStart + (ram_bytes_ - low_ram_end()); }

void PhysicalMemory::add_rom(PhysAddr start, std::span<const u8> image) {
  auto rom = std::make_shared<HostMemory>(image.size(), "guest-rom");
  std::ranges::copy(image, rom->data());
  std::fill(rom->data() + image.size(), rom->data() + rom->size(), u8{0xFF});
  const u64 end = start.value + rom->size();
  add({start.value, end, PageKind::Rom, nullptr, 0, std::move(rom)});
}

void PhysicalMemory::add_mmio(PhysAddr start, u64 size, MmioHandler& handler) {
  add({start.value, start.value + size, PageKind::Mmio, &handler, 0, nullptr});
}

void PhysicalMemory::add_hole(PhysAddr start, u64 size) {
  add({start.value, start.value + size, PageKind::Hole, nullptr, 0, nullptr});
}

void PhysicalMemory::add_mmio_below(PhysAddr start, u64 size, MmioHandler& handler) {
  add({start.value, start.value + size, PageKind::Mmio, &handler, 0}, true);
}

void PhysicalMemory::add_device_ram(PhysAddr start, u64 size, u64 offset) {
  RING3_CHECK(offset + size <= device_ram_bytes_, "device RAM {:#x}+{:#x}", offset, size);
  add({start.value, start.value + size, PageKind::Ram, nullptr, offset});
}

void PhysicalMemory::add_device_ram_below(PhysAddr start, u64 size, u64 offset) {
  RING3_CHECK(offset + size <= device_ram_bytes_, "device RAM {:#x}+{:#x}", offset, size);
  add({start.value, start.value + size, PageKind::Ram, nullptr, offset}, true);
}

void PhysicalMemory::remove_device_ram(PhysAddr start, u64 size) {
  std::erase_if(regions_, [&](const Region& r) {
    return r.kind == PageKind::Ram && r.start == start.value && r.end - r.start <= size;
  });
  changed();
}

void PhysicalMemory::add(Region region, bool below) {
  RING3_CHECK(page_aligned(region.start) && page_aligned(region.end), "region {:#x}-{:#x}",
              region.start, region.end);
  // A guest may place a window so that it runs past the end of the address space: cut there.
  if (region.end <= region.start) region.end = ~kPageMask;
  if (region.start >= region.end) return;
  region.below_ram = below;
  regions_.insert(below ? regions_.begin() : regions_.end(), std::move(region));
  changed();
}

void PhysicalMemory::remove(PhysAddr start, u64 size) {
  RING3_CHECK(page_aligned(start.value) && page_aligned(size), "remove {:#x}", start.value);
  const u64 end = start.value + size;
  std::vector<Region> kept;
  for (const Region& r : regions_) {
    Region before = r, after = r;
    before.end = std::min(r.end, start.value);
    after.start = std::max(r.start, end);
    after.offset += after.start - r.start;
    if (before.start < before.end) kept.push_back(std::move(before));
    if (after.start < after.end) kept.push_back(std::move(after));
  }
  regions_ = std::move(kept);
  changed();
}

void PhysicalMemory::remove_mmio(const MmioHandler& handler) {
  std::erase_if(regions_, [&](const Region& r) { return r.mmio == &handler; });
  changed();
}

PhysPage PhysicalMemory::ram_page(u64 page) const {
  if (page < low_ram_end()) return {PageKind::Ram, ram_.data() + page, nullptr, 0};
  if (page >= kHighRamStart && page < high_ram_end())
    return {PageKind::Ram, ram_.data() + low_ram_end() + (page - kHighRamStart), nullptr, 0};
  return {};
}

u8* PhysicalMemory::host_of(const Region& region, u64 offset) const {
  if (region.rom) return region.rom->data() + offset;
  return region.kind == PageKind::Ram ? ram_.data() + ram_bytes_ + offset : nullptr;
}

PhysPage PhysicalMemory::unmapped_view(u64 page) const {
  const PhysPage ram = ram_page(page);
  for (auto r = regions_.rbegin(); r != regions_.rend(); ++r) {
    if (page < r->start || page >= r->end) continue;
    if (r->below_ram && ram.host) break;
    const u64 offset = r->offset + (page - r->start);
    return {r->kind, host_of(*r, offset), r->mmio, r->mmio ? offset : 0};
  }
  return ram;
}

// Between two neighbouring borders nothing changes, so the first page stands for the piece.
void PhysicalMemory::rebuild_map() {
  std::vector<u64> borders{0, low_ram_end(), kHighRamStart, high_ram_end()};
  for (const Region& r : regions_) borders.insert(borders.end(), {r.start, r.end});
  std::ranges::sort(borders);
  map_.clear();
  for (size_t i = 0; i + 1 < borders.size(); ++i) {
    if (borders[i] == borders[i + 1]) continue;
    const PhysPage first = unmapped_view(borders[i]);
    if (first.kind != PageKind::Hole) map_.push_back({borders[i], borders[i + 1], first});
  }
  rebuild_fast_windows();
}

void PhysicalMemory::rebuild_fast_windows() {
  fast_[0] = fast_[1] = {};
  for (const Mapped& m : map_) {
    RamWindow& window = fast_[m.start >= kHighRamStart];
    if (m.first.kind == PageKind::Ram && m.end - m.start > window.size)
      window = {m.start, m.end - m.start, m.first.host};
  }
}

PhysPage PhysicalMemory::mapped_page(u64 page) const {
  auto above = std::ranges::upper_bound(map_, page, {}, &Mapped::start);
  if (above == map_.begin()) return {};
  const Mapped& m = *std::prev(above);
  return page < m.end ? advanced(m.first, page - m.start) : PhysPage{};
}

void PhysicalMemory::changed() {
  rebuild_map();
  for (MapListener* listener : listeners_) listener->on_map_change();
  for (const auto& hook : change_hooks_) hook();
}

void PhysicalMemory::set_a20(bool enabled) {
  if (enabled == a20()) return;
  a20_mask_ = enabled ? ~u64{0} : ~bit(20);
  changed();
}

}  // namespace ring3
