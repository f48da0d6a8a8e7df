// SPDX-License-Identifier: MIT
// SSE, AVX, MMX and x87 instructions, as they are, on guest state that stands in the host's
// registers (residency.h). The x87 pointers (SDM 1 "x87 FPU Instruction and Data (Operand)
// Pointers") are written where they can be seen: at exits and callouts, not at each instruction.
#include <cstddef>

#include "core/simd_enable.h"
#include "jit/simd_treatment.h"
#include "jit/translator.h"

namespace ring3::jit {

using asmjit::imm;

namespace {

bool sets_pointers(const Insn& insn, const Stub* stub) {
  return stub && (stub->enable & kEnableX87) && insn.mnemonic != ZYDIS_MNEMONIC_FLDCW;
}

bool offered(const CpuModel& model, const Decoded& d, const Stub* stub) {
  if (stub) return has_feature(model, stub->feature);
  const IsaFeature f = feature_of(d.insn.meta.isa_set);
  return f.known && has_feature(model, f.feature);
}

}  // namespace

/// What the instructions from `index` to the next certain callout need. May be too much.
u8 Translator::needed_from(u32 index) const {
  u8 need = 0;
  for (; index < block_.insns.size(); ++index) {
    const Insn& insn = block_.insns[index];
    const u8 here = needed_residents(insn);
    const Row* row = find_row(static_cast<ZydisMnemonic>(insn.mnemonic));
    if (!here && (!row || row->treatment >= Treatment::Callout)) break;
    need |= here;
  }
  return need;
}

void Translator::call_loader(Resident kind) {
  const Stubs& s = c_.stubs;
  const u8* loader = kind == kXmm ? s.load_xmm : kind == kYmm ? s.load_ymm : s.load_x87;
  a_.call(imm(reinterpret_cast<u64>(loader)));
}

/// From here on all of `need` is resident, else the rest of the block is interpreted.
void Translator::make_resident(u8 need) {
  need |= needed_from(index_);
  if ((simd_.resident & need) == need) return;
  if (need & kYmm) need &= ~kXmm;  // comes with it
  release_flags();
  const asmjit::Label cold = a_.newLabel(), back = a_.newLabel();
  for (Resident kind : kResidents) {
    if (!(need & kind)) continue;
    a_.test(x86::byte_ptr(x86::rsp, offsetof(Frame, resident)), imm(kind));
    a_.jz(cold);
  }
  a_.bind(back);
  simd_.resident |= need & kYmm ? need | kXmm : need;
  cold_.push_back({.label = cold,
                   .back = back,
                   .index = index_,
                   .before = without_host(),
                   .returns = true,
                   .simd = simd_,
                   .loads = need});
}

/// After a cold path's handler: what its hot path has resident and still needs. The first copy of a
/// block that loops goes on in the second one, which takes it for resident from its start.
void Translator::reload_residents(const Cold& cold) {
  u8 need = needed_from(cold.index + 1);
  if (cold.loop || loop_entry_.isValid()) need |= needed_from(0);
  need &= cold.simd.resident;
  if (need & kYmm) need &= ~kXmm;
  load_or_interpret(need, cold.index + 1);
}

void Translator::load_or_interpret(u8 need, u32 index) {
  if (!need) return;
  const asmjit::Label rest = a_.newLabel(), done = a_.newLabel();
  for (Resident kind : kResidents) {
    if (!(need & kind)) continue;
    call_loader(kind);
    a_.jc(rest);
  }
  a_.jmp(done);
  a_.bind(rest);
  call_rest(index);
  a_.bind(done);
}

/// Does not come back.
void Translator::call_rest(u32 index) { call_handler(index, true, true); }

/// The frame names the last x87 instruction from here on.
void Translator::name_x87() {
  write_x87_pointers(simd_);
  simd_.x87_ran = false;
}

/// Outside long mode a pointer's upper half is the selector. kScratchB is lost.
void Translator::write_x87_selector(size_t pointer, u8 segment) {
  if (block_.key & kLongMode) return;
  const size_t at =
      offsetof(CpuState, seg) + segment * sizeof(Segment) + offsetof(Segment, selector);
  a_.movzx(kScratchB.r32(), x86::word_ptr(kState, static_cast<i32>(at)));
  a_.mov(x86::dword_ptr(x86::rsp, static_cast<i32>(pointer) + 4), kScratchB.r32());
}

/// Keeps flags. kScratchB is lost.
void Translator::write_x87_pointers(const SimdState& state) {
  if (!state.x87_ran) return;
  a_.mov(kScratchB, imm(state.fip));
  a_.mov(frame(offsetof(Frame, fip)), kScratchB);
  write_x87_selector(offsetof(Frame, fip), kCs);
  a_.mov(x86::dword_ptr(x86::rsp, offsetof(Frame, fop)), imm(state.fop));
}

/// kScratchB = the operand's offset in its segment. kScratchA stays, flags are lost.
void Translator::offset_beside_address() {
  const i32 disp = static_cast<i32>(insn_->disp);
  const bool base = insn_->base < 16, index = insn_->index < 16;
  if (insn_->base == CpuState::kRipSlot) {
    a_.mov(kScratchB, imm(at_ + insn_->length + static_cast<u64>(insn_->disp)));
  } else if (index) {
    a_.mov(kScratchB, guest_in(insn_->index, kScratchB));
    if (insn_->scale) a_.shl(kScratchB, imm(insn_->scale));
    if (base) add_guest(kScratchB, insn_->base);
    a_.lea(kScratchB, x86::ptr(kScratchB, disp));
  } else if (base) {
    a_.lea(kScratchB, x86::ptr(guest_in(insn_->base, kScratchB), disp));
  } else {
    a_.mov(kScratchB, imm(insn_->disp));
  }
  if (insn_->address_width == 4) a_.mov(kScratchB.r32(), kScratchB.r32());
}

/// After the operand's probe. kScratchB and flags are lost.
void Translator::write_x87_data_pointer() {
  offset_beside_address();
  a_.mov(frame(offsetof(Frame, fdp)), kScratchB);
  write_x87_selector(offsetof(Frame, fdp), insn_->segment);
}

/// LDMXCSR and FLDCW: what unmasks an exception or raises #GP goes the slow way, with all that
/// follows in the block.
void Translator::emit_load_control(u32 must_be_set, u32 must_be_clear) {
  const bool word = insn_->mnemonic == ZYDIS_MNEMONIC_FLDCW;
  save_flags();
  effective_address(*memory_operand(d_));
  const asmjit::Label cold = probe(Access::Read, word ? 2 : 4);
  if (word)
    a_.movzx(kScratchB.r32(), x86::word_ptr(kScratchA));
  else
    a_.mov(kScratchB.r32(), x86::dword_ptr(kScratchA));
  a_.xor_(kScratchB.r32(), imm(must_be_set));
  a_.test(kScratchB.r32(), imm(must_be_set | must_be_clear));
  a_.jnz(cold);
  word ? a_.fldcw(x86::word_ptr(kScratchA)) : a_.ldmxcsr(x86::dword_ptr(kScratchA));
  flags_ = kFrame;
  cold_.push_back({.label = cold,
                   .back = {},
                   .index = index_,
                   .flags_after = kFrame,
                   .simd = simd_,
                   .rest = true,
                   .steady = in_steady_});
}

/// The instruction with its memory operand at [kScratchA].
void Translator::copy_simd_memory(const HostCode& code, const std::array<u8, 16>& places) {
  const ZydisDecodedOperand& op = *memory_operand(d_);
  const Stub* stub = host_stub(*insn_);
  const FlagUse use = flag_use(d_);
  by_delta_ = adds_itself();
  const bool calm = finds_calmly() && !sets_pointers(*insn_, stub);
  make_way(use, calm);
  const bool write = op.actions & ZYDIS_OPERAND_ACTION_MASK_WRITE;
  const asmjit::Label cold = find({.access = write ? Access::Write : Access::Read,
                                   .size = op.size / 8u,
                                   .align_mask = stub ? stub->align_mask : 0u})
                                 .cold;
  if (sets_pointers(*insn_, stub)) write_x87_data_pointer();
  if (use.reads && !calm) need_flags(~u32{0}, kScratchB);
  load_places(places);
  a_.embed(code.bytes, code.length);
  store_places(places);
  note_flags(use);
  finish_cold(cold);
}

void Translator::copy_simd_registers(const HostCode& code, const std::array<u8, 16>& places) {
  const FlagUse use = flag_use(d_);
  ready_flags(use);
  load_places(places);
  a_.embed(code.bytes, code.length);
  store_places(places);
  note_flags(use);
}

/// False, with nothing emitted but loads: the instruction has to be called out.
bool Translator::copy_simd(bool memory) {
  const u16 m = insn_->mnemonic;
  if (is_prefetch(m)) return true;
  const Stub* stub = host_stub(*insn_);
  if (!offered(c_.cpu.model, d_, stub)) return false;
  std::array<u8, 16> places;
  std::copy(std::begin(kHostOf), std::end(kHostOf), places.begin());
  if (!place_spilled(places, memory)) return false;
  const bool itself = memory && adds_itself();
  const HostCode code = reencode(d_, places, memory,
                                 itself   ? own_address()
                                 : memory ? host_address()
                                          : HostAddress{});
  if (code.length == 0) return false;
  if (const u8 need = needed_residents(*insn_)) make_resident(need);
  if (m == ZYDIS_MNEMONIC_LDMXCSR || m == ZYDIS_MNEMONIC_VLDMXCSR)
    emit_load_control(0x1F80, ~fpu::kMxcsrMask);
  else if (m == ZYDIS_MNEMONIC_FLDCW)
    emit_load_control(0x3F, 0);
  else if (memory)
    copy_simd_memory(code, places);
  else if (m != ZYDIS_MNEMONIC_FWAIT)  // resident: nothing can be pending
    copy_simd_registers(code, places);
  if (sets_pointers(*insn_, stub))
    simd_ = {simd_.resident, true, static_cast<u16>(insn_->imm2 & 0x7FF), at_};
  return true;
}

}  // namespace ring3::jit
