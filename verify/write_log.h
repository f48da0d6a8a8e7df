// SPDX-License-Identifier: MIT
// Which bytes of RAM were written since the last look, by cpu or device. While a log exists no
// write goes past the slow path, so it is for the reference only.
#pragma once

#include <vector>

#include "mmu/physical_memory.h"

namespace ring3::verify {

class WriteLog final : public WriteWatcher, private MapListener {
 public:
  struct Write {
    PhysAddr address;
    u64 size;  ///< inside one page
  };

  explicit WriteLog(PhysicalMemory& memory);
  ~WriteLog() override;

  const std::vector<Write>& writes() const { return writes_; }
  void clear() { writes_.clear(); }

  void on_watched_write(PhysAddr address, u64 size) override { writes_.push_back({address, size}); }

 private:
  void watch_all();
  void on_map_change() override { watch_all(); }
  void on_page_watched(PhysAddr) override {}

  PhysicalMemory& memory_;
  std::vector<Write> writes_;
};

}  // namespace ring3::verify
