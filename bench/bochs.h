// SPDX-License-Identifier: MIT
// Bochs as an emulator of a kernel. It has no loader for kernels: it boots a CD by ISOLINUX (Debian
// packages bochs, isolinux, syslinux-common, xorriso). Its console is a terminal.
#pragma once

#include "bench/emulators.h"

namespace ring3::bench {

/// Whether a program of that name is on the PATH.
bool is_installed(const std::string& program);

std::vector<std::string> missing_for_bochs();
std::string bochs_version();
Result<std::unique_ptr<Console>> boot_bochs(const GuestFiles& guest,
                                            const std::filesystem::path& work);

}  // namespace ring3::bench
