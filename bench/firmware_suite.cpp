// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>

#include "bench/target.h"
#include "host/waiter.h"

namespace ring3::bench {

namespace {

namespace fs = std::filesystem;

constexpr double kSeconds = 60;
constexpr const char* kSeaBios = "/usr/share/seabios/bios-256k.bin";
constexpr std::string_view kReached = "bench: boot sector";
constexpr size_t kDiskBytes = 1 << 20, kSectorBytes = 512;

/// Sends the text behind it to COM1, then halts.
constexpr std::array<unsigned char, 22> kBootCode = {0xBA, 0xF8, 0x03,  // mov dx, 3F8h
                                                     0x31, 0xC0,        // xor ax, ax
                                                     0x8E, 0xD8,        // mov ds, ax
                                                     0xBE, 0x16, 0x7C,  // mov si, 7C16h
                                                     0xFC,              // cld
                                                     0xAC,              // next: lodsb
                                                     0x84, 0xC0,        // test al, al
                                                     0x74, 0x03,        // jz stop
                                                     0xEE,              // out dx, al
                                                     0xEB, 0xF8,        // jmp next
                                                     0xF4,              // stop: hlt
                                                     0xEB, 0xFD};       // jmp stop

Status make_image(const fs::path& path) {
  std::string disk(kDiskBytes, '\0');
  std::ranges::copy(kBootCode, disk.begin());
  std::ranges::copy(kReached, disk.begin() + kBootCode.size());
  disk[kBootCode.size() + kReached.size()] = '\n';
  disk[kSectorBytes - 2] = '\x55';
  disk[kSectorBytes - 1] = '\xAA';
  std::ofstream file(path, std::ios::binary);
  file << disk;
  file.close();
  return file ? success() : Status(Error{fmt::format("{}: cannot be written", path.string())});
}

/// QEMU has SeaBIOS only, its own copy.
class Firmware final : public Target {
 public:
  Firmware(const Emulator& e, const fs::path& work)
      : Target(e), work_(work), image_(work / "boot-sector") {}

  Status start() override { return make_image(image_); }

  Result<Run> run(const Workload& workload, u64) override {
    Run run;
    const bool seabios = workload.name == "seabios";
    run.unsupported = emulator_.kind == Kind::Qemu && !seabios;
    if (run.unsupported) return run;
    std::vector<std::string> more = {
        "-drive", fmt::format("file={},format=raw,if=ide,snapshot=on", image_.string())};
    if (emulator_.kind == Kind::Ring3 && seabios) more.insert(more.end(), {"-bios", "seabios"});
    const u64 begin = host_monotonic_ns();
    auto console = boot(emulator_, {}, work_, more);
    if (!console) return Error{console.error()};
    if (const auto reached = (*console)->find(kReached, kSeconds); !reached)
      return Error{reached.error()};
    run.ns = static_cast<double>(host_monotonic_ns() - begin);
    run.cpu_ns = static_cast<double>((*console)->process().cpu_nanoseconds());
    return run;
  }

 private:
  fs::path work_, image_;
};

}  // namespace

std::vector<Workload> firmware_workloads(const LinuxGuest&, std::string& why_not) {
  std::vector<Workload> all;
  const auto add = [&](const char* name) {
    all.push_back({"firmware", "", name, "from the program's start to the boot sector of a disk", 1,
                   1, true});
  };
  add("builtin");
  if (fs::exists(kSeaBios))
    add("seabios");
  else
    why_not = fmt::format("firmware: seabios: {} is not there: Debian package seabios", kSeaBios);
  return all;
}

std::unique_ptr<Target> firmware_target(const Emulator& emulator, const fs::path& work) {
  return std::make_unique<Firmware>(emulator, work);
}

}  // namespace ring3::bench
