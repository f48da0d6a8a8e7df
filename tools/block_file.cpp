// SPDX-License-Identifier: MIT
#include "tools/block_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <span>

#include "tools/block_report.h"
#include "tools/summary_report.h"

namespace ring3 {

namespace {

using Json = nlohmann::ordered_json;

std::string hex(std::span<const u8> bytes) {
  std::string text;
  for (const u8 byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

/// Writes host code as JSON, for one block.
class HostLister {
 public:
  HostLister(const Decoder& decoder, const BlockRecord& block, std::span<const FieldName> fields)
      : decoder_(decoder), block_(block), fields_(fields) {}

  /// All host code of one instruction, or of the block's entry.
  Json list(u8 insn) const;

 private:
  void append(Json& list, std::span<const u8> code, u64 address, bool cold) const;
  std::string comment(const Decoded& d, u64 address) const;
  std::string field_at(const ZydisDecodedOperand& op) const;
  std::string place_of(u64 target) const;

  const Decoder& decoder_;
  const BlockRecord& block_;
  std::span<const FieldName> fields_;
};

std::string HostLister::field_at(const ZydisDecodedOperand& op) const {
  if (op.mem.index != ZYDIS_REGISTER_NONE) return {};
  for (const FieldName& f : fields_)
    if (op.mem.base == ZYDIS_REGISTER_RAX + f.host_register && op.mem.disp.value >= f.disp &&
        op.mem.disp.value < f.disp + static_cast<i64>(f.size))
      return f.name;
  return {};
}

/// Where a host branch goes: to which instruction's code.
std::string HostLister::place_of(u64 target) const {
  const u64 offset = target - block_.host_address;
  if (offset >= block_.host.size()) return "to the translator's stubs";
  const HostPart* at = nullptr;
  for (const HostPart& part : block_.parts)
    if (part.offset <= offset) at = &part;
  if (!at || at->insn == HostPart::kEntry) return {};
  return fmt::format("to instruction {}{}", at->insn + 1, at->cold ? ", the way around (?)" : "");
}

std::string HostLister::comment(const Decoded& d, u64 address) const {
  for (unsigned n = 0; n < d.insn.operand_count_visible; ++n) {
    const ZydisDecodedOperand& op = d.operands[n];
    if (op.type == ZYDIS_OPERAND_TYPE_MEMORY) return field_at(op);
    if (op.type != ZYDIS_OPERAND_TYPE_IMMEDIATE || !op.imm.is_relative) continue;
    return place_of(address + d.insn.length + static_cast<u64>(op.imm.value.s));
  }
  return {};
}

/// The instructions of host code, one object each.
void HostLister::append(Json& list, std::span<const u8> code, u64 address, bool cold) const {
  while (!code.empty()) {
    Decoded d;
    const bool ok = decoder_.decode(CodeSize::Bits64, code, d) == DecodeStatus::Ok;
    const size_t length = ok ? d.insn.length : 1;
    Json line = {{"address", fmt::format("{:x}", address)},
                 {"bytes", hex(code.first(length))},
                 {"text", ok ? Decoder::format(d, address) : "(data)"}};
    const std::string note = ok ? comment(d, address) : "";
    if (!note.empty()) line["comment"] = note;
    if (cold) line["cold"] = true;
    list.push_back(std::move(line));
    code = code.subspan(length);
    address += length;
  }
}

Json HostLister::list(u8 insn) const {
  Json list = Json::array();
  const std::span<const u8> host = block_.host;
  for (size_t n = 0; n < block_.parts.size(); ++n) {
    const HostPart& part = block_.parts[n];
    if (part.insn != insn) continue;
    const size_t end = n + 1 < block_.parts.size() ? block_.parts[n + 1].offset : host.size();
    append(list, host.subspan(part.offset, end - part.offset), block_.host_address + part.offset,
           part.cold);
  }
  return list;
}

Json insn_json(const Decoder& decoder, const HostLister& host, const BlockRecord& block, u8 index,
               size_t offset) {
  const InsnRecord& insn = block.insns[index];
  const std::span<const u8> bytes = std::span(block.bytes).subspan(offset, insn.length);
  const u64 address = block.linear + offset;
  Decoded d;
  const bool ok = decoder.decode(block.size, bytes, d) == DecodeStatus::Ok;
  Json json = {{"address", fmt::format("{:x}", address)},
               {"bytes", hex(bytes)},
               {"text", ok ? Decoder::format(d, address) : "(invalid)"},
               {"class", name_of(classify(static_cast<ZydisMnemonic>(insn.mnemonic)))}};
  if (block.host.empty()) return json;
  json["treatment"] = name_of(insn.treatment);
  json["callouts"] = insn.callouts;
  if (insn.left != 0) json["left"] = insn.left;
  json["host"] = host.list(index);
  return json;
}

Json block_json(const Decoder& decoder, const BlockRecord& block,
                std::span<const FieldName> fields) {
  const HostLister host(decoder, block, fields);
  constexpr unsigned kBits[] = {16, 32, 64};
  u64 callouts = 0;
  for (const InsnRecord& insn : block.insns) callouts += insn.callouts;
  Json json = {{"address", fmt::format("{:x}", block.linear)},
               {"physical", fmt::format("{:x}", block.physical)},
               {"bits", kBits[static_cast<size_t>(block.size)]},
               {"key", block.key},
               {"executions", block.executions},
               {"interpreted", block.interpreted},
               {"ran", block.heat()},
               {"callouts", callouts},
               {"host_bytes", block.host.size()}};
  json["entry"] = host.list(HostPart::kEntry);
  json["instructions"] = Json::array();
  size_t offset = 0;
  for (size_t n = 0; n < block.insns.size(); ++n) {
    json["instructions"].push_back(insn_json(decoder, host, block, static_cast<u8>(n), offset));
    offset += block.insns[n].length;
  }
  return json;
}

}  // namespace

Json blocks_json(const Profile& profile, const Summary& summary, size_t top) {
  std::vector<const BlockRecord*> all;
  profile.for_each([&all](const BlockRecord& block) { all.push_back(&block); });
  std::sort(all.begin(), all.end(), [](const BlockRecord* a, const BlockRecord* b) {
    const u64 heat_a = a->heat(), heat_b = b->heat();
    return heat_a != heat_b ? heat_a > heat_b : a->linear < b->linear;
  });
  const Decoder decoder;
  Json json = {{"summary", summary_json(summary)}};
  json["summary"]["blocks"] = all.size();
  json["summary"]["not_recorded"] = profile.not_recorded;
  json["blocks"] = Json::array();
  for (size_t n = 0; n < std::min(top, all.size()); ++n)
    json["blocks"].push_back(block_json(decoder, *all[n], profile.fields));
  return json;
}

namespace {

Error cannot_write(const Options& options) {
  return Error{fmt::format("-blocks {}: cannot be written: {}; give another file",
                           options.blocks_file, std::strerror(errno))};
}

}  // namespace

Status check_blocks_file(const Options& options) {
  if (options.blocks_file.empty()) return success();
  std::FILE* file = std::fopen(options.blocks_file.c_str(), "a");
  if (!file) return cannot_write(options);
  std::fclose(file);
  return success();
}

Status write_blocks(const Profile& profile, const Summary& summary, const Options& options) {
  if (options.report.wanted) {
    const std::string text =
        block_report(blocks_json(profile, summary, ~size_t{0}), options.report);
    if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0)
      return Error{fmt::format("standard output: cannot write: {}", std::strerror(errno))};
  }
  if (options.blocks_file.empty()) return success();
  const std::string text = blocks_json(profile, summary, options.blocks_top).dump(1) + "\n";
  std::FILE* file = std::fopen(options.blocks_file.c_str(), "w");
  const bool written = file && std::fwrite(text.data(), 1, text.size(), file) == text.size();
  if (!file || std::fclose(file) != 0 || !written) return cannot_write(options);
  return success();
}

}  // namespace ring3
