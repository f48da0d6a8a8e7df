// SPDX-License-Identifier: MIT
// Intel 82077AA floppy controller with two drives, over DMA channel 2 and IRQ 6. Commands run at
// once. Not emulated: transfers without DMA, scan commands, deleted data marks, copy protection
// (tracks hold the sectors of the image's format and nothing else), timing.
#pragma once

#include <array>
#include <span>

#include "core/device.h"
#include "core/irq.h"
#include "devices/block/block_device.h"
#include "devices/dma8237.h"

namespace ring3 {

class Fdc82077 final : public Device {
 public:
  static constexpr unsigned kDrives = 2, kDmaChannel = 2;
  struct Drive {
    bool present = false;
    BlockDevice* disk = nullptr;  ///< null: the drive is empty
  };
  /// Tracks of two heads, as the size of the disk has them.
  struct Format {
    u8 tracks, heads, sectors;
  };
  static Format format_of(u64 bytes);
  /// For the CMOS byte: 4 is 1.44 MB, 5 is 2.88 MB, 0 is none.
  static u8 cmos_type(const Drive& drive);

  Fdc82077(IrqLine irq, Dma8237& dma, std::array<Drive, kDrives> drives);

  std::string_view name() const override { return "fdc82077"; }
  Width max_width() const override { return Width::Byte; }
  u32 read(u32 offset, Width width) override;
  void write(u32 offset, Width width, u32 value) override;
  void reset() override;
  void fields(FieldVisitor& v) override;
  void restored() override { update_irq(); }

 private:
  enum class Phase : u8 { Command, Result };
  struct State {
    u8 dor = 0, tape = 0, rate = 0, config = 0, precompensation = 0, lock = 0;
    u8 specify1 = 0, specify2 = 0, perpendicular = 0;
    Phase phase = Phase::Command;
    bool interrupt = false;
    u8 pending_sense = 0;  ///< drives that SENSE INTERRUPT has to report after a reset
    u8 status0 = 0x80;     ///< for SENSE INTERRUPT; 80h: nothing to report
    u8 length = 0, position = 0, expected = 1;
    std::array<u8, 16> fifo{};
    std::array<u8, 4> track{};
    std::array<bool, 4> changed{};
    u8 last_sectors = 0;
  };
  struct Place {
    u8 drive, track, head, sector;
  };

  bool has_disk(unsigned drive) const { return drive < kDrives && drives_[drive].disk; }
  void soft_reset();
  void update_irq();
  void raise();
  u8 main_status() const;
  u8 read_fifo();
  void write_fifo(u8 value);
  void write_dor(u8 value);
  void execute();
  void reply(std::initializer_list<u8> bytes);
  void end_transfer(u8 error0, u8 error1, u8 error2, const Place& place);
  void transfer(bool write, bool verify);
  bool move_sector(u64 offset, bool write, bool verify, bool& more);
  void format_track();
  void read_id();
  void seek(u8 drive, u8 track);
  void sense_interrupt();
  void sense_drive();

  IrqLine irq_;
  Dma8237& dma_;
  std::array<Drive, kDrives> drives_;
  State s_;
};

}  // namespace ring3
