// SPDX-License-Identifier: MIT
// Interrupt controllers, timers, input, PCI and firmware ports, as their drivers use them.
#include "tests/fuzz/device_seeds.h"

#include <iterator>

#include "tests/fuzz/builder.h"

namespace ring3::fuzz {
namespace {

Builder interrupts() {
  Builder b;
  b.out(kPic1, 0x11).outs(kPic1, {0x20, 4, 1, 0xF8}, 1);
  b.out(kPic2, 0x11).outs(kPic2, {0x28, 2, 1, 0xFE}, 1);
  return b;
}

Builder timers() {
  Builder b = interrupts();
  b.out(kPit, 0x34, 3).outs(kPit, {0x00, 0x10}).out(kPit, 0xB6, 3).outs(kPit, {0x20, 3}, 2);
  b.out(kSpeaker, 3).in(kSpeaker).out(kPit, 0xE2, 3).in(kPit).in(kPit).sleep(4).interrupt();
  b.out(kClock, 0x8B).out(kClock, 0x72, 1).out(kClock, 0x8A).out(kClock, 0x2F, 1).sleep(3);
  b.out(kClock, 0x0C).in(kClock, 1).outs(kClock, {0x01}).out(kClock, 0x30, 1).interrupt();
  for (u32 reg = 0; reg < 10; ++reg) b.out(kClock, reg).in(kClock, 1);
  return b.pass(2'000'000'000).restore();
}

Builder hpet() {
  Builder b = interrupts();
  b.read(kHpetWindow, 0, 3).write(kHpetWindow, 0x100, 0x4E).write(kHpetWindow, 0x108, 1000);
  b.write(kHpetWindow, 0x108, 1000, 3).write(kHpetWindow, 0x120, 4).write(kHpetWindow, 0x128, 50);
  b.write(kHpetWindow, 0x10, 3).sleep(4).interrupt().read(kHpetWindow, 0xF0, 3);
  return b.write(kHpetWindow, 0x20, 1).pass(1'000'000).write(kHpetWindow, 0x10, 0).restore();
}

Builder apic() {
  Builder b;
  b.write(kApic, 0xF0, 0x1FF).write(kApic, 0x320, 0x20040).write(kApic, 0x3E0, 3);
  b.write(kApic, 0x380, 5000).sleep(3).interrupt().read(kApic, 0x390).write(kApic, 0x280, 0);
  b.write(kApic, 0x300, 0x40041).write(kApic, 0x310, 0x01000000).write(kApic, 0x300, 0x4500);
  for (u32 pin = 0; pin < 4; ++pin)
    b.write(kIoApicWindow, 0, 0x10 + 2 * pin).write(kIoApicWindow, 0x10, 0x8050 + pin);
  b.out(kTestIrqs, 1, 1).interrupt().out(kTestIrqs, 0, 1);
  b.op({Kind::ApicMsr, 3, 0, 0xC00}).op({Kind::ApicMsr, 6, 0x32, 0x40041});
  b.op({Kind::ApicMsr, 6, 0x38, 100}).op({Kind::ApicMsr, 2, 0, 100'000}).sleep(2).interrupt();
  for (u16 reg = 0; reg < 0x40; ++reg) b.op({Kind::ApicMsr, 4, reg});
  return b.op({Kind::ApicMsr, 3, 0, 0}).op({Kind::ApicMsr, 3, 0, 0x800}).restore();
}

Builder serial() {
  Builder b = interrupts();
  b.out(kCom1, 0x83, 3).out(kCom1, 1).out(kCom1, 0, 1).out(kCom1, 3, 3).out(kCom1, 0xC7, 2);
  b.out(kCom1, 0x0B, 4).out(kCom1, 0x0F, 1).outs(kCom1, {'o', 'k'}).in(kCom1, 2).in(kCom1, 5);
  for (u32 c = 0; c < 20; ++c) b.op({Kind::Type, 0, 0, 'a' + c});
  b.pass(5'000'000).in(kCom1, 5).in_repeat(kCom1, 18, 0).in(kCom1, 2).interrupt();
  b.op({Kind::Type, 0, 0, 0x100}).in(kCom1, 5).out(kCom1, 0x1F, 4).outs(kCom1, {'l', 'b'});
  return b.in(kCom1, 5).in(kCom1).in(kCom1, 6).out(kCom1, 0xFF, 7).restore();
}

Builder keyboard() {
  Builder b = interrupts();
  b.out(kPs2Command, 0x20).in(kKeyboard).out(kPs2Command, 0x60).out(kKeyboard, 0x43);
  b.outs(kKeyboard, {0xFF, 0xF2, 0xED, 7, 0xF3, 0x20, 0xF0, 2, 0xF4, 0xEE})
      .in_repeat(kKeyboard, 12, 0);
  b.op({Kind::Key, 0, 0x1E, 1}).op({Kind::Key, 0, 0x1E, 0}).op({Kind::Key, 0, 0xE04B, 1});
  b.sleep(2).in(kPs2Command).in_repeat(kKeyboard, 6, 0).interrupt();
  for (const u32 to_mouse : {0xFF, 0xF3, 200, 0xF3, 100, 0xF3, 80, 0xF2, 0xE8, 3, 0xE9, 0xF4, 0xEB})
    b.out(kPs2Command, 0xD4).out(kKeyboard, to_mouse).in(kKeyboard);
  b.outs(kPs2Command, {0xAA, 0xAB, 0xA9, 0xC0, 0xD0, 0xA7, 0xA8, 0xAD, 0xAE, 0xDD, 0xDF});
  b.out(kPs2Command, 0xD1).out(kKeyboard, 0xDF).out(kFast, 2).out(kFast, 0);
  return b.out(kPs2Command, 0xD2)
      .out(kKeyboard, 0x55)
      .out(kPs2Command, 0xD3)
      .out(kKeyboard, 9)
      .restore();
}

/// BARs sized, moved, switched off and on, laid over one another and over RAM.
Builder bars() {
  Builder b;
  for (u8 function = 0; function < std::size(kFunctions); ++function) {
    b.pci_in(function, 0);
    for (u16 reg = 0x10; reg < 0x28; reg += 4) b.pci(function, reg, ~0u).pci_in(function, reg);
  }
  b.pci(5, 0x10, 0xC001).pci(5, 0x14, 0xE0000000).pci(5, 0x20, 0xE0000000).pci(5, 4, 7);
  b.pci(6, 0x10, 0x3C1).pci(6, 0x14, 0x00010000).pci(6, 0x20, 0xFEC00000).pci(6, 4, 7);
  b.pci(4, 0x10, 0xE0000000).pci(4, 0x18, 0xFEE00000).pci(4, 0x30, 0xA0001).pci(4, 4, 3);
  b.pci(2, 0x20, 0xCF8).pci(2, 4, 5).write(kFrameBuffer, 0, 1).write(kModern1, 0, 1);
  b.pci(2, 0x20, 0xC001).pci(6, 4, 0).pci(6, 4, 7).read(kModern2, 0).in(kVirtio2, 0);
  for (const u16 reg : {0x60, 0x61, 0x62, 0x63}) b.pci(1, reg, 0x80, 0).pci(1, reg, 11, 0);
  return b.pci(3, 0x40, 0xB001).pci(3, 0x80, 1, 0).in(kPm, 8, 2).restore();
}

/// PAM: ROMs shadowed and locked, with writes before and after.
Builder shadow() {
  Builder b;
  for (const u32 pam : {0x33, 0x11, 0x22, 0x00, 0x30}) {
    for (u16 reg = 0x59; reg < 0x60; ++reg) b.pci(0, reg, pam, 0);
    b.write(kOptionRoms, 0x100, 0x55AA).read(kOptionRoms, 0x100).write(kBiosRom, 0xFFF0, 0xEA, 3);
  }
  return b.pci(0, 0x72, 0x4A, 0).write(kVgaWindow, 0, 7).restore();
}

Builder firmware_ports() {
  Builder b;
  for (const u32 key : {0x0, 0x1, 0x3, 0x5, 0x19, 0x20, 0x21, 0x8002, 0xFFFF})
    b.out(kFw, key, 0, 1).in_repeat(kFw, 40, 0, 1);
  // DMA: control, length, address as big-endian numbers in page 1.
  b.ram(1, 0, 0x0A001900).ram(1, 4, 0x40000000).ram(1, 8, 0).ram(1, 12, 0x00200100);
  b.out(kFw, 0, 4, 2).out(kFw, 0x00100100, 8, 2).in(kFw, 4, 2).in(kFw, 8, 2);
  b.ram(1, 0, 0x04000000)
      .out(kFw, 0x00100100, 8, 2)
      .ram(1, 0, 0x12000000)
      .out(kFw, 0x00100100, 8, 2);
  return b.outs(kDebug, {'h', 'i'}).out(kPostCode, 0x55).out(kSmi, 0xF1).out(kTest, 1, 4).restore();
}

Builder power() {
  Builder b;
  b.out(kPm, 0x120, 2, 1).in(kPm, 8, 2).out(kPm, 0x2001, 4, 1).op({Kind::Line, 1}).in(kPm, 0, 1);
  b.out(kPm, 0xFFFF, 0, 1).out(kGpeBlock, 0xFFFF, 2, 1).op({Kind::Line, 0x0B}).in(kGpeBlock);
  b.sleep(2).op({Kind::Line, 0}).out(kPci, 6, 1).out(kPs2Command, 0xFE).out(kFast, 1);
  return b.out(kExit, 3).out(kPm, 0x3400, 4, 1).restore();
}

}  // namespace

void add_board_seeds(std::vector<Seed>& out) {
  out.push_back({"timers", timers().bytes});
  out.push_back({"hpet", hpet().bytes});
  out.push_back({"apic", apic().bytes});
  out.push_back({"serial", serial().bytes});
  out.push_back({"keyboard", keyboard().bytes});
  out.push_back({"bars", bars().bytes});
  out.push_back({"shadow", shadow().bytes});
  out.push_back({"firmware_ports", firmware_ports().bytes});
  out.push_back({"power", power().bytes});
}

std::vector<Seed> seeds() {
  std::vector<Seed> all;
  add_disk_seeds(all);
  add_virtio_seeds(all);
  add_screen_seeds(all);
  add_board_seeds(all);
  return all;
}

}  // namespace ring3::fuzz
