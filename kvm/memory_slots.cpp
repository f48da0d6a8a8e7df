// SPDX-License-Identifier: MIT
#include "kvm/memory_slots.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>

#include "base/check.h"

namespace ring3::kvm {
namespace {

constexpr u64 kMiB = 1 << 20;

}  // namespace

MemorySlots::MemorySlots(Vm& vm, PhysicalMemory& memory) : vm_(vm), memory_(memory) {
  memory_.add_listener(*this);
}

MemorySlots::~MemorySlots() { memory_.remove_listener(*this); }

void MemorySlots::add_piece(std::vector<Slot>& slots, u64 start, u64 end, PageKind kind) const {
  if (start >= end) return;
  Slot slot;
  slot.start = start;
  slot.size = end - start;
  slot.host = memory_.page(PhysAddr{start}).host;
  slot.read_only = kind == PageKind::Rom;
  slot.logged = static_cast<u64>(slot.host - memory_.device_ram().data()) <
                memory_.device_ram().size();
  slots.push_back(slot);
}

std::vector<MemorySlots::Slot> MemorySlots::wanted() const {
  std::vector<Slot> slots;
  memory_.for_each_range([&](u64 start, u64 end, PageKind kind) {
    if (kind != PageKind::Ram && kind != PageKind::Rom) return;
    if (memory_.a20()) return add_piece(slots, start, end, kind);
    // Bit 20 is 0 for the cpu: each even MiB shows at the odd one behind it too.
    for (u64 mib = start & ~(2 * kMiB - 1); mib < end; mib += 2 * kMiB) {
      const u64 from = std::max(start, mib), to = std::min(end, mib + kMiB);
      add_piece(slots, from, to, kind);
      add_piece(slots, from + kMiB, to + kMiB, kind);
    }
  });
  return slots;
}

Status MemorySlots::set(const Slot& slot, u64 size) {
  kvm_userspace_memory_region region{};
  region.slot = slot.id;
  region.flags = (slot.read_only ? u32{KVM_MEM_READONLY} : 0) |
                 (slot.logged ? u32{KVM_MEM_LOG_DIRTY_PAGES} : 0);
  region.guest_phys_addr = slot.start;
  region.memory_size = size;
  region.userspace_addr = reinterpret_cast<u64>(slot.host);
  if (vm_.machine(KVM_SET_USER_MEMORY_REGION, &region) >= 0) return success();
  return Error{fmt::format("-accel kvm: KVM refuses {} bytes of memory at {:#x}: {}; give less -m",
                           size, slot.start, std::strerror(errno))};
}

u32 MemorySlots::free_id() const {
  u32 id = 0;
  while (std::ranges::any_of(slots_, [id](const Slot& s) { return s.id == id; })) ++id;
  return id;
}

Status MemorySlots::update() {
  if (!std::exchange(stale_, false)) return success();
  std::vector<Slot> next = wanted();
  const auto stays = [](const std::vector<Slot>& list, const Slot& slot) {
    return std::ranges::any_of(list, [&](const Slot& s) { return s.same(slot); });
  };
  for (const Slot& old : slots_)
    if (!stays(next, old))
      if (Status removed = set(old, 0); !removed) return removed;
  std::erase_if(slots_, [&](const Slot& old) { return !stays(next, old); });
  for (Slot& slot : next) {
    if (stays(slots_, slot)) continue;
    slot.id = free_id();
    if (Status added = set(slot, slot.size); !added) return added;
    slots_.push_back(slot);
  }
  return success();
}

void MemorySlots::report_device_writes() {
  if (!watched_ || stale_) return;
  for (const Slot& slot : slots_) {
    if (!slot.logged) continue;
    std::vector<u64> bitmap(((slot.size >> kPageShift) + 63) / 64);
    kvm_dirty_log log{};
    log.slot = slot.id;
    log.dirty_bitmap = bitmap.data();
    vm_.must(vm_.machine(KVM_GET_DIRTY_LOG, &log), "KVM_GET_DIRTY_LOG");
    for (size_t word = 0; word < bitmap.size(); ++word)
      for (u64 left = bitmap[word]; left; left &= left - 1)
        memory_.notify_write(
            PhysAddr{slot.start + ((word * 64 + std::countr_zero(left)) << kPageShift)}, 1);
  }
}

}  // namespace ring3::kvm
