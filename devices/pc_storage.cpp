// SPDX-License-Identifier: MIT
#include "devices/pc_storage.h"

#include <fmt/format.h>

#include <utility>

#include "devices/ide/ata_disk.h"
#include "devices/ide/atapi_cdrom.h"
#include "devices/pc_layout.h"

namespace ring3 {

PcStorage::PcStorage(StorageConfig config, PhysicalMemory& memory, IoBus& io, PciHost& pci,
                     InterruptHub& hub)
    : config_(std::move(config)),
      io_(io),
      ide_(memory, {hub.isa(layout::kIrqIde[0]), hub.isa(layout::kIrqIde[1])}),
      piix3_ide_([this](std::optional<u16> base) { place_bus_master(base); },
                 [this](bool enabled) { ide_.set_bus_master(enabled); }) {
  for (unsigned channel = 0; channel < IdeController::kChannels; ++channel) {
    io_.map(layout::kIdeCommand[channel], 8, ide_, IdeController::kCommandBlock[channel]);
    io_.map(layout::kIdeControl[channel], 1, ide_, IdeController::kControlBlock[channel]);
  }
  pci.attach(layout::kSlotPiix, layout::kFunctionIde, piix3_ide_);
  connect_ide();
}

void PcStorage::connect_ide() {
  for (unsigned i = 0; i < config_.ide.size(); ++i) {
    const DriveSlot& slot = config_.ide[i];
    const std::string serial = slot.serial.empty() ? fmt::format("R3{:05}", i + 1) : slot.serial;
    if (slot.kind == DriveSlot::Kind::CdRom)
      ide_.connect<AtapiCdRom>(i / 2, i % 2, slot.medium, serial);
    if (slot.kind != DriveSlot::Kind::Disk) continue;
    AtaDisk::Identity identity;
    identity.serial = serial;
    ide_.connect<AtaDisk>(i / 2, i % 2, *slot.medium, identity);
  }
}

void PcStorage::place_bus_master(std::optional<u16> base) {
  if (bus_master_base_) io_.unmap(*bus_master_base_, IdeController::kBusMasterSize);
  bus_master_base_ = base;
  if (base) io_.map(*base, IdeController::kBusMasterSize, ide_, IdeController::kBusMaster);
}

std::string PcStorage::error() const {
  for (const DriveSlot& slot : config_.ide)
    if (slot.medium && !slot.medium->error().empty()) return slot.medium->error();
  return "";
}

}  // namespace ring3
