// SPDX-License-Identifier: MIT
// A block: straight-line guest code, decoded once, cached by physical address and mode bits. It
// ends where control may go elsewhere; the translator may have it extended by basic blocks that
// follow conditional branches forward, which then stand in its middle.
#pragma once

#include <memory>
#include <vector>

#include "base/types.h"
#include "decoder/decoder.h"
#include "decoder/insn_list.h"

namespace ring3 {

/// In a key: code at CPL 3, at CPL 1 or 2.
inline constexpr u32 kUserCode = 1 << 3, kMiddleRing = 1 << 9;

/// In a key: SS.B.
inline constexpr u32 kWideStack = 1 << 5;
/// In a key: 32-bit code with flat segments.
inline constexpr u32 kFlat32 = 1 << 7;
/// In a key: EFER.LMA.
inline constexpr u32 kLongMode = 1 << 8;

/// The key of 64-bit code after CS and SS became flat at that level, from any key of 64-bit code.
constexpr u32 key_at_level(u32 key, u8 cpl) {
  const u32 other_levels = key & ~(kUserCode | kMiddleRing);
  return other_levels | kWideStack | (cpl == 3 ? kUserCode : cpl == 0 ? 0 : kMiddleRing);
}

/// Mode bits that change what bytes mean. Part of each block's key.
struct BlockMode {
  CodeSize code_size = CodeSize::Bits16;
  u32 key = 0;  ///< core's mode_key: code size and whatever else handlers are bound by
};

struct Block {
  PhysAddr start;        ///< of the first byte
  PhysAddr second_page;  ///< page of the rest, if `crosses`
  u32 key = 0;
  bool crosses = false;     ///< the block is one instruction that runs into the next page
  bool valid = true;        ///< cleared when its bytes were overwritten
  bool breakpoint = false;  ///< a debugger may want to stop before it
  bool extended = false;    ///< has several basic blocks
  u16 bytes = 0;
  /// Of an invalid block: which of its bytes were overwritten; all, if it died with its page.
  u16 hit_from = 0, hit_to = 0xFFFF;
  u64 linear = 0;  ///< where it was first seen, for listings
  u64 executions = 0;
  Block* next_in_bucket = nullptr;  ///< the cache's
  void* native = nullptr;           ///< the translator's
  void* record = nullptr;           ///< the profile's
  InsnList insns;

  /// The end of the basic block that instruction `from` is in: the number behind its last one.
  size_t basic_end(size_t from) const;
};

/// JZ and the other fifteen; not LOOP, not JRCXZ.
bool is_jcc(u16 mnemonic);

/// How scanning a block ended.
enum class ScanEnd : u8 { Terminator, PageEnd, Full, Invalid };

inline constexpr size_t kMaxBlockInsns = InsnPool::kMaxCount;

/// Scans from bytes[0] until a terminator, an invalid instruction, the limit or the end of the
/// bytes and fills block.insns. If not even the first instruction fits, insns stays empty: the
/// caller gives more bytes (the next page). A first instruction that is invalid becomes one that
/// raises #UD, or #GP(0) if over 15 bytes: `binder` is called with mnemonic 0 and
/// decoded.insn.length set to 0 or 16. With `max_insns` below kMaxBlockInsns the block ends there.
ScanEnd scan(const Decoder& decoder, BlockMode mode, std::span<const u8> bytes, Binder binder,
             Block& block, size_t max_insns = kMaxBlockInsns);

/// True if the instruction ends a block: control flow, CalloutEnd, or anything after which the
/// next instruction may run in another mode or interrupt state.
bool is_terminator(const Decoded& decoded);

/// Sets Insn::flags_dead, last to first.
void mark_dead_flags(std::span<const Decoded> decoded, std::span<Insn> insns);

}  // namespace ring3
