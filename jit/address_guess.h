// SPDX-License-Identifier: MIT
// Where the memory operands of a block will likely be: what its instructions make of the registers
// and the memory that it is about to run with, as far as simple instructions go.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <vector>

#include "core/cpu.h"
#include "decoder/decoder.h"

namespace ring3::jit {

class AddressGuess {
 public:
  AddressGuess(const Cpu& cpu, u64 rip);
  /// An address for each instruction; without a memory operand that of the one before.
  void follow(std::span<const Decoded> decoded, std::span<const Insn> insns, std::vector<u64>& out);

 private:
  using Value = std::optional<u64>;

  Value address_of(const Insn& insn) const;
  Value value_of(const Decoded& d, unsigned operand, const Value& address) const;
  Value result_of(const Decoded& d, const Value& address) const;
  void step(const Decoded& d, const Value& address);

  const Cpu& cpu_;
  u64 next_;  ///< rip behind the instruction
  std::array<Value, 16> values_;
};

}  // namespace ring3::jit
