// SPDX-License-Identifier: MIT
#include "devices/ide/ata_disk.h"

#include <algorithm>
#include <utility>

#include "base/bits.h"
#include "base/log.h"

namespace ring3 {
namespace {

enum Command : u8 {
  kDataSetManagement = 0x06,
  kReadSectors = 0x20,
  kReadSectorsOnce = 0x21,
  kReadSectorsExt = 0x24,
  kReadDmaExt = 0x25,
  kReadNativeMaxExt = 0x27,
  kReadMultipleExt = 0x29,
  kWriteSectors = 0x30,
  kWriteSectorsOnce = 0x31,
  kWriteSectorsExt = 0x34,
  kWriteDmaExt = 0x35,
  kWriteMultipleExt = 0x39,
  kWriteVerify = 0x3C,
  kWriteDmaFuaExt = 0x3D,
  kVerify = 0x40,
  kVerifyOnce = 0x41,
  kVerifyExt = 0x42,
  kDiagnostic = 0x90,
  kSetGeometry = 0x91,
  kReadMultiple = 0xC4,
  kWriteMultiple = 0xC5,
  kSetMultiple = 0xC6,
  kReadDma = 0xC8,
  kReadDmaOnce = 0xC9,
  kWriteDma = 0xCA,
  kWriteDmaOnce = 0xCB,
  kWriteMultipleFuaExt = 0xCE,
  kStandbyNow1 = 0x94,
  kIdleNow1 = 0x95,
  kStandby1 = 0x96,
  kIdle1 = 0x97,
  kCheckPower1 = 0x98,
  kSleep1 = 0x99,
  kStandbyNow = 0xE0,
  kIdleNow = 0xE1,
  kStandby = 0xE2,
  kIdle = 0xE3,
  kCheckPower = 0xE5,
  kSleep = 0xE6,
  kFlush = 0xE7,
  kFlushExt = 0xEA,
  kIdentify = 0xEC,
  kSetFeatures = 0xEF,
  kReadNativeMax = 0xF8,
};
constexpr u8 kLba = 0x40, kTrim = 1;

}  // namespace

AtaDisk::AtaDisk(BlockDevice& medium, Identity identity, std::function<void()> interrupt)
    : AtaDevice(std::move(interrupt)), medium_(medium), identity_(std::move(identity)) {}

void AtaDisk::hard_reset() {
  d_ = Disk{};
  AtaDevice::hard_reset();
}

void AtaDisk::write_signature() {
  d_.job = Job::None;
  s_.count = s_.lba_low = 1;
  s_.lba_mid = s_.lba_high = 0;
}

void AtaDisk::execute(u8 command) {
  d_.job = Job::None;
  d_.force_unit_access = command == kWriteDmaFuaExt || command == kWriteMultipleFuaExt;
  if ((command & 0xF0) == 0x10 || (command & 0xF0) == 0x70) return complete();  // RECALIBRATE, SEEK
  switch (command) {
    case kReadSectors:
    case kReadSectorsOnce:
      return start_pio(Job::Read, false, 1);
    case kReadSectorsExt:
      return start_pio(Job::Read, true, 1);
    case kWriteSectors:
    case kWriteSectorsOnce:
    case kWriteVerify:
      return start_pio(Job::Write, false, 1);
    case kWriteSectorsExt:
      return start_pio(Job::Write, true, 1);
    case kReadMultiple:
    case kReadMultipleExt:
      return start_multiple(Job::Read, command == kReadMultipleExt);
    case kWriteMultiple:
      return start_multiple(Job::Write, false);
    case kWriteMultipleExt:
    case kWriteMultipleFuaExt:
      return start_multiple(Job::Write, true);
    case kReadDma:
    case kReadDmaOnce:
      return start_dma(Job::Read, false);
    case kReadDmaExt:
      return start_dma(Job::Read, true);
    case kWriteDma:
    case kWriteDmaOnce:
      return start_dma(Job::Write, false);
    case kWriteDmaExt:
    case kWriteDmaFuaExt:
      return start_dma(Job::Write, true);
    case kDataSetManagement:
      return trim();
    case kVerify:
    case kVerifyOnce:
      return verify(false);
    case kVerifyExt:
      return verify(true);
    case kDiagnostic:
      reset();
      return raise_interrupt();
    case kIdentify:
      return identify();
    case kSetFeatures:
      return set_features();
    case kSetGeometry:
      return set_geometry();
    case kSetMultiple:
      return set_multiple();
    case kReadNativeMax:
    case kReadNativeMaxExt:
      return read_native_max(command == kReadNativeMaxExt);
    case kFlush:
    case kFlushExt:
      return flush();
    case kCheckPower:
    case kCheckPower1:
      s_.count = 0xFF;  // active
      return complete();
    case kStandbyNow:
    case kIdleNow:
    case kStandby:
    case kIdle:
    case kSleep:
    case kStandbyNow1:
    case kIdleNow1:
    case kStandby1:
    case kIdle1:
    case kSleep1:
      return complete();
    default:
      RING3_LOG(GuestErrors, "ata: no command {:02x}", command);
      return fail(kAbrt);
  }
}

/// The range that the registers name; false (and the command has failed) if it is not on the disk.
bool AtaDisk::set_up_range(Job job, bool ext) {
  d_.job = job;
  d_.ext = ext;
  d_.lba = ext || (s_.device & kLba);
  d_.left = s_.count ? s_.count : 256;
  const u32 low = u32{s_.lba_low} | u32{s_.lba_mid} << 8 | u32{s_.lba_high} << 16;
  if (ext) {
    const u32 count = u32{s_.hob_count} << 8 | s_.count;
    d_.left = count ? count : 65536;
    d_.sector =
        low | u64{s_.hob_lba_low} << 24 | u64{s_.hob_lba_mid} << 32 | u64{s_.hob_lba_high} << 40;
  } else if (d_.lba) {
    d_.sector = low | u64{s_.device & 15u} << 24;
  } else {
    const u64 track = u64{low >> 8} * d_.heads + (s_.device & 15);
    // Sectors count from 1; sector 0 is nowhere.
    d_.sector = s_.lba_low ? track * d_.sectors_per_track + s_.lba_low - 1 : sectors();
  }
  if (d_.sector < sectors() && d_.left <= sectors() - d_.sector) return true;
  fail(kIdnf);
  return false;
}

/// Puts the address of a sector into the registers, as the command gave it.
void AtaDisk::show_address(u64 sector) {
  u32 low = static_cast<u32>(sector);
  if (d_.ext) {
    s_.hob_lba_low = static_cast<u8>(sector >> 24);
    s_.hob_lba_mid = static_cast<u8>(sector >> 32);
    s_.hob_lba_high = static_cast<u8>(sector >> 40);
  } else if (d_.lba) {
    s_.device = static_cast<u8>((s_.device & 0xF0) | (sector >> 24 & 15));
  } else {
    const u64 track = sector / d_.sectors_per_track;
    s_.device = static_cast<u8>((s_.device & 0xF0) | track % d_.heads);
    low = static_cast<u32>(track / d_.heads << 8 | (sector % d_.sectors_per_track + 1));
  }
  s_.lba_low = static_cast<u8>(low);
  s_.lba_mid = static_cast<u8>(low >> 8);
  s_.lba_high = static_cast<u8>(low >> 16);
}

void AtaDisk::start_pio(Job job, bool ext, u32 per_block) {
  d_.per_block = per_block;
  if (!set_up_range(job, ext)) return;
  if (job == Job::Read) return offer_block();
  // The first block of a write is asked for without an interrupt.
  begin_data_out(std::min(d_.per_block, d_.left) * kSectorSize, false);
}

void AtaDisk::start_multiple(Job job, bool ext) {
  if (d_.multiple == 0) return fail(kAbrt);
  start_pio(job, ext, d_.multiple);
}

void AtaDisk::start_dma(Job job, bool ext) {
  if (set_up_range(job, ext)) begin_dma(job == Job::Read ? Dma::ToMemory : Dma::FromMemory);
}

void AtaDisk::verify(bool ext) {
  if (set_up_range(Job::None, ext)) complete();
}

void AtaDisk::trim() {
  const u32 blocks = u32{s_.hob_count} << 8 | s_.count;
  if (!(s_.features & kTrim) || blocks == 0 || blocks * kSectorSize > kBufferSize)
    return fail(kAbrt);
  d_.job = Job::Trim;
  d_.left = blocks;
  begin_dma(Dma::FromMemory);
}

/// Reads the next block and offers it.
void AtaDisk::offer_block() {
  const u32 count = std::min(d_.per_block, d_.left);
  const auto block = buffer().first(count * kSectorSize);
  if (!medium_.read(d_.sector * kSectorSize, block)) {
    show_address(d_.sector);
    return fail(kUnc);
  }
  d_.sector += count;
  d_.left -= count;
  show_address(d_.sector - 1);
  s_.count = static_cast<u8>(d_.left);
  begin_data_in(block.size());
}

void AtaDisk::data_in_done() {
  if (d_.job == Job::Read && d_.left) return offer_block();
  d_.job = Job::None;
}

bool AtaDisk::store(u64 sector, std::span<const u8> in) {
  const bool good = medium_.write(sector * kSectorSize, in) &&
                    ((d_.write_cache && !d_.force_unit_access) || medium_.flush());
  if (good) return true;
  show_address(sector);
  fail(kAbrt);
  return false;
}

void AtaDisk::data_out_done() {
  const u32 count = s_.end / kSectorSize;
  if (d_.job != Job::Write || !store(d_.sector, buffer().first(s_.end))) return;
  d_.sector += count;
  d_.left -= count;
  show_address(d_.sector - 1);
  s_.count = static_cast<u8>(d_.left);
  if (d_.left == 0) return complete();
  begin_data_out(std::min(d_.per_block, d_.left) * kSectorSize, true);
}

bool AtaDisk::transfer(DmaChannel& channel) {
  if (d_.job == Job::Trim) {
    const auto list = buffer().first(d_.left * kSectorSize);
    if (!channel.from_memory(list)) return false;
    trim_ranges(list) ? complete() : fail(kAbrt);
    return true;
  }
  while (d_.left) {
    const u32 count = std::min<u32>(d_.left, kBufferSize / kSectorSize);
    const auto block = buffer().first(count * kSectorSize);
    if (d_.job == Job::Read) {
      if (!medium_.read(d_.sector * kSectorSize, block)) {
        show_address(d_.sector);
        fail(kUnc);
        return true;
      }
      if (!channel.to_memory(block)) return false;
    } else {
      if (!channel.from_memory(block)) return false;
      if (!store(d_.sector, block)) return true;
    }
    d_.sector += count;
    d_.left -= count;
  }
  show_address(d_.sector - 1);
  s_.count = 0;
  complete();
  return true;
}

/// Eight bytes each: 48 bits of address, 16 of length; length 0 is skipped.
bool AtaDisk::trim_ranges(std::span<const u8> list) {
  for (size_t at = 0; at < list.size(); at += 8) {
    const u64 entry = load<u64>(&list[at]);
    const u64 sector = bits(entry, 47, 0), count = entry >> 48;
    if (count == 0) continue;
    if (sector >= sectors() || count > sectors() - sector) return false;
    if (!medium_.discard(sector * kSectorSize, count * kSectorSize)) return false;
  }
  return true;
}

void AtaDisk::flush() { medium_.flush() ? complete() : fail(kAbrt); }

void AtaDisk::set_features() {
  switch (s_.features) {
    case 0x02:
      d_.write_cache = true;
      return complete();
    case 0x82:
      d_.write_cache = false;
      return flush();
    case 0xAA:
    case 0x55:
      d_.look_ahead = s_.features == 0xAA;
      return complete();
    case 0x03:
      return set_transfer_mode(s_.count);
    case 0x66:  // keep settings over a reset, or not: they are kept
    case 0xCC:
      return complete();
    default:
      return fail(kAbrt);
  }
}

void AtaDisk::set_transfer_mode(u8 mode) {
  const u8 kind = mode >> 3, number = mode & 7;
  const bool pio = kind <= 1, multiword = kind == 4 && number <= 2,
             ultra = kind == 8 && number <= 5;
  if (!pio && !multiword && !ultra) return fail(kAbrt);
  d_.transfer_mode = mode;
  complete();
}

void AtaDisk::set_geometry() {
  if (s_.count == 0) return fail(kAbrt);
  d_.heads = static_cast<u8>((s_.device & 15) + 1);
  d_.sectors_per_track = s_.count;
  complete();
}

void AtaDisk::set_multiple() {
  const bool power_of_two = (s_.count & (s_.count - 1)) == 0;
  if (s_.count > 16 || !power_of_two) return fail(kAbrt);
  d_.multiple = s_.count;
  complete();
}

void AtaDisk::read_native_max(bool ext) {
  d_.ext = ext;
  d_.lba = true;
  show_address(ext ? sectors() - 1 : std::min<u64>(sectors() - 1, 0xFFF'FFFF));
  complete();
}

void AtaDisk::more_fields(FieldVisitor& v, const std::string& prefix) {
  v(prefix + ".job", d_.job)(prefix + ".ext", d_.ext)(prefix + ".lba", d_.lba)(
      prefix + ".force_unit_access", d_.force_unit_access)(prefix + ".write_cache", d_.write_cache)(
      prefix + ".look_ahead", d_.look_ahead)(prefix + ".sector", d_.sector)(
      prefix + ".left", d_.left)(prefix + ".per_block", d_.per_block)(
      prefix + ".multiple", d_.multiple)(prefix + ".transfer_mode", d_.transfer_mode)(
      prefix + ".heads", d_.heads)(prefix + ".sectors_per_track", d_.sectors_per_track);
}

}  // namespace ring3
