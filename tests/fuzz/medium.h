// SPDX-License-Identifier: MIT
// A medium that takes no room, remembers what is written, fails when told, and insists on what
// BlockDevice promises its implementers.
#pragma once

#include <array>
#include <cstdlib>
#include <cstring>
#include <unordered_map>

#include "devices/block/block_device.h"

namespace ring3::fuzz {

class Medium final : public BlockDevice {
 public:
  explicit Medium(u64 bytes, bool locked = false) : bytes_(bytes), locked_(locked) {}

  u64 size() const override { return bytes_; }
  bool read_only() const override { return locked_; }
  bool read(u64 offset, std::span<u8> out) override {
    for_pieces(offset, out.size(), [&](u64 sector, u64 within, size_t at, size_t n) {
      const auto it = written_.find(sector);
      if (it != written_.end()) {
        std::memcpy(&out[at], &it->second[within], n);
      } else {
        std::memset(&out[at], static_cast<int>(sector * 7 & 0xFF), n);
      }
    });
    return !broken_;
  }
  bool write(u64 offset, std::span<const u8> in) override {
    if (locked_ || broken_) return false;
    for_pieces(offset, in.size(), [&](u64 sector, u64 within, size_t at, size_t n) {
      if (written_.size() < kMostKept || written_.contains(sector))
        std::memcpy(&written_[sector][within], &in[at], n);
    });
    return true;
  }
  bool flush() override { return !broken_; }
  bool discard(u64 offset, u64 length) override {
    check(offset, length);
    return !locked_ && !broken_;
  }
  std::string error() const override { return ""; }

  void set_broken(bool broken) { broken_ = broken; }
  void renew() {
    written_.clear();
    broken_ = false;
  }

 private:
  static constexpr size_t kMostKept = 4096;

  /// The caller's side of the contract.
  void check(u64 offset, u64 length) const {
    if (offset > bytes_ || length > bytes_ - offset) std::abort();
  }
  template <class F>
  void for_pieces(u64 offset, size_t size, F&& piece) const {
    check(offset, size);
    for (size_t at = 0; at < size;) {
      const u64 within = (offset + at) % kSectorSize;
      const size_t n = std::min<u64>(size - at, kSectorSize - within);
      piece((offset + at) / kSectorSize, within, at, n);
      at += n;
    }
  }

  u64 bytes_;
  bool locked_, broken_ = false;
  std::unordered_map<u64, std::array<u8, kSectorSize>> written_;
};

}  // namespace ring3::fuzz
