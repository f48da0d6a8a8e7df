// SPDX-License-Identifier: MIT
// The board's disk controllers and what is connected to them: PIIX3 IDE at slot 1, function 1;
// virtio-blk in slots of their own; the floppy controller, if it has a drive, and the 8237s.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/io_bus.h"
#include "devices/apic_bus.h"
#include "devices/block/block_device.h"
#include "devices/fdc82077.h"
#include "devices/ide/ide_controller.h"
#include "devices/interrupt_hub.h"
#include "devices/pci.h"
#include "devices/piix.h"
#include "devices/virtio/virtio_block.h"
#include "devices/virtio/virtio_pci.h"

namespace ring3 {

struct DriveSlot {
  enum class Kind : u8 { None, Disk, CdRom };
  Kind kind = Kind::None;
  BlockDevice* medium = nullptr;  ///< null: a CD drive without a disc
  std::string serial;             ///< empty: a default
  bool legacy = true;             ///< of virtio: for old drivers, too
};

struct StorageConfig {
  std::array<DriveSlot, 4> ide{};  ///< primary master, slave, secondary master, slave
  std::vector<DriveSlot> virtio;
  std::array<DriveSlot, 2> floppy{};
};

class PcStorage {
 public:
  /// What of the board it is wired to.
  struct Board {
    PhysicalMemory& memory;
    IoBus& io;
    PciHost& pci;
    Piix3Isa& isa_bridge;
    InterruptHub& hub;
    ApicBus& apic_bus;
  };
  static constexpr size_t kMostVirtio = 16;

  PcStorage(StorageConfig config, Board board);

  IdeController& ide() { return ide_; }
  Piix3Ide& ide_function() { return piix3_ide_; }
  std::vector<Device*> devices();
  void set_up_as_firmware() { piix3_ide_.enable_channels(); }
  u8 floppy_types() const;      ///< CMOS byte 10h
  u8 floppy_equipment() const;  ///< the drives' part of CMOS byte 14h

 private:
  struct VirtioDisk {
    std::unique_ptr<VirtioBlock> block;
    std::unique_ptr<VirtioPci> pci;
  };
  void connect_ide();
  void connect_virtio();
  void connect_floppies();
  void place_bus_master(std::optional<u16> base);

  const StorageConfig config_;
  const Board board_;
  IdeController ide_;
  Piix3Ide piix3_ide_;
  std::vector<VirtioDisk> virtio_;
  Dma8237 dma_;
  std::array<Fdc82077::Drive, 2> floppies_{};
  std::unique_ptr<Fdc82077> fdc_;  ///< null: no drive, no controller
  std::optional<u16> bus_master_base_;
};

}  // namespace ring3
