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

/// [base + index << scale + offset], by host registers; kNoGuest: none.
struct HostAddress {
  i32 offset = 0;
  u8 index = kNoGuest;
  u8 scale = 0;
  u8 base = 14;
};

/// `places`: host register by guest register. `memory`: the memory operand becomes `at`.
HostCode reencode(const Decoded& d, const std::array<u8, 16>& places, bool memory,
                  const HostAddress& at = {});

/// The same by Zydis' encoder in any case.
HostCode encode_anew(const Decoded& d, const std::array<u8, 16>& places, bool memory,
                     const HostAddress& at);

/// The same with the one operand that is a guest register of CpuState standing there, [r15 + home].
/// Length 0 also where that would not be the same.
HostCode reencode_at_home(const Decoded& d, const std::array<u8, 16>& places, u8 guest);

}  // namespace ring3::jit
