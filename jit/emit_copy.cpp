// SPDX-License-Identifier: MIT
// Copy and CopyMem: the guest's instruction on host registers, its memory operand behind a probe.
#include "jit/reencode.h"
#include "jit/translator.h"

namespace ring3::jit {
namespace {

bool keeps_old_value(const Decoded& d, const ZydisDecodedOperand& op) {
  if (op.actions & ZYDIS_OPERAND_ACTION_READ) return true;
  if (op.size < 32) return true;
  switch (d.insn.mnemonic) {
    case ZYDIS_MNEMONIC_MOV:
    case ZYDIS_MNEMONIC_MOVZX:
    case ZYDIS_MNEMONIC_MOVSX:
    case ZYDIS_MNEMONIC_MOVSXD:
    case ZYDIS_MNEMONIC_LEA:
      return false;
    default:
      return true;
  }
}

bool is_nop(ZydisMnemonic m) {
  return m == ZYDIS_MNEMONIC_NOP || m == ZYDIS_MNEMONIC_ENDBR32 || m == ZYDIS_MNEMONIC_ENDBR64;
}

}  // namespace

/// Gives scratch registers to the operands that stand in CpuState. False: there are too few.
bool Translator::place_spilled(std::array<u8, 16>& places, bool memory, const Decoded& d) const {
  const u8 scratch[] = {static_cast<u8>(kScratchB.id()), static_cast<u8>(kScratchA.id())};
  unsigned used = 0;
  const unsigned available = memory ? 1 : 2;
  const auto place = [&](ZydisRegister reg) {
    const u8 guest = guest_register(reg);
    if (guest == kNoGuest || places[guest] != kSpilled) return true;
    if (used == available) return false;
    places[guest] = scratch[used++];
    return true;
  };
  for (unsigned n = 0; n < d.insn.operand_count_visible; ++n) {
    const ZydisDecodedOperand& op = d.operands[n];
    if (op.type == ZYDIS_OPERAND_TYPE_REGISTER && !place(op.reg.value)) return false;
    if (memory || op.type != ZYDIS_OPERAND_TYPE_MEMORY) continue;
    if (!place(op.mem.base) || !place(op.mem.index)) return false;
  }
  return true;
}

void Translator::load_places(const std::array<u8, 16>& places, const Decoded& d) {
  for (u8 guest = 0; guest < 16; ++guest) {
    if (kHostOf[guest] != kSpilled || places[guest] == kSpilled) continue;
    bool needed = false;
    for (unsigned n = 0; n < d.insn.operand_count_visible; ++n) {
      const ZydisDecodedOperand& op = d.operands[n];
      if (op.type == ZYDIS_OPERAND_TYPE_REGISTER && guest_register(op.reg.value) == guest)
        needed |= keeps_old_value(d, op);
      if (op.type == ZYDIS_OPERAND_TYPE_MEMORY)
        needed |= guest_register(op.mem.base) == guest || guest_register(op.mem.index) == guest;
    }
    if (needed) a_.mov(x86::gpq(places[guest]), gpr_home(guest));
  }
}

void Translator::store_places(const std::array<u8, 16>& places) {
  for (u8 guest = 0; guest < 16; ++guest) {
    if (kHostOf[guest] != kSpilled || places[guest] == kSpilled) continue;
    bool written = false;
    for (unsigned n = 0; n < d_.insn.operand_count_visible; ++n) {
      const ZydisDecodedOperand& op = d_.operands[n];
      written |= op.type == ZYDIS_OPERAND_TYPE_REGISTER && guest_register(op.reg.value) == guest &&
                 (op.actions & ZYDIS_OPERAND_ACTION_MASK_WRITE);
    }
    if (written) a_.mov(gpr_home(guest), x86::gpq(places[guest]));
  }
}

/// The one guest register among the operands that stands in CpuState, or kNoGuest.
u8 Translator::only_spilled() const {
  u8 only = kNoGuest;
  for (unsigned n = 0; n < d_.insn.operand_count_visible; ++n) {
    const ZydisDecodedOperand& op = d_.operands[n];
    if (op.type != ZYDIS_OPERAND_TYPE_REGISTER) continue;
    const u8 guest = guest_register(op.reg.value);
    if (guest == kNoGuest || kHostOf[guest] != kSpilled) continue;
    if (only != kNoGuest) return kNoGuest;
    only = guest;
  }
  return only;
}

/// Register operands only, one of them where it stands in CpuState. False: not this way.
bool Translator::copy_at_home() {
  const u8 guest = only_spilled();
  if (guest == kNoGuest) return false;
  std::array<u8, 16> places;
  std::copy(std::begin(kHostOf), std::end(kHostOf), places.begin());
  const HostCode code = reencode_at_home(d_, places, guest);
  if (code.length == 0) return false;
  const FlagUse use = use_of_flags();
  ready_flags(use);
  const bool ahead = keep_ahead(recipe_of(index_));
  a_.embed(code.bytes, code.length);
  note_flags(use);
  if (ahead) flags_ |= kFrame;
  return true;
}

/// LEA: the same addition, with registers that stand in memory loaded first.
bool Translator::copy_lea() {
  const unsigned guest = insn_->dst / 8;
  const bool spilled = kHostOf[guest] == kSpilled;
  const bool wide = insn_->width == 8 && insn_->address_width == 8;
  if (insn_->width == 2) {
    address_in_segment(kScratchA.r32());
    if (spilled) {
      a_.mov(x86::word_ptr(kState, static_cast<i32>(8 * guest)), kScratchA.r16());
    } else {
      a_.mov(x86::gpw(kHostOf[guest]), kScratchA.r16());
    }
    return true;
  }
  const x86::Gp to = spilled ? kScratchA : x86::gpq(kHostOf[guest]);
  address_in_segment(wide ? to : x86::Gp(to.r32()));
  if (spilled) a_.mov(gpr_home(guest), to);
  return true;
}

/// The host's flags are as the instruction wants them.
void Translator::run_calmly(const HostCode& code, const std::array<u8, 16>& places,
                            const FlagUse& use) {
  const bool ahead = keep_ahead(recipe_of(index_));
  load_places(places);
  a_.embed(code.bytes, code.length);
  store_places(places);
  note_flags(use);
  if (ahead) flags_ |= kFrame;
}

/// The same behind a probe. kScratchB is lost.
void Translator::run_code(const HostCode& code, const std::array<u8, 16>& places,
                          const FlagUse& use) {
  if (use.reads) need_flags(use.writes ? ~u32{0} : tested_flags(d_), kScratchB);
  run_calmly(code, places, use);
}

/// False, with nothing emitted: the instruction has to be called out.
bool Translator::copy(bool memory) {
  if (is_nop(d_.insn.mnemonic)) return true;
  if (d_.insn.mnemonic == ZYDIS_MNEMONIC_LEA) return copy_lea();
  if (memory ? copy_kept() || copy_in_range() : copy_at_home()) return true;
  std::array<u8, 16> places;
  std::copy(std::begin(kHostOf), std::end(kHostOf), places.begin());
  if (!place_spilled(places, memory)) return false;
  const bool itself = memory && adds_itself();
  const HostCode code = reencode(d_, places, memory,
                                 itself   ? own_address()
                                 : memory ? host_address()
                                          : HostAddress{});
  if (code.length == 0) return false;
  const FlagUse use = use_of_flags();
  asmjit::Label cold;
  if (memory) {
    const ZydisDecodedOperand& op = *memory_operand(d_);
    if (op.size == 0 || op.size > 128) return false;
    const bool calm = finds_calmly();
    make_way(use, calm);
    const bool write = op.actions & ZYDIS_OPERAND_ACTION_MASK_WRITE;
    by_delta_ = itself;
    cold = find({.access = write ? Access::Write : Access::Read,
                 .size = op.size / 8u,
                 .align_mask = wants_alignment(d_) ? op.size / 8u - 1 : 0})
               .cold;
    if (calm) {
      run_calmly(code, places, use);
    } else {
      run_code(code, places, use);
    }
    finish_cold(cold);
  } else {
    ready_flags(use);
    run_calmly(code, places, use);
  }
  return true;
}

}  // namespace ring3::jit
