// SPDX-License-Identifier: MIT
// The guest's physical address space: RAM, ROM, MMIO and holes (open bus: reads all ones, writes
// are dropped). RAM is reserved, not touched: an unused guest page costs nothing on the host.
// Layout of the "pc" board: RAM from 0, a hole below 4 GiB, the rest of RAM from 4 GiB on.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/bits.h"
#include "base/types.h"
#include "host/memory.h"

namespace ring3 {

/// A device's memory window. `offset` counts from the window's start; size is 1, 2, 4 or 8 bytes.
class MmioHandler {
 public:
  virtual ~MmioHandler() = default;
  virtual u64 mmio_read(u64 offset, unsigned size) = 0;
  virtual void mmio_write(u64 offset, unsigned size, u64 value) = 0;
};

/// Told of each write, by cpu or device, to a page that is watched (decoded code, page tables).
/// Called after the bytes changed. May change what is watched.
class WriteWatcher {
 public:
  virtual ~WriteWatcher() = default;
  virtual void on_watched_write(PhysAddr address, u64 size) = 0;
};

/// Who keeps host pointers (TLBs): told when they go stale. Unregister before dying.
class MapListener {
 public:
  virtual ~MapListener() = default;
  virtual void on_map_change() = 0;                 ///< the map or A20 changed: drop everything
  virtual void on_page_watched(PhysAddr page) = 0;  ///< stop writing to this page directly
  /// The same for `count` pages from `first` on.
  virtual void on_pages_watched(PhysAddr first, u64 count) {
    for (u64 i = 0; i < count; ++i) on_page_watched(first + i * kPageSize);
  }
};

enum class PageKind : u8 { Ram, Rom, Mmio, Hole };

/// What stands at one physical page. `host` is the page's first byte for Ram and Rom, else null.
struct PhysPage {
  PageKind kind = PageKind::Hole;
  u8* host = nullptr;
  MmioHandler* mmio = nullptr;
  u64 mmio_offset = 0;  ///< of this page inside the handler's window
};

class PhysicalMemory {
 public:
  static constexpr u64 kPciHoleStart = 0xC000'0000;  ///< end of low RAM at most
  static constexpr u64 kHighRamStart = 0x1'0000'0000;
  static constexpr u64 kMinRam = 0x10'0000;

  /// `ram_bytes`: a multiple of 4 KiB, at least 1 MiB. `device_ram_bytes`: RAM on cards, such as
  /// video memory; a multiple of 4 KiB. Throws std::bad_alloc if the host refuses.
  /// `kind`: where the host is asked to have it, unless it is too much for that.
  explicit PhysicalMemory(u64 ram_bytes, u64 device_ram_bytes = 0,
                          HostMemory::Kind kind = HostMemory::Kind::Low);
  PhysicalMemory(const PhysicalMemory&) = delete;

  u64 ram_bytes() const { return ram_bytes_; }
  /// Of RAM and device RAM, what was touched.
  u64 resident_bytes() const { return ram_.resident_bytes(); }
  u64 low_ram_end() const;   ///< first address past RAM below the hole
  u64 high_ram_end() const;  ///< first address past RAM above 4 GiB, or 4 GiB if there is none

  /// Later additions cover earlier ones. Addresses and sizes are multiples of 4 KiB, but for the
  /// size of a ROM image, which is filled up with FFH.
  void add_rom(PhysAddr start, std::span<const u8> image);
  void add_mmio(PhysAddr start, u64 size, MmioHandler& handler);
  void add_hole(PhysAddr start, u64 size);
  /// Windows that PCI software places: everything else that is there, RAM too, covers them.
  void add_mmio_below(PhysAddr start, u64 size, MmioHandler& handler);
  void add_device_ram_below(PhysAddr start, u64 size, u64 offset);
  /// A part of device RAM at an address, over what was there. It is RAM in every respect.
  void add_device_ram(PhysAddr start, u64 size, u64 offset);
  void remove_device_ram(PhysAddr start, u64 size);  ///< the window of that place and size
  void remove_mmio(const MmioHandler& handler);  ///< all its windows; uncovers what they covered
  void remove(PhysAddr start, u64 size);         ///< uncovers what was there before any addition

  /// Total; never fails. A20 is applied here.
  PhysPage page(PhysAddr address) const {
    const u64 at = a20_masked(address).value & ~kPageMask;
    for (const RamWindow& w : fast_)
      if (at - w.start < w.size) [[likely]]
        return {PageKind::Ram, w.host + (at - w.start), nullptr, 0};
    return mapped_page(at);
  }

  /// The whole map in order of addresses: f(start, end, kind).
  template <class F>
  void for_each_range(F&& f) const {
    for (const Mapped& m : map_) f(m.start, m.end, m.first.kind);
  }

  /// Any address, any length: splits at pages, drives MMIO in naturally aligned pieces of 1 to 8
  /// bytes, notifies the watcher. Used for DMA, loaders and the cpu's slow path.
  void read(PhysAddr address, std::span<u8> out);
  void write(PhysAddr address, std::span<const u8> in);
  template <class T>
  T read(PhysAddr address) {
    T value{};
    read(address, std::span<u8>(reinterpret_cast<u8*>(&value), sizeof value));
    return value;
  }
  template <class T>
  void write(PhysAddr address, T value) {
    write(address, std::span<const u8>(reinterpret_cast<const u8*>(&value), sizeof value));
  }

  /// The A20 gate. A change tells listeners and hooks, so that TLBs are flushed.
  void set_a20(bool enabled);
  bool a20() const { return a20_mask_ == ~u64{0}; }
  /// The address as it leaves the cpu: bit 20 is 0 while A20 is disabled.
  PhysAddr a20_masked(PhysAddr address) const { return {address.value & a20_mask_}; }

  /// Called after the map or A20 changed: every cached host pointer is stale.
  void on_change(std::function<void()> hook) { change_hooks_.push_back(std::move(hook)); }
  void add_listener(MapListener& listener) { listeners_.push_back(&listener); }
  void remove_listener(MapListener& listener) { std::erase(listeners_, &listener); }

  // Watched pages. Watching is counted by bit: each user owns one bit of the page's mask. Only RAM
  // can be watched: nothing else changes by writes. Device RAM that shows at several addresses is
  // watched, and told of, at all of them.
  enum Watch : u8 { kWatchCode = 1, kWatchPageTable = 2, kWatchLog = 4, kWatchScreen = 8 };
  void set_watcher(Watch who, WriteWatcher* watcher);
  void watch(PhysAddr page, Watch who);
  void unwatch(PhysAddr page, Watch who);
  /// Pages of device RAM, by offset and count, wherever they show.
  void watch_device_ram(u64 offset, u64 pages, Watch who);
  void unwatch_device_ram(u64 offset, u64 pages, Watch who);
  /// For a device that wrote to its RAM itself: tells who watches those pages, but for itself.
  void notify_device_ram(u64 offset, u64 size, Watch self);
  bool watched(PhysAddr address) const { return watched(page(address)); }
  bool watched(const PhysPage& page) const {
    return page.kind == PageKind::Ram && watch_.data()[ram_index(page)] != 0;
  }
  /// Which 64-byte lines of a RAM page hold code, as whoever watches kWatchCode knows it: bit n is
  /// line n. Before that is said of a watched page, all may.
  void set_code_lines(PhysAddr page, u64 lines);
  /// The number by which beside_code() knows a page of RAM; kNoPage for all others.
  u32 code_page(const PhysPage& page) const {
    const bool ram = page.kind == PageKind::Ram && ram_index(page) < ram_bytes_ >> kPageShift;
    return ram && watched(page) ? static_cast<u32>(ram_index(page)) : kNoPage;
  }
  static constexpr u32 kNoPage = ~u32{0};
  /// True if the page is watched by kWatchCode alone and no line of these bytes holds code.
  bool beside_code(u32 page, u64 offset, u64 size) const {
    const u64 lines = load<u64>(code_lines_.data() + u64{page} * sizeof(u64));
    return watch_.data()[page] == kWatchCode && !(lines & lines_of(offset, size));
  }
  /// The lines of a page that these bytes, at least one, touch.
  static u64 lines_of(u64 offset, u64 size) {
    const u64 first = offset / 64, last = std::min(offset + size - 1, kPageMask) / 64;
    return low_mask(static_cast<unsigned>(last - first + 1)) << first;
  }
  /// For a cpu that wrote through a host pointer to a page that may be watched.
  void notify_write(PhysAddr address, u64 size);

  /// Where the RAM of address 0 stands.
  const u8* ram_base() const { return ram_.data(); }
  /// RAM below 4 GiB that nothing covers, in one piece, at its own address.
  bool is_plain_ram(PhysAddr start, u64 size) const {
    const RamWindow& w = fast_[0];
    return a20() && w.host == ram_.data() + w.start && start.value - w.start < w.size &&
           size <= w.size - (start.value - w.start);
  }
  /// The first page of plain RAM from `start` on that is watched; `end` if none is before it.
  u64 first_watched(PhysAddr start, u64 end) const;

  /// The host memory that backs RAM, in guest order (low part, then the part above 4 GiB).
  std::span<u8> ram() { return {ram_.data(), ram_bytes_}; }
  /// RAM on cards; its offsets count from the first byte.
  std::span<u8> device_ram() { return ram_.span().subspan(ram_bytes_, device_ram_bytes_); }

 private:
  /// What was added, oldest first; the later covers the earlier.
  struct Region {
    u64 start, end;
    PageKind kind;
    MmioHandler* mmio;
    u64 offset;  ///< of `start` inside the window, image or device RAM
    std::shared_ptr<HostMemory> rom = nullptr;
    bool below_ram = false;
  };
  /// The map as seen: sorted, disjoint, no holes.
  struct Mapped {
    u64 start, end;
    PhysPage first;
  };
  struct RamWindow {
    u64 start = 0, size = 0;
    u8* host = nullptr;
  };

  u64 ram_index(const PhysPage& page) const {
    return static_cast<u64>(page.host - ram_.data()) >> kPageShift;
  }
  PhysPage mapped_page(u64 page) const;
  PhysPage unmapped_view(u64 page) const;
  PhysPage ram_page(u64 page) const;
  void add(Region region, bool below = false);
  u8* host_of(const Region& region, u64 offset) const;
  void for_aliases(const PhysPage& page, PhysAddr seen,
                   const std::function<void(PhysAddr)>& f) const;
  void set_lines(const PhysPage& page, u64 lines);
  void changed();
  void rebuild_map();
  void rebuild_fast_windows();
  void notify_page(PhysAddr address, u64 size, const PhysPage& page);
  void tell_watchers(u8 mask, PhysAddr address, u64 size);
  void read_mmio(const PhysPage& page, u64 offset, std::span<u8> out);
  void write_mmio(const PhysPage& page, u64 offset, std::span<const u8> in);

  u64 ram_bytes_ = 0, device_ram_bytes_ = 0;
  u64 a20_mask_ = ~u64{0};
  RamWindow fast_[2];  ///< the largest RAM piece below and above 4 GiB that nothing covers
  HostMemory ram_;
  HostMemory watch_;       ///< one mask per RAM page
  HostMemory code_lines_;  ///< one u64 per RAM page, meant while it is watched by kWatchCode
  std::vector<Region> regions_;
  std::vector<Mapped> map_;
  WriteWatcher* watchers_[4] = {};
  std::vector<MapListener*> listeners_;
  std::vector<std::function<void()>> change_hooks_;
  u32 dropped_writes_ = 0;  ///< rate limit of the log
};

}  // namespace ring3
