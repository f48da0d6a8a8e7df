// SPDX-License-Identifier: MIT
#include "bios/kernel_rom.h"

#include <numeric>

#include "base/bits.h"

namespace ring3 {
namespace {

constexpr u8 kImage[] = {
#include "kernel_rom.inc"
};

// kernel_rom.asm
constexpr u32 kBlocks = 0x02, kCount = 0x20, kKey = 0x22, kMode = 0x24, kCs = 0x26, kDs = 0x28,
              kIp = 0x2C, kSp = 0x30, kEax = 0x34, kEbx = 0x38, kEsi = 0x3C;
constexpr u32 kPnp = 0x50, kPnpChecksum = kPnp + 9, kPnpSize = 32;
constexpr size_t kBlock = 512, kMostBlocks = 127, kPieceEntry = 16;
constexpr u64 kBiosKeeps = 1 << 20;  // at the end of RAM: SeaBIOS 128 KiB

/// Makes the bytes' sum zero by one of them.
void set_checksum(std::span<u8> bytes, u32 at) {
  bytes[at] = static_cast<u8>(bytes[at] - std::accumulate(bytes.begin(), bytes.end(), 0));
}

}  // namespace

LoadTarget KernelPieces::target(const LoadTarget& memory) {
  LoadTarget recorder = memory;
  recorder.low_ram_end -= std::min(recorder.low_ram_end, kBiosKeeps);
  recorder.write = [this](u64 address, std::span<const u8> bytes) { add(address, bytes); };
  return recorder;
}

void KernelPieces::add(u64 address, std::span<const u8> bytes) {
  if (bytes.empty()) return;
  const bool follows = !pieces_.empty() && pieces_.back().address + pieces_.back().size == address;
  if (follows) {
    pieces_.back().size += bytes.size();
  } else {
    pieces_.push_back({address, bytes.size()});
  }
  data_.insert(data_.end(), bytes.begin(), bytes.end());
}

Result<std::vector<u8>> KernelPieces::rom(const EntryState& entry, u16 key) const {
  std::vector<u8> rom(std::begin(kImage), std::end(kImage));
  const size_t used = rom.size() + pieces_.size() * kPieceEntry;
  const size_t blocks = (used + kBlock - 1) / kBlock;
  if (blocks > kMostBlocks)
    return Error{"-kernel: has too many parts for an option ROM; start it without -bios"};
  for (const Piece& piece : pieces_) {
    rom.resize(rom.size() + kPieceEntry);
    store(&rom[rom.size() - kPieceEntry], piece.address);
    store(&rom[rom.size() - kPieceEntry + 8], static_cast<u32>(piece.size));
  }
  rom.resize(blocks * kBlock);
  rom[kBlocks] = static_cast<u8>(blocks);
  store(&rom[kCount], static_cast<u16>(pieces_.size()));
  store(&rom[kKey], key);
  store(&rom[kMode], static_cast<u16>(entry.mode == EntryMode::Real16 ? 0 : 1));
  store(&rom[kCs], entry.cs);
  store(&rom[kDs], entry.ds);
  store(&rom[kIp], static_cast<u32>(entry.rip));
  store(&rom[kSp], static_cast<u32>(entry.rsp));
  store(&rom[kEax], static_cast<u32>(entry.rax));
  store(&rom[kEbx], static_cast<u32>(entry.rbx));
  store(&rom[kEsi], static_cast<u32>(entry.rsi));
  set_checksum(std::span(rom).subspan(kPnp, kPnpSize), kPnpChecksum - kPnp);
  set_checksum(rom, static_cast<u32>(rom.size() - 1));
  return rom;
}

}  // namespace ring3
