// SPDX-License-Identifier: MIT
// The texts of `info ...`.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "monitor/machine.h"

namespace ring3 {

std::string registers_info(Machine& machine);
std::string pci_info(Machine& machine);
std::string address_map_info(Machine& machine);
std::string interrupts_info(Machine& machine);
std::string block_info(Machine& machine);
std::string status_info(Machine& machine);
std::string stats_info(Machine& machine);
std::string version_info(Machine& machine);
std::string name_info(Machine& machine);
/// A device's fields. Error: there is none of this name. Empty name: the names.
Result<nlohmann::ordered_json> device_info(Machine& machine, const std::string& name);
/// As QMP's query-version.
nlohmann::ordered_json version_json();

// page_tables_info.cpp
std::string mappings_info(Machine& machine);
std::string pages_info(Machine& machine);

}  // namespace ring3
