// SPDX-License-Identifier: MIT
// Plays the part of a BIOS: runs the script of "etc/table-loader" and looks at what it made.
#include "bios/fw_cfg_tables.h"

#include <catch2/catch.hpp>
#include <map>
#include <numeric>

#include "base/bits.h"

namespace ring3 {
namespace {

constexpr u64 kFirstAddress = 0x100000;
constexpr size_t kCommandSize = 128;

/// Files at addresses, and the script's three commands on them.
class Loader {
 public:
  explicit Loader(const std::vector<FirmwareFile>& files) {
    for (const FirmwareFile& file : files) files_[file.name] = {file.bytes, 0};
  }
  void run() {
    const std::vector<u8> script = files_.at("etc/table-loader").bytes;
    REQUIRE(script.size() % kCommandSize == 0);
    for (size_t at = 0; at < script.size(); at += kCommandSize) step(&script[at]);
  }
  const std::vector<u8>& bytes(const std::string& name) { return files_.at(name).bytes; }
  /// The bytes at an address that a table names.
  const u8* at(u64 address) {
    for (const auto& [name, file] : files_)
      if (file.address && address >= file.address && address < file.address + file.bytes.size())
        return &file.bytes[address - file.address];
    FAIL("nothing at address " << address);
    return nullptr;
  }

 private:
  struct File {
    std::vector<u8> bytes;
    u64 address;
  };
  File& named(const u8* name) { return files_.at(reinterpret_cast<const char*>(name)); }

  void step(const u8* c) {
    switch (load<u32>(c)) {
      case 1:
        return allocate(named(c + 4), load<u32>(c + 60));
      case 2:
        return add_pointer(named(c + 4), load<u32>(c + 116), c[120], named(c + 60).address);
      case 3:
        return add_checksum(named(c + 4), load<u32>(c + 60), load<u32>(c + 64), load<u32>(c + 68));
      default:
        FAIL("no such command");
    }
  }
  void allocate(File& file, u64 align) {
    next_ = (next_ + align - 1) & ~(align - 1);
    file.address = next_;
    next_ += file.bytes.size();
  }
  void add_pointer(File& in, u32 offset, u8 size, u64 address) {
    u64 value = 0;
    std::memcpy(&value, &in.bytes.at(offset), size);
    REQUIRE(address != 0);
    value += address;
    std::memcpy(&in.bytes.at(offset), &value, size);
  }
  void add_checksum(File& in, u32 offset, u32 start, u32 length) {
    const auto from = in.bytes.begin() + start;
    in.bytes.at(offset) -= std::accumulate(from, from + length, u8{0});
  }

  std::map<std::string, File> files_;
  u64 next_ = kFirstAddress;
};

u8 sum(const u8* bytes, u64 size) { return std::accumulate(bytes, bytes + size, u8{0}); }

Loader loaded() {
  Loader loader(build_fw_cfg_tables({}, 256 << 20, 0x1'0000'0000));
  loader.run();
  return loader;
}

}  // namespace

TEST_CASE("table loader: the script runs -> RSDP leads to sound RSDT and XSDT") {
  Loader loader = loaded();
  const std::vector<u8>& rsdp = loader.bytes("etc/acpi/rsdp");
  CHECK(sum(rsdp.data(), 20) == 0);
  CHECK(sum(rsdp.data(), rsdp.size()) == 0);
  const u8* rsdt = loader.at(load<u32>(&rsdp[16]));
  const u8* xsdt = loader.at(load<u64>(&rsdp[24]));
  CHECK(std::memcmp(rsdt, "RSDT", 4) == 0);
  CHECK(std::memcmp(xsdt, "XSDT", 4) == 0);
  CHECK(sum(rsdt, load<u32>(rsdt + 4)) == 0);
  CHECK(sum(xsdt, load<u32>(xsdt + 4)) == 0);
}

TEST_CASE("table loader: the script runs -> the XSDT's tables are sound, the FADT's too") {
  Loader loader = loaded();
  const u8* xsdt = loader.at(load<u64>(&loader.bytes("etc/acpi/rsdp")[24]));
  std::string seen;
  for (u32 entry = 36; entry < load<u32>(xsdt + 4); entry += 8) {
    const u8* table = loader.at(load<u64>(xsdt + entry));
    CHECK(sum(table, load<u32>(table + 4)) == 0);
    seen.append(reinterpret_cast<const char*>(table), 4);
  }
  CHECK(seen == "FACPAPICHPET");
  const u8* fadt = loader.at(load<u64>(xsdt + 36));
  CHECK(std::memcmp(loader.at(load<u32>(fadt + 36)), "FACS", 4) == 0);
  CHECK(std::memcmp(loader.at(load<u32>(fadt + 40)), "DSDT", 4) == 0);
  CHECK(load<u64>(fadt + 140) == load<u32>(fadt + 40));
}

TEST_CASE("SMBIOS files: anchor and tables -> as long as the anchor says") {
  Loader loader(build_fw_cfg_tables({}, 256 << 20, 0x1'0000'0000));
  const std::vector<u8>& anchor = loader.bytes("etc/smbios/smbios-anchor");
  REQUIRE(anchor.size() == 0x1F);
  CHECK(std::memcmp(anchor.data(), "_SM_", 4) == 0);
  CHECK(load<u16>(&anchor[0x16]) == loader.bytes("etc/smbios/smbios-tables").size());
}

}  // namespace ring3
