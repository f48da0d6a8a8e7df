// SPDX-License-Identifier: MIT
// An initramfs in cpio's newc format (Linux, "initramfs buffer format").
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace ring3::bench {

/// Path in the guest and file on the host, all executable; folder "bin" is there.
using InitramfsFiles = std::vector<std::pair<std::string, std::string>>;

/// Behind a copy of the archive `base`, compressed or not, if there is one.
Status write_initramfs(const std::string& path, const InitramfsFiles& files,
                       const std::string& base = {});

}  // namespace ring3::bench
