// SPDX-License-Identifier: MIT
// The same instruction with other registers: guest registers replaced by where they stand, the
// memory operand by a host address.
#pragma once

#include <array>
#include <span>

#include "decoder/decoder.h"

namespace ring3::jit {

/// The guest general register that a register name belongs to, or kNoGuest.
inline constexpr u8 kNoGuest = 0xFF;
u8 guest_register(ZydisRegister reg);

struct HostCode {
  u8 bytes[ZYDIS_MAX_INSTRUCTION_LENGTH];
  size_t length = 0;  ///< 0: cannot be encoded
  std::span<const u8> span() const { return {bytes, length}; }
};

/// `places`: host register by guest register. `memory`: the memory operand becomes [r14 + offset].
HostCode reencode(const Decoded& d, const std::array<u8, 16>& places, bool memory, i32 offset = 0);

}  // namespace ring3::jit
