// SPDX-License-Identifier: MIT
// An ATAPI CD-ROM drive: the PACKET command (ATA/ATAPI-6) and the packets of MMC-3 that BIOSes and
// operating systems use, over PIO and DMA. Discs are data: 2048-byte sectors, one track.
// Not emulated: audio, raw sectors, writing, several sessions.
#pragma once

#include <algorithm>

#include "devices/block/block_device.h"
#include "devices/ide/ata_device.h"

namespace ring3 {

class AtapiCdRom final : public AtaDevice {
 public:
  static constexpr u32 kBlock = 2048;

  /// `disc`: null for none.
  AtapiCdRom(BlockDevice* disc, std::string serial, std::function<void()> interrupt);

  void hard_reset() override;

 protected:
  void more_fields(FieldVisitor& v, const std::string& prefix) override;
  void execute(u8 command) override;
  void write_signature() override;
  u8 idle_status() const override;
  void data_in_done() override;
  void data_out_done() override;
  bool transfer(DmaChannel& channel) override;

 private:
  static constexpr size_t kPacket = 12;
  enum class Phase : u8 { None, Identify, Packet, Data };
  /// Sense key, additional sense code and its qualifier.
  struct Sense {
    u8 key = 0, code = 0, qualifier = 0;
  };
  static constexpr Sense kNotReady{2, 0x3A, 0}, kMediumError{3, 0x11, 0}, kBadCommand{5, 0x20, 0},
      kOutOfRange{5, 0x21, 0}, kBadField{5, 0x24, 0}, kRemovalPrevented{5, 0x53, 2};

  struct Drive {
    Phase phase = Phase::None;
    Sense sense;
    bool tray_open = false, locked = false;
    u8 media_event = 0;      ///< for GET EVENT STATUS: 2 a new disc, 3 it is gone
    bool from_disc = false;  ///< the data comes from the disc, else from the reply
    u64 position = 0;        ///< of the next byte, on the disc or in the reply
    u64 left = 0;            ///< bytes of the data phase
    u32 piece_limit = 0;     ///< bytes of a PIO piece at most
    u8 transfer_mode = 0;
    std::array<u8, kPacket> packet{};
    std::array<u8, 512> reply{};
  };

  bool has_disc() const { return disc_ && !d_.tray_open; }
  u32 blocks() const;

  void identify();
  void set_features();
  void start_packet();
  void run_packet();
  void check_condition(const Sense& sense);
  void packet_done();
  void send_reply(size_t size, size_t allocated);
  void begin_data();
  bool fill(std::span<u8> out);
  void offer_piece();

  // The packets, in atapi_packets.cpp.
  void inquiry();
  void request_sense();
  void mode_sense();
  void read_capacity();
  void read_blocks(u32 first, u32 count);
  void read_cd();
  void read_toc();
  void toc_tracks(bool msf);
  void toc_session(bool msf);
  void toc_full(bool msf);
  void read_sub_channel();
  void disc_information();
  void track_information();
  void get_configuration();
  void get_event_status();
  void mechanism_status();
  void start_stop();
  void allow_removal();
  u16 packet16(unsigned at) const;
  u32 packet24(unsigned at) const;
  u32 packet32(unsigned at) const;
  std::span<u8> new_reply();

  BlockDevice* disc_;
  const std::string serial_;
  Drive d_;
};

}  // namespace ring3
