// SPDX-License-Identifier: MIT
#include "tools/block_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "tools/summary_report.h"

namespace ring3 {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kLegend =
    "Guest instruction, its bytes, its treatment; below it the host code that stands for it.\n"
    "  Copy     the guest's own instruction, at most on other registers\n"
    "  CopyMem  the same, its memory operand found through the TLB first; ? is the way around\n"
    "  Emit     control flow, stack and strings: written out by the translator\n"
    "  Callout  patched: calls the hypervisor part. CalloutEnd: the block ends there\n"
    "  !        sensitive: privileged (traps outside ring 0) or critical (does not trap: the\n"
    "           reason why x86 needs translation)\n";

std::string text_of(const Json& object, const char* name) {
  return object.at(name).get<std::string>();
}
u64 number_of(const Json& object, const char* name) { return object.at(name).get<u64>(); }

/// Bytes in pairs, as listings show them.
std::string spaced(const std::string& hex) {
  std::string text;
  for (size_t n = 0; n + 1 < hex.size(); n += 2) text += (n == 0 ? "" : " ") + hex.substr(n, 2);
  return text;
}

/// A line without the spaces at its end.
std::string trimmed(std::string line) {
  line.erase(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

bool shown(const Json& block, const BlockReport& wanted) {
  if (!wanted.address) return true;
  const u64 start = std::stoull(text_of(block, "address"), nullptr, 16);
  size_t bytes = 0;
  for (const Json& insn : block.at("instructions")) bytes += text_of(insn, "bytes").size() / 2;
  return *wanted.address - start < bytes;
}

/// The blocks to show, hottest first as they are.
Json select(const Json& blocks, const BlockReport& wanted) {
  Json list = Json::array();
  for (const Json& block : blocks) {
    if (list.size() >= wanted.top) break;
    if (shown(block, wanted)) list.push_back(block);
  }
  return list;
}

std::string host_lines(const Json& host) {
  std::string text;
  for (const Json& line : host) {
    const std::string note = line.contains("comment") ? "; " + text_of(line, "comment") : "";
    text += trimmed(fmt::format("          {} {:<30}  {:<32} {}", line.contains("cold") ? '?' : '|',
                                spaced(text_of(line, "bytes")), text_of(line, "text"), note));
  }
  return text;
}

/// Host code that is the guest's byte for byte is said, not listed.
bool same_bytes(const Json& insn) {
  const Json& host = insn.at("host");
  return host.size() == 1 && text_of(host.at(0), "bytes") == text_of(insn, "bytes");
}

std::string insn_lines(const Json& insn, size_t number) {
  const std::string what = text_of(insn, "class");
  const bool translated = insn.contains("treatment");
  std::string note = translated ? text_of(insn, "treatment") : "";
  if (what != "innocuous") note += (note.empty() ? "! " : ", ! ") + what;
  if (translated && number_of(insn, "callouts") != 0)
    note += fmt::format(", {} callouts", number_of(insn, "callouts"));
  if (insn.contains("left"))
    note += fmt::format(", {} times out of the block", number_of(insn, "left"));
  const bool same = translated && same_bytes(insn);
  if (same) note += ", byte for byte";
  const std::string line =
      fmt::format("{:>3} {:>16}  {:<22}  {:<32} {}", number, text_of(insn, "address"),
                  spaced(text_of(insn, "bytes")), text_of(insn, "text"), note);
  return trimmed(line) + (translated && !same ? host_lines(insn.at("host")) : "");
}

std::string block_lines(const Json& block, size_t rank, u64 all) {
  const u64 insns = block.at("instructions").size();
  const u64 runs = number_of(block, "executions"), interpreted = number_of(block, "interpreted");
  const double share =
      all == 0 ? 0
               : 100.0 * static_cast<double>(number_of(block, "ran")) / static_cast<double>(all);
  size_t bytes = 0;
  for (const Json& insn : block.at("instructions")) bytes += text_of(insn, "bytes").size() / 2;
  std::string text = fmt::format("\n#{} {} (physical {}), {}-bit code: {} instructions, {} bytes",
                                 rank, text_of(block, "address"), text_of(block, "physical"),
                                 number_of(block, "bits"), insns, bytes);
  const u64 host = number_of(block, "host_bytes");
  text += host != 0 ? fmt::format(" -> {} bytes of host code\n", host) : ", not translated\n";
  text += fmt::format("   {} runs translated, {} interpreted: {:.2f} % of all; {} callouts\n", runs,
                      interpreted, share, number_of(block, "callouts"));
  if (!block.at("entry").empty()) text += "      (counts its runs, for this listing)\n";
  size_t number = 0;
  for (const Json& insn : block.at("instructions")) text += insn_lines(insn, ++number);
  return text;
}

std::string report_text(const Json& summary, const Json& blocks, const BlockReport& wanted) {
  std::string text = fmt::format("{} instructions ran, in {} blocks\n",
                                 number_of(summary, "instructions"), number_of(summary, "blocks"));
  text += summary_text(summary);
  if (wanted.summary) return text;
  text += fmt::format("\n{}", kLegend);
  size_t rank = 0;
  for (const Json& block : blocks)
    text += block_lines(block, ++rank, number_of(summary, "instructions"));
  return text;
}

}  // namespace

std::string block_report(const Json& all, const BlockReport& wanted) {
  const Json& summary = all.at("summary");
  const Json blocks = select(all.at("blocks"), wanted);
  if (!wanted.json) return report_text(summary, blocks, wanted);
  Json json = {{"summary", summary}};
  if (!wanted.summary) json["blocks"] = blocks;
  return json.dump(1) + "\n";
}

Result<std::string> block_report_of_file(const std::string& path, const BlockReport& wanted) {
  std::ifstream file(path);
  if (!file) return Error{fmt::format("{}: cannot be read: {}", path, std::strerror(errno))};
  try {
    return block_report(Json::parse(file), wanted);
  } catch (const std::exception&) {  // of the JSON library, or of a number in it
    return Error{
        fmt::format("{}: not a list of blocks; ring3 -accel jit -blocks FILE writes one", path)};
  }
}

}  // namespace ring3
