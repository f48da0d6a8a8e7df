// SPDX-License-Identifier: MIT
#include "devices/virtio/virtio_input.h"

#include <catch2/catch.hpp>

#include "devices/pc_input.h"
#include "devices/ps2_keyboard.h"
#include "devices/virtio/virtio_pci.h"
#include "tests/devices/contract.h"

using namespace ring3;
using namespace ring3::test;

namespace {

struct Evdev {
  u16 type, code;
  i32 value;
  bool operator==(const Evdev&) const = default;
};

/// A driver of one device: buffers of one event each in queue 0, one LED event in queue 1.
struct InputBench : Bench {
  static constexpr u64 kEventRing = 0x10000, kStatusRing = 0x20000, kBuffers = 0x30000;
  static constexpr u64 kAvailable = 0x2000, kUsed = 0x3000;
  static constexpr u32 kCommon = VirtioPci::kModern, kNotify = kCommon + 0x3000,
                       kConfig = kCommon + 0x2000;

  explicit InputBench(VirtioInput::Kind kind) : input(kind) {}
  PhysicalMemory memory{u64{4} << 20};
  IoBus io;
  VirtioInput input;
  VirtioPci pci{
      input,
      {.memory = memory, .io = io, .intx = line("INTA"), .send = [](u64, u32) {}, .legacy = false}};
  u16 given = 0, seen = 0;

  void common(u32 reg, Width width, u32 value) { pci.write(kCommon + reg, width, value); }
  void place(u16 queue, u64 ring) {
    common(22, Width::Word, queue);
    common(32, Width::Dword, static_cast<u32>(ring));
    common(40, Width::Dword, static_cast<u32>(ring + kAvailable));
    common(48, Width::Dword, static_cast<u32>(ring + kUsed));
    common(28, Width::Word, 1);
  }
  void start() {
    common(20, Width::Byte, 3);
    common(8, Width::Dword, 1);
    common(12, Width::Dword, 1);  // VERSION_1
    common(20, Width::Byte, 11);
    place(0, kEventRing);
    place(1, kStatusRing);
    common(20, Width::Byte, 15);
  }
  void give(unsigned buffers) {
    for (; buffers--; ++given) {
      const u16 index = given % 64;
      descriptor(kEventRing, index, kBuffers + 8u * index, 8, 2);
      memory.write<u16>(PhysAddr{kEventRing + kAvailable + 4 + 2u * index}, index);
    }
    memory.write<u16>(PhysAddr{kEventRing + kAvailable + 2}, given);
    pci.write(kNotify, Width::Word, 0);
  }
  void descriptor(u64 ring, u16 index, u64 address, u32 length, u16 flags) {
    memory.write<u64>(PhysAddr{ring + 16u * index}, address);
    memory.write<u32>(PhysAddr{ring + 16u * index + 8}, length);
    memory.write<u16>(PhysAddr{ring + 16u * index + 12}, flags);
  }
  std::vector<Evdev> events() {
    std::vector<Evdev> got;
    for (; seen != memory.read<u16>(PhysAddr{kEventRing + kUsed + 2}); ++seen) {
      const u64 at = kBuffers + 8u * (seen % 64);
      got.push_back({memory.read<u16>(PhysAddr{at}), memory.read<u16>(PhysAddr{at + 2}),
                     static_cast<i32>(memory.read<u32>(PhysAddr{at + 4}))});
    }
    return got;
  }
  /// Size and bytes of a configuration item.
  std::vector<u8> item(u8 select, u8 subselect) {
    pci.write(kConfig, Width::Byte, select);
    pci.write(kConfig + 1, Width::Byte, subselect);
    std::vector<u8> bytes(pci.read(kConfig + 2, Width::Byte));
    for (u32 i = 0; i < bytes.size(); ++i)
      bytes[i] = static_cast<u8>(pci.read(kConfig + 8 + i, Width::Byte));
    return bytes;
  }
};

using Evdevs = std::vector<Evdev>;
constexpr Evdev kReport{0, 0, 0};

}  // namespace

TEST_CASE("virtio-input: identity -> modern device 1052h, QEMU's vendor and product") {
  InputBench b(VirtioInput::Kind::Tablet);
  CHECK(b.pci.function().config_read(0, Width::Dword) == 0x10521AF4);
  CHECK(b.pci.function().config_read(0x0A, Width::Word) == 0x0980);
  CHECK(b.item(3, 0) == std::vector<u8>{6, 0, 0x27, 6, 3, 0, 1, 0});
  const std::vector<u8> name = b.item(1, 0);
  CHECK(std::string(name.begin(), name.end()) == "virtio-tablet");
  CHECK(b.item(99, 0).empty());
}

TEST_CASE("virtio-input: a tablet's bits -> three buttons, two axes to 7FFFh, a wheel") {
  InputBench b(VirtioInput::Kind::Tablet);
  std::vector<u8> buttons(35);
  buttons[34] = 7;
  CHECK(b.item(0x11, 1) == buttons);
  CHECK(b.item(0x11, 3) == std::vector<u8>{3});
  CHECK(b.item(0x11, 2) == std::vector<u8>{0, 1});
  CHECK(b.item(0x12, 0)[4] == 0xFF);
  CHECK(b.item(0x12, 1)[5] == 0x7F);
  CHECK(b.item(0x12, 2).empty());
  CHECK(b.item(0x11, 0x14).empty());
}

TEST_CASE("virtio-input: a keyboard's bits -> its keys, LEDs, repeat by the driver; no axes") {
  InputBench b(VirtioInput::Kind::Keyboard);
  const std::vector<u8> keys = b.item(0x11, 1);
  CHECK(keys.size() == 16);
  CHECK((keys[0] & 3) == 2);    // Esc, not 0
  CHECK((keys[12] >> 7) == 1);  // up
  CHECK(b.item(0x11, 0x11) == std::vector<u8>{7});
  CHECK(b.item(0x11, 0x14).size() == 1);
  CHECK(b.item(0x11, 3).empty());
}

TEST_CASE("virtio-input: keys -> evdev codes, each with its report; the host's repeats do not") {
  InputBench b(VirtioInput::Kind::Keyboard);
  b.input.key(0x1E, true);  // no driver: lost
  b.start();
  b.give(64);
  CHECK(b.events().empty());
  b.input.key(0x1E, true);
  b.input.key(0x1E, true);
  b.input.key(0x1E, false);
  b.input.key(0xE048, true);
  b.input.key(Ps2Keyboard::kPause, true);
  CHECK(
      b.events() ==
      Evdevs{{1, 30, 1}, kReport, {1, 30, 0}, kReport, {1, 103, 1}, kReport, {1, 119, 1}, kReport});
  CHECK(b.level["INTA"]);
}

TEST_CASE("virtio-input: a place -> what changed, the wheel upwards positive, the buttons") {
  InputBench b(VirtioInput::Kind::Tablet);
  b.start();
  b.give(64);
  b.input.point(100, 0x9000, 0, 0);
  b.input.point(100, 0x7FFF, -1, VirtioInput::kLeft);
  b.input.point(100, 0x7FFF, 0, VirtioInput::kMiddle);
  CHECK(b.events() == Evdevs{{3, 0, 100},
                             {3, 1, 0x7FFF},
                             kReport,
                             {2, 8, 1},
                             {1, 0x110, 1},
                             kReport,
                             {1, 0x110, 0},
                             {1, 0x112, 1},
                             kReport});
}

TEST_CASE("virtio-input: no buffers -> events wait for them; too many -> no key stays down") {
  InputBench b(VirtioInput::Kind::Keyboard);
  b.start();
  b.input.key(0x1E, true);
  b.input.key(0x1E, false);
  CHECK(b.events().empty());
  b.give(3);
  CHECK(b.events() == Evdevs{{1, 30, 1}, kReport, {1, 30, 0}});
  b.give(1);
  CHECK(b.events() == Evdevs{kReport});
  for (int i = 0; i < 1000; ++i) {
    b.input.key(0x1D, true);
    b.input.key(0x1E, true);
    b.input.key(0x1E, false);
    b.input.key(0x1D, false);
  }
  int down = 0, events = 0;
  for (int i = 0; i < 10; ++i) {
    b.give(60);
    for (const Evdev& event : b.events()) {
      ++events;
      down += event.type ? 2 * event.value - 1 : 0;
    }
  }
  CHECK(down == 0);
  CHECK(events > 200);
}

TEST_CASE("virtio-input: the driver's LED events -> leds") {
  InputBench b(VirtioInput::Kind::Keyboard);
  b.start();
  b.memory.write<u16>(PhysAddr{0x40000}, 0x11);
  b.memory.write<u16>(PhysAddr{0x40002}, 1);
  b.memory.write<u32>(PhysAddr{0x40004}, 1);
  b.descriptor(InputBench::kStatusRing, 0, 0x40000, 8, 0);
  b.memory.write<u16>(PhysAddr{InputBench::kStatusRing + InputBench::kAvailable + 2}, 1);
  b.pci.write(InputBench::kNotify + 4, Width::Word, 1);
  CHECK(b.input.leds() == 2);
  CHECK(b.memory.read<u16>(PhysAddr{InputBench::kStatusRing + InputBench::kUsed + 2}) == 1);
}

TEST_CASE(
    "virtio-input: rings that break the rules while events come -> the device needs a reset") {
  InputBench b(VirtioInput::Kind::Keyboard);
  b.start();
  b.memory.write<u16>(PhysAddr{InputBench::kEventRing + InputBench::kAvailable + 2}, 500);
  b.input.key(0x1E, true);
  CHECK((b.pci.read(InputBench::kCommon + 20, Width::Byte) & 0x40) != 0);
  b.common(20, Width::Byte, 0);
  CHECK_FALSE(b.input.ready());
}
