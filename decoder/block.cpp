// SPDX-License-Identifier: MIT
#include "decoder/block.h"

#include <algorithm>
#include <array>

namespace ring3 {
namespace {

bool is_system_move(const Decoded& d) {
  if (d.insn.mnemonic != ZYDIS_MNEMONIC_MOV && d.insn.mnemonic != ZYDIS_MNEMONIC_POP) return false;
  if (d.operands[0].type != ZYDIS_OPERAND_TYPE_REGISTER) return false;
  switch (ZydisRegisterGetClass(d.operands[0].reg.value)) {
    case ZYDIS_REGCLASS_SEGMENT:
    case ZYDIS_REGCLASS_CONTROL:
    case ZYDIS_REGCLASS_DEBUG:
      return true;
    default:
      return false;
  }
}

bool is_repeated_string(const Decoded& d) {
  constexpr u64 kAnyRep = ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE | ZYDIS_ATTRIB_HAS_REPNE;
  return d.insn.attributes & kAnyRep;
}

/// May set IF or TF.
bool is_flags_load(const Decoded& d) {
  const ZydisMnemonic m = d.insn.mnemonic;
  return m == ZYDIS_MNEMONIC_POPF || m == ZYDIS_MNEMONIC_POPFD || m == ZYDIS_MNEMONIC_POPFQ;
}

/// Interrupts wait until the instruction after STI has run: it stands in STI's block and ends it.
bool joins(std::span<const Decoded> decoded) {
  const size_t count = decoded.size();
  return count >= 2 && decoded[count - 2].insn.mnemonic == ZYDIS_MNEMONIC_STI;
}

/// May raise a fault, after which a handler sees the flags.
bool can_fault(const Decoded& d) {
  for (unsigned n = 0; n < d.insn.operand_count; ++n)
    if (d.operands[n].type == ZYDIS_OPERAND_TYPE_MEMORY &&
        d.operands[n].mem.type != ZYDIS_MEMOP_TYPE_AGEN)
      return true;
  const Row* row = find_row(d.insn.mnemonic);
  if (!row || row->treatment != Treatment::Copy) return true;
  return row->family == Family::muldiv || row->family >= Family::io;
}

constexpr u32 kArithFlags = ZYDIS_CPUFLAG_CF | ZYDIS_CPUFLAG_PF | ZYDIS_CPUFLAG_AF |
                            ZYDIS_CPUFLAG_ZF | ZYDIS_CPUFLAG_SF | ZYDIS_CPUFLAG_OF;

void undefined_first(Block& block, Binder binder, u8 length) {
  Decoded nothing{};
  nothing.insn.length = length;
  Insn& insn = block.insns.make(1).front() = {};
  binder(insn, nothing);
  block.bytes = 1;
}

}  // namespace

bool is_jcc(u16 mnemonic) {
  switch (mnemonic) {
    case ZYDIS_MNEMONIC_JB:
    case ZYDIS_MNEMONIC_JBE:
    case ZYDIS_MNEMONIC_JL:
    case ZYDIS_MNEMONIC_JLE:
    case ZYDIS_MNEMONIC_JNB:
    case ZYDIS_MNEMONIC_JNBE:
    case ZYDIS_MNEMONIC_JNL:
    case ZYDIS_MNEMONIC_JNLE:
    case ZYDIS_MNEMONIC_JNO:
    case ZYDIS_MNEMONIC_JNP:
    case ZYDIS_MNEMONIC_JNS:
    case ZYDIS_MNEMONIC_JNZ:
    case ZYDIS_MNEMONIC_JO:
    case ZYDIS_MNEMONIC_JP:
    case ZYDIS_MNEMONIC_JS:
    case ZYDIS_MNEMONIC_JZ:
      return true;
    default:
      return false;
  }
}

size_t Block::basic_end(size_t from) const {
  if (!extended) return insns.size();
  while (from < insns.size() && !is_jcc(insns[from].mnemonic)) ++from;
  return std::min(from + 1, insns.size());
}

bool is_terminator(const Decoded& d) {
  if (d.insn.meta.branch_type != ZYDIS_BRANCH_TYPE_NONE) return true;
  const Row* row = find_row(d.insn.mnemonic);
  if (!row || row->treatment == Treatment::CalloutEnd) return true;
  return is_system_move(d) || is_repeated_string(d) || is_flags_load(d);
}

void mark_dead_flags(std::span<const Decoded> decoded, std::span<Insn> insns) {
  u32 live = kArithFlags;
  for (size_t n = insns.size(); n-- > 0;) {
    const ZydisAccessedFlags* f = decoded[n].insn.cpu_flags;
    const u32 written = f ? (f->modified | f->set_0 | f->set_1 | f->undefined) & kArithFlags : 0;
    insns[n].flags_dead = written != 0 && (written & live) == 0;
    if (can_fault(decoded[n])) live = kArithFlags;
    // A shift by 0 leaves all flags: it does not kill those before it.
    const Row* row = find_row(decoded[n].insn.mnemonic);
    const bool certain = row && row->family != Family::shift;
    if (certain && !can_fault(decoded[n])) live &= ~written;
    if (f) live |= f->tested & kArithFlags;
  }
}

ScanEnd scan(const Decoder& decoder, BlockMode mode, std::span<const u8> bytes, Binder binder,
             Block& block, size_t max_insns) {
  std::array<Decoded, kMaxBlockInsns> decoded;  // not initialized: each takes a kilobyte
  size_t count = 0, offset = 0;
  ScanEnd end = ScanEnd::Full;
  while (count < std::min(max_insns, kMaxBlockInsns)) {
    Decoded& d = decoded[count];
    const DecodeStatus status = decoder.decode(mode.code_size, bytes.subspan(offset), d);
    if (status == DecodeStatus::Truncated) {
      end = ScanEnd::PageEnd;
      break;
    }
    if (status != DecodeStatus::Ok) {
      if (count == 0) undefined_first(block, binder, status == DecodeStatus::TooLong ? 16 : 0);
      end = ScanEnd::Invalid;
      break;
    }
    offset += d.insn.length;
    ++count;
    if (joins({decoded.data(), count}) || is_terminator(d)) {
      end = ScanEnd::Terminator;
      break;
    }
    if (offset == bytes.size()) {
      end = ScanEnd::PageEnd;
      break;
    }
  }
  if (count == 0) return end;
  block.bytes = static_cast<u16>(offset);
  const std::span<const Decoded> all{decoded.data(), count};
  const std::span<Insn> insns = block.insns.make(count);
  for (size_t n = 0; n < count; ++n) Decoder::lower(all[n], insns[n]);
  if (joins(all)) insns[count - 2].joined = 1;
  mark_dead_flags(all, insns);
  for (size_t n = 0; n < count; ++n) binder(insns[n], all[n]);
  return end;
}

}  // namespace ring3
