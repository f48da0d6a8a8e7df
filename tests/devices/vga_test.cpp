// SPDX-License-Identifier: MIT
#include "devices/vga.h"

#include <catch2/catch.hpp>

#include "tests/devices/contract.h"

using namespace ring3;
using namespace ring3::test;

namespace {

constexpr u64 kVideo = 1 << 20;
constexpr u32 kSeqPort = 0x3C4, kGfxPort = 0x3CE, kCrtcPort = 0x3D4;

struct Fixture {
  Bench bench;
  PhysicalMemory memory{1 << 20, kVideo};
  Vga vga{bench.clock, memory};
  Fixture() { vga.set_up_as_firmware(); }

  void out(u16 port, u8 value) { vga.write(port - 0x3B0u, Width::Byte, value); }
  u8 in(u16 port) { return static_cast<u8>(vga.read(port - 0x3B0u, Width::Byte)); }
  void set(u16 port, u8 index, u8 value) {
    vga.write(port - 0x3B0u, Width::Word, u32{value} << 8 | index);
  }
  void vbe(u16 index, u16 value) {
    vga.write(Vga::kVbeOffset, Width::Word, index);
    vga.write(Vga::kVbeOffset + 1, Width::Word, value);
  }
  u16 vbe(u16 index) {
    vga.write(Vga::kVbeOffset, Width::Word, index);
    return static_cast<u16>(vga.read(Vga::kVbeOffset + 1, Width::Word));
  }
  void config(u8 reg, u32 value) { vga.function().config_write(reg, Width::Dword, value); }
  void planar() {
    set(kSeqPort, VgaState::kMemoryMode, 6);
    set(kSeqPort, VgaState::kMapMask, 15);
    set(kGfxPort, VgaState::kGfxMode, 0);
    set(kGfxPort, VgaState::kMisc, 5);
  }
  void chain4() {
    set(kSeqPort, VgaState::kMemoryMode, 14);
    set(kSeqPort, VgaState::kMapMask, 15);
    set(kGfxPort, VgaState::kGfxMode, 0x40);
    set(kGfxPort, VgaState::kMisc, 5);
  }
  u8 peek(u64 address) { return memory.read<u8>({address}); }
  void poke(u64 address, u8 value) { memory.write<u8>({address}, value); }
};

}  // namespace

TEST_CASE("vga: the CRTC's ports follow bit 0 of the miscellaneous output register") {
  Fixture f;
  CHECK(f.in(0x3B4) == 0xFF);
  f.out(0x3C2, 0x66);
  CHECK(f.in(0x3D4) == 0xFF);
  f.out(0x3B4, 0x0F);
  CHECK(f.in(0x3B4) == 0x0F);
}

TEST_CASE("vga: CRTC 11h bit 7 set -> 00h-07h keep their values, but for the line compare bit") {
  Fixture f;
  f.set(kCrtcPort, 0x11, 0x8E);
  f.set(kCrtcPort, 0x00, 0x12);
  f.set(kCrtcPort, 0x07, 0x00);
  f.out(0x3D4, 0x00);
  CHECK(f.in(0x3D5) == 0x5F);
  f.out(0x3D4, 0x07);
  CHECK(f.in(0x3D5) == 0x0F);
}

TEST_CASE("vga: attribute port -> index and data alternate, 3DAh starts over") {
  Fixture f;
  f.in(0x3DA);
  f.out(0x3C0, 0x31);
  f.out(0x3C0, 0x15);
  CHECK(f.in(0x3C1) == 0x15);
  f.out(0x3C0, 0x30);
  f.in(0x3DA);
  f.out(0x3C0, 0x31);
  CHECK(f.in(0x3C1) == 0x15);
}

TEST_CASE("vga: DAC written in threes -> read back in threes, six bits each") {
  Fixture f;
  f.out(0x3C8, 10);
  for (u8 value : {0xFF, 0x12, 0x41, 0x01}) f.out(0x3C9, value);
  f.out(0x3C7, 10);
  CHECK(f.in(0x3C9) == 0x3F);
  CHECK(f.in(0x3C9) == 0x12);
  CHECK(f.in(0x3C9) == 0x01);
  CHECK(f.in(0x3C7) == 3);
}

TEST_CASE("vga: odd/even addresses -> planes 0 and 1 at even offsets") {
  Fixture f;
  f.poke(0xB8002, 'A');
  f.poke(0xB8003, 0x1E);
  CHECK(f.vga.memory()[2 * 4] == 'A');
  CHECK(f.vga.memory()[2 * 4 + 1] == 0x1E);
  CHECK(f.peek(0xB8003) == 0x1E);
  CHECK(f.peek(0xA0002) == 0xFF);
}

TEST_CASE("vga: write mode 1 copies latches, read mode 1 compares colours") {
  Fixture f;
  f.planar();
  for (u8 plane = 0; plane < 4; ++plane) {
    f.set(kSeqPort, VgaState::kMapMask, static_cast<u8>(1 << plane));
    f.poke(0xA0000, static_cast<u8>(0x11 << plane));
  }
  f.set(kSeqPort, VgaState::kMapMask, 15);
  f.set(kGfxPort, VgaState::kGfxMode, 1);
  f.peek(0xA0000);
  f.poke(0xA0001, 0);
  CHECK(std::equal(&f.vga.memory()[0], &f.vga.memory()[4], &f.vga.memory()[4]));
  f.set(kGfxPort, VgaState::kGfxMode, 8);
  f.set(kGfxPort, VgaState::kColorCompare, 4);
  f.set(kGfxPort, VgaState::kColorDontCare, 15);
  CHECK(f.peek(0xA0000) == 0x44);  // bits 2 and 6 have colour 4
}

TEST_CASE("vga: chain-4 bytes -> plane address mod 4, also after chain-4 goes off") {
  Fixture f;
  f.chain4();
  for (u32 i = 0; i < 16; ++i) f.poke(0xA0100 + i, static_cast<u8>(0xC0 + i));
  CHECK(f.vga.memory()[0x105] == 0xC5);
  f.planar();
  f.set(kGfxPort, VgaState::kReadMap, 1);
  CHECK(f.peek(0xA0104) == 0xC5);  // plane 1, offset 104h
  CHECK(f.peek(0xA0100) == 0xC1);
  f.set(kGfxPort, VgaState::kReadMap, 3);
  CHECK(f.peek(0xA010C) == 0xCF);
}

TEST_CASE("vga: chain-4 at rest -> A0000h is RAM; a bit mask takes it away at once") {
  Fixture f;
  f.chain4();
  CHECK(f.memory.page({0xA0000}).kind == PageKind::Mmio);
  f.bench.advance(100'000'000);
  CHECK(f.memory.page({0xA0000}).kind == PageKind::Ram);
  f.poke(0xA1234, 0x77);
  CHECK(f.vga.memory()[0x1234] == 0x77);
  f.set(kGfxPort, VgaState::kBitMask, 0x0F);
  CHECK(f.memory.page({0xA0000}).kind == PageKind::Mmio);
  f.bench.advance(100'000'000);
  CHECK(f.memory.page({0xA0000}).kind == PageKind::Mmio);
}

TEST_CASE("vga: frame buffer BAR -> RAM there, below main memory and the local APIC") {
  Fixture f;
  CHECK(f.memory.page({0xFD00'0000}).host == f.vga.memory().data());
  f.poke(0xFD00'0010, 0x5A);
  CHECK(f.vga.memory()[0x10] == 0x5A);
  f.config(0x10, 0x0000'0000);
  CHECK(f.memory.page({0}).host == f.memory.ram().data());
  CHECK(f.memory.page({0xFD00'0000}).kind == PageKind::Hole);
  f.config(0x10, 0xFFFF'FFFF);
  CHECK(f.vga.function().config_read(0x10, Width::Dword) == (0xFFF0'0000u | 8));
}

TEST_CASE("vga: changes -> the pages written since the last look, by any way") {
  Fixture f;
  CHECK(f.vga.take_changes().registers);
  CHECK_FALSE(f.vga.changed());
  f.poke(0xFD00'5008, 1);
  f.poke(0xB8000, 'x');
  CHECK(f.vga.changed());
  const Vga::Changes changes = f.vga.take_changes();
  CHECK(changes.pages[5]);
  CHECK(changes.pages[0]);
  CHECK(std::count(changes.pages.begin(), changes.pages.end(), true) == 2);
  CHECK_FALSE(changes.registers);
  f.poke(0xFD00'5008, 2);
  CHECK(f.vga.take_changes().pages[5]);
  f.vga.stop_watching();
  CHECK_FALSE(f.memory.watched({0xFD00'5000}));
}

TEST_CASE("vga: VBE sizes beyond video memory -> cut to what it holds") {
  Fixture f;
  f.vbe(VgaState::kVbeXres, 1920);
  f.vbe(VgaState::kVbeYres, 1080);
  f.vbe(VgaState::kVbeBpp, 32);
  f.vbe(VgaState::kVbeEnable, VgaState::kVbeEnabled);
  CHECK(f.vbe(VgaState::kVbeXres) == 1920);
  CHECK(f.vbe(VgaState::kVbeYres) == kVideo / (1920 * 4));
  f.vbe(VgaState::kVbeBpp, 7);
  CHECK(f.vbe(VgaState::kVbeBpp) == 8);
}

TEST_CASE("vga: registers in BAR 2 -> EDID, ports and DISPI registers") {
  Fixture f;
  CHECK(f.memory.read<u64>({0xFEBF'0000}) == 0x00FF'FFFF'FFFF'FF00);
  u8 sum = 0;
  for (u64 i = 0; i < 128; ++i) sum = static_cast<u8>(sum + f.peek(0xFEBF'0000 + i));
  CHECK(sum == 0);
  f.memory.write<u16>({0xFEBF'0502}, 640);
  CHECK(f.vbe(VgaState::kVbeXres) == 640);
  CHECK(f.memory.read<u16>({0xFEBF'0500}) == 0xB0C5);
  CHECK(f.peek(0xFEBF'040C) == 0x67);
}

TEST_CASE("vga: a frame passes -> 3DAh shows display, blanking and one retrace") {
  Fixture f;
  unsigned retraces = 0;
  bool before = f.in(0x3DA) & 8;
  for (unsigned i = 0; i < 2000; ++i) {
    f.bench.advance(10'000);
    const u8 status = f.in(0x3DA);
    CHECK((!(status & 8) || (status & 1)));
    retraces += (status & 8) && !before;
    before = status & 8;
  }
  CHECK(retraces == 1);
}
