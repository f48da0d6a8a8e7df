// SPDX-License-Identifier: MIT
// Appends little-endian fields to a byte vector: how firmware tables are written.
#pragma once

#include <string_view>
#include <vector>

#include "base/bits.h"

namespace ring3 {

class ByteWriter {
 public:
  ByteWriter& u8_(unsigned value) { return put(static_cast<u8>(value)); }
  ByteWriter& u16_(unsigned value) { return put(static_cast<u16>(value)); }
  ByteWriter& u32_(u64 value) { return put(static_cast<u32>(value)); }
  ByteWriter& u64_(u64 value) { return put(value); }
  ByteWriter& text(std::string_view characters) {
    bytes_.insert(bytes_.end(), characters.begin(), characters.end());
    return *this;
  }
  ByteWriter& zeros(u64 count) {
    bytes_.resize(bytes_.size() + count);
    return *this;
  }
  ByteWriter& bytes(const std::vector<u8>& more) {
    bytes_.insert(bytes_.end(), more.begin(), more.end());
    return *this;
  }
  std::vector<u8> take() { return std::move(bytes_); }
  u64 size() const { return bytes_.size(); }

 private:
  template <class T>
  ByteWriter& put(T value) {
    bytes_.resize(bytes_.size() + sizeof value);
    store(bytes_.data() + bytes_.size() - sizeof value, value);
    return *this;
  }
  std::vector<u8> bytes_;
};

}  // namespace ring3
