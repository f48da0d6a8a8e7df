// SPDX-License-Identifier: MIT
// The VGA as a PCI function: QEMU's stdvga, 1234h:1111h. BAR 0: the frame buffer; BAR 2: registers;
// expansion ROM: the video BIOS.
#pragma once

#include <functional>
#include <optional>

#include "devices/pci.h"

namespace ring3 {

class VgaFunction final : public PciDevice {
 public:
  static constexpr unsigned kFrameBuffer = 0, kRegisters = 2;

  /// `rom_bytes`: 0 for no expansion ROM. `moved` is called when a window may have changed.
  VgaFunction(u64 memory_bytes, u64 rom_bytes, std::function<void()> moved);

  /// BARs where SeaBIOS on QEMU puts them, decoding on.
  void set_up_as_firmware();
  /// Where a BAR's window shows, if it is enabled.
  std::optional<u64> window(unsigned bar) const;

 private:
  void config_changed(u8, u8) override {
    if (moved_) moved_();
  }
  std::function<void()> moved_;
};

}  // namespace ring3
