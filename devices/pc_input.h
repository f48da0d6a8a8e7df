// SPDX-License-Identifier: MIT
// The board's keyboards and pointers, and which of them gets what a person does: a virtio device
// whose driver runs, else vmmouse for places, else the PS/2 devices.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "core/io_bus.h"
#include "devices/apic_bus.h"
#include "devices/i8042.h"
#include "devices/input_config.h"
#include "devices/pci.h"
#include "devices/piix.h"
#include "devices/virtio/virtio_input.h"
#include "devices/virtio/virtio_pci.h"
#include "devices/vmmouse.h"

namespace ring3 {

class PcInput {
 public:
  enum Button : u8 { kLeft = 1, kRight = 2, kMiddle = 4 };
  /// What of the board it is wired to.
  struct Board {
    PhysicalMemory& memory;
    IoBus& io;
    PciHost& pci;
    Piix3Isa& isa_bridge;
    ApicBus& apic_bus;
    I8042& i8042;
    VmMouse& vmmouse;
  };
  static constexpr u32 kMostAbsolute = VirtioInput::kMostAbsolute;

  PcInput(InputConfig config, Board board);

  std::vector<Device*> devices();
  /// A key by its set 1 code, as for Ps2Keyboard::key.
  void key(u16 code, bool pressed);
  /// The guest takes places; else movement is all that reaches it.
  bool takes_places() const;
  /// The pointer at a place, 0 to kMostAbsolute; without effect unless takes_places().
  void point(u32 x, u32 y, int wheel, u8 buttons);
  /// Movement, right and down positive; the wheel's notches, towards the user positive.
  void move(int dx, int dy, int wheel, u8 buttons);
  u32 x() const { return x_; }  ///< of the last place
  u32 y() const { return y_; }
  u8 buttons() const { return buttons_; }  ///< those that were last said to be down

 private:
  struct Virtio {
    std::unique_ptr<VirtioInput> input;
    std::unique_ptr<VirtioPci> pci;
    bool ready() const { return input && input->ready(); }
  };
  Virtio connect(VirtioInput::Kind kind, unsigned slot);

  const Board board_;
  Virtio keyboard_, mouse_, tablet_;
  std::array<bool, 0x200> by_virtio_{};  ///< keys that went down there, by their set 1 code
  u32 x_ = 0, y_ = 0;
  u8 buttons_ = 0;
};

}  // namespace ring3
