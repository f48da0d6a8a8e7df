// SPDX-License-Identifier: MIT
// A hash of the machine's state, to compare runs: FNV-1a over 64-bit words.
#pragma once

#include "core/device.h"

namespace ring3 {

class StateHash final : public FieldVisitor {
 public:
  void field(std::string_view name, void* data, size_t size) override;
  void add(u64 word) { hash_ = (hash_ ^ word) * 0x100000001B3; }
  u64 value() const { return hash_; }

 private:
  u64 hash_ = 0xCBF29CE484222325;
};

}  // namespace ring3
