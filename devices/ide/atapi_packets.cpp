// SPDX-License-Identifier: MIT
// The packets (SPC-2 and MMC-3). Numbers in packets and replies are big-endian.
#include <utility>

#include "base/log.h"
#include "devices/ide/atapi_cdrom.h"

namespace ring3 {
namespace {

enum Packet : u8 {
  kTestUnitReady = 0x00,
  kRequestSense = 0x03,
  kInquiry = 0x12,
  kModeSense6 = 0x1A,
  kStartStop = 0x1B,
  kAllowRemoval = 0x1E,
  kReadCapacity = 0x25,
  kRead10 = 0x28,
  kSeek10 = 0x2B,
  kReadSubChannel = 0x42,
  kReadToc = 0x43,
  kGetConfiguration = 0x46,
  kGetEventStatus = 0x4A,
  kDiscInformation = 0x51,
  kTrackInformation = 0x52,
  kModeSense10 = 0x5A,
  kRead12 = 0xA8,
  kSetSpeed = 0xBB,
  kMechanismStatus = 0xBD,
  kReadCd = 0xBE,
};
constexpr u8 kLeadOut = 0xAA;
constexpr u16 kProfileCd = 0x0008, kProfileDvd = 0x0010;
constexpr u32 kMostCdBlocks = 80 * 60 * 75;  ///< what a CD holds; larger discs are DVDs

void put16(u8* out, u32 value) {
  out[0] = static_cast<u8>(value >> 8);
  out[1] = static_cast<u8>(value);
}
void put32(u8* out, u32 value) {
  put16(out, value >> 16);
  put16(out + 2, value);
}
/// A block's address as number, or as minute, second and frame, which count from -150.
void put_address(u8* out, u32 block, bool msf) {
  if (!msf) return put32(out, block);
  const u32 frame = block + 150;
  out[0] = 0;
  out[1] = static_cast<u8>(frame / 75 / 60);
  out[2] = static_cast<u8>(frame / 75 % 60);
  out[3] = static_cast<u8>(frame % 75);
}
void put_text(u8* out, size_t size, std::string_view text) {
  for (size_t i = 0; i < size; ++i) out[i] = i < text.size() ? static_cast<u8>(text[i]) : u8{' '};
}

}  // namespace

u16 AtapiCdRom::packet16(unsigned at) const {
  return static_cast<u16>(d_.packet[at] << 8 | d_.packet[at + 1]);
}
u32 AtapiCdRom::packet24(unsigned at) const { return u32{d_.packet[at]} << 16 | packet16(at + 1); }
u32 AtapiCdRom::packet32(unsigned at) const { return u32{packet16(at)} << 16 | packet16(at + 2); }

std::span<u8> AtapiCdRom::new_reply() {
  d_.reply.fill(0);
  return d_.reply;
}

void AtapiCdRom::run_packet() {
  switch (d_.packet[0]) {
    // These need no disc.
    case kRequestSense:
      return request_sense();
    case kInquiry:
      return inquiry();
    case kModeSense6:
    case kModeSense10:
      return mode_sense();
    case kGetConfiguration:
      return get_configuration();
    case kGetEventStatus:
      return get_event_status();
    case kMechanismStatus:
      return mechanism_status();
    case kStartStop:
      return start_stop();
    case kAllowRemoval:
      return allow_removal();
    case kSetSpeed:
      return packet_done();
    default:
      break;
  }
  if (!has_disc()) return check_condition(kNotReady);
  switch (d_.packet[0]) {
    case kTestUnitReady:
      return packet_done();
    case kReadCapacity:
      return read_capacity();
    case kRead10:
      return read_blocks(packet32(2), packet16(7));
    case kRead12:
      return read_blocks(packet32(2), packet32(6));
    case kReadCd:
      return read_cd();
    case kSeek10:
      return packet32(2) < blocks() ? packet_done() : check_condition(kOutOfRange);
    case kReadToc:
      return read_toc();
    case kReadSubChannel:
      return read_sub_channel();
    case kDiscInformation:
      return disc_information();
    case kTrackInformation:
      return track_information();
    default:
      RING3_LOG(GuestErrors, "atapi: no packet {:02x}", d_.packet[0]);
      return check_condition(kBadCommand);
  }
}

void AtapiCdRom::inquiry() {
  if (d_.packet[1] & 1) return check_condition(kBadField);  // vital product data: none
  const auto r = new_reply();
  r[0] = 5;     // CD or DVD
  r[1] = 0x80;  // removable
  r[3] = 0x21;  // ATAPI, response format
  r[4] = 31;
  put_text(&r[8], 8, "RING3");
  put_text(&r[16], 16, "DVD-ROM");
  put_text(&r[32], 4, "1.0");
  send_reply(36, d_.packet[4]);
}

void AtapiCdRom::request_sense() {
  const auto r = new_reply();
  r[0] = 0xF0;
  r[2] = d_.sense.key;
  r[7] = 10;
  r[12] = d_.sense.code;
  r[13] = d_.sense.qualifier;
  send_reply(18, d_.packet[4]);
}

/// Page 01h (error recovery) and 2Ah (capabilities), or both (3Fh); current values only.
void AtapiCdRom::mode_sense() {
  const bool ten = d_.packet[0] == kModeSense10;
  const u8 page = d_.packet[2] & 0x3F, kind = d_.packet[2] >> 6;
  if (page != 0x01 && page != 0x2A && page != 0x3F) return check_condition(kBadField);
  if (kind == 3) return check_condition({5, 0x39, 0});  // saved values: not supported
  const auto r = new_reply();
  size_t at = ten ? 8 : 4;
  if (page != 0x2A) {
    r[at] = 0x01;
    r[at + 1] = 6;
    r[at + 3] = 5;  // retries
    at += 8;
  }
  if (page != 0x01) {
    u8* p = &r[at];
    p[0] = 0x2A;
    p[1] = 0x12;
    p[2] = 0x3B;  // reads CD-R, CD-RW, DVD-ROM, DVD-R, DVD-RAM
    p[4] = 0x70;  // mode 2 form 1 and 2, multisession
    p[6] = static_cast<u8>(0x29 | (d_.locked ? 2 : 0));  // tray, eject, lock
    put16(p + 8, 706);                                   // kB/s
    put16(p + 10, 2);
    put16(p + 12, 512);
    put16(p + 14, 706);
    at += 20;
  }
  // The medium type that old drivers look at: 01h a data CD, 70h none.
  const u8 medium = has_disc() ? 0x01 : 0x70;
  if (ten) {
    put16(&r[0], static_cast<u32>(at - 2));
    r[2] = medium;
  } else {
    r[0] = static_cast<u8>(at - 1);
    r[1] = medium;
  }
  send_reply(at, ten ? packet16(7) : d_.packet[4]);
}

void AtapiCdRom::read_capacity() {
  const auto r = new_reply();
  put32(&r[0], blocks() - 1);
  put32(&r[4], kBlock);
  send_reply(8, 8);
}

void AtapiCdRom::read_blocks(u32 first, u32 count) {
  if (count == 0) return packet_done();
  if (first >= blocks() || count > blocks() - first) return check_condition(kOutOfRange);
  d_.from_disc = true;
  d_.position = u64{first} * kBlock;
  d_.left = u64{count} * kBlock;
  begin_data();
}

void AtapiCdRom::read_cd() {
  switch (d_.packet[9] & 0xF8) {
    case 0x00:  // no data wanted
      return packet_done();
    case 0x10:
      return read_blocks(packet32(2), packet24(6));
    default:  // headers, error correction: there is user data only
      return check_condition(kBadField);
  }
}

void AtapiCdRom::read_toc() {
  const bool msf = d_.packet[1] & 2;
  const u8 format = d_.packet[2] & 15 ? d_.packet[2] & 15 : d_.packet[9] >> 6;
  switch (format) {
    case 0:
      return toc_tracks(msf);
    case 1:
      return toc_session(msf);
    case 2:
      return toc_full(msf);
    default:
      return check_condition(kBadField);
  }
}

/// Track 1 and the lead-out, from the track in byte 6 on.
void AtapiCdRom::toc_tracks(bool msf) {
  const u8 start = d_.packet[6];
  if (start > 1 && start != kLeadOut) return check_condition(kBadField);
  const auto r = new_reply();
  r[2] = r[3] = 1;
  size_t at = 4;
  const auto add = [&](u8 track, u32 block) {
    r[at + 1] = 0x14;  // data track
    r[at + 2] = track;
    put_address(&r[at + 4], block, msf);
    at += 8;
  };
  if (start <= 1) add(1, 0);
  add(kLeadOut, blocks());
  put16(&r[0], static_cast<u32>(at - 2));
  send_reply(at, packet16(7));
}

void AtapiCdRom::toc_session(bool msf) {
  const auto r = new_reply();
  r[1] = 10;
  r[2] = r[3] = 1;
  r[5] = 0x14;
  r[6] = 1;
  put_address(&r[8], 0, msf);
  send_reply(12, packet16(7));
}

/// The points A0h, A1h, A2h (first track, last track, lead-out) and track 1.
void AtapiCdRom::toc_full(bool msf) {
  const auto r = new_reply();
  r[2] = r[3] = 1;
  size_t at = 4;
  const auto add = [&](u8 point) {
    r[at] = 1;  // session
    r[at + 1] = 0x14;
    r[at + 3] = point;
    at += 11;
    return &r[at - 3];  // its address
  };
  add(0xA0)[0] = 1;
  add(0xA1)[0] = 1;
  u8* lead_out = add(0xA2);
  u8 address[4];
  put_address(address, blocks(), true);
  std::copy_n(address + 1, 3, lead_out);
  put_address(address, 0, true);
  std::copy_n(address + 1, 3, add(1));
  if (!msf) RING3_LOG(GuestErrors, "atapi: a full table of contents has addresses as MSF only");
  put16(&r[0], static_cast<u32>(at - 2));
  send_reply(at, packet16(7));
}

void AtapiCdRom::read_sub_channel() {
  const auto r = new_reply();
  r[1] = 0x15;  // no audio status
  send_reply(4, packet16(7));
}

void AtapiCdRom::disc_information() {
  const auto r = new_reply();
  put16(&r[0], 32);
  r[2] = 0x0E;  // complete, last session complete
  r[3] = r[4] = r[5] = r[6] = 1;
  r[7] = 0x20;  // unrestricted use
  send_reply(34, packet16(7));
}

void AtapiCdRom::track_information() {
  const auto r = new_reply();
  put16(&r[0], 34);
  r[2] = r[3] = 1;
  r[5] = 0x04;  // data
  r[6] = 0x01;
  put32(&r[24], blocks());
  send_reply(36, packet16(7));
}

/// The profile list (feature 0), core (1) and removable medium (3), from the starting one on.
void AtapiCdRom::get_configuration() {
  const bool dvd = has_disc() && blocks() > kMostCdBlocks;
  const u16 from = packet16(2);
  const u8 wanted = d_.packet[1] & 3;
  const auto r = new_reply();
  size_t at = 8;
  const auto add = [&](u16 feature, u8 flags, std::initializer_list<u8> data) {
    if (wanted == 2 ? feature != from : feature < from) return;
    put16(&r[at], feature);
    r[at + 2] = flags;
    r[at + 3] = static_cast<u8>(data.size());
    std::copy(data.begin(), data.end(), &r[at + 4]);
    at += 4 + data.size();
  };
  const u8 current_dvd = has_disc() && dvd, current_cd = has_disc() && !dvd;
  add(0, 0x03, {0, kProfileDvd, current_dvd, 0, 0, kProfileCd, current_cd, 0});
  add(1, 0x0B, {0, 0, 0, 2, 1, 0, 0, 0});  // ATAPI; device busy events
  add(3, 0x03, {0x29, 0, 0, 0});           // tray, eject, lock
  put32(&r[0], static_cast<u32>(at - 4));
  put16(&r[6], !has_disc() ? 0 : dvd ? kProfileDvd : kProfileCd);
  send_reply(at, packet16(7));
}

/// Polled operation only; media events.
void AtapiCdRom::get_event_status() {
  constexpr u8 kPolled = 1, kMediaClass = 0x10, kTrayOpen = 1, kDiscThere = 2;
  if (!(d_.packet[1] & kPolled)) return check_condition(kBadField);
  const auto r = new_reply();
  r[3] = kMediaClass;  // supported
  if (!(d_.packet[4] & kMediaClass)) {
    r[1] = 2;
    r[2] = 0x80;  // no event
    return send_reply(4, packet16(7));
  }
  r[1] = 6;
  r[2] = 4;
  r[4] = std::exchange(d_.media_event, u8{0});
  r[5] = static_cast<u8>((d_.tray_open ? kTrayOpen : 0) | (has_disc() ? kDiscThere : 0));
  send_reply(8, packet16(7));
}

void AtapiCdRom::mechanism_status() {
  const auto r = new_reply();
  r[1] = d_.tray_open ? 0x10 : 0;
  send_reply(8, packet16(8));
}

void AtapiCdRom::start_stop() {
  constexpr u8 kStart = 1, kLoadEject = 2;
  if (d_.packet[4] & kLoadEject) {
    const bool open = !(d_.packet[4] & kStart);
    if (open && d_.locked) return check_condition(kRemovalPrevented);
    if (open != d_.tray_open && disc_) d_.media_event = open ? 3 : 2;
    d_.tray_open = open;
  }
  packet_done();
}

void AtapiCdRom::allow_removal() {
  d_.locked = d_.packet[4] & 1;
  packet_done();
}

}  // namespace ring3
