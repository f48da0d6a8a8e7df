// SPDX-License-Identifier: MIT
#include "jit/preview.h"

#include <algorithm>
#include <unordered_set>

#include "core/fault.h"
#include "jit/library.h"
#include "jit/profile.h"

namespace ring3 {
namespace {

using namespace jit;

After never_called(void*, CalloutSite*, Frame*) { return After::Leave; }

/// Control does not go on behind it.
bool ends_flow(const Insn& insn) {
  switch (insn.mnemonic) {
    case ZYDIS_MNEMONIC_JMP:
    case ZYDIS_MNEMONIC_RET:
    case ZYDIS_MNEMONIC_IRET:
    case ZYDIS_MNEMONIC_IRETD:
    case ZYDIS_MNEMONIC_IRETQ:
    case ZYDIS_MNEMONIC_SYSRET:
    case ZYDIS_MNEMONIC_SYSEXIT:
    case ZYDIS_MNEMONIC_INVALID:
      return true;
    default:
      return false;
  }
}

bool is_direct_branch(const Insn& insn) {
  const Row* row = find_row(static_cast<ZydisMnemonic>(insn.mnemonic));
  return row && row->family == Family::flow && insn.mnemonic != ZYDIS_MNEMONIC_RET &&
         insn.kinds[0] == Kind::Imm;
}

/// Zeros: memory behind the guest's code.
bool is_empty(std::span<const u8> bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](u8 byte) { return byte == 0; });
}

class Preview {
 public:
  Preview(Cpu& cpu, const JitOptions& options, std::unique_ptr<CodeMemory> memory)
      : cpu_(cpu),
        profile_(*options.profile),
        blocks_(cpu.mmu.memory()),
        library_(cpu, options, std::move(memory)) {
    blocks_.set_observer(&library_);
    native_ = library_.prepare({never_called, nullptr});
  }
  ~Preview() { blocks_.set_observer(nullptr); }

  void run(size_t limit) {
    reach(cpu_.state.rip());
    while (!open_.empty() && seen_.size() <= limit) {
      const u64 rip = open_.back();
      open_.pop_back();
      visit(rip);
    }
  }

 private:
  void reach(u64 rip) {
    if (seen_.insert(rip).second) open_.push_back(rip);
  }

  void visit(u64 rip) {
    cpu_.state.rip() = rip;
    try {
      Block& block = blocks_.find(cpu_);
      const BlockRecord* record = profile_.record(cpu_, block);
      if (record && is_empty(record->bytes)) return;
      if (native_ && Library::takes(cpu_, block)) library_.add(block, rip);
      follow(block, rip);
    } catch (const Fault&) {
      // Nothing is mapped there: the guest would fault, the preview ends.
    }
  }

  void follow(const Block& block, u64 rip) {
    const Insn& last = block.insns.back();
    const u64 next = rip + block.bytes;
    if (is_direct_branch(last)) reach((next + last.imm) & cpu_.state.ip_mask);
    if (!ends_flow(last)) reach(next & cpu_.state.ip_mask);
  }

  Cpu& cpu_;
  Profile& profile_;
  BlockCache blocks_;
  Library library_;
  bool native_ = false;
  std::vector<u64> open_;
  std::unordered_set<u64> seen_;
};

}  // namespace

Status preview_translations(Cpu& cpu, const JitOptions& options, size_t limit) {
  auto memory = CodeMemory::create(options.cache_bytes);
  if (!memory) return Error{memory.error()};
  const u64 rip = cpu.state.rip();
  Preview(cpu, options, std::move(*memory)).run(limit);
  cpu.state.rip() = rip;
  return success();
}

}  // namespace ring3
