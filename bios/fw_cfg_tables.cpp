// SPDX-License-Identifier: MIT
// The tables are built for address 0, so that each pointer in them is an offset into its file;
// the script makes the BIOS add the file's address to it.
#include "bios/fw_cfg_tables.h"

#include <span>
#include <string_view>

#include "base/bits.h"
#include "bios/acpi_tables.h"
#include "bios/byte_writer.h"
#include "bios/smbios.h"

namespace ring3 {
namespace {

constexpr std::string_view kTables = "etc/acpi/tables", kFacs = "etc/acpi/facs",
                           kRsdp = "etc/acpi/rsdp";
constexpr u64 kAcpiHeader = 36, kAcpiChecksum = 9;

/// Commands of 128 bytes each: a number, then its operands.
class LoaderScript {
 public:
  enum Zone : u8 { kHigh = 1, kFSegment = 2 };

  void allocate(std::string_view file, u32 align, Zone zone) {
    begin(kAllocate).file(file).w.u32_(align).u8_(zone);
    end();
  }
  /// Adds the address of `to` to the `size` bytes at `offset` in `in`.
  void add_pointer(std::string_view in, u64 offset, u8 size, std::string_view to) {
    begin(kAddPointer).file(in).file(to).w.u32_(offset).u8_(size);
    end();
  }
  /// Makes the sum of `length` bytes from `start` zero by the byte at `offset`.
  void add_checksum(std::string_view file_name, u64 offset, u64 start, u64 length) {
    begin(kAddChecksum).file(file_name).w.u32_(offset).u32_(start).u32_(length);
    end();
  }
  std::vector<u8> take() { return w.take(); }

 private:
  enum Command : u32 { kAllocate = 1, kAddPointer = 2, kAddChecksum = 3 };
  static constexpr u64 kCommandSize = 128, kNameSize = 56;

  LoaderScript& begin(Command command) {
    start_ = w.size();
    w.u32_(command);
    return *this;
  }
  LoaderScript& file(std::string_view name) {
    w.text(name).zeros(kNameSize - name.size());
    return *this;
  }
  void end() { w.zeros(start_ + kCommandSize - w.size()); }

  ByteWriter w;
  u64 start_ = 0;
};

void add_pointers(LoaderScript& script, std::span<const u8> table, u64 at) {
  constexpr u64 kFacsPointer = 36, kDsdtPointer = 40, kXDsdtPointer = 140;
  const std::string_view signature(reinterpret_cast<const char*>(table.data()), 4);
  if (signature == "FACP") {
    script.add_pointer(kTables, at + kFacsPointer, 4, kFacs);
    script.add_pointer(kTables, at + kDsdtPointer, 4, kTables);
    script.add_pointer(kTables, at + kXDsdtPointer, 8, kTables);
  }
  const u8 width = signature == "RSDT" ? 4 : signature == "XSDT" ? 8 : 0;
  for (u64 entry = kAcpiHeader; width && entry < table.size(); entry += width)
    script.add_pointer(kTables, at + entry, width, kTables);
}

/// Tables stand one after the other at multiples of 16 bytes; each header gives its length.
void relocate_tables(LoaderScript& script, std::span<const u8> tables) {
  constexpr u64 kLength = 4, kAlign = 16;
  for (u64 at = 0; at + kAcpiHeader <= tables.size();) {
    const u32 length = load<u32>(&tables[at + kLength]);
    add_pointers(script, tables.subspan(at, length), at);
    script.add_checksum(kTables, at + kAcpiChecksum, at, length);
    at = (at + length + kAlign - 1) & ~(kAlign - 1);
  }
}

std::vector<u8> acpi_script(const AcpiTables& acpi) {
  constexpr u64 kRsdtPointer = 16, kXsdtPointer = 24, kChecksum = 8, kExtendedChecksum = 32,
                kFirstPart = 20;
  LoaderScript script;
  script.allocate(kFacs, 64, LoaderScript::kHigh);
  script.allocate(kTables, 64, LoaderScript::kHigh);
  script.allocate(kRsdp, 16, LoaderScript::kFSegment);
  relocate_tables(script, acpi.tables);
  script.add_pointer(kRsdp, kRsdtPointer, 4, kTables);
  script.add_pointer(kRsdp, kXsdtPointer, 8, kTables);
  script.add_checksum(kRsdp, kChecksum, 0, kFirstPart);
  script.add_checksum(kRsdp, kExtendedChecksum, 0, acpi.rsdp.size());
  return script.take();
}

}  // namespace

std::vector<FirmwareFile> build_fw_cfg_tables(const BoardInfo& board, u64 low_ram_end,
                                              u64 high_ram_end) {
  constexpr u64 kAnchorSize = 0x1F, kAnchorRoom = 0x20;
  const AcpiTables acpi = build_acpi_tables(board, 0, 0);
  const u64 ram = low_ram_end + high_ram_end - 0x1'0000'0000;
  const std::vector<u8> smbios = build_smbios(board, ram, low_ram_end, high_ram_end, 0);
  const auto from = smbios.begin();
  return {{std::string(kFacs), acpi.facs},
          {std::string(kTables), acpi.tables},
          {std::string(kRsdp), acpi.rsdp},
          {"etc/table-loader", acpi_script(acpi)},
          {"etc/smbios/smbios-anchor", {from, from + kAnchorSize}},
          {"etc/smbios/smbios-tables", {from + kAnchorRoom, smbios.end()}}};
}

}  // namespace ring3
