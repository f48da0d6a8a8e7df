// SPDX-License-Identifier: MIT
#include "devices/fw_cfg.h"

#include <catch2/catch.hpp>
#include <string>

using namespace ring3;

namespace {

constexpr u64 kDescriptor = 0x1000, kBuffer = 0x2000;

struct Board {
  PhysicalMemory memory{u64{1} << 20};
  FwCfg cfg{memory};
  void select(u16 key) { cfg.write(0, Width::Word, key); }
  std::string read(size_t n) {
    std::string out;
    while (n--) out += static_cast<char>(cfg.read(1, Width::Byte));
    return out;
  }
  /// Runs a DMA; returns the control word after it.
  u32 dma(u32 control, u32 length) {
    memory.write(PhysAddr{kDescriptor}, __builtin_bswap32(control));
    memory.write(PhysAddr{kDescriptor + 4}, __builtin_bswap32(length));
    memory.write(PhysAddr{kDescriptor + 8}, __builtin_bswap64(kBuffer));
    cfg.write(4, Width::Dword, 0);
    cfg.write(8, Width::Dword, __builtin_bswap32(static_cast<u32>(kDescriptor)));
    return __builtin_bswap32(memory.read<u32>(PhysAddr{kDescriptor}));
  }
  std::string buffer(size_t n) {
    std::string out(n, '?');
    memory.read(PhysAddr{kBuffer}, std::span(reinterpret_cast<u8*>(out.data()), n));
    return out;
  }
};

}  // namespace

TEST_CASE("fw_cfg: signature and id -> QEMU, with DMA") {
  Board b;
  b.select(FwCfg::kSignature);
  CHECK(b.read(4) == "QEMU");
  b.select(FwCfg::kId);
  CHECK(b.read(4) == std::string("\3\0\0\0", 4));
  CHECK(b.cfg.read(4, Width::Dword) == __builtin_bswap32(0x51454D55));
  CHECK(b.cfg.read(8, Width::Dword) == __builtin_bswap32(0x20434647));
}

TEST_CASE("fw_cfg: past the end, and an unknown key -> zeros") {
  Board b;
  b.select(FwCfg::kSignature);
  CHECK(b.read(6) == std::string("QEMU\0\0", 6));
  b.select(0x1234);
  CHECK(b.read(1) == std::string("\0", 1));
}

TEST_CASE("fw_cfg: files -> a big-endian directory sorted by name, replaced by name") {
  Board b;
  CHECK(b.cfg.add_file("opt/b", {1, 2, 3}));
  CHECK(b.cfg.add_file("etc/a", {4}));
  CHECK(b.cfg.add_file("opt/b", {5, 6}));
  CHECK_FALSE(b.cfg.add_file(std::string(56, 'x'), {}));
  b.select(FwCfg::kFileDir);
  CHECK(b.read(4) == std::string("\0\0\0\2", 4));
  const std::string first = b.read(64), second = b.read(64);
  CHECK(first.substr(0, 14) == std::string("\0\0\0\1\0\x21\0\0etc/a\0", 14));
  CHECK(second.substr(0, 14) == std::string("\0\0\0\2\0\x20\0\0opt/b\0", 14));
  b.select(0x20);
  CHECK(b.read(2) == "\5\6");
}

TEST_CASE("fw_cfg: DMA select and read -> the item, zeros past its end, control cleared") {
  Board b;
  b.memory.write<u64>(PhysAddr{kBuffer}, ~u64{0});
  CHECK(b.dma(u32{FwCfg::kSignature} << 16 | 8 | 2, 6) == 0);
  CHECK(b.buffer(7) == std::string("QEMU\0\0\xFF", 7));
}

TEST_CASE("fw_cfg: DMA skip, then read -> from there on") {
  Board b;
  CHECK(b.dma(u32{FwCfg::kSignature} << 16 | 8 | 4, 2) == 0);
  CHECK(b.dma(2, 2) == 0);
  CHECK(b.buffer(2) == "MU");
}

TEST_CASE("fw_cfg: DMA write -> the error bit") {
  Board b;
  CHECK(b.dma(u32{FwCfg::kSignature} << 16 | 8 | 16, 4) == 1);
}

TEST_CASE("fw_cfg: DMA of 4 GiB from any address -> ends") {
  Board b;
  CHECK(b.dma(u32{FwCfg::kSignature} << 16 | 8 | 2, 0xFFFFFFFF) != 2);
}
