// SPDX-License-Identifier: MIT
#include "jit/translator.h"

#include <cstddef>

namespace ring3::jit {

using asmjit::imm;

Translator::Translator(Context& context, Block& block, u64 rip)
    : c_(context), block_(block), rip_(rip) {
  code_.init(asmjit::Environment::host(), reinterpret_cast<u64>(c_.cache.next()));
  code_.attach(&a_);
}

std::unique_ptr<NativeBlock> Translator::translate(std::span<const u8> bytes) {
  t_ = std::make_unique<NativeBlock>();
  t_->block = &block_;
  t_->rip = rip_;
  t_->key = block_.key;
  at_ = rip_;
  begin_record();
  for (index_ = 0; index_ < block_.insns.size(); ++index_) {
    insn_ = &block_.insns[index_];
    if (c_.decoder.decode(CodeSize::Bits64, bytes, d_) != DecodeStatus::Ok) return nullptr;
    mark(static_cast<u8>(index_), false);
    instruction(bytes);
    bytes = bytes.subspan(insn_->length);
    at_ += insn_->length;
  }
  --index_;
  if (!ended_) exit_to(at_);
  emit_cold();
  const size_t before = c_.cache.used();
  t_->code = c_.cache.add(code_);
  t_->code_bytes = c_.cache.used() - before;
  end_record();
  return t_->code ? std::move(t_) : nullptr;
}

void Translator::instruction(std::span<const u8>) {
  const Treatment treatment = treatment_of(d_, *insn_, c_.options);
  note_treatment(treatment);
  switch (treatment) {
    case Treatment::Copy:
      if (!copy(false)) callout(false);
      return;
    case Treatment::CopyMem:
      if (!copy(true)) callout(false);
      return;
    case Treatment::Emit:
      return emit();
    case Treatment::Callout:
      return callout(false);
    case Treatment::CalloutEnd:
      return callout(true);
  }
}

void Translator::callout(bool last) {
  save_flags();
  note_treatment(last ? Treatment::CalloutEnd : Treatment::Callout);
  call_handler(index_, last);
  flags_ = kFrame;
  ended_ |= last;
}

void Translator::call_handler(u32 index, bool last) {
  u64 rip = rip_;
  for (u32 n = 0; n < index; ++n) rip += block_.insns[n].length;
  const Insn& insn = block_.insns[index];
  auto site = std::make_unique<CalloutSite>(
      CalloutSite{&insn, t_.get(), rip, rip + insn.length, index, last});
  note_site(*site);
  a_.mov(kScratchA, imm(reinterpret_cast<u64>(site.get())));
  a_.call(imm(reinterpret_cast<u64>(c_.stubs.callout)));
  t_->callouts.push_back(std::move(site));
}

void Translator::save_flags() {
  if (flags_ & kFrame) return;
  a_.mov(kScratchA, x86::rax);
  a_.lahf();
  a_.seto(x86::al);
  a_.mov(x86::word_ptr(x86::rsp, offsetof(Frame, flags)), x86::ax);
  a_.mov(x86::rax, kScratchA);
  flags_ |= kFrame;
}

void Translator::restore_flags(x86::Gp scratch) {
  a_.mov(scratch, x86::rax);
  a_.movzx(x86::eax, x86::word_ptr(x86::rsp, offsetof(Frame, flags)));
  a_.add(x86::al, imm(0x7F));  // OF from al
  a_.sahf();
  a_.mov(x86::rax, scratch);
}

}  // namespace ring3::jit
