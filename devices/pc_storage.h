// SPDX-License-Identifier: MIT
// The board's disk controllers and what is connected to them: PIIX3 IDE at slot 1, function 1.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/io_bus.h"
#include "devices/block/block_device.h"
#include "devices/ide/ide_controller.h"
#include "devices/interrupt_hub.h"
#include "devices/pci.h"
#include "devices/piix.h"

namespace ring3 {

struct DriveSlot {
  enum class Kind : u8 { None, Disk, CdRom };
  Kind kind = Kind::None;
  BlockDevice* medium = nullptr;  ///< null: a CD drive without a disc
  std::string serial;             ///< empty: a default
};

struct StorageConfig {
  std::array<DriveSlot, 4> ide{};  ///< primary master, slave, secondary master, slave
};

class PcStorage {
 public:
  PcStorage(StorageConfig config, PhysicalMemory& memory, IoBus& io, PciHost& pci,
            InterruptHub& hub);

  IdeController& ide() { return ide_; }
  Piix3Ide& ide_function() { return piix3_ide_; }
  std::vector<Device*> devices() { return {&ide_}; }
  void set_up_as_firmware() { piix3_ide_.enable_channels(); }
  /// The first failure of the host under a medium; empty if there was none.
  std::string error() const;

 private:
  void connect_ide();
  void place_bus_master(std::optional<u16> base);

  const StorageConfig config_;
  IoBus& io_;
  IdeController ide_;
  Piix3Ide piix3_ide_;
  std::optional<u16> bus_master_base_;
};

}  // namespace ring3
