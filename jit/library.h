// SPDX-License-Identifier: MIT
// The translations of one engine: made, found, chained to one another, and dropped with their
// blocks.
#pragma once

#include <array>
#include <unordered_map>

#include "core/block_cache.h"
#include "host/memory.h"
#include "host/perf_map.h"
#include "jit/counters.h"
#include "jit/crossings.h"
#include "jit/translator.h"

namespace ring3::jit {

/// Targets, where code reaches them by a displacement if the host has such addresses.
class TargetTable {
 public:
  explicit TargetTable(const u8* return_to_zero)
      : targets_(new (memory_.data()) Targets(return_to_zero)) {}
  ~TargetTable() { targets_->~Targets(); }
  TargetTable(const TargetTable&) = delete;
  TargetTable& operator=(const TargetTable&) = delete;
  Targets& operator*() const { return *targets_; }
  Targets* operator->() const { return targets_; }
  /// 0: too high.
  i32 displacement() const;

 private:
  HostMemory memory_{sizeof(Targets), "ring3-targets", HostMemory::Kind::Low};
  Targets* targets_;
};

class Library final : public BlockObserver {
 public:
  Library(Cpu& cpu, const JitOptions& options, std::unique_ptr<CodeMemory> memory);
  ~Library() override;

  /// False: translated code cannot reach what it needs; interpret.
  bool prepare(const Thunks& thunks);

  /// Blocks of 64-bit and of flat 32-bit code can be translated.
  static bool takes(const Cpu& cpu, const Block& block) {
    return cpu.state.long64() || (block.key & kFlat32);
  }
  /// The translation of the block at this rip, or null.
  NativeBlock* find(const Block& block, u64 rip) const;
  /// Makes one. Null: the block cannot be translated. Not while translated code runs.
  NativeBlock* add(Block& block, u64 rip);
  /// The exit jumps to the translation from now on.
  void chain(ExitSite& site, NativeBlock& to, bool global);
  /// Indirect branches find the translation from now on.
  void publish(NativeBlock& t, bool global);
  /// The table, made ready for the present address space: the salt of its tags.
  u64 select(Targets& table);
  /// Frees every translation. Not while translated code runs.
  void drop_all();
  /// Frees the translations of a region of code memory. Likewise.
  void evict(CodeCache::Region& region);
  std::span<const u8> code_at(u64 rip, u32 key) const;
  bool make_own() { return cache_.make_own(); }
  /// Before translated code runs or goes on.
  void settle() { cache_.settle(); }

  void on_invalid(Block& block) override;
  /// Names translations for the host's profiler from now on.
  void set_perf_map(std::unique_ptr<PerfMap> map);
  const Stubs& stubs() const { return context_.stubs; }
  /// The table of a mode, or null: nothing of it was translated yet.
  Targets* targets_of(u32 key) const {
    const auto found = targets_.find(key);
    return found == targets_.end() ? nullptr : &**found->second;
  }

 private:
  TargetTable& targets(u32 key);
  void unselect_user();
  static void publish_user(const NativeBlock& t);
  void note_place(const NativeBlock& t);
  static void take_out(const NativeBlock& t);
  static void take_second(const NativeBlock& t);
  void drop_oldest(Block& block);
  NativeBlock* translate(Block& block, u64 rip, std::span<const u8> page);
  void patch(const NativeBlock& from, Jump jump, const u8* to);
  void link(ExitSite& site, NativeBlock& to);
  void unchain(ExitSite& site);
  void unchain(NativeBlock& t);
  void take_from_block(NativeBlock& t);
  void release_ranges(u32 slots);
  void remove(NativeBlock& t);
  void note_generation();
  void start_round();
  void count_memory();

  Cpu& cpu_;
  CodeCache cache_;
  Context context_;
  std::unique_ptr<PerfMap> perf_map_;  ///< or null
  u32 failed_ = 0;                     ///< times that something could not be assembled
  JitCounters own_counters_;
  JitCounters& counters_;  ///< the profile's, or those
  std::unordered_map<u32, std::unique_ptr<TargetTable>> targets_;
  Crossings crossings_{cache_, context_.places};
  // What Mmu said last.
  u64 last_generation_ = 0, global_generation_ = 0;
  u64 round_ = 0;  ///< of Mmu::last_generation(): numbers of one round differ in few bits
};

}  // namespace ring3::jit
