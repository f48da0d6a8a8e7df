// SPDX-License-Identifier: MIT
// Bochs as an emulator of a kernel. It has no loader for kernels: it boots a CD by ISOLINUX (Debian
// packages bochs, isolinux, syslinux-common, xorriso). Its console is a terminal.
#pragma once

#include "bench/emulators.h"

namespace ring3::bench {

/// On its console before a Linux guest's first instruction: the loader has kernel and initrd.
inline constexpr std::string_view kBochsLoaded = "initrd.gz...ok";

std::vector<std::string> missing_for_bochs();
std::string bochs_version();
Result<std::unique_ptr<Console>> boot_bochs(const GuestFiles& guest,
                                            const std::filesystem::path& work);

}  // namespace ring3::bench
