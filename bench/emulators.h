// SPDX-License-Identifier: MIT
// The engines of ring3 and its peers as programs: what is installed, and how each is started with a
// guest whose first serial line is our console.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>

#include "bench/console.h"

namespace ring3::bench {

enum class Kind : u8 { Native, Ring3, Qemu, Bochs };

struct Emulator {
  std::string name;  ///< as --engines has it
  Kind kind = Kind::Ring3;
  std::vector<std::string> program;  ///< with the options that all its runs have
  std::string version;
  bool kvm = false;
};

struct EmulatorOptions {
  std::string ring3;  ///< the program
  std::string cpu = "max";
  std::vector<std::string> ring3_options;
};

/// All names, in the order of reports.
const std::vector<std::string>& emulator_names();

/// One of the names. An error says what is not there, and which package has it.
Result<Emulator> find_emulator(const std::string& name, const EmulatorOptions& options);

/// Another build of ring3, with its translator.
Result<Emulator> other_ring3(const std::string& name, const std::string& program,
                             const EmulatorOptions& options);

/// Whether a program of that name is on the PATH.
bool is_installed(const std::string& program);

struct GuestFiles {
  std::string kernel, initrd, append;  ///< a Multiboot kernel has neither of the last
  unsigned megabytes = 128;
  bool multiboot = false;
};

/// `more`: options of ring3 for this run. `work`: a folder for files. Not for Native.
Result<std::unique_ptr<Console>> boot(const Emulator& emulator, const GuestFiles& guest,
                                      const std::filesystem::path& work,
                                      const std::vector<std::string>& more = {});

}  // namespace ring3::bench
