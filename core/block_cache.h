// SPDX-License-Identifier: MIT
// The decoded blocks of one cpu, by physical address and mode bits, with a linear jump cache before
// them. Pages that hold blocks are write-watched; a write invalidates the blocks it overlaps.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "core/cpu.h"
#include "decoder/block.h"

namespace ring3 {

/// Told of each block that may not run again, before it is freed.
class BlockObserver {
 public:
  virtual ~BlockObserver() = default;
  virtual void on_invalid(Block& block) = 0;
};

class BlockCache final : public WriteWatcher, private MapListener {
 public:
  explicit BlockCache(PhysicalMemory& memory);
  ~BlockCache() override;

  /// The block at CS:rip, decoded now if need be. Throws the fault of the fetch.
  Block& find(Cpu& cpu);
  /// The same, but a page fault need not be thrown: null, and it is `fault`.
  Block* find(Cpu& cpu, Fault& fault);

  /// The same if that needs neither a page walk nor the decoder, else null: find() has to look.
  /// Never faults, frees no block.
  Block* find_decoded(Cpu& cpu);
  /// The same, but it may walk the guest's tables, as find() would now.
  Block* find_mapped(Cpu& cpu);

  /// True if the block, just found at CS:rip, stands in a page that all address spaces have.
  bool found_global(const Cpu& cpu, const Block& block) const;

  /// The same for one instruction to be run alone: it leaves all its flags.
  Block& find_single(Cpu& cpu);

  /// Makes the block longer by those that follow it, as long as it ends in a conditional branch
  /// forward and joins(next, offset of `next` from the block's start) says so. `decode_all`: also
  /// by what was not decoded yet. Not while the block runs; it has no translation.
  using Joins = std::function<bool(const Block& next, u64 offset)>;
  void extend(Cpu& cpu, Block& block, const Joins& joins, bool decode_all);

  /// Invalidates the blocks that overlap the bytes.
  void on_watched_write(PhysAddr address, u64 size) override;

  /// Drops everything. Not while a block runs.
  void clear();

  /// The engine names the block it runs, so that a write into it stops it after the instruction.
  /// It stays named until the next one; it is never run again once invalid.
  void set_current(Block* block) { current_ = block; }

  /// The block that the engine named ends after the present instruction.
  void stop_running() {
    if (current_ && current_->valid && current_ != uncached_.get()) invalidate(*current_);
  }

  void set_observer(BlockObserver* observer) { observer_ = observer; }

  size_t size() const { return count_; }
  u64 invalidations() const { return invalidations_; }
  /// Every valid block, for listings.
  template <class F>
  void for_each(F&& f) const {
    for (const auto& [page, blocks] : pages_)
      for (const auto& b : blocks.blocks) f(*b);
  }

 private:
  struct JumpEntry {
    u64 linear = ~u64{0};
    u64 generation = 0;
    u32 key = 0;
    Block* block = nullptr;
  };
  struct PageBlocks {
    const u8* ram = nullptr;  ///< the host's, if it is that
    u64 lines = 0;            ///< 64-byte lines that hold code
    unsigned rewrites = 0;    ///< writes that hit blocks since the last one was decoded
    std::vector<std::unique_ptr<Block>> blocks;
    std::vector<Block*> tails;  ///< blocks of the page before that run into this one
  };
  static constexpr size_t kJumpEntries = 32768;
  static constexpr unsigned kBucketBits = 17;
  static constexpr size_t kMaxDead = 4096;
  static constexpr unsigned kMaxRewrites = 4;
  static constexpr size_t kMaxInsns = 600'000;

  /// Fibonacci hashing: code starts are dense in few pages, the low bits alone collide.
  static size_t bucket_of(PhysAddr start, u32 key) {
    return ((start.value + (u64{key} << 48)) * 0x9E3779B97F4A7C15) >> (64 - kBucketBits);
  }
  void on_map_change() override;
  void on_page_watched(PhysAddr) override {}
  void drop_remapped();
  PageBlocks& page_of(PhysAddr address);
  const u8* ram_at(PhysAddr address) const;
  static void stop(Block& block);
  Block* known(const Cpu& cpu, u64 linear) const;
  Block* known_elsewhere(Cpu& cpu, u64 linear);
  static size_t jump_slot(u64 linear) { return (linear ^ (linear >> 15)) & (kJumpEntries - 1); }
  Block* lookup(PhysAddr start, u32 key);
  static bool page_faults(Cpu& cpu, u64 linear, Fault& fault);
  Block& find_slow(Cpu& cpu, u64 linear, JumpEntry& entry);
  PhysAddr fetch_page(Cpu& cpu, u64 linear, const u8*& host, std::array<u8, kPageSize>& copy);
  std::unique_ptr<Block> make_block(const CpuState& s, u64 linear, PhysAddr start);
  Block& decode(Cpu& cpu, u64 linear, PhysAddr start, const u8* host, u64 available);
  Block& decode_crossing(Cpu& cpu, u64 linear, PhysAddr start, const u8* host, u64 available);
  Block& keep(std::unique_ptr<Block> block);
  Block* follower(Cpu& cpu, const Block& block, u64 offset, bool decode_all);
  Block& keep_uncached(std::unique_ptr<Block> block);
  void invalidate(Block& block);
  void make_room();
  void unlink(Block& block);
  /// Frees the dead. Only while no block runs, that is while one is looked for.
  void bury();
  static u64 lines_of(u64 offset, u64 bytes);

  PhysicalMemory& memory_;
  InsnPool storage_;  ///< of instructions; outlives all blocks
  Decoder decoder_;
  std::array<JumpEntry, kJumpEntries> jump_;
  std::vector<Block*> buckets_;  ///< heads of chains through Block::next_in_bucket
  std::unordered_map<u64, PageBlocks> pages_;
  std::vector<std::unique_ptr<Block>> graveyard_;  ///< invalid, maybe still running
  std::unique_ptr<Block> uncached_;
  Block* current_ = nullptr;
  BlockObserver* observer_ = nullptr;
  bool map_changed_ = false;
  bool fetched_global_ = false;  ///< Translation::global of the last fetch_page()
  size_t count_ = 0, insns_ = 0;
  u64 invalidations_ = 0;
};

}  // namespace ring3
