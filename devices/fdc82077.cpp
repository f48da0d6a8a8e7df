// SPDX-License-Identifier: MIT
#include "devices/fdc82077.h"

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace ring3 {
namespace {

enum Register : u32 { kSra, kSrb, kDor, kTapeDrive, kMsrDsr, kFifo, kReserved, kDirCcr };
enum Dor : u8 { kSelect = 3, kNotReset = 4, kDmaGate = 8, kMotors = 0xF0 };
enum Msr : u8 { kBusy = 0x10, kToCpu = 0x40, kRequest = 0x80 };
enum Status0 : u8 { kSeekEnd = 0x20, kNotReady = 0x08, kAbnormal = 0x40, kInvalid = 0x80 };
enum Status1 : u8 { kMissingAddress = 1, kNotWritable = 2, kNoData = 4, kEndOfCylinder = 0x80 };
enum Command : u8 {
  kReadTrack = 0x02,
  kSpecify = 0x03,
  kSenseDrive = 0x04,
  kWriteData = 0x05,
  kReadData = 0x06,
  kRecalibrate = 0x07,
  kSenseInterrupt = 0x08,
  kWriteDeleted = 0x09,
  kReadId = 0x0A,
  kReadDeleted = 0x0C,
  kFormat = 0x0D,
  kDumpRegisters = 0x0E,
  kSeek = 0x0F,
  kVersion = 0x10,
  kPerpendicular = 0x12,
  kConfigure = 0x13,
  kLock = 0x14,
  kVerify = 0x16,
};
constexpr u8 kSectorCode = 2;  // 512 bytes
constexpr u8 kSoftReset = 0x80, kDiskChanged = 0x80, kEnhancedController = 0x90;

/// Bytes of a command, itself included. Bits 5-7 of most are flags.
u8 command_length(u8 first) {
  switch (first & 0x1F) {
    case kReadTrack:
    case kWriteData:
    case kReadData:
    case kWriteDeleted:
    case kReadDeleted:
    case kVerify:
      return 9;
    case kFormat:
      return 6;
    case kConfigure:
      return 4;
    case kSpecify:
    case kSeek:
      return 3;
    case kSenseDrive:
    case kRecalibrate:
    case kReadId:
    case kPerpendicular:
      return 2;
    default:
      return 1;
  }
}

}  // namespace

/// The formats of PC disks, by size; what is none of them has the smallest that holds it.
Fdc82077::Format Fdc82077::format_of(u64 bytes) {
  static constexpr Format kFormats[] = {{40, 1, 8},  {40, 1, 9},  {40, 2, 8},  {40, 2, 9},
                                        {80, 2, 9},  {80, 2, 15}, {80, 2, 18}, {80, 2, 20},
                                        {80, 2, 21}, {82, 2, 21}, {83, 2, 21}, {80, 2, 36}};
  for (const Format& f : kFormats)
    if (u64{f.tracks} * f.heads * f.sectors * kSectorSize >= bytes) return f;
  return {80, 2, 36};
}

u8 Fdc82077::cmos_type(const Drive& drive) {
  if (!drive.present) return 0;
  return drive.disk && format_of(drive.disk->size()).sectors > 21 ? 5 : 4;
}

Fdc82077::Fdc82077(IrqLine irq, Dma8237& dma, std::array<Drive, kDrives> drives)
    : irq_(std::move(irq)), dma_(dma), drives_(drives) {
  reset();
}

void Fdc82077::reset() {
  s_ = State{};
  s_.dor = kNotReset | kDmaGate;
  s_.changed.fill(true);
  update_irq();
}

void Fdc82077::update_irq() { irq_.set(s_.interrupt && (s_.dor & kDmaGate)); }

void Fdc82077::raise() {
  s_.interrupt = true;
  update_irq();
}

/// The end of a reset is reported for each of four drives.
void Fdc82077::soft_reset() {
  s_.phase = Phase::Command;
  s_.length = s_.position = 0;
  s_.track = {};
  s_.pending_sense = 4;
  raise();
}

void Fdc82077::write_dor(u8 value) {
  const u8 before = std::exchange(s_.dor, value);
  if (!(value & kNotReset)) s_.interrupt = false;
  if (value & ~before & kNotReset) soft_reset();
  update_irq();
}

u8 Fdc82077::main_status() const {
  if (!(s_.dor & kNotReset)) return 0;
  if (s_.phase == Phase::Result) return kRequest | kToCpu | kBusy;
  return static_cast<u8>(kRequest | (s_.length ? kBusy : 0));
}

u32 Fdc82077::read(u32 offset, Width) {
  switch (offset) {
    case kSra:
      return s_.interrupt ? 0x80 : 0;
    case kSrb:
      return 0xC0;
    case kDor:
      return s_.dor;
    case kTapeDrive:
      return s_.tape;
    case kMsrDsr:
      return main_status();
    case kFifo:
      return read_fifo();
    case kDirCcr: {
      const u8 drive = s_.dor & kSelect;
      return !has_disk(drive) || s_.changed[drive] ? kDiskChanged : 0;
    }
    default:
      return open_bus(Width::Byte);
  }
}

void Fdc82077::write(u32 offset, Width, u32 value) {
  const u8 byte = static_cast<u8>(value);
  switch (offset) {
    case kDor:
      return write_dor(byte);
    case kTapeDrive:
      s_.tape = byte & 3;
      return;
    case kMsrDsr:
      s_.rate = byte & 3;
      if (byte & kSoftReset) soft_reset();
      return;
    case kFifo:
      return write_fifo(byte);
    case kDirCcr:
      s_.rate = byte & 3;
      return;
    default:
      return;
  }
}

void Fdc82077::write_fifo(u8 value) {
  if (s_.phase != Phase::Command || !(s_.dor & kNotReset)) return;
  if (s_.length == 0) s_.expected = command_length(value);
  s_.fifo[s_.length++] = value;
  if (s_.length < s_.expected) return;
  s_.length = 0;
  execute();
}

u8 Fdc82077::read_fifo() {
  if (s_.phase != Phase::Result) return 0;
  s_.interrupt = false;
  update_irq();
  const u8 value = s_.fifo[s_.position++];
  if (s_.position == s_.length) {
    s_.phase = Phase::Command;
    s_.length = s_.position = 0;
  }
  return value;
}

void Fdc82077::reply(std::initializer_list<u8> bytes) {
  std::copy(bytes.begin(), bytes.end(), s_.fifo.begin());
  s_.length = static_cast<u8>(bytes.size());
  s_.position = 0;
  s_.phase = Phase::Result;
}

void Fdc82077::execute() {
  const u8 first = s_.fifo[0];
  switch (first & 0x1F) {
    case kReadData:
    case kReadDeleted:
    case kReadTrack:
      return transfer(false, false);
    case kWriteData:
    case kWriteDeleted:
      return transfer(true, false);
    case kVerify:
      return transfer(false, true);
    case kFormat:
      return format_track();
    case kReadId:
      return read_id();
    case kSpecify:
      s_.specify1 = s_.fifo[1];
      s_.specify2 = s_.fifo[2];
      return;
    case kSenseDrive:
      return sense_drive();
    case kRecalibrate:
      return seek(s_.fifo[1] & 3, 0);
    case kSeek:
      return seek(s_.fifo[1] & 3, s_.fifo[2]);
    case kSenseInterrupt:
      return sense_interrupt();
    case kDumpRegisters:
      return reply({s_.track[0], s_.track[1], s_.track[2], s_.track[3], s_.specify1, s_.specify2,
                    s_.last_sectors, static_cast<u8>(s_.lock << 7 | s_.perpendicular), s_.config,
                    s_.precompensation});
    case kVersion:
      if (first != kVersion) break;
      return reply({kEnhancedController});
    case kPerpendicular:
      s_.perpendicular = s_.fifo[1] & 0x7F;
      return;
    case kConfigure:
      s_.config = s_.fifo[2];
      s_.precompensation = s_.fifo[3];
      return;
    case kLock:
      s_.lock = first >> 7;
      return reply({static_cast<u8>(s_.lock << 4)});
    default:
      break;
  }
  RING3_LOG(GuestErrors, "fdc: no command {:02x}", first);
  reply({kInvalid});
}

/// Tracks past the last one: the head stops there, but the register counts on.
void Fdc82077::seek(u8 drive, u8 track) {
  s_.track[drive] = track;
  if (has_disk(drive)) s_.changed[drive] = false;
  const bool there = drive < kDrives && drives_[drive].present;
  s_.status0 = static_cast<u8>(kSeekEnd | drive | (there ? 0 : kAbnormal | 0x10));
  s_.pending_sense = 0;
  raise();
}

void Fdc82077::sense_interrupt() {
  s_.interrupt = false;
  update_irq();
  if (s_.pending_sense) {
    const u8 drive = static_cast<u8>(4 - s_.pending_sense--);
    return reply({static_cast<u8>(0xC0 | drive), s_.track[drive]});
  }
  const u8 status = std::exchange(s_.status0, u8{kInvalid});
  if (status == kInvalid) return reply({kInvalid});
  reply({status, s_.track[status & 3]});
}

void Fdc82077::sense_drive() {
  const u8 drive = s_.fifo[1] & 3;
  const bool locked = has_disk(drive) && drives_[drive].disk->read_only();
  reply({static_cast<u8>(0x28 | (s_.fifo[1] & 7) | (s_.track[drive] == 0 ? 0x10 : 0) |
                         (locked ? 0x40 : 0))});
}

void Fdc82077::end_transfer(u8 error0, u8 error1, u8 error2, const Place& p) {
  const u8 status0 = static_cast<u8>(error0 | p.head << 2 | p.drive);
  reply({status0, error1, error2, p.track, p.head, p.sector, kSectorCode});
  raise();
}

/// One sector between the disk and DMA. `more`: the count has not ended yet. False: the host
/// failed.
bool Fdc82077::move_sector(u64 offset, bool write, bool verify, bool& more) {
  BlockDevice& disk = *drives_[s_.fifo[1] & 3].disk;
  std::array<u8, kSectorSize> sector;
  if (!disk.read(offset, sector)) return false;
  if (verify) return true;
  if (!write) {
    const Dma8237::Moved moved = dma_.to_memory(kDmaChannel, sector);
    more = moved.bytes == sector.size() && !moved.terminal;
    return true;
  }
  const auto [moved, terminal] = dma_.from_memory(kDmaChannel, sector);
  more = moved == sector.size() && !terminal;
  // A sector that ends early is filled with zeros.
  std::fill(sector.begin() + static_cast<std::ptrdiff_t>(moved), sector.end(), u8{0});
  return moved == 0 || disk.write(offset, sector);
}

/// READ, WRITE and VERIFY: drive and head, track, head, sector, size code, last sector of the
/// track. Ends at the terminal count of DMA, or past the last sector; with MT after that of head 1.
void Fdc82077::transfer(bool write, bool verify) {
  const bool both_heads = s_.fifo[0] & 0x80;
  Place p{static_cast<u8>(s_.fifo[1] & 3), s_.fifo[2], s_.fifo[3], s_.fifo[4]};
  const u8 last = s_.fifo[6];
  s_.last_sectors = last;
  s_.pending_sense = 0;
  if (!has_disk(p.drive)) return end_transfer(kAbnormal | kNotReady, kMissingAddress, 0, p);
  BlockDevice& disk = *drives_[p.drive].disk;
  const Format f = format_of(disk.size());
  if (write && disk.read_only()) return end_transfer(kAbnormal, kNotWritable, 0, p);
  if (s_.fifo[5] != kSectorCode || p.track >= f.tracks || p.head >= f.heads)
    return end_transfer(kAbnormal, kMissingAddress, 0, p);
  // The count of DMA bounds this to 64 KiB; VERIFY to both sides of a track.
  for (bool more = true; more;) {
    if (p.sector == 0 || p.sector > f.sectors) return end_transfer(kAbnormal, kNoData, 0, p);
    const u64 block = (u64{p.track} * f.heads + p.head) * f.sectors + p.sector - 1;
    const u64 offset = block * kSectorSize;
    if (offset + kSectorSize > disk.size()) return end_transfer(kAbnormal, kNoData, 0, p);
    if (!move_sector(offset, write, verify, more)) return end_transfer(kAbnormal, 0x20, 0x20, p);
    const bool track_ends = p.sector++ >= last;
    if (!track_ends) continue;
    p.sector = 1;
    const bool next_head = both_heads && p.head == 0 && f.heads > 1;
    p.head = next_head ? 1 : both_heads ? 0 : p.head;
    if (next_head) continue;
    ++p.track;
    if (more && !verify) return end_transfer(kAbnormal, kEndOfCylinder, 0, p);
    break;
  }
  end_transfer(0, 0, 0, p);
}

/// Four bytes by DMA for each sector (track, head, sector, size code); all become the fill byte.
void Fdc82077::format_track() {
  Place p{static_cast<u8>(s_.fifo[1] & 3), s_.track[s_.fifo[1] & 3],
          static_cast<u8>(s_.fifo[1] >> 2 & 1), 1};
  const u8 count = s_.fifo[3];
  if (!has_disk(p.drive)) return end_transfer(kAbnormal | kNotReady, kMissingAddress, 0, p);
  BlockDevice& disk = *drives_[p.drive].disk;
  const Format f = format_of(disk.size());
  if (disk.read_only()) return end_transfer(kAbnormal, kNotWritable, 0, p);
  std::array<u8, kSectorSize> sector;
  sector.fill(s_.fifo[5]);
  for (u8 i = 0; i < count; ++i) {
    std::array<u8, 4> id;
    if (dma_.from_memory(kDmaChannel, id).bytes != id.size()) break;
    const bool fits = id[0] < f.tracks && id[1] < f.heads && id[2] >= 1 && id[2] <= f.sectors &&
                      id[3] == kSectorCode;
    const u64 block = (u64{id[0]} * f.heads + id[1]) * f.sectors + id[2] - 1;
    if (!fits || (block + 1) * kSectorSize > disk.size() ||
        !disk.write(block * kSectorSize, sector))
      return end_transfer(kAbnormal, kNoData, 0, p);
  }
  end_transfer(0, 0, 0, p);
}

void Fdc82077::read_id() {
  const Place p{static_cast<u8>(s_.fifo[1] & 3), s_.track[s_.fifo[1] & 3],
                static_cast<u8>(s_.fifo[1] >> 2 & 1), 1};
  if (!has_disk(p.drive)) return end_transfer(kAbnormal | kNotReady, kMissingAddress, 0, p);
  const Format f = format_of(drives_[p.drive].disk->size());
  // At another data rate than the disk's nothing is found: 500 kb/s for 15 to 21 sectors, 1 Mb/s
  // for 36, 250 or 300 kb/s for fewer.
  const bool rate = f.sectors > 21  ? s_.rate == 3
                    : f.sectors > 9 ? s_.rate == 0
                                    : s_.rate == 1 || s_.rate == 2;
  if (!rate || p.track >= f.tracks || p.head >= f.heads)
    return end_transfer(kAbnormal, kMissingAddress, 0, p);
  end_transfer(0, 0, 0, p);
}

void Fdc82077::fields(FieldVisitor& v) {
  v("dor", s_.dor)("tape", s_.tape)("rate", s_.rate)("config", s_.config)(
      "precompensation", s_.precompensation)("lock", s_.lock)("specify1", s_.specify1)(
      "specify2", s_.specify2)("perpendicular", s_.perpendicular)("phase", s_.phase)(
      "interrupt", s_.interrupt)("pending_sense", s_.pending_sense)("status0", s_.status0)(
      "length", s_.length)("position", s_.position)("expected", s_.expected)("fifo", s_.fifo)(
      "track", s_.track)("changed", s_.changed)("last_sectors", s_.last_sectors);
}

}  // namespace ring3
