// SPDX-License-Identifier: MIT
// What a translation leaves in the profile: treatments, host code by instruction, and the code that
// counts executions.
#include "jit/translator.h"

namespace ring3::jit {

using asmjit::imm;

/// The count needs no flags: a block is entered with the guest's wherever they stand.
void Translator::begin_record() {
  if (c_.options.profile) record_ = c_.options.profile->record(c_.cpu, block_);
  if (!record_) return;
  mark(HostPart::kEntry, false);
  a_.mov(kScratchA, imm(reinterpret_cast<u64>(&record_->executions)));
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

void Translator::note_site(CalloutSite& site) {
  site.cold = in_cold_;
  if (record_) site.count = &record_->insns[site.index].callouts;
}

void Translator::end_record() {
  if (!record_ || !t_->code) return;
  record_->host_address = reinterpret_cast<u64>(t_->code);
  record_->host.assign(t_->code, t_->code + code_.codeSize());
  record_->parts = std::move(parts_);
}

}  // namespace ring3::jit
