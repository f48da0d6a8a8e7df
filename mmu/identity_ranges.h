// SPDX-License-Identifier: MIT
// Identity ranges: linear memory that large pages map to the RAM of the same address, as loaders,
// kernels' decompressors and firmware run on. Host and linear address differ by one number there,
// small enough for a displacement, so supervisor code needs no look at the TLB: it asks whether an
// address is less than `room` bytes above `start`.
//
// What is known stands by chunks of 2 MiB, and comes and goes as TLB entries do. Translated code
// names a slot: its start never changes while such code exists, its room changes in place. A slot
// for writes ends where a page is watched.
#pragma once

#include <array>
#include <optional>

#include "mmu/physical_memory.h"

namespace ring3 {

class IdentityRanges {
 public:
  static constexpr unsigned kChunkShift = 21;
  static constexpr u64 kChunk = u64{1} << kChunkShift, kEnd = u64{1} << 31;
  static constexpr unsigned kSlots = 32;
  /// Bytes of an access that begins in a slot's room.
  static constexpr unsigned kMaxAccess = 1024;

  explicit IdentityRanges(const PhysicalMemory& memory);

  /// A page of 2 MiB or 1 GiB maps `linear` to itself; supervisor code may read it, whatever
  /// RFLAGS.AC is, and perhaps write, which needs no look at D.
  void note(u64 linear, unsigned page_shift, bool write, bool global);
  /// As the TLB.
  void drop(u64 linear, bool global_too);
  void drop_non_global();
  void clear();
  void on_watched(u64 first, u64 pages);

  /// Something is known.
  bool any() const { return noted_ != 0; }
  /// A slot with room for an access there; a new one if need be and one is free.
  std::optional<u32> slot_for(u64 linear, bool write);
  u64 start(u32 slot) const { return slots_[slot].start; }
  /// Host address - linear address.
  i64 delta() const { return delta_; }
  const u64* rooms() const { return rooms_.data(); }

  /// Bits for slots that could be something else if no code named them: a slot was wanted.
  u32 unused() const;
  void release(u32 slots);

 private:
  enum Flag : u8 { kRead = 1, kWrite = 2, kGlobal = 4, kGib = 8 };
  struct Slot {
    u64 start = 0, end = 0;
    bool used = false;
    u8 needs = kRead;
  };

  static u64 chunk_of(u64 linear) { return linear & ~(kChunk - 1); }
  bool has(u64 linear, u8 needs) const {
    return linear < kEnd && (chunks_[linear >> kChunkShift] & needs) == needs;
  }
  void forget(u64 chunk);
  void cut(u64 from, u64 to, u8 needs);
  void set_end(u32 slot, u64 end);
  u64 run_start(u64 linear, u8 needs) const;
  u64 run_end(u64 linear, u8 needs) const;

  const PhysicalMemory& memory_;
  i64 delta_;
  bool possible_;           ///< RAM stands low enough
  bool short_ = false;      ///< of slots
  bool gib_pages_ = false;  ///< a chunk of one may be known
  u32 noted_ = 0;           ///< chunks
  std::array<u8, (kEnd >> kChunkShift)> chunks_{};
  std::array<Slot, kSlots> slots_;
  std::array<u64, kSlots> rooms_{};
};

}  // namespace ring3
