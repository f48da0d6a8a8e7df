// SPDX-License-Identifier: MIT
#include "bios/acpi_tables.h"

#include <numeric>

#include "bios/byte_writer.h"
#include "bios/dsdt.h"

namespace ring3 {
namespace {

constexpr std::string_view kOemId = "RING3 ", kOemTableId = "RING3PC ", kCreatorId = "RNG3";
constexpr u32 kRevision = 1;
constexpr u64 kTableAlign = 16, kFacsSize = 64;

std::vector<u8> table(std::string_view signature, u8 revision, const std::vector<u8>& body) {
  constexpr u64 kHeaderSize = 36, kChecksumAt = 9;
  ByteWriter w;
  w.text(signature).u32_(kHeaderSize + body.size()).u8_(revision).u8_(0);
  w.text(kOemId).text(kOemTableId).u32_(kRevision).text(kCreatorId).u32_(kRevision).bytes(body);
  std::vector<u8> out = w.take();
  out[kChecksumAt] = checksum(out.data(), out.size());
  return out;
}

/// Generic Address Structure in I/O space.
void io_address(ByteWriter& w, u16 port, u8 bits, u8 access_bytes_log2_plus_1) {
  constexpr u8 kSystemIo = 1;
  w.u8_(kSystemIo).u8_(bits).u8_(0).u8_(access_bytes_log2_plus_1).u64_(port);
}

void no_address(ByteWriter& w) { w.zeros(12); }

// FADT flags (ACPI 6.4 table 5.10) and IA-PC boot architecture flags (table 5.11).
constexpr u32 kWbinvd = 1 << 0, kProcC1 = 1 << 2, kNoSleepButton = 1 << 5, kResetRegSup = 1 << 10,
              kUsePlatformClock = 1 << 15;
constexpr u16 kLegacyDevices = 1 << 0, k8042 = 1 << 1, kNoVga = 1 << 2;

/// Fixed ACPI hardware of the PIIX4; C2 and C3 are declared absent by their latencies.
std::vector<u8> fadt(const BoardInfo& board, u64 dsdt, u64 facs) {
  constexpr u16 kNoC2 = 0x0FFF, kNoC3 = 0x0FFF;
  constexpr u8 kEventLength = 4, kControlLength = 2, kTimerLength = 4, kGpeLength = 4;
  constexpr u8 kByteAccess = 1, kWordAccess = 2, kDwordAccess = 3;
  ByteWriter w;
  w.u32_(facs).u32_(dsdt).u8_(0).u8_(0).u16_(pc::kSciIrq);
  w.u32_(pc::kSmiCommand).u8_(pc::kAcpiEnable).u8_(pc::kAcpiDisable).u8_(0).u8_(0);
  w.u32_(pc::kPm1aEvent).u32_(0).u32_(pc::kPm1aControl).u32_(0).u32_(0);
  w.u32_(pc::kPmTimer).u32_(pc::kGpe0).u32_(0);
  w.u8_(kEventLength).u8_(kControlLength).u8_(0).u8_(kTimerLength).u8_(kGpeLength);
  w.u8_(0).u8_(0).u8_(0).u16_(kNoC2).u16_(kNoC3).u16_(0).u16_(0).u8_(0).u8_(0);
  w.u8_(0).u8_(0).u8_(pc::kCmosCentury);
  w.u16_(kLegacyDevices | (board.keyboard ? k8042 : 0) | (board.vga ? 0 : kNoVga)).u8_(0);
  w.u32_(kWbinvd | kProcC1 | kNoSleepButton | kResetRegSup | kUsePlatformClock);
  io_address(w, pc::kResetControl, 8, kByteAccess);
  w.u8_(pc::kResetValue).zeros(3);
  w.u64_(0).u64_(dsdt);  // the FACS is given by its 32-bit field: only one of the two may be set
  io_address(w, pc::kPm1aEvent, 8 * kEventLength, kWordAccess);
  no_address(w);
  io_address(w, pc::kPm1aControl, 8 * kControlLength, kWordAccess);
  no_address(w);
  no_address(w);
  io_address(w, pc::kPmTimer, 8 * kTimerLength, kDwordAccess);
  io_address(w, pc::kGpe0, 8 * kGpeLength, kByteAccess);
  no_address(w);
  return table("FACP", 3, w.take());
}

std::vector<u8> facs() {
  ByteWriter w;
  w.text("FACS").u32_(kFacsSize).zeros(24).u8_(1).zeros(31);
  return w.take();
}

/// MADT (ACPI 6.4 section 5.2.12): the PIT at GSI 2, PCI and SCI lines level-triggered.
std::vector<u8> madt(const BoardInfo& board) {
  constexpr u32 kPcatCompat = 1;
  constexpr u8 kLocalApicEntry = 0, kIoApicEntry = 1, kOverrideEntry = 2, kLocalNmiEntry = 4;
  constexpr u16 kConforms = 0, kLevelActiveHigh = 0x0D;
  ByteWriter w;
  w.u32_(pc::kLocalApic).u32_(kPcatCompat);
  for (u32 n = 0; n < board.cpus; ++n) w.u8_(kLocalApicEntry).u8_(8).u8_(n).u8_(n).u32_(1);
  w.u8_(kIoApicEntry).u8_(12).u8_(pc::kIoApicId).u8_(0).u32_(pc::kIoApic).u32_(0);
  const auto override = [&w](u8 irq, u32 gsi, u16 flags) {
    w.u8_(kOverrideEntry).u8_(10).u8_(0).u8_(irq).u32_(gsi).u16_(flags);
  };
  override(0, 2, kConforms);
  for (const u8 irq : {5, 9, 10, 11}) override(irq, irq, kLevelActiveHigh);
  w.u8_(kLocalNmiEntry).u8_(6).u8_(0xFF).u16_(kConforms).u8_(1);  // all processors, LINT1
  return table("APIC", 1, w.take());
}

std::vector<u8> hpet() {
  constexpr u32 kEventTimerBlock = 0x8086A201;  // Intel, legacy replacement, 64-bit, 3 comparators
  constexpr u16 kMinimumTick = 100;
  ByteWriter w;
  w.u32_(kEventTimerBlock).u32_(0).u64_(pc::kHpet).u8_(0).u16_(kMinimumTick).u8_(0);
  return table("HPET", 1, w.take());
}

std::vector<u8> rsdp(u64 rsdt, u64 xsdt) {
  constexpr u64 kSize = 36, kFirstPart = 20;
  ByteWriter w;
  w.text("RSD PTR ").u8_(0).text(kOemId).u8_(2).u32_(rsdt);
  w.u32_(kSize).u64_(xsdt).u8_(0).zeros(3);
  std::vector<u8> out = w.take();
  out[8] = checksum(out.data(), kFirstPart);
  out[32] = checksum(out.data(), kSize);
  return out;
}

/// Tables one after the other; add() gives the address of the one added.
class TableArea {
 public:
  explicit TableArea(u64 address) : address_(address) {}
  u64 add(const std::vector<u8>& table) {
    bytes_.resize((bytes_.size() + kTableAlign - 1) & ~(kTableAlign - 1));
    const u64 at = address_ + bytes_.size();
    bytes_.insert(bytes_.end(), table.begin(), table.end());
    return at;
  }
  std::vector<u8> take() { return std::move(bytes_); }

 private:
  u64 address_;
  std::vector<u8> bytes_;
};

}  // namespace

u8 checksum(const u8* bytes, u64 size) {
  return static_cast<u8>(-std::accumulate(bytes, bytes + size, 0u));
}

AcpiTables build_acpi_tables(const BoardInfo& board, u64 address, u64 facs_address) {
  TableArea area(address);
  const u64 dsdt = area.add(table("DSDT", 2, dsdt_definition_block(board)));
  std::vector<u64> pointers = {area.add(fadt(board, dsdt, facs_address)), area.add(madt(board))};
  if (board.hpet) pointers.push_back(area.add(hpet()));
  ByteWriter narrow, wide;
  for (const u64 pointer : pointers) narrow.u32_(pointer), wide.u64_(pointer);
  const u64 rsdt = area.add(table("RSDT", 1, narrow.take()));
  const u64 xsdt = area.add(table("XSDT", 1, wide.take()));
  return {rsdp(rsdt, xsdt), area.take(), facs()};
}

}  // namespace ring3
