// SPDX-License-Identifier: MIT
#include "bios/load_target.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace ring3 {

void LoadTarget::zero(u64 address, u64 size) const {
  static constexpr u8 kZeros[kPageSize] = {};
  while (size) {
    const u64 piece = std::min(size, kPageSize);
    write(address, std::span(kZeros, piece));
    address += piece;
    size -= piece;
  }
}

void LoadTarget::write_string(u64 address, std::string_view text) const {
  const u8 nul = 0;
  write(address, {reinterpret_cast<const u8*>(text.data()), text.size()});
  write(address + text.size(), {&nul, 1});
}

Error image_error(std::string_view option, std::string_view path, std::string_view reason) {
  return {fmt::format("{} {}: {}", option, path, reason)};
}

Result<std::vector<u8>> read_image(std::string_view option, const std::string& path) {
  std::error_code code;
  const auto kind = std::filesystem::status(path, code).type();
  using std::filesystem::file_type;
  if (kind == file_type::directory || kind == file_type::character || kind == file_type::block) {
    return image_error(option, path, "is a directory or a device; give the name of a file");
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return image_error(option, path,
                       fmt::format("cannot be opened: {}; check the name and its permissions",
                                   std::strerror(errno)));
  }
  // At once what the file says that it holds; what a pipe or a growing file has beyond in pieces.
  const u64 told = std::filesystem::file_size(path, code);
  constexpr u64 kPiece = 1 << 20, kMostAtOnce = u64{1} << 30;
  std::vector<u8> bytes(std::min(code ? kPiece : told + 1, kMostAtOnce));
  size_t done = 0;
  while (file.read(reinterpret_cast<char*>(bytes.data()) + done,
                   static_cast<std::streamsize>(bytes.size() - done)) ||
         file.gcount() > 0) {
    done += static_cast<size_t>(file.gcount());
    if (done == bytes.size()) bytes.resize(2 * done + kPiece);
  }
  bytes.resize(done);
  if (file.bad()) return image_error(option, path, "cannot be read; check the disk it is on");
  if (bytes.empty()) return image_error(option, path, "is empty; give a complete file");
  return bytes;
}

std::string human_size(u64 bytes) {
  if (bytes >= u64{1} << 20) return fmt::format("{} MiB", (bytes + (1 << 20) - 1) >> 20);
  return fmt::format("{} KiB", (bytes + 1023) >> 10);
}

}  // namespace ring3
