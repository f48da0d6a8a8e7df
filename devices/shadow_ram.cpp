// SPDX-License-Identifier: MIT
#include "devices/shadow_ram.h"

#include <algorithm>

#include "base/log.h"
#include "devices/i440fx.h"

namespace ring3 {

void ShadowRam::add_rom(PhysAddr start, std::vector<u8> image) {
  image.resize((image.size() + kPageMask) & ~kPageMask, 0xFF);
  memory_.add_rom(start, image);
  roms_.push_back({start.value, std::move(image)});
}

void ShadowRam::show_roms(u64 start, u64 end) {
  for (const Rom& rom : roms_) {
    const u64 from = std::max(start, rom.start), to = std::min(end, rom.end());
    if (from < to)
      memory_.add_rom(PhysAddr{from}, std::span(rom.image).subspan(from - rom.start, to - from));
  }
}

/// RAM that cannot be written is a ROM with RAM's contents.
void ShadowRam::freeze_ram(u64 start, u64 end) {
  std::vector<u8> contents(end - start);
  memory_.read(PhysAddr{start}, contents);
  memory_.add_rom(PhysAddr{start}, contents);
}

void ShadowRam::set_segment(u64 start, u64 size, u8 pam) {
  const u64 end = start + size;
  const bool covered = std::ranges::any_of(
      roms_, [&](const Rom& rom) { return rom.start < end && rom.end() > start; });
  if (!covered) return;
  memory_.remove(PhysAddr{start}, size);
  switch (pam) {
    case I440fx::kReadRam | I440fx::kWriteRam:
      return;
    case I440fx::kReadRam:
      return freeze_ram(start, end);
    case I440fx::kWriteRam:
      if (first_times(logged_, 1))
        RING3_LOG(GuestErrors, "i440fx: PAM with reads from ROM and writes to RAM: ROM only");
      [[fallthrough]];
    default:
      return show_roms(start, end);
  }
}

}  // namespace ring3
