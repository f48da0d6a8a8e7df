// SPDX-License-Identifier: MIT
// IDENTIFY DEVICE: what the disk says about itself (ATA/ATAPI-6, "IDENTIFY DEVICE").
#include <algorithm>

#include "devices/ide/ata_disk.h"

namespace ring3 {
namespace {

constexpr u16 kHeads = 16, kSectorsPerTrack = 63, kMostCylinders = 16383;
constexpr u64 kMost28 = 0xFFF'FFFF;
constexpr u16 kValid = 1 << 14;
enum Word82 : u16 { kWriteCache = 1 << 5, kLookAhead = 1 << 6 };
enum Word83 : u16 { kLba48 = 1 << 10, kFlushCache = 1 << 12, kFlushCacheExt = 1 << 13 };
enum Word84 : u16 { kFua = 1 << 6 };

/// The modes that are there, and the one that is chosen in the high byte.
u16 modes(u8 supported, u8 kind, u8 chosen) {
  return static_cast<u16>(supported | (chosen >> 3 == kind ? 0x100 << (chosen & 7) : 0));
}

}  // namespace

void put_ata_text(std::span<u8> block, unsigned first, unsigned words, const std::string& text) {
  for (unsigned i = 0; i < 2 * words; ++i)
    block[2 * first + (i ^ 1)] = i < text.size() ? static_cast<u8>(text[i]) : u8{' '};
}

u16 AtaDisk::cylinders() const {
  return static_cast<u16>(std::min<u64>(sectors() / (kHeads * kSectorsPerTrack), kMostCylinders));
}

void AtaDisk::identify() {
  const auto block = buffer().first(kSectorSize);
  std::fill(block.begin(), block.end(), u8{0});
  const auto put = [block](unsigned word, u64 value) {
    put_ata_word(block, word, static_cast<u16>(value));
  };
  const auto put32 = [&put](unsigned word, u64 value) {
    put(word, value);
    put(word + 1, value >> 16);
  };
  put(0, 0x0040);  // fixed device
  put(1, cylinders());
  put(3, kHeads);
  put(6, kSectorsPerTrack);
  put_ata_text(block, 10, 10, identity_.serial);
  put_ata_text(block, 23, 4, identity_.firmware);
  put_ata_text(block, 27, 20, identity_.model);
  put(47, 0x8000 | 16);                // sectors of READ MULTIPLE at most
  put(49, 1 << 11 | 1 << 9 | 1 << 8);  // IORDY, LBA, DMA
  put(50, kValid);
  put(51, 0x200);
  put(52, 0x200);
  put(53, 7);  // words 54-58, 64-70 and 88 are valid
  const u32 track = u32{d_.heads} * d_.sectors_per_track;
  const u64 now = std::min<u64>(sectors() / track, 0xFFFF);
  put(54, now);
  put(55, d_.heads);
  put(56, d_.sectors_per_track);
  put32(57, now * track);
  put(59, d_.multiple ? 0x100 | d_.multiple : 0);
  put32(60, std::min(sectors(), kMost28));
  put(63, modes(0x07, 4, d_.transfer_mode));
  put(64, 3);                                                   // PIO modes 3 and 4
  for (unsigned word = 65; word <= 68; ++word) put(word, 120);  // ns a cycle
  put(80, 0xF0);                                                // ATA/ATAPI-4 to -7
  put(81, 0x16);
  put(82, kWriteCache | kLookAhead);
  put(83, kValid | kFlushCacheExt | kFlushCache | kLba48);
  put(84, kValid | kFua);
  put(85, (d_.write_cache ? kWriteCache : 0) | (d_.look_ahead ? kLookAhead : 0));
  put(86, kFlushCacheExt | kFlushCache | kLba48);
  put(87, kValid | kFua);
  put(88, modes(0x3F, 8, d_.transfer_mode));
  put(93, 0x2001 | kValid);
  put32(100, sectors());
  put32(102, sectors() >> 32);
  put(105, 1);  // blocks of a TRIM
  put(169, 1);  // TRIM
  d_.job = Job::Identify;
  begin_data_in(block.size());
}

}  // namespace ring3
