// SPDX-License-Identifier: MIT
#include "bench/initramfs.h"

#include <fmt/format.h>

#include <fstream>
#include <sstream>

namespace ring3::bench {

namespace {

constexpr unsigned kFile = 0100755, kFolder = 040755;

void pad(std::string& text) { text.resize((text.size() + 3) / 4 * 4); }

/// A header of 13 eight-digit fields, the name, the data; each padded to four bytes.
std::string entry(unsigned number, const std::string& name, unsigned mode,
                  const std::string& data) {
  std::string text = "070701";
  const size_t fields[] = {number, mode, 0, 0, 1, 0, data.size(), 0, 0, 0, 0, name.size() + 1, 0};
  for (const size_t field : fields) text += fmt::format("{:08X}", field);
  text += name;
  text += '\0';
  pad(text);
  text += data;
  pad(text);
  return text;
}

}  // namespace

Status write_initramfs(const std::string& path, const InitramfsFiles& files,
                       const std::string& base) {
  std::ofstream archive(path, std::ios::binary);
  if (!base.empty()) {
    std::ostringstream data;
    if (!(data << std::ifstream(base, std::ios::binary).rdbuf()))
      return Error{fmt::format("{}: cannot be read", base)};
    std::string text = data.str();
    pad(text);
    archive << text;
  }
  unsigned number = 1;
  archive << entry(number, "bin", kFolder, {});
  for (const auto& [name, source] : files) {
    std::ostringstream data;
    std::ifstream file(source, std::ios::binary);
    if (!(data << file.rdbuf())) return Error{fmt::format("{}: cannot be read", source)};
    archive << entry(++number, name, kFile, data.str());
  }
  archive << entry(0, "TRAILER!!!", 0, {});
  archive.close();
  return archive ? success() : Status(Error{fmt::format("{}: cannot be written", path)});
}

}  // namespace ring3::bench
