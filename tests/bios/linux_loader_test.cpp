// SPDX-License-Identifier: MIT
#include "bios/linux_loader.h"

#include <catch2/catch.hpp>

#include "bios/boot_params.h"
#include "bios/memory_map.h"
#include "fake_machine.h"

namespace ring3 {
namespace {

using namespace test;  // NOLINT
namespace bp = boot_params;

constexpr u64 kMiB = 1 << 20;
constexpr u64 kSetupSize = 5 * 512, kBodySize = 0x3000;

/// A bzImage with a body of C3h bytes. 2.15, loaded high, 64-bit entry.
struct KernelImage {
  std::vector<u8> bytes = std::vector<u8>(kSetupSize + kBodySize, 0xC3);

  KernelImage() {
    std::fill(bytes.begin(), bytes.begin() + kSetupSize, 0);
    put(bp::kSetupSects, u8{4});
    put(bp::kSysSize, static_cast<u32>(kBodySize / 16));
    put(bp::kBootFlag, bp::kBootFlagValue);
    put(bp::kJumpLength, u8{0x6A});
    put(bp::kHeader, bp::kHdrS);
    put(bp::kVersion, u16{0x20F});
    put(bp::kLoadFlags, bp::kLoadedHigh);
    put(bp::kCode32Start, u32{0x100000});
    put(bp::kInitrdAddrMax, u32{0x7FFFFFFF});
    put(bp::kXLoadFlags, bp::kXlfKernel64);
    put(bp::kCmdlineSize, u32{2047});
    put(bp::kPrefAddress, u64{0x1000000});
    put(bp::kInitSize, u32{0x200000});
  }
  template <class T>
  void put(u32 offset, T value) {
    store(bytes.data() + offset, value);
  }
};

struct Loading {
  explicit Loading(u64 ram = 128 * kMiB) : machine(ram) {}
  Result<LoadedLinux> load() {
    const TempFile file(kernel.bytes);
    options.kernel = file.path();
    return load_linux(machine.target, options);
  }
  std::string error() {
    const auto result = load();
    REQUIRE_FALSE(result.ok());
    CHECK(machine.written == 0);
    return result.error();
  }
  u64 params(u32 offset) const { return machine.read<u32>(layout::kBootParams + offset); }

  FakeMachine machine;
  KernelImage kernel;
  LinuxOptions options;
};

}  // namespace

TEST_CASE("Linux: 64-bit kernel -> entered at 200h in long mode with identity pages") {
  Loading l;
  const auto loaded = l.load();
  REQUIRE(loaded.ok());
  const EntryState& e = (*loaded).entry;
  CHECK(e.mode == EntryMode::Long64);
  CHECK(e.rip == 0x100200);
  CHECK(e.rsi == layout::kBootParams);
  CHECK(e.cs == 0x10);
  CHECK(e.ds == 0x18);
  CHECK(l.machine.read<u64>(e.gdt_base + 0x10) == 0x00AF9B000000FFFF);
  CHECK(l.machine.read<u8>(0x100000 + kBodySize - 1) == 0xC3);
  // The last 2 MiB below 4 GiB, by a walk of the tables.
  const u64 pdpt = l.machine.read<u64>(e.cr3) & ~kPageMask;
  const u64 directory = l.machine.read<u64>(pdpt + 3 * 8) & ~kPageMask;
  CHECK(l.machine.read<u64>(directory + 511 * 8) == (0xFFE00000 | 0x83));
  CHECK_FALSE(l.machine.outside_ram);
}

TEST_CASE("Linux: no 64-bit entry -> entered at code32_start, flat, ESI = boot_params") {
  Loading l;
  l.kernel.put(bp::kXLoadFlags, u16{0});
  const auto loaded = l.load();
  REQUIRE(loaded.ok());
  CHECK((*loaded).entry.mode == EntryMode::Protected32);
  CHECK((*loaded).entry.rip == 0x100000);
  CHECK((*loaded).entry.rsi == layout::kBootParams);
}

TEST_CASE("Linux: zImage -> entered in real mode at the setup code") {
  Loading l;
  l.kernel.put(bp::kLoadFlags, u8{0});
  l.kernel.put(bp::kVersion, u16{0x202});
  l.options.command_line = "root=/dev/hda1";
  const auto loaded = l.load();
  REQUIRE(loaded.ok());
  const EntryState& e = (*loaded).entry;
  CHECK(e.mode == EntryMode::Real16);
  CHECK(e.ds == 0x9000);
  CHECK(e.cs == 0x9020);
  CHECK(e.rip == 0);
  CHECK(l.machine.read<u8>(0x10000) == 0xC3);
  CHECK(l.machine.read<u8>(0x90000 + bp::kTypeOfLoader) == 0xFF);
  CHECK(l.machine.c_string(l.machine.read<u32>(0x90000 + bp::kCmdLinePtr)) == "root=/dev/hda1");
}

TEST_CASE("Linux: boot_params -> header, command line, E820, RSDP") {
  Loading l;
  l.options.command_line = "console=ttyS0";
  l.options.rsdp = 0xF0000;
  REQUIRE(l.load().ok());
  CHECK(l.params(bp::kHeader) == bp::kHdrS);
  CHECK((l.params(bp::kTypeOfLoader) & 0xFF) == 0xFF);
  CHECK(l.machine.c_string(l.params(bp::kCmdLinePtr)) == "console=ttyS0");
  CHECK(l.params(bp::kAcpiRsdpAddr) == 0xF0000);
  const MemoryMap map(128 * kMiB, 1ull << 32);
  CHECK((l.params(bp::kE820Entries) & 0xFF) == map.entries.size());
  CHECK(l.params(bp::kE820Table + 20) == 0x9FC00);
  CHECK(l.params(0x1EF) % 256 == 0);  // the sentinel: boot_params were made by a loader
}

TEST_CASE("Linux: initrd -> at the top of usable RAM, page-aligned") {
  Loading l;
  const TempFile initrd(filled(5000, 0x77));
  l.options.initrd = initrd.path();
  const auto loaded = l.load();
  REQUIRE(loaded.ok());
  CHECK((*loaded).initrd_address == 128 * kMiB - 0x20000 - 0x2000);
  CHECK(l.params(bp::kRamdiskImage) == (*loaded).initrd_address);
  CHECK(l.params(bp::kRamdiskSize) == 5000);
  CHECK(l.machine.read<u8>((*loaded).initrd_address + 4999) == 0x77);
}

TEST_CASE("Linux: low initrd_addr_max -> initrd ends below it") {
  Loading l;
  l.kernel.put(bp::kInitrdAddrMax, u32{0x37FFFFF});
  const TempFile initrd(filled(4096, 1));
  l.options.initrd = initrd.path();
  const auto loaded = l.load();
  REQUIRE(loaded.ok());
  CHECK((*loaded).initrd_address == 0x37FF000);
}

TEST_CASE("Linux: bad kernels -> one line with option, path and reason, nothing written") {
  Loading l;
  SECTION("no signature") {
    l.kernel.put(bp::kHeader, u32{0});
    CHECK(contains(l.error(), "is not a Linux kernel image"));
  }
  SECTION("text file") {
    l.kernel.bytes.assign(100, 'x');
    CHECK(contains(l.error(), "is not a Linux kernel image"));
  }
  SECTION("empty") {
    l.kernel.bytes.clear();
    CHECK(contains(l.error(), "is empty"));
  }
  SECTION("truncated in the body") {
    l.kernel.bytes.resize(kSetupSize + kBodySize - 16);
    CHECK(contains(l.error(), "is truncated"));
  }
  SECTION("truncated in the setup code") {
    l.kernel.bytes.resize(kSetupSize - 512);
    CHECK(contains(l.error(), "is truncated"));
  }
  SECTION("protocol before 2.00") {
    l.kernel.put(bp::kVersion, u16{0x105});
    CHECK(contains(l.error(), "boot protocol 1.05"));
  }
  SECTION("needs more memory than there is") {
    l.kernel.put(bp::kInitSize, u32{128 * kMiB});
    CHECK(contains(l.error(), "raise -m"));
  }
  SECTION("header fields that overflow") {
    l.kernel.put(bp::kPrefAddress, ~u64{0} - 0x1000);
    CHECK(contains(l.error(), "raise -m"));
  }
}

TEST_CASE("Linux: file that is not there -> error names option and path") {
  FakeMachine machine(128 * kMiB);
  LinuxOptions options;
  options.kernel = "/no/such/kernel";
  const auto result = load_linux(machine.target, options);
  REQUIRE_FALSE(result.ok());
  CHECK(contains(result.error(), "-kernel /no/such/kernel: cannot be opened"));
}

TEST_CASE("Linux: initrd larger than RAM -> error names -initrd and the way out") {
  Loading l(20 * kMiB);
  const TempFile initrd(filled(3 * kMiB, 0));
  l.options.initrd = initrd.path();
  const std::string error = l.error();
  CHECK(contains(error, "-initrd"));
  CHECK(contains(error, "raise -m"));
}

TEST_CASE("Linux: command line longer than the kernel takes -> error names -append") {
  Loading l;
  l.options.command_line.assign(2048, 'x');
  CHECK(contains(l.error(), "-append"));
  l.options.command_line.assign(2047, 'x');
  CHECK(l.load().ok());
}

TEST_CASE("Linux: entry that the kernel has not -> error") {
  Loading l;
  l.kernel.put(bp::kXLoadFlags, u16{0});
  l.options.entry = LinuxEntry::Long64;
  CHECK(contains(l.error(), "no 64-bit entry"));
}

}  // namespace ring3
