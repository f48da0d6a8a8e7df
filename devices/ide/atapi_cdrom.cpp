// SPDX-License-Identifier: MIT
// The drive as an ATA device, and the phases of a packet command.
#include "devices/ide/atapi_cdrom.h"

#include <utility>

#include "base/log.h"
#include "devices/ide/ata_disk.h"

namespace ring3 {
namespace {

enum Command : u8 {
  kDeviceReset = 0x08,
  kDiagnostic = 0x90,
  kPacketCommand = 0xA0,
  kIdentifyPacket = 0xA1,
  kStandbyNow = 0xE0,
  kIdleNow = 0xE1,
  kCheckPower = 0xE5,
  kSleep = 0xE6,
  kIdentify = 0xEC,
  kSetFeatures = 0xEF,
};
// Interrupt reason, in the sector count register.
enum Reason : u8 { kCommandData = 1, kToHost = 2 };
constexpr u8 kUseDma = 1;
constexpr u32 kMostPerPiece = 0xFFFE;

}  // namespace

AtapiCdRom::AtapiCdRom(BlockDevice* disc, std::string serial, std::function<void()> interrupt)
    : AtaDevice(std::move(interrupt)), disc_(disc), serial_(std::move(serial)) {}

u32 AtapiCdRom::blocks() const {
  return static_cast<u32>(std::min<u64>(disc_->size() / kBlock, 0xFFFF'FFFF));
}

void AtapiCdRom::hard_reset() {
  d_ = Drive{};
  AtaDevice::hard_reset();
}

void AtapiCdRom::write_signature() {
  d_.phase = Phase::None;
  s_.status = 0;  // DRDY is clear until a packet device got its first command
  s_.count = s_.lba_low = 1;
  s_.lba_mid = 0x14;
  s_.lba_high = 0xEB;
}

u8 AtapiCdRom::idle_status() const { return kDrdy | kDsc; }

void AtapiCdRom::execute(u8 command) {
  d_.phase = Phase::None;
  switch (command) {
    case kDeviceReset:
      return reset();  // without an interrupt
    case kDiagnostic:
      reset();
      return raise_interrupt();
    case kPacketCommand:
      return start_packet();
    case kIdentifyPacket:
      return identify();
    case kSetFeatures:
      return set_features();
    case kIdentify:  // how a driver finds out that this is no disk
      write_signature();
      s_.status = idle_status();
      return fail(kAbrt);
    case kCheckPower:
      s_.count = 0xFF;
      return complete();
    case kStandbyNow:
    case kIdleNow:
    case kSleep:
      return complete();
    default:
      return fail(kAbrt);
  }
}

void AtapiCdRom::identify() {
  const auto block = buffer().first(kSectorSize);
  std::fill(block.begin(), block.end(), u8{0});
  const auto put = [block](unsigned word, u64 value) {
    put_ata_word(block, word, static_cast<u16>(value));
  };
  const auto mode = [this](u8 kind) {
    return d_.transfer_mode >> 3 == kind ? 0x100 << (d_.transfer_mode & 7) : 0;
  };
  put(0, 2 << 14 | 5 << 8 | 1 << 7 | 2 << 5);  // ATAPI CD-ROM, removable, 12-byte packets
  put_ata_text(block, 10, 10, serial_);
  put_ata_text(block, 23, 4, "1.0");
  put_ata_text(block, 27, 20, "RING3 DVD-ROM");
  put(49, 1 << 11 | 1 << 9 | 1 << 8);  // IORDY, LBA, DMA
  put(53, 7);
  put(62, 7);
  put(63, 7 | mode(4));
  put(64, 3);
  for (unsigned word = 65; word <= 68; ++word) put(word, 120);
  put(80, 0xF0);
  put(82, 1 << 4 | 1 << 9 | 1 << 14);  // PACKET, DEVICE RESET, NOP
  put(83, 1 << 14);
  put(84, 1 << 14);
  put(85, 1 << 4 | 1 << 9 | 1 << 14);
  put(87, 1 << 14);
  put(88, 0x3F | mode(8));
  d_.phase = Phase::Identify;
  begin_data_in(block.size());
}

void AtapiCdRom::set_features() {
  if (s_.features == 0x03) {
    d_.transfer_mode = s_.count;
    return complete();
  }
  s_.features == 0x66 || s_.features == 0xCC ? complete() : fail(kAbrt);
}

/// The host gives 12 bytes; there is no interrupt before them.
void AtapiCdRom::start_packet() {
  d_.phase = Phase::Packet;
  d_.piece_limit = u32{s_.lba_mid} | u32{s_.lba_high} << 8;
  s_.count = kCommandData;
  begin_data_out(kPacket, false);
}

void AtapiCdRom::data_out_done() {
  if (d_.phase != Phase::Packet) return;
  std::copy_n(buffer().begin(), kPacket, d_.packet.begin());
  d_.phase = Phase::None;
  run_packet();
}

/// The end of a packet command: status and interrupt reason, good or with sense data to fetch.
void AtapiCdRom::packet_done() {
  d_.phase = Phase::None;
  d_.sense = Sense{};
  s_.count = kCommandData | kToHost;
  complete();
}

void AtapiCdRom::check_condition(const Sense& sense) {
  d_.phase = Phase::None;
  d_.sense = sense;
  s_.count = kCommandData | kToHost;
  fail(static_cast<u8>(sense.key << 4 | kAbrt));
}

void AtapiCdRom::begin_data() {
  if (d_.left == 0) return packet_done();
  d_.phase = Phase::Data;
  if (s_.features & kUseDma) {
    s_.count = kToHost;
    return begin_dma(Dma::ToMemory);
  }
  // A limit of 0 or an odd one cannot be used; the largest even one is meant.
  if (d_.piece_limit == 0 || d_.piece_limit == 0xFFFF) d_.piece_limit = kMostPerPiece;
  offer_piece();
}

void AtapiCdRom::send_reply(size_t size, size_t allocated) {
  d_.from_disc = false;
  d_.position = 0;
  d_.left = std::min(size, allocated);
  begin_data();
}

bool AtapiCdRom::fill(std::span<u8> out) {
  const bool good = !d_.from_disc || (has_disc() && disc_->read(d_.position, out));
  if (!d_.from_disc) std::copy_n(d_.reply.begin() + d_.position, out.size(), out.begin());
  d_.position += out.size();
  d_.left -= out.size();
  return good;
}

/// The next piece over the data port; its size is in the cylinder registers.
void AtapiCdRom::offer_piece() {
  u32 size = static_cast<u32>(std::min<u64>(d_.left, d_.piece_limit));
  // All pieces but the last have an even size.
  if (size < d_.left && size > 1) size &= ~1u;
  if (!fill(buffer().first(size))) return check_condition(kMediumError);
  s_.count = kToHost;
  s_.lba_mid = static_cast<u8>(size);
  s_.lba_high = static_cast<u8>(size >> 8);
  begin_data_in(size);
}

void AtapiCdRom::data_in_done() {
  if (d_.phase == Phase::Identify) {
    d_.phase = Phase::None;
  } else if (d_.phase == Phase::Data) {
    d_.left ? offer_piece() : packet_done();
  }
}

bool AtapiCdRom::transfer(DmaChannel& channel) {
  while (d_.left) {
    const auto piece = buffer().first(std::min<u64>(d_.left, kBufferSize));
    if (!fill(piece)) {
      check_condition(kMediumError);
      return true;
    }
    if (!channel.to_memory(piece)) {
      d_.phase = Phase::None;
      return false;
    }
  }
  packet_done();
  return true;
}

void AtapiCdRom::more_fields(FieldVisitor& v, const std::string& prefix) {
  v(prefix + ".phase", d_.phase)(prefix + ".sense", d_.sense)(prefix + ".tray_open", d_.tray_open)(
      prefix + ".locked", d_.locked)(prefix + ".media_event", d_.media_event)(
      prefix + ".from_disc", d_.from_disc)(prefix + ".disc_position", d_.position)(
      prefix + ".left", d_.left)(prefix + ".piece_limit", d_.piece_limit)(
      prefix + ".transfer_mode", d_.transfer_mode)(prefix + ".packet", d_.packet)(prefix + ".reply",
                                                                                  d_.reply);
}

}  // namespace ring3
