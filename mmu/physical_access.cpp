// SPDX-License-Identifier: MIT
// Accesses to the physical address space that go through the map, and watched pages.
#include <algorithm>
#include <bit>

#include "base/log.h"
#include "mmu/physical_memory.h"

namespace ring3 {
namespace {

/// The largest naturally aligned piece of an access: 1, 2, 4 or 8 bytes.
unsigned piece_size(u64 offset, u64 left) {
  const u64 aligned = offset ? offset & -offset : 8;
  return static_cast<unsigned>(std::min({aligned, std::bit_floor(left), u64{8}}));
}

}  // namespace

void PhysicalMemory::read_mmio(const PhysPage& page, u64 offset, std::span<u8> out) {
  while (!out.empty()) {
    const unsigned n = piece_size(offset, out.size());
    const u64 value = page.mmio->mmio_read(page.mmio_offset + offset, n);
    std::memcpy(out.data(), &value, n);
    out = out.subspan(n);
    offset += n;
  }
}

void PhysicalMemory::write_mmio(const PhysPage& page, u64 offset, std::span<const u8> in) {
  while (!in.empty()) {
    const unsigned n = piece_size(offset, in.size());
    u64 value = 0;
    std::memcpy(&value, in.data(), n);
    page.mmio->mmio_write(page.mmio_offset + offset, n, value);
    in = in.subspan(n);
    offset += n;
  }
}

void PhysicalMemory::read(PhysAddr address, std::span<u8> out) {
  while (!out.empty()) {
    const u64 n = std::min<u64>(out.size(), kPageSize - address.offset());
    const std::span<u8> part = out.first(n);
    const PhysPage p = page(address);
    if (p.host) {
      std::memcpy(part.data(), p.host + address.offset(), n);
    } else if (p.mmio) {
      read_mmio(p, address.offset(), part);
    } else {
      std::ranges::fill(part, u8{0xFF});
    }
    out = out.subspan(n);
    address = address + n;
  }
}

void PhysicalMemory::write(PhysAddr address, std::span<const u8> in) {
  while (!in.empty()) {
    const u64 n = std::min<u64>(in.size(), kPageSize - address.offset());
    const PhysPage p = page(address);
    if (p.kind == PageKind::Ram) {
      std::memcpy(p.host + address.offset(), in.data(), n);
      notify_page(address, n, p);
    } else if (p.mmio) {
      write_mmio(p, address.offset(), in.first(n));
    } else if (log_enabled(Log::GuestErrors) && first_times(dropped_writes_)) {
      RING3_LOG(GuestErrors, "write of {} bytes to {} at {:#x} dropped", n,
                p.kind == PageKind::Rom ? "ROM" : "nothing", address.value);
    }
    in = in.subspan(n);
    address = address + n;
  }
}

void PhysicalMemory::set_watcher(Watch who, WriteWatcher* watcher) {
  watchers_[std::countr_zero<u8>(who)] = watcher;
}

u64 PhysicalMemory::first_watched(PhysAddr start, u64 end) const {
  const u8* const masks = watch_.data();
  const u8* const found = std::find_if(masks + (start.value >> kPageShift),
                                       masks + (end >> kPageShift), [](u8 m) { return m != 0; });
  return std::min(end, static_cast<u64>(found - masks) << kPageShift);
}

void PhysicalMemory::watch(PhysAddr address, Watch who) {
  const PhysPage p = page(address);
  if (p.kind != PageKind::Ram) return;
  u8& mask = watch_.data()[ram_index(p)];
  const bool first = mask == 0;
  if (who == kWatchCode && !(mask & who)) set_lines(p, ~u64{0});
  mask |= who;
  if (!first) return;
  const PhysAddr seen = a20_masked(address).page();
  for (MapListener* listener : listeners_) listener->on_page_watched(seen);
  for_aliases(p, seen, [this](PhysAddr alias) {
    for (MapListener* listener : listeners_) listener->on_page_watched(alias);
  });
}

void PhysicalMemory::unwatch(PhysAddr address, Watch who) {
  const PhysPage p = page(address);
  if (p.kind == PageKind::Ram && watched(p)) watch_.data()[ram_index(p)] &= static_cast<u8>(~who);
}

void PhysicalMemory::set_code_lines(PhysAddr address, u64 lines) {
  if (const PhysPage p = page(address); p.kind == PageKind::Ram) set_lines(p, lines);
}

/// Not kept for device RAM, which shows at several addresses.
void PhysicalMemory::set_lines(const PhysPage& page, u64 lines) {
  const u64 index = ram_index(page);
  if (index < ram_bytes_ >> kPageShift) store(code_lines_.data() + index * sizeof lines, lines);
}

void PhysicalMemory::watch_device_ram(u64 offset, u64 pages, Watch who) {
  u8* const masks = watch_.data() + ((ram_bytes_ + offset) >> kPageShift);
  for (u64 i = 0; i < pages; ++i) masks[i] |= who;
  const u64 end = offset + pages * kPageSize;
  for (const Region& r : regions_) {
    if (r.kind != PageKind::Ram) continue;
    const u64 from = std::max(r.offset, offset);
    const u64 to = std::min(r.offset + (r.end - r.start), end);
    if (from >= to) continue;
    const PhysAddr first{r.start + (from - r.offset)};
    for (MapListener* listener : listeners_)
      listener->on_pages_watched(first, (to - from) >> kPageShift);
  }
}

void PhysicalMemory::unwatch_device_ram(u64 offset, u64 pages, Watch who) {
  u8* const masks = watch_.data() + ((ram_bytes_ + offset) >> kPageShift);
  for (u64 i = 0; i < pages; ++i) masks[i] &= static_cast<u8>(~who);
}

/// The other addresses at which a page of device RAM shows.
void PhysicalMemory::for_aliases(const PhysPage& page, PhysAddr seen,
                                 const std::function<void(PhysAddr)>& f) const {
  const u64 index = static_cast<u64>(page.host - ram_.data());
  if (index < ram_bytes_) [[likely]]
    return;
  const u64 offset = index - ram_bytes_;
  for (const Region& r : regions_) {
    if (r.kind != PageKind::Ram || offset - r.offset >= r.end - r.start) continue;
    const PhysAddr alias{r.start + (offset - r.offset)};
    if (alias.value != seen.value) f(alias);
  }
}

void PhysicalMemory::notify_page(PhysAddr address, u64 size, const PhysPage& page) {
  const u8 mask = watch_.data()[ram_index(page)];
  if (!mask) [[likely]]
    return;
  const PhysAddr seen = a20_masked(address);
  tell_watchers(mask, seen, size);
  for_aliases(page, seen.page(),
              [&](PhysAddr alias) { tell_watchers(mask, alias + seen.offset(), size); });
}

void PhysicalMemory::tell_watchers(u8 mask, PhysAddr address, u64 size) {
  for (unsigned i = 0; i < std::size(watchers_); ++i)
    if ((mask >> i & 1) && watchers_[i]) watchers_[i]->on_watched_write(address, size);
}

void PhysicalMemory::notify_device_ram(u64 offset, u64 size, Watch self) {
  const u64 end = offset + size;
  while (offset < end) {
    const u64 n = std::min(end - offset, kPageSize - (offset & kPageMask));
    const PhysPage page{PageKind::Ram, ram_.data() + ram_bytes_ + (offset & ~kPageMask), nullptr,
                        0};
    if (const u8 mask = watch_.data()[ram_index(page)] & ~self; mask) [[unlikely]]
      for_aliases(page, {~u64{0}},
                  [&](PhysAddr alias) { tell_watchers(mask, alias + (offset & kPageMask), n); });
    offset += n;
  }
}

void PhysicalMemory::notify_write(PhysAddr address, u64 size) {
  while (size) {
    const u64 n = std::min(size, kPageSize - address.offset());
    const PhysPage p = page(address);
    if (p.kind == PageKind::Ram) notify_page(address, n, p);
    size -= n;
    address = address + n;
  }
}

}  // namespace ring3
