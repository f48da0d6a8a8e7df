// SPDX-License-Identifier: MIT
// The image is in the host's page cache, so what is measured is the way from there into the guest.
#include <fmt/format.h>

#include <fstream>
#include <random>

#include "bench/initramfs.h"
#include "bench/target.h"
#include "host/waiter.h"

namespace ring3::bench {

namespace {

namespace fs = std::filesystem;

constexpr double kBootSeconds = 300, kRunSeconds = 300;
constexpr std::string_view kReady = "bench: ready", kRead = "bench: read", kHash = "bench: hash ";
constexpr size_t kHashDigits = 16, kMebibyte = 1 << 20;
constexpr unsigned kSectorBytes = 512;

/// The sum of the last blocks shows that what arrived is what is on the image.
constexpr std::string_view kScript =
    "#!/bin/sh\n"
    "for disk in sda vda; do [ -b /dev/$disk ] && break; done\n"
    "echo 'bench: ready'\n"
    "dd if=/dev/$disk of=/dev/null bs=1M 2>/dev/null\n"
    "echo 'bench: read'\n"
    "echo \"bench: hash $(dd if=/dev/$disk bs=1M skip=1008 2>/dev/null | md5sum)\"\n";

std::string file_of(const LinuxGuest& guest, std::string_view name) {
  return fmt::format("{}/{}/{}", guest.folder, guest.name, name);
}

Status write_error(const fs::path& path) {
  return Error{fmt::format("{}: cannot be written; is there {} MiB of space?", path.string(),
                           kDiskMebibytes)};
}

/// The same random block again and again, each sector with its number.
Status make_image(const fs::path& path) {
  std::mt19937 random(1);
  std::string block(kMebibyte, '\0');
  for (char& c : block) c = static_cast<char>(random());
  std::ofstream image(path, std::ios::binary);
  for (u32 number = 0; number < kDiskMebibytes; ++number) {
    for (size_t at = 0; at < block.size(); at += kSectorBytes)
      block.replace(at, sizeof number, reinterpret_cast<const char*>(&number), sizeof number);
    image.write(block.data(), static_cast<std::streamsize>(block.size()));
  }
  image.close();
  return image ? success() : write_error(path);
}

class Disk final : public Target {
 public:
  Disk(const Emulator& e, LinuxGuest guest, const fs::path& work)
      : Target(e),
        guest_(std::move(guest)),
        work_(work),
        image_(work / "disk"),
        initrd_(work / "disk-initrd") {}

  Status start() override {
    if (fs::exists(initrd_)) return success();  // of another engine, or another round
    if (Status made = make_image(image_); !made) return made;
    const fs::path script = work_ / "disk-script";
    std::ofstream file(script);
    file << kScript;
    file.close();
    if (!file) return write_error(script);
    return write_initramfs(initrd_.string(), {{"etc/selftest", script.string()}},
                           file_of(guest_, "initrd-disk.gz"));
  }

  Result<Run> run(const Workload& workload, u64) override {
    const GuestFiles files{file_of(guest_, "vmlinuz"), initrd_.string(), "console=ttyS0 quiet",
                           guest_.megabytes, false};
    auto console = boot(emulator_, files, work_,
                        {"-drive", fmt::format("file={},format=raw,if={},snapshot=on",
                                               image_.string(), workload.name)});
    if (!console) return Error{console.error()};
    if (const auto ready = (*console)->find(kReady, kBootSeconds); !ready)
      return Error{ready.error()};
    const u64 cpu = (*console)->process().cpu_nanoseconds(), begin = host_monotonic_ns();
    if (const auto end = (*console)->find(kRead, kRunSeconds); !end) return Error{end.error()};
    Run run;
    run.ns = static_cast<double>(host_monotonic_ns() - begin);
    run.cpu_ns = static_cast<double>((*console)->process().cpu_nanoseconds() - cpu);
    const auto hash = (*console)->find(kHash, kRunSeconds);
    if (!hash) return Error{hash.error()};
    run.hash = (*hash).substr((*hash).find(kHash) + kHash.size(), kHashDigits);
    return run;
  }

 private:
  LinuxGuest guest_;
  fs::path work_, image_, initrd_;
};

}  // namespace

std::vector<Workload> disk_workloads(const LinuxGuest& guest, std::string& why_not) {
  for (const char* name : {"vmlinuz", "initrd-disk.gz"})
    if (const std::string file = file_of(guest, name); !fs::exists(file)) {
      why_not = fmt::format(
          "disk: {} is not there; get it by tools/fetch-guest, or give --guests FOLDER", file);
      return {};
    }
  std::vector<Workload> all;
  for (const char* name : {"ide", "virtio"})
    all.push_back({"disk", "", name, "1 GiB of a raw image read in sequence", 1, 1, true});
  return all;
}

std::unique_ptr<Target> disk_target(const Emulator& emulator, const LinuxGuest& guest,
                                    const fs::path& work) {
  return std::make_unique<Disk>(emulator, guest, work);
}

}  // namespace ring3::bench
