// SPDX-License-Identifier: MIT
#include "bios/memory_map.h"

namespace ring3 {
namespace {

// With less RAM than this the tables do not go to the top of RAM but below F0000h.
constexpr u64 kLeastForHighTables = 0x200000;
constexpr u64 kLowTables = 0xD0000;
constexpr u64 kFourGiB = 0x1'0000'0000;

}  // namespace

MemoryMap::MemoryMap(u64 low_ram_end, u64 high_ram_end) {
  const auto add = [this](u64 start, u64 end, E820Type type) {
    if (start < end) entries.push_back({start, end - start, type});
  };
  const bool tables_high = low_ram_end >= kLeastForHighTables;
  const u64 tables_size = layout::kAcpiSize + layout::kNvsSize;
  acpi_start = tables_high ? low_ram_end - tables_size : kLowTables;
  facs = acpi_start + layout::kAcpiSize;
  usable_end = tables_high ? acpi_start : low_ram_end;

  add(0, layout::kEbda, E820Type::Ram);
  add(layout::kEbda, 0xA0000, E820Type::Reserved);
  if (!tables_high) {
    add(acpi_start, facs, E820Type::AcpiReclaim);
    add(facs, facs + layout::kNvsSize, E820Type::AcpiNvs);
  }
  add(layout::kFirmware, layout::kHighMemory, E820Type::Reserved);
  add(layout::kHighMemory, usable_end, E820Type::Ram);
  if (tables_high) {
    add(acpi_start, facs, E820Type::AcpiReclaim);
    add(facs, facs + layout::kNvsSize, E820Type::AcpiNvs);
  }
  add(0xFEC00000, 0xFEC01000, E820Type::Reserved);  // IOAPIC
  add(0xFEE00000, 0xFEE01000, E820Type::Reserved);  // local APICs
  add(0xFFFC0000, kFourGiB, E820Type::Reserved);    // firmware ROM, as QEMU has it
  add(kFourGiB, high_ram_end, E820Type::Ram);
}

}  // namespace ring3
