// SPDX-License-Identifier: MIT
// What a translation leaves in the profile: treatments, host code by instruction, and the code that
// counts executions.
#include <cstddef>

#include "jit/translator.h"

namespace ring3::jit {

using asmjit::imm;

namespace {

constexpr const char* kGprNames[] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8",
                                     "r9",  "r10", "r11", "r12", "r13", "r14", "r15", "0",   "rip"};

/// What translations find behind the state pointer and in their frame.
std::vector<FieldName> field_names(const Context& c) {
  std::vector<FieldName> names;
  const auto state = [&names](i64 disp, u64 size, std::string name) {
    names.push_back({static_cast<u8>(kState.id()), disp, size, std::move(name)});
  };
  const auto in_frame = [&names](size_t disp, std::string name) {
    names.push_back({4, static_cast<i64>(disp), 8, std::move(name)});
  };
  for (unsigned n = 0; n < std::size(kGprNames); ++n)
    state(8 * n, 8, std::string("guest ") + kGprNames[n]);
  state(offsetof(CpuState, instructions), 8, "instructions run");
  state(offsetof(CpuState, rflags), 8, "guest rflags");
  state(offsetof(CpuState, seg), sizeof(CpuState::seg), "segment registers");
  state(offsetof(CpuState, fpu), sizeof(CpuState::fpu), "guest vector and x87 registers");
  state(c.signals, 4, "signals: interrupts and stops");
  state(c.window + static_cast<i32>(offsetof(TlbWindow, base)), 8, "TLB: its entries");
  state(c.window + static_cast<i32>(offsetof(TlbWindow, mask)), 8, "TLB: its index mask");
  state(c.generation, 8, "generation of the mapping");
  state(c.places, sizeof(u32) * CodePlaces::kSlots, "code that is known to stand there");
  in_frame(offsetof(Frame, deadline), "deadline of this slice");
  in_frame(offsetof(Frame, engine), "engine");
  in_frame(offsetof(Frame, targets), "table of indirect branches");
  in_frame(offsetof(Frame, flags), "guest's arithmetic flags, saved");
  in_frame(offsetof(Frame, scratch), "scratch");
  in_frame(offsetof(Frame, poll), "signals that matter");
  return names;
}

}  // namespace

void Translator::begin_record() {
  if (c_.options.profile) record_ = c_.options.profile->record(c_.cpu, block_);
  t_->record = record_;
  mark(HostPart::kEntry, false);
  if (user()) check_place();
  count_execution();
}

/// The count needs no flags: a block is entered with the guest's wherever they stand.
void Translator::count_execution() {
  if (record_) count(record_->executions);
}

/// The block is left after the present instruction, by a branch.
void Translator::count_left() {
  if (record_) count(record_->insns[index_].left);
}

void Translator::count(u64& counter) {
  a_.mov(kScratchA, imm(reinterpret_cast<u64>(&counter)));
  a_.mov(kScratchB, x86::qword_ptr(kScratchA));
  a_.lea(kScratchB, x86::ptr(kScratchB, 1));
  a_.mov(x86::qword_ptr(kScratchA), kScratchB);
}

void Translator::mark(u8 insn, bool cold) {
  in_cold_ = cold;
  if (record_) parts_.push_back({static_cast<u32>(a_.offset()), insn, cold});
}

void Translator::note_treatment(Treatment treatment) {
  if (record_) record_->insns[index_].treatment = treatment;
}

void Translator::end_record() {
  if (!record_ || !t_->code) return;
  record_->host_address = reinterpret_cast<u64>(t_->code);
  record_->host.assign(t_->code, t_->code + code_.codeSize());
  record_->parts = std::move(parts_);
  if (c_.options.profile->fields.empty()) c_.options.profile->fields = field_names(c_);
}

}  // namespace ring3::jit
