// SPDX-License-Identifier: MIT
#include "bios/smbios.h"

#include <algorithm>
#include <initializer_list>
#include <string_view>

#include "bios/acpi_tables.h"
#include "bios/byte_writer.h"

namespace ring3 {
namespace {

constexpr u16 kNoHandle = 0xFFFE;
constexpr u16 kMemoryArrayHandle = 0x1000, kMemoryDeviceHandle = 0x1100, kMappedHandle = 0x1300;
constexpr u8 kUnknown = 2, kOther = 1;
constexpr u64 kFourGiB = 0x1'0000'0000;

class Structures {
 public:
  /// `body`: what follows the four header bytes; `strings` are referred to as 1, 2, ...
  void add(u8 type, u16 handle, ByteWriter body, std::initializer_list<std::string_view> strings) {
    const std::vector<u8> formatted = body.take();
    const u64 before = bytes_.size();
    bytes_.u8_(type).u8_(4 + formatted.size()).u16_(handle).bytes(formatted);
    for (const std::string_view text : strings) bytes_.text(text).u8_(0);
    if (strings.size() == 0) bytes_.u8_(0);
    bytes_.u8_(0);
    ++count_;
    largest_ = std::max(largest_, bytes_.size() - before);
  }
  u16 count() const { return count_; }
  u16 largest() const { return static_cast<u16>(largest_); }
  std::vector<u8> take() { return bytes_.take(); }

 private:
  ByteWriter bytes_;
  u16 count_ = 0;
  u64 largest_ = 0;
};

void add_bios(Structures& s) {
  constexpr u64 kCharacteristicsUnsupported = 1 << 3;
  constexpr u8 kAcpiSupported = 1, kVirtualMachine = 1 << 4;
  ByteWriter w;
  w.u8_(1).u8_(2).u16_(0xF000).u8_(3).u8_(0).u64_(kCharacteristicsUnsupported);
  w.u8_(kAcpiSupported).u8_(kVirtualMachine).u8_(0).u8_(1).u8_(0xFF).u8_(0xFF);
  s.add(0, 0, w, {"ring3", "0.1", "01/01/2024"});
}

void add_system(Structures& s) {
  constexpr u8 kPowerSwitch = 6;
  ByteWriter w;
  w.u8_(1).u8_(2).u8_(3).u8_(0).zeros(16).u8_(kPowerSwitch).u8_(0).u8_(0);
  s.add(1, 0x100, w, {"ring3", "Standard PC (i440FX + PIIX)", "pc"});
}

void add_chassis(Structures& s) {
  constexpr u8 kSafe = 3;
  ByteWriter w;
  w.u8_(1).u8_(kOther).u8_(2).u8_(0).u8_(0).u8_(kSafe).u8_(kSafe).u8_(kSafe).u8_(kUnknown);
  w.u32_(0).u8_(0).u8_(0).u8_(0).u8_(0).u8_(0);
  s.add(3, 0x300, w, {"ring3", "pc"});
}

void add_processor(Structures& s, u32 n) {
  constexpr u8 kCentral = 3, kFamilyOther = 1, kPopulatedEnabled = 0x41, kUpgradeOther = 1;
  constexpr u16 kNoCache = 0xFFFF, kSixtyFourBit = 1 << 2;
  ByteWriter w;
  w.u8_(1).u8_(kCentral).u8_(kFamilyOther).u8_(2).u64_(0).u8_(3).u8_(0);
  w.u16_(0).u16_(2000).u16_(2000).u8_(kPopulatedEnabled).u8_(kUpgradeOther);
  w.u16_(kNoCache).u16_(kNoCache).u16_(kNoCache).u8_(0).u8_(0).u8_(0);
  w.u8_(1).u8_(1).u8_(1).u16_(kSixtyFourBit).u16_(kFamilyOther);
  s.add(4, static_cast<u16>(0x400 + n), w, {"CPU", "ring3", "pc"});
}

void add_memory_array(Structures& s, u64 ram_bytes) {
  constexpr u8 kSystemMemory = 3, kMultiBitEcc = 6;
  constexpr u32 kUseExtended = 0x80000000;
  const u64 kib = ram_bytes >> 10;
  const bool extended = kib >= kUseExtended;
  ByteWriter w;
  w.u8_(kOther).u8_(kSystemMemory).u8_(kMultiBitEcc).u32_(extended ? kUseExtended : kib);
  w.u16_(kNoHandle).u16_(1).u64_(extended ? ram_bytes : 0);
  s.add(16, kMemoryArrayHandle, w, {});
}

void add_memory_device(Structures& s, u64 ram_bytes) {
  constexpr u8 kDimm = 9, kRam = 7;
  constexpr u16 kInKib = 0x8000, kUseExtended = 0x7FFF, kTypeOther = 1 << 1;
  const u64 mib = ram_bytes >> 20;
  const u16 size = mib == 0              ? static_cast<u16>(kInKib | ram_bytes >> 10)
                   : mib >= kUseExtended ? kUseExtended
                                         : static_cast<u16>(mib);
  ByteWriter w;
  w.u16_(kMemoryArrayHandle).u16_(kNoHandle).u16_(0xFFFF).u16_(0xFFFF).u16_(size);
  w.u8_(kDimm).u8_(0).u8_(1).u8_(0).u8_(kRam).u16_(kTypeOther).u16_(0).u8_(2);
  w.u8_(0).u8_(0).u8_(0).u8_(0).u32_(size == kUseExtended ? mib : 0).u16_(0);
  w.u16_(0).u16_(0).u16_(0);
  s.add(17, kMemoryDeviceHandle, w, {"DIMM 0", "ring3"});
}

void add_mapped_address(Structures& s, u16 handle, u64 start, u64 end) {
  constexpr u32 kUseExtended = 0xFFFFFFFF;
  const bool extended = end > kFourGiB * 1024;  // more than the 32-bit KiB fields hold
  ByteWriter w;
  w.u32_(extended ? kUseExtended : start >> 10).u32_(extended ? kUseExtended : (end >> 10) - 1);
  w.u16_(kMemoryArrayHandle).u8_(1).u64_(extended ? start : 0).u64_(extended ? end - 1 : 0);
  s.add(19, handle, w, {});
}

std::vector<u8> entry_point(u64 table, u16 length, u16 count, u16 largest) {
  constexpr u64 kSize = 0x1F, kIntermediate = 0x10;
  ByteWriter w;
  w.text("_SM_").u8_(0).u8_(kSize).u8_(2).u8_(8).u16_(largest).u8_(0).zeros(5);
  w.text("_DMI_").u8_(0).u16_(length).u32_(table).u16_(count).u8_(0x28);
  std::vector<u8> out = w.take();
  out[0x15] = checksum(out.data() + kIntermediate, kSize - kIntermediate);
  out[4] = checksum(out.data(), kSize);
  return out;
}

}  // namespace

std::vector<u8> build_smbios(const BoardInfo& board, u64 ram_bytes, u64 low_ram_end,
                             u64 high_ram_end, u64 address) {
  constexpr u64 kEntryRoom = 0x20;
  Structures s;
  add_bios(s);
  add_system(s);
  add_chassis(s);
  for (u32 n = 0; n < board.cpus; ++n) add_processor(s, n);
  add_memory_array(s, ram_bytes);
  add_memory_device(s, ram_bytes);
  add_mapped_address(s, kMappedHandle, 0, low_ram_end);
  if (high_ram_end > kFourGiB) add_mapped_address(s, kMappedHandle + 1, kFourGiB, high_ram_end);
  s.add(32, 0x2000, std::move(ByteWriter().zeros(7)), {});
  s.add(127, 0x7F00, ByteWriter(), {});
  const u16 count = s.count(), largest = s.largest();
  const std::vector<u8> table = s.take();
  std::vector<u8> out =
      entry_point(address + kEntryRoom, static_cast<u16>(table.size()), count, largest);
  out.resize(kEntryRoom);
  out.insert(out.end(), table.begin(), table.end());
  return out;
}

}  // namespace ring3
