// SPDX-License-Identifier: MIT
// What a guest and the world around it do to a board, as bytes: operations of eight bytes each, so
// that a mutator can move, copy and change them without losing their meaning. Any bytes are a
// program.
#pragma once

#include <span>
#include <vector>

#include "base/types.h"

namespace ring3::fuzz {

enum class Kind : u8 {
  Out,         ///< a port: `select` = region | width << 6, `offset` in it, `value`
  In,          ///< the same, read
  OutRepeat,   ///< value & FFFFh, value >> 16 times (at most 1023), counting up
  InRepeat,    ///< value & 3FFh times
  MemoryOut,   ///< a memory window: `select` = region | width << 6
  MemoryIn,    ///< the same, read
  Ram,         ///< `select` = page | width << 6, `offset`: data for DMA
  RamFill,     ///< value >> 8 bytes (at most 64 KiB) of value & FFh
  Descriptor,  ///< a virtio descriptor in page `select`; see Player::descriptor
  Prd,         ///< an entry of a bus master table in page `select`; see Player::prd
  PciOut,      ///< `select` = function | width << 6, `offset` = register
  PciIn,       ///< the same, read
  Pass,        ///< value << (offset & 31) ns pass at once: events run late
  Sleep,       ///< the cpu halts until the next event
  Type,        ///< a character on serial port select & 3, or a break
  Key,         ///< key `offset` goes down or up
  Interrupt,   ///< the cpu acknowledges and, by `select`, ends an interrupt
  ApicMsr,     ///< IA32_APIC_BASE, CR8, TSC deadline, x2APIC registers
  Medium,      ///< media fail, or work again
  Draw,        ///< the screen is drawn
  Restore,     ///< the state of every device is saved and restored
  Line,        ///< reset, power button
  Pointer,     ///< `offset` and value: a place if `select` & 1, else a movement; buttons above
  Backdoor,    ///< a call of vmmouse: command `select`, EBX = `value`, EAX spoiled by `offset`
  kCount
};

struct Op {
  Kind kind;
  u8 select = 0;
  u16 offset = 0;
  u32 value = 0;
};
inline constexpr size_t kOpSize = 8;

inline Op decode(std::span<const u8, kOpSize> in) {
  return {static_cast<Kind>(in[0] % static_cast<u8>(Kind::kCount)), in[1],
          static_cast<u16>(in[2] | in[3] << 8),
          in[4] | u32{in[5]} << 8 | u32{in[6]} << 16 | u32{in[7]} << 24};
}

inline void append(std::vector<u8>& out, const Op& op) {
  out.insert(out.end(), {static_cast<u8>(op.kind), op.select, static_cast<u8>(op.offset),
                         static_cast<u8>(op.offset >> 8)});
  for (unsigned shift = 0; shift < 32; shift += 8)
    out.push_back(static_cast<u8>(op.value >> shift));
}

}  // namespace ring3::fuzz
