// SPDX-License-Identifier: MIT
// The physical map as KVM's memory slots: RAM, device RAM and ROM (read-only). Windows and holes
// have none, so that accesses to them leave KVM_RUN.
#pragma once

#include <vector>

#include "kvm/vm.h"
#include "mmu/physical_memory.h"

namespace ring3::kvm {

class MemorySlots final : private MapListener {
 public:
  MemorySlots(Vm& vm, PhysicalMemory& memory);
  ~MemorySlots() override;
  MemorySlots(const MemorySlots&) = delete;

  /// To be called before the guest runs: the slots become what the map is. Error: KVM refused one.
  Status update();
  /// Tells who watches device RAM (the screen) what the guest wrote since the last call.
  void report_device_writes();

 private:
  struct Slot {
    u64 start = 0, size = 0;
    u8* host = nullptr;
    bool read_only = false, logged = false;
    u32 id = 0;
    bool same(const Slot& o) const {
      return start == o.start && size == o.size && host == o.host && read_only == o.read_only &&
             logged == o.logged;
    }
  };

  void on_map_change() override { stale_ = true; }
  void on_page_watched(PhysAddr) override {}
  void on_pages_watched(PhysAddr, u64) override { watched_ = true; }
  std::vector<Slot> wanted() const;
  void add_piece(std::vector<Slot>& slots, u64 start, u64 end, PageKind kind) const;
  Status set(const Slot& slot, u64 size);
  u32 free_id() const;

  Vm& vm_;
  PhysicalMemory& memory_;
  std::vector<Slot> slots_;
  bool stale_ = true;
  bool watched_ = false;  ///< someone watched device RAM: its writes are asked for
};

}  // namespace ring3::kvm
