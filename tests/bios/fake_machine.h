// SPDX-License-Identifier: MIT
// A machine of nothing but sparse memory, and files made for one test.
#pragma once

#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <map>
#include <numeric>

#include "base/bits.h"
#include "bios/load_target.h"

namespace ring3::test {

class FakeMachine {
 public:
  explicit FakeMachine(u64 ram_bytes) {
    constexpr u64 kLowMost = 0xC0000000, kFourGiB = 0x1'0000'0000;
    target.low_ram_end = std::min(ram_bytes, kLowMost);
    target.high_ram_end = kFourGiB + (ram_bytes - target.low_ram_end);
    target.write = [this](u64 address, std::span<const u8> bytes) { write(address, bytes); };
  }

  u8 byte(u64 address) const {
    const auto page = pages_.find(address >> kPageShift);
    return page == pages_.end() ? 0 : page->second[address & kPageMask];
  }
  std::vector<u8> bytes(u64 address, u64 size) const {
    std::vector<u8> out;
    for (u64 n = 0; n < size; ++n) out.push_back(byte(address + n));
    return out;
  }
  template <class T>
  T read(u64 address) const {
    return load<T>(bytes(address, sizeof(T)).data());
  }
  std::string text(u64 address, u64 size) const {
    const auto b = bytes(address, size);
    return {b.begin(), b.end()};
  }
  std::string c_string(u64 address) const {
    std::string out;
    while (byte(address)) out += static_cast<char>(byte(address++));
    return out;
  }
  u8 sum(u64 address, u64 size) const {
    const auto b = bytes(address, size);
    return static_cast<u8>(std::accumulate(b.begin(), b.end(), 0u));
  }

  LoadTarget target;
  u64 written = 0;           ///< bytes, in all
  bool outside_ram = false;  ///< a write went past the end of RAM

 private:
  void write(u64 address, std::span<const u8> bytes) {
    outside_ram |= address + bytes.size() > target.low_ram_end;
    written += bytes.size();
    for (const u8 b : bytes) {
      pages_[address >> kPageShift][address & kPageMask] = b;
      ++address;
    }
  }
  std::map<u64, std::array<u8, kPageSize>> pages_;
};

/// A file with these bytes, removed at the end of the test.
class TempFile {
 public:
  explicit TempFile(std::span<const u8> bytes) {
    static int count = 0;
    path_ = std::filesystem::temp_directory_path() /
            ("ring3-bios-" + std::to_string(getpid()) + "-" + std::to_string(count++));
    std::ofstream(path_, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), std::ssize(bytes));
  }
  ~TempFile() { std::filesystem::remove(path_); }
  TempFile(const TempFile&) = delete;
  std::string path() const { return path_; }

 private:
  std::filesystem::path path_;
};

inline std::vector<u8> filled(u64 size, u8 value) { return std::vector<u8>(size, value); }

inline bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != text.npos;
}

}  // namespace ring3::test
