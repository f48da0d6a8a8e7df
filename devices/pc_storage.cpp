// SPDX-License-Identifier: MIT
#include "devices/pc_storage.h"

#include <fmt/format.h>

#include <utility>

#include "devices/ide/ata_disk.h"
#include "devices/ide/atapi_cdrom.h"
#include "devices/msi.h"
#include "devices/pc_layout.h"

namespace ring3 {

PcStorage::PcStorage(StorageConfig config, Board board)
    : config_(std::move(config)),
      board_(board),
      ide_(board.memory, {board.hub.isa(layout::kIrqIde[0]), board.hub.isa(layout::kIrqIde[1])}),
      piix3_ide_([this](std::optional<u16> base) { place_bus_master(base); },
                 [this](bool enabled) { ide_.set_bus_master(enabled); }),
      dma_(board.memory) {
  for (unsigned channel = 0; channel < IdeController::kChannels; ++channel) {
    board_.io.map(layout::kIdeCommand[channel], 8, ide_, IdeController::kCommandBlock[channel]);
    board_.io.map(layout::kIdeControl[channel], 1, ide_, IdeController::kControlBlock[channel]);
  }
  board_.pci.attach(layout::kSlotPiix, layout::kFunctionIde, piix3_ide_);
  connect_ide();
  connect_virtio();
  connect_floppies();
}

std::vector<Device*> PcStorage::devices() {
  std::vector<Device*> all{&ide_, &dma_};
  if (fdc_) all.push_back(fdc_.get());
  for (const VirtioDisk& disk : virtio_) all.push_back(disk.pci.get());
  return all;
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

void PcStorage::connect_virtio() {
  for (unsigned i = 0; i < config_.virtio.size(); ++i) {
    const unsigned slot = layout::kSlotVirtio + i;
    const DriveSlot& drive = config_.virtio[i];
    VirtioDisk disk;
    disk.block = std::make_unique<VirtioBlock>(*drive.medium, drive.serial);
    disk.pci = std::make_unique<VirtioPci>(
        *disk.block,
        VirtioPci::Wiring{.memory = board_.memory,
                          .io = board_.io,
                          .intx = IrqLine([this, slot](bool level) {
                            board_.isa_bridge.set_pin(slot, 0, level);
                          }),
                          .send = [&bus = board_.apic_bus](
                                      u64 address, u32 data) { send_msi(bus, address, data); },
                          .legacy = drive.legacy});
    board_.pci.attach(slot, 0, disk.pci->function());
    virtio_.push_back(std::move(disk));
  }
}

void PcStorage::place_bus_master(std::optional<u16> base) {
  if (bus_master_base_) board_.io.unmap(*bus_master_base_, IdeController::kBusMasterSize);
  bus_master_base_ = base;
  if (base) board_.io.map(*base, IdeController::kBusMasterSize, ide_, IdeController::kBusMaster);
}

void PcStorage::connect_floppies() {
  board_.io.map(layout::kDma1, 16, dma_, Dma8237::kFirst);
  board_.io.map(layout::kDmaPages, 15, dma_, Dma8237::kPages + 1);
  board_.io.map(layout::kDma2, 32, dma_, Dma8237::kSecond);
  for (size_t i = 0; i < floppies_.size(); ++i) {
    floppies_[i].present = config_.floppy[i].kind != DriveSlot::Kind::None;
    floppies_[i].disk = config_.floppy[i].medium;
  }
  if (!floppies_[0].present && !floppies_[1].present) return;
  fdc_ = std::make_unique<Fdc82077>(board_.hub.isa(layout::kIrqFloppy), dma_, floppies_);
  board_.io.map(layout::kFloppy, 6, *fdc_);
  board_.io.map(layout::kFloppy + 7, 1, *fdc_, 7);
}

u8 PcStorage::floppy_types() const {
  return static_cast<u8>(Fdc82077::cmos_type(floppies_[0]) << 4 |
                         Fdc82077::cmos_type(floppies_[1]));
}

u8 PcStorage::floppy_equipment() const {
  if (!fdc_) return 0;
  return floppies_[1].present ? 0x41 : 0x01;
}

}  // namespace ring3
