// SPDX-License-Identifier: MIT
#include "bios/flat_mode.h"

#include <array>

#include "base/bits.h"
#include "bios/memory_map.h"

namespace ring3 {
namespace {

// Segment descriptors (SDM 3A "Segment Descriptors"): base 0, limit 4 GiB, DPL 0, accessed.
constexpr u64 kCode32 = 0x00CF'9B00'0000'FFFF;
constexpr u64 kCode64 = 0x00AF'9B00'0000'FFFF;
constexpr u64 kData = 0x00CF'9300'0000'FFFF;

// Page table entry bits (SDM 3A "4-Level Paging").
constexpr u64 kPresentWritable = 3, kLarge = bit(7);

EntryState flat(const LoadTarget& target, EntryMode mode, u64 code) {
  const std::array<u64, 4> gdt = {0, 0, code, kData};
  target.write(layout::kBootGdt, {reinterpret_cast<const u8*>(gdt.data()), sizeof gdt});
  EntryState state;
  state.mode = mode;
  state.cs = kBootCs;
  state.ds = kBootDs;
  state.gdt_base = layout::kBootGdt;
  state.gdt_limit = sizeof gdt - 1;
  state.rsp = layout::kBootStackTop;
  return state;
}

void write_page(const LoadTarget& target, u64 address, const std::array<u64, 512>& entries) {
  target.write(address, {reinterpret_cast<const u8*>(entries.data()), sizeof entries});
}

/// PML4, PDPT and four directories of 2 MiB pages from kBootPages on.
void write_identity_map(const LoadTarget& target) {
  constexpr u64 kPdpt = layout::kBootPages + kPageSize, kDirectories = kPdpt + kPageSize;
  write_page(target, layout::kBootPages, {kPdpt | kPresentWritable});
  std::array<u64, 512> pdpt = {};
  for (u64 gib = 0; gib < 4; ++gib) {
    const u64 directory = kDirectories + gib * kPageSize;
    pdpt[gib] = directory | kPresentWritable;
    std::array<u64, 512> entries;
    for (u64 i = 0; i < 512; ++i) entries[i] = (gib << 30) | (i << 21) | kLarge | kPresentWritable;
    write_page(target, directory, entries);
  }
  write_page(target, kPdpt, pdpt);
}

}  // namespace

EntryState enter_protected32(const LoadTarget& target) {
  return flat(target, EntryMode::Protected32, kCode32);
}

EntryState enter_long64(const LoadTarget& target) {
  write_identity_map(target);
  EntryState state = flat(target, EntryMode::Long64, kCode64);
  state.cr3 = layout::kBootPages;
  return state;
}

}  // namespace ring3
