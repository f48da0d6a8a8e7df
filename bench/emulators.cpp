// SPDX-License-Identifier: MIT
#include "bench/emulators.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "bench/bochs.h"
#include "bench/host_info.h"

namespace ring3::bench {

namespace {

constexpr const char* kQemu = "qemu-system-x86_64";

std::string first_line_with(const std::string& text, std::string_view word) {
  size_t at = text.find(word);
  if (at == std::string::npos) return {};
  while (at > 0 && text[at - 1] != '\n') --at;
  const size_t end = text.find_first_of("\r\n", at);
  const size_t start = text.find_first_not_of(" \t", at);
  return text.substr(start, end - start);
}

/// Empty: it opens.
std::string why_no_kvm() {
  if (access("/dev/kvm", R_OK | W_OK) == 0) return {};
  return fmt::format("/dev/kvm: {}", std::strerror(errno));
}

Result<Emulator> ring3_engine(const std::string& name, const EmulatorOptions& options) {
  Emulator e{name, Kind::Ring3, {options.ring3, "-accel", name}, {}, name == "kvm"};
  if (e.kvm && !why_no_kvm().empty()) return Error{why_no_kvm()};
  if (!e.kvm) e.program.insert(e.program.end(), {"-cpu", options.cpu});
  e.program.insert(e.program.end(), options.ring3_options.begin(), options.ring3_options.end());
  e.version = first_line_with(output_of({options.ring3, "-version"}), "ring3");
  if (e.version.empty()) return Error{fmt::format("{} does not run", options.ring3)};
  return e;
}

/// KVM-PVM lacks an MSR that QEMU sets for the host's model.
std::string kvm_model() { return has_only_pvm() ? "host,-arch-capabilities" : "host"; }

Result<Emulator> qemu(const std::string& name, const EmulatorOptions& options) {
  const bool kvm = name == "qemu-kvm";
  Emulator e{name,
             Kind::Qemu,
             {kQemu, "-accel", kvm ? "kvm" : "tcg", "-cpu", kvm ? kvm_model() : options.cpu,
              "-display", "none", "-monitor", "none", "-nic", "none"},
             {},
             kvm};
  if (!is_installed(kQemu))
    return Error{fmt::format("{} is not installed: Debian package qemu-system-x86", kQemu)};
  if (kvm && !why_no_kvm().empty()) return Error{why_no_kvm()};
  e.version = first_line_with(output_of({kQemu, "--version"}), "version");
  return e;
}

Result<Emulator> bochs() {
  if (const auto lacks = missing_for_bochs(); !lacks.empty())
    return Error{
        fmt::format("not there: {}: Debian packages bochs, bochsbios, vgabios, isolinux, "
                    "syslinux-common, xorriso",
                    fmt::join(lacks, ", "))};
  Emulator e{"bochs", Kind::Bochs, {"bochs"}, {}, false};
  e.version = bochs_version();
  return e;
}

}  // namespace

bool is_installed(const std::string& program) {
  if (program.find('/') != std::string::npos) return access(program.c_str(), X_OK) == 0;
  const char* list = std::getenv("PATH");
  std::string_view rest = list ? list : "/usr/bin:/bin";
  while (!rest.empty()) {
    const std::string_view folder = rest.substr(0, rest.find(':'));
    rest.remove_prefix(std::min(rest.size(), folder.size() + 1));
    if (access(fmt::format("{}/{}", folder, program).c_str(), X_OK) == 0) return true;
  }
  return false;
}

const std::vector<std::string>& emulator_names() {
  static const std::vector<std::string> names = {"native",   "jit",      "interp", "kvm",
                                                 "qemu-tcg", "qemu-kvm", "bochs"};
  return names;
}

Result<Emulator> find_emulator(const std::string& name, const EmulatorOptions& options) {
  if (name == "native") return Emulator{name, Kind::Native, {}, "the host", false};
  if (name == "bochs") return bochs();
  return name.starts_with("qemu") ? qemu(name, options) : ring3_engine(name, options);
}

Result<Emulator> other_ring3(const std::string& name, const std::string& program,
                             const EmulatorOptions& options) {
  EmulatorOptions other = options;
  other.ring3 = program;
  auto emulator = ring3_engine("jit", other);
  if (emulator) emulator->name = name;
  return emulator;
}

Result<std::unique_ptr<Console>> boot(const Emulator& emulator, const GuestFiles& guest,
                                      const std::filesystem::path& work,
                                      const std::vector<std::string>& more) {
  if (emulator.kind == Kind::Bochs) return boot_bochs(guest, work);
  std::vector<std::string> command = emulator.program;
  command.insert(command.end(), {"-m", std::to_string(guest.megabytes), "-no-reboot"});
  if (!guest.kernel.empty()) command.insert(command.end(), {"-kernel", guest.kernel});
  if (!guest.initrd.empty()) command.insert(command.end(), {"-initrd", guest.initrd});
  if (!guest.append.empty()) command.insert(command.end(), {"-append", guest.append});
  if (std::ranges::find(more, "-serial") == more.end())
    command.insert(command.end(), {"-serial", "stdio"});
  command.insert(command.end(), more.begin(), more.end());
  auto child = ChildProcess::start(command, {});
  if (!child) return Error{child.error()};
  return std::make_unique<Console>(std::move(*child));
}

}  // namespace ring3::bench
