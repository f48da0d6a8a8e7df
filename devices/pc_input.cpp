// SPDX-License-Identifier: MIT
#include "devices/pc_input.h"

#include <utility>

#include "devices/msi.h"
#include "devices/pc_layout.h"

namespace ring3 {
namespace {

/// vmmouse has 16 bits.
u32 vmmouse_place(u32 at) { return at * 0xFFFF / PcInput::kMostAbsolute; }

}  // namespace

PcInput::PcInput(InputConfig config, Board board) : board_(board) {
  using Kind = VirtioInput::Kind;
  if (config.keyboard) keyboard_ = connect(Kind::Keyboard, layout::kSlotInput);
  if (config.mouse) mouse_ = connect(Kind::Mouse, layout::kSlotInput + 1);
  if (config.tablet) tablet_ = connect(Kind::Tablet, layout::kSlotInput + 2);
}

PcInput::Virtio PcInput::connect(VirtioInput::Kind kind, unsigned slot) {
  Virtio made;
  made.input = std::make_unique<VirtioInput>(kind);
  VirtioPci::Wiring wiring{
      .memory = board_.memory,
      .io = board_.io,
      .intx = IrqLine([this, slot](bool level) { board_.isa_bridge.set_pin(slot, 0, level); }),
      .send = [&bus = board_.apic_bus](u64 address, u32 data) { send_msi(bus, address, data); },
      .legacy = false};
  made.pci = std::make_unique<VirtioPci>(*made.input, std::move(wiring));
  board_.pci.attach(slot, 0, made.pci->function());
  return made;
}

std::vector<Device*> PcInput::devices() {
  std::vector<Device*> all;
  for (const Virtio* one : {&keyboard_, &mouse_, &tablet_})
    if (one->pci) all.push_back(one->pci.get());
  return all;
}

/// A key goes up where it went down.
void PcInput::key(u16 code, bool pressed) {
  bool& there = by_virtio_[(code & 0xFFu) | (code >> 8 ? 0x100u : 0u)];
  if (pressed) there = keyboard_.ready();
  there ? keyboard_.input->key(code, pressed) : board_.i8042.key(code, pressed);
}

bool PcInput::takes_places() const { return tablet_.ready() || board_.vmmouse.enabled(); }

void PcInput::point(u32 x, u32 y, int wheel, u8 buttons) {
  x_ = x;
  y_ = y;
  buttons_ = buttons;
  if (tablet_.ready()) return tablet_.input->point(x, y, wheel, buttons);
  board_.vmmouse.move(vmmouse_place(x), vmmouse_place(y), buttons, wheel);
}

void PcInput::move(int dx, int dy, int wheel, u8 buttons) {
  buttons_ = buttons;
  if (mouse_.ready()) return mouse_.input->move(dx, dy, wheel, buttons);
  board_.i8042.mouse(dx, dy, wheel, buttons);
}

}  // namespace ring3
