// SPDX-License-Identifier: MIT
#include "jit/translator.h"

#include <cstddef>

#include "jit/simd_treatment.h"

namespace ring3::jit {

using asmjit::imm;

Translator::Translator(Context& context, Block& block, u64 rip, std::span<const u8> bytes,
                       std::span<const u8> page)
    : c_(context),
      block_(block),
      bytes_(bytes),
      page_(page),
      code_(c_.code),
      a_(c_.assembler),
      records_(c_.cache.region().records),
      rip_(rip) {}

void Context::reset() {
  lists.release();
  code.reset();
  code.init(asmjit::Environment::host(), reinterpret_cast<u64>(cache.next()));
  code.setErrorHandler(&errors);
  errors.failed = false;
  code.attach(&assembler);
}

bool Translator::decode() {
  c_.decoded.resize(block_.insns.size());
  std::span<const u8> bytes = bytes_;
  for (Decoded& d : c_.decoded) {
    if (c_.decoder.decode(bits64() ? CodeSize::Bits64 : CodeSize::Bits32, bytes, d) !=
        DecodeStatus::Ok)
      return false;
    bytes = bytes.subspan(d.insn.length);
  }
  return true;
}

NativeBlock* Translator::translate(Way way) {
  if (!decode()) return nullptr;
  t_ = records_.make<NativeBlock>();
  t_->block = &block_;
  t_->rip = rip_;
  t_->key = block_.key;
  t_->instructions = static_cast<u32>(block_.insns.size());
  at_ = rip_;
  begin_record();
  c_.treatments.clear();
  for (u32 n = 0; n < c_.decoded.size(); ++n)
    c_.treatments.push_back(way == Way::Handlers
                                ? callout_of(c_.decoded[n])
                                : treatment_of(c_.decoded[n], block_.insns[n], c_.options));
  guess_addresses();
  c_.groups.find(c_.decoded, block_.insns, c_.treatments, word(), rip_);
  const u32 poll_at = poll_index(way == Way::Lazy);
  t_->flags_dead = poll_at != 0;
  for (index_ = 0; index_ < block_.insns.size(); ++index_) {
    if (index_ == poll_at) poll();
    translate_one();
  }
  if (!polled_) poll();
  end_block();
  emit_side_exits();
  emit_second_copy();
  emit_third_copy();
  emit_cold();
  emit_returns();
  emit_lookups();
  emit_cold_exits();
  t_->code = needs_flags_ || c_.errors.failed ? nullptr : c_.cache.add(code_);
  if (!t_->code) return nullptr;
  t_->code_bytes = static_cast<u32>(code_.codeSize());
  for (const Home& h : homes_) h.jump->home = static_cast<u32>(code_.labelOffset(h.label));
  end_record();
  return t_;
}

void Translator::translate_one() {
  insn_ = &block_.insns[index_];
  d_ = c_.decoded[index_];
  mark(static_cast<u8>(index_), false);
  if (polled_ && at_border_) make_resident(0);
  at_border_ &= !polled_;
  instruction();
  at_ = truncate(at_ + insn_->length);
}

/// To the next block, if the last instruction did not go there.
void Translator::end_block() {
  if (ended_) return;
  name_x87();
  exit_to(at_);
}

void Translator::instruction() {
  cold_flags_ = {};
  const Treatment treatment = c_.treatments[index_];
  const bool simd = is_simd(d_, *insn_);
  if (treatment > Treatment::CopyMem) name_x87();
  note_treatment(treatment);
  if (treatment == Treatment::Callout || treatment == Treatment::CalloutEnd)
    return callout(treatment == Treatment::CalloutEnd);
  before_writes();
  if (emit_run()) return after_writes();
  if (treatment == Treatment::Emit) {
    emit();
  } else {
    const bool memory = treatment == Treatment::CopyMem;
    if (!(simd ? copy_simd(memory) : copy(memory))) callout(false);
  }
  after_writes();
}

void Translator::callout(bool last) {
  needs_flags_ |= in_steady_;  // which has no room for one
  name_x87();
  save_flags();
  note_treatment(last ? Treatment::CalloutEnd : Treatment::Callout);
  call_handler(index_, last);
  if (!last) forget_groups(index_);
  flags_ = kFrame;
  simd_ = {};
  at_border_ = true;
  ended_ |= last;
}

/// The first instruction of the basic block that `index` is in.
u8 Translator::basic_begin(u32 index) const {
  while (index > 0 && !(block_.extended && is_jcc(block_.insns[index - 1].mnemonic))) --index;
  return static_cast<u8>(index);
}

/// `rest`: all handlers from that of `index` on.
void Translator::call_handler(u32 index, bool last, bool rest) {
  needs_flags_ |= !polled_;
  CalloutSite* const site = records_.make<CalloutSite>();
  for (u32 n = 0; n < index; ++n) site->offset += block_.insns[n].length;
  site->insn = index < block_.insns.size() ? &block_.insns[index] : nullptr;
  site->from = t_;
  site->index = static_cast<u8>(index);
  site->basic = basic_begin(index);
  site->last = last;
  site->rest = rest;
  site->cold = in_cold_;
  if (site->insn && !rest)
    site->ahead = foresight_of(c_.decoded[index], *site->insn, c_.treatments[index], in_cold_);
  t_->calls_out = true;
  a_.mov(kScratchA, imm(reinterpret_cast<u64>(site)));
  if (!last) return a_.call(imm(reinterpret_cast<u64>(c_.stubs.callout))), void();
  a_.push(imm(0));  // no CALL that has no RET
  a_.jmp(imm(reinterpret_cast<u64>(c_.stubs.callout)));
}

/// The block leads to higher addresses only: code that runs in circles comes by another block too,
/// which looks for signals.
bool Translator::leads_forward() const {
  const u64 end = truncate(rip_ + block_.bytes);
  if (is_terminator(c_.decoded.back())) {
    const Insn& last = block_.insns.back();
    const ZydisInstructionCategory c = c_.decoded.back().insn.meta.category;
    const bool branches =
        c == ZYDIS_CATEGORY_COND_BR || c == ZYDIS_CATEGORY_UNCOND_BR || c == ZYDIS_CATEGORY_CALL;
    if (!branches || c_.treatments.back() != Treatment::Emit || last.kinds[0] != Kind::Imm ||
        truncate(end + last.imm) <= rip_)
      return false;
  }
  return end > rip_;
}

/// Takes the block's instructions off the budget and looks for signals. When it is time to leave,
/// the rest of the block runs by its handlers: engines leave between blocks only. kScratchB is lost
/// on the way there, host flags are lost.
void Translator::poll() {
  release_flags();
  const asmjit::Label back = a_.newLabel();
  const Rest& rest = rests_.emplace_back(Rest{{a_.newLabel(), back, index_, {flags_, recipe_}},
                                              leads_forward() ? asmjit::Label() : a_.newLabel()});
  a_.sub(frame(offsetof(Frame, budget)), imm(block_.insns.size()));
  a_.jle(rest.cold.label);
  if (rest.filter.isValid()) {
    a_.cmp(x86::dword_ptr(kState, c_.signals), imm(0));
    a_.jne(rest.filter);
  }
  a_.bind(back);
  polled_ = true;
}

void Translator::emit_rest(const Rest& rest) {
  if (rest.filter.isValid()) {
    a_.bind(rest.filter);
    a_.mov(kScratchB.r32(), x86::dword_ptr(kState, c_.signals));
    a_.test(x86::dword_ptr(x86::rsp, offsetof(Frame, poll)), kScratchB.r32());
    a_.jz(rest.cold.back);
  }
  a_.bind(rest.cold.label);
  put_flags(rest.cold.before);
  call_handler(rest.cold.index, true, true);
}

}  // namespace ring3::jit
