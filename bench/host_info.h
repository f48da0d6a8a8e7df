// SPDX-License-Identifier: MIT
// What numbers depend on: the processor, the kernel, the load, who else runs here.
#pragma once

#include <map>
#include <string>

namespace ring3::bench {

std::map<std::string, std::string> host_info();
std::string utc_now();

}  // namespace ring3::bench
