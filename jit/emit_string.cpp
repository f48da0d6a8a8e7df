// SPDX-License-Identifier: MIT
// MOVS CMPS STOS LODS SCAS and their repetitions (SDM 2B "REP/REPE/REPZ/REPNE/REPNZ").
//
// A repetition runs the host's own instruction on host addresses, as many elements at a time as lie
// in one page of the source and of the destination, up to where core/string.cpp ends its slice;
// then the instruction runs again, so that the deadline and signals are looked at. What the probes
// refuse (MMIO, watched pages, elements across pages, faults) and DF = 1 go to the handler, with
// the registers as the iterations before left them.
#include <bit>
#include <cstddef>

#include "core/string_slice.h"
#include "jit/forms.h"
#include "jit/translator.h"

namespace ring3::jit {

using asmjit::imm;

namespace {

constexpr i32 kRflags = offsetof(CpuState, rflags);

void embed_string(x86::Assembler& a, const StringForm& form, u8 prefix) {
  u8 code[4];
  size_t n = 0;
  if (prefix) code[n++] = prefix;
  if (form.size == 2) code[n++] = 0x66;
  if (form.size == 8) code[n++] = 0x48;
  code[n++] = static_cast<u8>(form.opcode | (form.size != 1));
  a.embed(code, n);
}

}  // namespace

bool Translator::emit_string() {
  const StringForm form = string_form(d_);
  if (form.opcode == 0) return false;
  if (insn_->prefixes & (kRep | kRepne)) {
    emit_repeated(form);
  } else {
    emit_single(form);
  }
  return true;
}

/// kScratchA += the segment's base. Flags are lost.
void Translator::add_segment(u8 segment) {
  if (segment != kFs && segment != kGs) return;
  const size_t at =
      offsetof(CpuState, seg) + segment * sizeof(Segment) + offsetof(Segment, access_base);
  a_.add(kScratchA, state64(static_cast<i32>(at)));
}

/// kScratchA = the linear address in rSI or rDI.
void Translator::string_address(Gpr guest, u8 segment) {
  const x86::Gp r = x86::gpq(kHostOf[guest]);
  if (insn_->address_width == 8) {
    a_.mov(kScratchA, r);
  } else {
    a_.mov(kScratchA.r32(), r.r32());
  }
  add_segment(segment);
}

/// rSI or rDI = `from` + kScratchA elements. Flags are kept.
void Translator::advance(Gpr guest, unsigned size) {
  const x86::Gp r = x86::gpq(kHostOf[guest]);
  a_.mov(r, gpr_home(guest));
  const x86::Mem next = x86::ptr(r, kScratchA, static_cast<u32>(std::countr_zero(size)));
  a_.lea(of_size(r, insn_->address_width), next);
}

/// rSI or rDI += size. Flags are kept.
void Translator::step(Gpr guest, unsigned size) {
  const x86::Gp r = x86::gpq(kHostOf[guest]);
  a_.lea(of_size(r, insn_->address_width), x86::ptr(r, static_cast<i32>(size)));
}

void Translator::emit_single(const StringForm& form) {
  save_flags();
  string_address(form.source ? kRsi : kRdi, form.source ? insn_->segment : u8{kEs});
  const bool first_writes = form.writes && !form.source;
  const asmjit::Label cold = probe(first_writes ? Access::Write : Access::Read, form.size);
  a_.test(x86::byte_ptr(kState, kRflags + 1), imm(flag::DF >> 8));
  a_.jnz(cold);
  const x86::Gp value = of_size(kScratchB, form.size), rax = of_size(x86::rax, form.size);
  asmjit::Label cold_destination;
  const bool both = form.source && form.destination;
  if (both) {
    a_.mov(value, x86::ptr(kScratchA));
    a_.mov(frame(offsetof(Frame, scratch)), kScratchB);
    string_address(kRdi, kEs);
    cold_destination = probe(form.writes ? Access::Write : Access::Read, form.size);
    a_.mov(kScratchB, frame(offsetof(Frame, scratch)));
  }
  if (form.source) step(kRsi, form.size);
  if (form.destination) step(kRdi, form.size);
  flags_ = form.compares ? kHost : kFrame;
  if (form.compares) {
    a_.cmp(both ? value : rax, x86::ptr(kScratchA));
  } else if (form.writes) {
    a_.mov(x86::ptr(kScratchA), both ? value : rax);
  } else {
    a_.mov(rax, x86::ptr(kScratchA));
  }
  finish_cold(cold);
  if (both) finish_cold(cold_destination);
}

/// kScratchA = how many elements to run at once. rSI and rDI hold host addresses, rCX the count.
void Translator::chunk(const StringForm& form) {
  const x86::Gp a = kScratchA, b = kScratchB;
  // -4096 | address is minus the bytes left in the page.
  a_.mov(b, form.source ? x86::rsi : x86::rdi);
  a_.or_(b, imm(-i64{kPageSize}));
  if (form.source && form.destination) {
    a_.mov(a, x86::rdi);
    a_.or_(a, imm(-i64{kPageSize}));
    a_.cmp(b, a);
    a_.cmovl(b, a);
  }
  a_.neg(b);
  if (form.size > 1) a_.shr(b, imm(std::countr_zero(form.size)));
  a_.lea(a.r32(), x86::ptr(x86::rcx, -1));
  a_.and_(a.r32(), imm(kRepSlice - 1));
  a_.add(a.r32(), imm(1));
  a_.cmp(a.r32(), b.r32());
  a_.cmova(a.r32(), b.r32());
}

/// After the host's instruction: the guest's registers. Jumps to `finish` when it is done; the
/// comparison's flags go to the frame.
void Translator::after_chunk(const StringForm& form, asmjit::Label finish) {
  const x86::Gp rcx = of_size(x86::rcx, insn_->address_width);
  const x86::Gp done = of_size(kScratchA, insn_->address_width);
  if (form.compares) {  // without touching flags: done = chunk - rcx
    a_.not_(x86::rcx);
    a_.lea(kScratchA, x86::ptr(kScratchA, x86::rcx, 0, 1));
  }
  if (form.source) advance(kRsi, form.size);
  if (form.destination) advance(kRdi, form.size);
  a_.mov(x86::rcx, gpr_home(kRcx));
  if (!form.compares) {
    a_.sub(rcx, done);
    a_.jz(finish);
    return;
  }
  a_.not_(kScratchA);
  a_.lea(rcx, x86::ptr(x86::rcx, kScratchA, 0, 1));
  flags_ = kHost;
  save_flags();
  if (insn_->prefixes & kRepne) {
    a_.jz(finish);
  } else {
    a_.jnz(finish);
  }
  a_.test(rcx, rcx);
  a_.jz(finish);
}

void Translator::emit_repeated(const StringForm& form) {
  save_flags();
  const bool both = form.source && form.destination;
  const asmjit::Label next_chunk = a_.newLabel(), finish = a_.newLabel(), cold = cold_path(false);
  const x86::Gp rcx = of_size(x86::rcx, insn_->address_width);
  const Gpr first = form.source ? kRsi : kRdi;
  a_.test(rcx, rcx);
  a_.jz(finish);
  a_.test(x86::byte_ptr(kState, kRflags + 1), imm(flag::DF >> 8));
  a_.jnz(cold);
  a_.bind(next_chunk);
  string_address(first, form.source ? insn_->segment : u8{kEs});
  const bool first_writes = form.writes && !form.source;
  const asmjit::Label refused = probe(first_writes ? Access::Write : Access::Read, form.size);
  asmjit::Label refused_second;
  a_.mov(gpr_home(first), x86::gpq(kHostOf[first]));
  a_.mov(x86::gpq(kHostOf[first]), kScratchA);
  if (both) {
    string_address(kRdi, kEs);
    refused_second = probe(form.writes ? Access::Write : Access::Read, form.size);
    a_.mov(gpr_home(kRdi), x86::rdi);
    a_.mov(x86::rdi, kScratchA);
  }
  a_.mov(gpr_home(kRcx), x86::rcx);
  chunk(form);
  a_.mov(x86::ecx, kScratchA.r32());
  embed_string(a_, form, form.compares && (insn_->prefixes & kRepne) ? 0xF2 : 0xF3);
  after_chunk(form, finish);
  a_.test(x86::ecx, imm(kRepSlice - 1));
  a_.jnz(next_chunk);
  flags_ = kFrame;
  exit_to(at_);
  a_.bind(finish);
  flags_ = kFrame;
  exit_to(truncate(at_ + insn_->length));
  if (both) {
    a_.bind(refused_second);
    a_.mov(x86::gpq(kHostOf[first]), gpr_home(first));
  }
  a_.bind(refused);
  a_.jmp(cold);
}

}  // namespace ring3::jit
