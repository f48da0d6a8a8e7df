// SPDX-License-Identifier: MIT
// What numbers depend on: the processor, the kernel, the load, who else runs here.
#pragma once

#include <ctime>
#include <map>
#include <string>

namespace ring3::bench {

std::map<std::string, std::string> host_info();
/// /dev/kvm without VMX or SVM below it: KVM-PVM, which emulates ring 0 instruction by instruction.
bool has_only_pvm();
std::string utc_now();
std::string utc_text(std::time_t time);

}  // namespace ring3::bench
