// SPDX-License-Identifier: MIT
// What ran how: counters per mnemonic of callouts and, on request, a record per block with its
// instructions, their treatments and the host code. Given to make_jit; outlives the engine.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/cpu.h"
#include "decoder/block.h"
#include "jit/counters.h"

namespace ring3 {

struct InsnRecord {
  u16 mnemonic = 0;
  u8 length = 0;
  Treatment treatment = Treatment::Callout;  ///< if the block was translated
  u64 callouts = 0;                          ///< calls of its handler from translated code
  u64 left = 0;  ///< times that translated code left the block after it, by a branch
};

/// Host code that belongs to one instruction, up to the next part.
struct HostPart {
  u32 offset = 0;
  u8 insn = 0;        ///< kEntry: the block's own
  bool cold = false;  ///< out of line
  static constexpr u8 kEntry = 0xFF;
};

/// A block by its place, mode and bytes. Code that is overwritten has a record per version.
struct BlockRecord {
  u64 linear = 0, physical = 0;
  u32 key = 0;
  CodeSize size = CodeSize::Bits16;
  std::vector<u8> bytes;
  std::vector<InsnRecord> insns;
  u64 host_address = 0;
  std::vector<u8> host;  ///< empty: never translated
  std::vector<HostPart> parts;
  u64 executions = 0;   ///< of the translation, also those that a fault ended early
  u64 interpreted = 0;  ///< runs by the interpreter

  /// Instructions that ran, at most.
  u64 heat() const;
};

/// What stands at a displacement from a host register, for listings.
struct FieldName {
  u8 host_register = 0;  ///< its number
  i64 disp = 0;
  u64 size = 8;
  std::string name;
};

class Profile {
 public:
  using Counters = std::array<u64, ZYDIS_MNEMONIC_MAX_VALUE + 1>;

  bool blocks = false;  ///< keep records: translated code counts
  Counters callouts{};  ///< instructions whose treatment is Callout or CalloutEnd
  Counters cold{};      ///< of the others, when their fast path could not do: TLB misses, ...
  u64 interpreted = 0;  ///< instructions of blocks that the interpreter ran
  JitCounters translator;
  std::vector<FieldName> fields;  ///< that host code uses, once something was translated
  u64 not_recorded = 0;           ///< blocks for which there was no room

  /// The record of a block of the cpu's present mode. Null: no records are kept, or no room.
  BlockRecord* record(const Cpu& cpu, Block& block);
  void count_interpreted(const Cpu& cpu, Block& block) {
    interpreted += block.basic_end(0);
    if (blocks) [[unlikely]]
      see(cpu, block);
  }
  template <class Site>
  void count_callout(const Site& site) {
    ++(site.cold ? cold : callouts)[site.insn->mnemonic];
    if (BlockRecord* r = site.from->record) ++r->insns[site.index].callouts;
  }
  template <class F>
  void for_each(F&& f) const {
    for (const auto& [key, record] : records_) f(*record);
  }

 private:
  static constexpr size_t kMaxRecords = 1'000'000;
  void see(const Cpu& cpu, Block& block);

  std::unordered_map<std::string, std::unique_ptr<BlockRecord>> records_;
};

}  // namespace ring3
