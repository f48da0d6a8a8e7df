// SPDX-License-Identifier: MIT
// An ATA hard disk (ATA/ATAPI-6, with the TRIM of ATA8-ACS): CHS, 28- and 48-bit addresses, single
// and multiple sectors, DMA. Not emulated: SMART, security, host protected area, power states
// (accepted, without effect).
#pragma once

#include "devices/block/block_device.h"
#include "devices/ide/ata_device.h"

namespace ring3 {

class AtaDisk final : public AtaDevice {
 public:
  struct Identity {
    std::string serial = "R30001", model = "RING3 HARDDISK", firmware = "1.0";
  };
  AtaDisk(BlockDevice& medium, Identity identity, std::function<void()> interrupt);

  void hard_reset() override;

 protected:
  void more_fields(FieldVisitor& v, const std::string& prefix) override;
  void execute(u8 command) override;
  void write_signature() override;
  void data_in_done() override;
  void data_out_done() override;
  bool transfer(DmaChannel& channel) override;

 private:
  enum class Job : u8 { None, Identify, Read, Write, Trim };
  struct Disk {
    Job job = Job::None;
    bool ext = false, lba = false;  ///< how the command gave its address
    bool force_unit_access = false;
    bool write_cache = true, look_ahead = true;
    u64 sector = 0;     ///< next to move
    u32 left = 0;       ///< sectors
    u32 per_block = 1;  ///< sectors between two interrupts
    u8 multiple = 16, transfer_mode = 0;
    u8 heads = 16, sectors_per_track = 63;  ///< of the logical geometry in use
  };
  u64 sectors() const { return medium_.size() / kSectorSize; }
  u16 cylinders() const;

  bool set_up_range(Job job, bool ext);
  void show_address(u64 sector);
  void start_pio(Job job, bool ext, u32 per_block);
  void start_multiple(Job job, bool ext);
  void start_dma(Job job, bool ext);
  void verify(bool ext);
  void trim();
  void offer_block();
  bool store(u64 sector, std::span<const u8> in);
  bool trim_ranges(std::span<const u8> list);
  void flush();
  void identify();
  void set_features();
  void set_transfer_mode(u8 mode);
  void set_geometry();
  void set_multiple();
  void read_native_max(bool ext);

  BlockDevice& medium_;
  const Identity identity_;
  Disk d_;
};

/// Words `first`.. of an IDENTIFY block: text, two characters a word, the first one high, blanks up
/// to `words`.
void put_ata_text(std::span<u8> block, unsigned first, unsigned words, const std::string& text);
inline void put_ata_word(std::span<u8> block, unsigned word, u16 value) {
  block[2 * word] = static_cast<u8>(value);
  block[2 * word + 1] = static_cast<u8>(value >> 8);
}

}  // namespace ring3
