// SPDX-License-Identifier: MIT
#include "bench/exit_reasons.h"

#include <nlohmann/json.hpp>

#include "core/exit_counters.h"

namespace ring3::bench {

namespace {

constexpr std::string_view kKvmPrefix = "KVM: ";
/// Those that say how often guest code stopped; the others count parts of the same.
constexpr const char* kKvmCounters[] = {"exits", "pf_taken", "insn_emulation", "tlb_flush"};

void add_counts(const nlohmann::json& from, std::string_view name, std::string_view prefix,
                std::map<std::string, u64>& to) {
  if (const auto count = from.find(name); count != from.end() && count->is_number_unsigned())
    to[std::string(prefix) + std::string(name)] = count->get<u64>();
}

/// An empty object if there is none.
nlohmann::json object_in(const nlohmann::json& json, std::string_view name) {
  if (!json.is_object() || !json.contains(name) || !json[name].is_object())
    return nlohmann::json::object();
  return json[name];
}

}  // namespace

std::optional<unsigned> exit_reason_number(std::string_view name) {
  if (name.starts_with(kKvmPrefix)) return kKvmCounter;
  for (unsigned n = 0; n < static_cast<unsigned>(ExitReason::Count); ++n)
    if (!name.empty() && exit_reason_name(static_cast<ExitReason>(n)) == name) return n;
  return std::nullopt;
}

std::map<std::string, u64> exits_of_stats_json(const std::string& text) {
  const auto json = nlohmann::json::parse(text, nullptr, false);
  const auto counted = object_in(json, "exits");
  const auto kvm = object_in(object_in(json, "kvm"), "counters");
  std::map<std::string, u64> exits;
  for (const auto& [name, count] : counted.items()) add_counts(counted, name, "", exits);
  for (const char* name : kKvmCounters) add_counts(kvm, name, kKvmPrefix, exits);
  return exits;
}

/// Its lines are "  name   count".
std::map<std::string, u64> exits_of_stats_text(std::string_view text) {
  std::map<std::string, u64> exits;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(text.size(), end + 1));
    while (line.ends_with('\r') || line.ends_with(' ')) line.remove_suffix(1);
    const size_t space = line.rfind(' ');
    if (!line.starts_with("  ") || space == line.npos) continue;
    std::string_view name = line.substr(2, line.find_last_not_of(' ', space) - 1);
    if (exit_reason_number(name))
      exits[std::string(name)] =
          std::strtoull(std::string(line.substr(space)).c_str(), nullptr, 10);
  }
  return exits;
}

}  // namespace ring3::bench
