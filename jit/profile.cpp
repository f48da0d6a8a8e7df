// SPDX-License-Identifier: MIT
#include "jit/profile.h"

#include <algorithm>

namespace ring3 {
namespace {

/// The block's bytes; none if they stand in no memory.
std::vector<u8> bytes_of(const PhysicalMemory& memory, const Block& block) {
  std::vector<u8> bytes;
  const u64 first = std::min<u64>(block.bytes, kPageSize - block.start.offset());
  const auto append = [&](PhysAddr start, u64 size) {
    const PhysPage page = memory.page(start);
    if (!page.host) return;
    const u8* from = page.host + start.offset();
    bytes.insert(bytes.end(), from, from + size);
  };
  append(block.start, first);
  if (block.crosses) append({block.second_page.value & ~kPageMask}, block.bytes - first);
  if (bytes.size() != block.bytes) bytes.clear();
  return bytes;
}

template <class T>
void append_raw(std::string& key, T value) {
  key.append(reinterpret_cast<const char*>(&value), sizeof value);
}

std::unique_ptr<BlockRecord> make_record(const Cpu& cpu, const Block& block,
                                         std::vector<u8> bytes) {
  auto r = std::make_unique<BlockRecord>();
  const CpuState& s = cpu.state;
  r->linear = block.linear;
  r->physical = block.start.value;
  r->key = block.key;
  r->size = s.long64() ? CodeSize::Bits64 : s.seg[kCs].db ? CodeSize::Bits32 : CodeSize::Bits16;
  r->bytes = std::move(bytes);
  for (const Insn& i : block.insns) r->insns.push_back({i.mnemonic, i.length});
  return r;
}

}  // namespace

u64 BlockRecord::heat() const {
  u64 sum = 0, runs = executions + interpreted;
  for (const InsnRecord& i : insns) {
    sum += runs;
    runs -= std::min(runs, i.left);
  }
  return sum;
}

BlockRecord* Profile::record(const Cpu& cpu, Block& block) {
  if (!blocks) return nullptr;
  if (block.record) return static_cast<BlockRecord*>(block.record);
  std::vector<u8> bytes = bytes_of(cpu.mmu.memory(), block);
  std::string key(bytes.begin(), bytes.end());
  append_raw(key, block.start.value);
  append_raw(key, block.key);
  auto found = records_.find(key);
  if (found == records_.end()) {
    if (bytes.empty() || records_.size() >= kMaxRecords) {
      ++not_recorded;
      return nullptr;
    }
    auto made = make_record(cpu, block, std::move(bytes));
    found = records_.emplace(std::move(key), std::move(made)).first;
  }
  block.record = found->second.get();
  return found->second.get();
}

void Profile::see(const Cpu& cpu, Block& block) {
  if (BlockRecord* r = record(cpu, block)) ++r->interpreted;
}

}  // namespace ring3
