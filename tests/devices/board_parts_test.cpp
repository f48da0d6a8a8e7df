// SPDX-License-Identifier: MIT
// Small parts of the board: interrupt wires, shadow RAM, time by instructions, the test device.
#include <catch2/catch.hpp>
#include <map>

#include "devices/i440fx.h"
#include "devices/interrupt_hub.h"
#include "devices/pc_testdev.h"
#include "devices/shadow_ram.h"
#include "devices/time_sources.h"

using namespace ring3;

namespace {

struct Wires {
  std::map<unsigned, bool> pic, ioapic;
  InterruptHub hub{[this](unsigned n, bool l) { pic[n] = l; },
                   [this](unsigned n, bool l) { ioapic[n] = l; }};
};

}  // namespace

TEST_CASE("interrupt hub: two drivers of a line -> their OR, at both controllers") {
  Wires w;
  const IrqLine com1 = w.hub.isa(4), com3 = w.hub.isa(4);
  com1.set(true);
  com3.set(true);
  com1.set(false);
  CHECK(w.pic[4]);
  CHECK(w.ioapic[4]);
  com3.set(false);
  CHECK_FALSE(w.pic[4]);
  CHECK_FALSE(w.ioapic[4]);
}

TEST_CASE("interrupt hub: IRQ0 -> pin 2, and nothing at pin 0") {
  Wires w;
  const IrqLine timer = w.hub.isa(0), direct = w.hub.pin(2);
  timer.set(true);
  CHECK(w.pic == std::map<unsigned, bool>{{0, true}});
  CHECK(w.ioapic == std::map<unsigned, bool>{{2, true}});
  direct.set(true);
  timer.set(false);
  CHECK_FALSE(w.pic[0]);
  CHECK(w.ioapic[2]);
}

TEST_CASE(
    "interrupt hub: IRQ0 rests at high -> an edge of the other source passes pin 2, and back") {
  unsigned edges = 0;
  bool level = false;
  InterruptHub hub([](unsigned, bool) {},
                   [&](unsigned, bool now) {
                     edges += now && !level;
                     level = now;
                   });
  const IrqLine timer = hub.isa(0), hpet = hub.pin(2);
  timer.set(true);
  CHECK(edges == 1);
  hpet.set(true);
  CHECK(edges == 2);
  timer.set(false);
  CHECK(level);
  timer.set(true);
  CHECK(edges == 3);
  hpet.set(true);  // no rise
  CHECK(edges == 3);
  timer.set(false);
  hpet.set(false);
  CHECK_FALSE(level);
}

TEST_CASE("shadow RAM: PAM -> ROM, RAM, frozen RAM, ROM again") {
  PhysicalMemory memory(u64{1} << 20);
  ShadowRam shadow(memory);
  const PhysAddr at{0xF0000};
  shadow.add_rom(at, std::vector<u8>(0x10000, 0xAA));
  memory.write<u8>(at, 1);
  CHECK(memory.read<u8>(at) == 0xAA);
  shadow.set_segment(0xF0000, 0x10000, I440fx::kReadRam | I440fx::kWriteRam);
  memory.write<u8>(at, 2);
  CHECK(memory.read<u8>(at) == 2);
  shadow.set_segment(0xF0000, 0x10000, I440fx::kReadRam);
  memory.write<u8>(at, 3);
  CHECK(memory.read<u8>(at) == 2);
  shadow.set_segment(0xF0000, 0x10000, 0);
  CHECK(memory.read<u8>(at) == 0xAA);
}

TEST_CASE("shadow RAM: a segment without ROM -> RAM, whatever PAM says") {
  PhysicalMemory memory(u64{1} << 20);
  ShadowRam shadow(memory);
  shadow.set_segment(0xC0000, 0x4000, 0);
  memory.write<u8>(PhysAddr{0xC0000}, 7);
  CHECK(memory.read<u8>(PhysAddr{0xC0000}) == 7);
}

TEST_CASE("time by instructions: the deadline in instructions -> the first at which time is due") {
  u64 instructions = 0;
  InstructionTime time(3);
  time.watch(instructions);
  CHECK(time.instructions_at(16) == 2);
  CHECK(time.instructions_at(17) == 3);
  instructions = 10;
  time.skip_to(1000);
  CHECK(time.now() == 1000);
  CHECK(time.instructions_at(1000) == 10);
  CHECK(time.instructions_at(1001) == 11);
}

TEST_CASE("pc-testdev: scratch, lines and memory -> what kvm-unit-tests expects") {
  std::map<unsigned, bool> irq;
  PcTestdev dev([&](unsigned n, bool level) { irq[n] = level; });
  dev.write(PcTestdev::kScratch, Width::Dword, 0x12345678);
  dev.write(PcTestdev::kScratch + 1, Width::Byte, 0xAB);
  CHECK(dev.read(PcTestdev::kScratchBytes, Width::Dword) == 0x1234AB78);
  CHECK(dev.read(PcTestdev::kScratch + 2, Width::Word) == 0x1234);
  dev.write(PcTestdev::kIrqLines + 14, Width::Byte, 1);
  CHECK(irq[14]);
  dev.mmio_write(0xFFF8, 8, 0x1122334455667788);
  CHECK(dev.mmio_read(0xFFFC, 4) == 0x11223344);
  CHECK(dev.mmio_read(0xFFFF, 4) == 0);
}
