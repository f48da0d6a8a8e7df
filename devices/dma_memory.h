// SPDX-License-Identifier: MIT
// Guest memory as a bus master reaches it: RAM, and ROM to read. What else stands at an address
// reads as all ones and swallows writes, so that a device cannot be made to drive itself or others.
#pragma once

#include <algorithm>
#include <span>

#include "base/bits.h"
#include "mmu/physical_memory.h"

namespace ring3 {

class DmaMemory {
 public:
  explicit DmaMemory(PhysicalMemory& memory) : memory_(memory) {}

  void read(u64 address, std::span<u8> out) {
    for_pages(address, out.size(), [&](u64 at, size_t done, size_t n) {
      const PhysPage page = memory_.page(PhysAddr{at});
      if (page.host) {
        std::copy_n(page.host + (at & kPageMask), n, out.data() + done);
      } else {
        std::fill_n(out.data() + done, n, u8{0xFF});
      }
    });
  }
  void write(u64 address, std::span<const u8> in) {
    for_pages(address, in.size(), [&](u64 at, size_t done, size_t n) {
      const PhysPage page = memory_.page(PhysAddr{at});
      if (page.kind != PageKind::Ram) return;
      std::copy_n(in.data() + done, n, page.host + (at & kPageMask));
      if (memory_.watched(page)) memory_.notify_write(PhysAddr{at}, n);
    });
  }
  template <class T>
  T read(u64 address) {
    T value{};
    read(address, std::span<u8>(reinterpret_cast<u8*>(&value), sizeof value));
    return value;
  }
  template <class T>
  void write(u64 address, T value) {
    write(address, std::span<const u8>(reinterpret_cast<const u8*>(&value), sizeof value));
  }

 private:
  template <class Each>
  static void for_pages(u64 address, size_t size, Each&& each) {
    for (size_t done = 0; done < size;) {
      const size_t n = std::min<size_t>(size - done, kPageSize - (address + done) % kPageSize);
      each(address + done, done, n);
      done += n;
    }
  }

  PhysicalMemory& memory_;
};

}  // namespace ring3
