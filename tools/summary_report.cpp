// SPDX-License-Identifier: MIT
#include "tools/summary_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "decoder/decoder.h"

namespace ring3 {

namespace {

using Json = nlohmann::ordered_json;

std::string share_line(std::string_view what, u64 count, u64 all) {
  const double share = all == 0 ? 0 : 100.0 * static_cast<double>(count) / static_cast<double>(all);
  return fmt::format("  {:<16}{:14}  {:6.2f} %\n", what, count, share);
}

std::string treatment_lines(const Json& summary, u64 all) {
  std::string text = "instructions by treatment\n";
  u64 direct = 0;
  for (const auto& [name, count] : summary.at("treatments").items()) {
    text += share_line(name, count.get<u64>(), all);
    if (!name.starts_with("Callout")) direct += count.get<u64>();
  }
  text += share_line("cold path", summary.at("cold").get<u64>(), all);
  text += share_line("interpreted", summary.at("interpreted").get<u64>(), all);
  return text + "  of these Copy, CopyMem or Emit:\n" + share_line("", direct, all);
}

Json callouts_json(const Summary& s) {
  Json list = Json::array();
  for (const CalloutCount& c : s.callouts) {
    const char* name = ZydisMnemonicGetString(c.mnemonic);
    list.push_back({{"mnemonic", name ? name : "(invalid)"},
                    {"class", name_of(classify(c.mnemonic))},
                    {"by_treatment", c.callouts},
                    {"cold", c.cold}});
  }
  return list;
}

Json translator_json(const JitCounters& c) {
  return {{"translated", c.translated},   {"dropped", c.dropped},
          {"evicted", c.evicted},         {"evictions", c.evictions},
          {"chained", c.chained},         {"code_bytes", c.code_bytes},
          {"code_memory", c.code_memory}, {"record_bytes", c.record_bytes}};
}

std::string translator_lines(const Json& c) {
  const auto count = [&c](const char* key) { return c.at(key).get<u64>(); };
  return fmt::format(
      "translations      {:14}  dropped {}, of these {} from {} full regions\n"
      "exits linked      {:14}\n"
      "code bytes        {:14}  in {} KiB of memory, records in {} KiB\n",
      count("translated"), count("dropped"), count("evicted"), count("evictions"), count("chained"),
      count("code_bytes"), count("code_memory") >> 10, count("record_bytes") >> 10);
}

}  // namespace

Json summary_json(const Summary& s) {
  Json json = {{"instructions", s.instructions}, {"interpreted", s.interpreted}, {"cold", s.cold}};
  if (s.blocks) {
    Json treatments = Json::object();
    for (size_t t = 0; t < s.by_treatment.size(); ++t)
      treatments[std::string(name_of(static_cast<Treatment>(t)))] = s.by_treatment[t];
    json["treatments"] = treatments;
  }
  json["translator"] = translator_json(s.translator);
  json["callouts"] = callouts_json(s);
  return json;
}

std::string summary_text(const Json& summary, size_t callouts) {
  const Json& list = summary.at("callouts");
  const u64 all = summary.at("instructions").get<u64>();
  const u64 interpreted = summary.at("interpreted").get<u64>();
  if (list.empty() && interpreted == 0) return {};
  std::string text = summary.contains("treatments") ? treatment_lines(summary, all)
                                                    : share_line("interpreted", interpreted, all);
  if (summary.contains("translator")) text += translator_lines(summary.at("translator"));
  text += "hottest callouts    by treatment      cold path\n";
  for (size_t n = 0; n < std::min(callouts, list.size()); ++n) {
    const Json& c = list.at(n);
    text += fmt::format("  {:<15} {:14} {:14}  {}\n", c.at("mnemonic").get<std::string>(),
                        c.at("by_treatment").get<u64>(), c.at("cold").get<u64>(),
                        c.at("class").get<std::string>());
  }
  return text;
}

}  // namespace ring3
