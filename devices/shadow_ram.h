// SPDX-License-Identifier: MIT
// ROMs below 1 MiB and the RAM behind them, switched by the host bridge's PAM bits. Where no ROM
// was put, RAM shows whatever PAM says. Not emulated: writes that reach RAM while reads see ROM.
#pragma once

#include <vector>

#include "mmu/physical_memory.h"

namespace ring3 {

class ShadowRam {
 public:
  explicit ShadowRam(PhysicalMemory& memory) : memory_(memory) {}

  /// A page-aligned image anywhere; what lies in C0000h-FFFFFh obeys PAM from now on.
  void add_rom(PhysAddr start, std::vector<u8> image);
  bool has_roms() const { return !roms_.empty(); }
  /// `pam`: I440fx::Pam bits of one of its segments.
  void set_segment(u64 start, u64 size, u8 pam);

 private:
  struct Rom {
    u64 start;
    std::vector<u8> image;
    u64 end() const { return start + image.size(); }
  };
  void show_roms(u64 start, u64 end);
  void freeze_ram(u64 start, u64 end);

  PhysicalMemory& memory_;
  std::vector<Rom> roms_;
  u32 logged_ = 0;
};

}  // namespace ring3
