// SPDX-License-Identifier: MIT
#include "bench/bochs.h"

#include <fmt/format.h>

#include <fstream>

namespace ring3::bench {

namespace {

namespace fs = std::filesystem;

constexpr const char* kIsolinux = "/usr/lib/ISOLINUX/isolinux.bin";
constexpr const char* kModules = "/usr/lib/syslinux/modules/bios/";
constexpr const char* kBios = "/usr/share/bochs/BIOS-bochs-latest";
constexpr const char* kVgaBios = "/usr/share/bochs/VGABIOS-lgpl-latest";
constexpr const char* kCpu = "corei7_haswell_4770";

std::string loader_text(const GuestFiles& guest) {
  const std::string start = "SERIAL 0 115200\nDEFAULT guest\nLABEL guest\n";
  if (guest.multiboot) return start + "KERNEL mboot.c32\nAPPEND /kernel\n";
  return start + fmt::format("KERNEL /kernel\nAPPEND initrd=/initrd.gz {}\n", guest.append);
}

std::string settings_text(const GuestFiles& guest, const fs::path& work,
                          const std::string& terminal) {
  return fmt::format(
      "display_library: rfb, options=\"timeout=0\"\nmegs: {}\n"
      "romimage: file={}\nvgaromimage: file={}\n"
      "cpu: model={}, ips=100000000\nclock: sync=none, time0=utc\n"
      "ata0-master: type=cdrom, path={}, status=inserted\nboot: cdrom\n"
      "com1: enabled=1, mode=term, dev={}\nlog: {}\npanic: action=fatal\nerror: action=ignore\n",
      guest.megabytes, kBios, kVgaBios, kCpu, (work / "cd.iso").string(), terminal,
      (work / "log").string());
}

bool write_file(const fs::path& path, const std::string& text) {
  std::ofstream file(path);
  return bool(file << text);
}

/// The kernel's name on the CD is "kernel" whatever it was called.
Status make_cd(const GuestFiles& guest, const fs::path& work) {
  const fs::path tree = work / "cd";
  std::error_code bad;
  fs::create_directories(tree, bad);
  const auto copy = [&](const std::string& from, const fs::path& to) {
    if (!bad) fs::copy_file(from, tree / to, fs::copy_options::overwrite_existing, bad);
  };
  copy(guest.kernel, "kernel");
  if (!guest.initrd.empty()) copy(guest.initrd, "initrd.gz");
  copy(kIsolinux, "isolinux.bin");
  for (const char* module : {"ldlinux.c32", "mboot.c32", "libcom32.c32"})
    copy(std::string(kModules) + module, module);
  if (bad || !write_file(tree / "isolinux.cfg", loader_text(guest)))
    return Error{fmt::format("a CD for Bochs in {}: {}", tree.string(), bad.message())};
  const std::string iso = (work / "cd.iso").string();
  fs::remove(iso, bad);
  output_of({"xorriso", "-as", "mkisofs", "-quiet", "-o", iso, "-b", "isolinux.bin", "-c",
             "boot.cat", "-no-emul-boot", "-boot-load-size", "4", "-boot-info-table",
             tree.string()});
  if (!fs::exists(iso)) return Error{"xorriso makes no CD for Bochs"};
  return success();
}

}  // namespace

std::vector<std::string> missing_for_bochs() {
  std::vector<std::string> lacks;
  for (const char* program : {"bochs", "xorriso"})
    if (!is_installed(program)) lacks.emplace_back(program);
  for (const std::string& file : {std::string(kIsolinux), std::string(kModules) + "mboot.c32",
                                  std::string(kBios), std::string(kVgaBios)})
    if (!fs::exists(file)) lacks.push_back(file);
  return lacks;
}

std::string bochs_version() {
  auto child = ChildProcess::start({"bochs", "--help"}, {});
  if (!child) return "unknown";
  Console console(std::move(*child));
  const auto line = console.find("Bochs x86 Emulator", 5);
  return line ? (*line).substr((*line).find("Bochs")) : "unknown";
}

Result<std::unique_ptr<Console>> boot_bochs(const GuestFiles& guest, const fs::path& work) {
  auto terminal = PseudoTerminal::open();
  if (!terminal) return Error{terminal.error()};
  if (Status made = make_cd(guest, work); !made) return Error{made.error()};
  // A build with the debugger, as Debian's, waits for "continue".
  if (!write_file(work / "bochsrc", settings_text(guest, work, (*terminal)->name())) ||
      !write_file(work / "debugger", "c\n"))
    return Error{fmt::format("{}: cannot be written", work.string())};
  ChildProcess::How how;
  how.terminal = std::move(*terminal);
  auto child = ChildProcess::start(
      {"bochs", "-q", "-f", (work / "bochsrc").string(), "-rc", (work / "debugger").string()},
      std::move(how));
  if (!child) return Error{child.error()};
  return std::make_unique<Console>(std::move(*child));
}

}  // namespace ring3::bench
