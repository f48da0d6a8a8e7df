// SPDX-License-Identifier: MIT
#include "jit/foresight.h"

#include "core/debug.h"
#include "jit/forms.h"
#include "jit/residency.h"
#include "jit/treatment.h"

namespace ring3::jit {
namespace {

/// Writes its memory operand whatever the values are, and does nothing else before that may fault.
bool always_writes(ZydisMnemonic m) {
  switch (m) {
    case ZYDIS_MNEMONIC_MOV:
    case ZYDIS_MNEMONIC_ADD:
    case ZYDIS_MNEMONIC_ADC:
    case ZYDIS_MNEMONIC_SUB:
    case ZYDIS_MNEMONIC_SBB:
    case ZYDIS_MNEMONIC_AND:
    case ZYDIS_MNEMONIC_OR:
    case ZYDIS_MNEMONIC_XOR:
    case ZYDIS_MNEMONIC_INC:
    case ZYDIS_MNEMONIC_DEC:
    case ZYDIS_MNEMONIC_NEG:
    case ZYDIS_MNEMONIC_NOT:
    case ZYDIS_MNEMONIC_XCHG:
    case ZYDIS_MNEMONIC_XADD:
      return true;
    default:
      return false;
  }
}

Foresight of_operand(const Decoded& d, const Insn& insn) {
  const ZydisDecodedOperand* op = memory_operand(d);
  if (!op || op->size == 0 || op->size > 8 * sizeof(u64) || is_bit_string(d)) return {};
  // Moffs forms have their address elsewhere.
  if (d.insn.mnemonic == ZYDIS_MNEMONIC_MOV && (insn.opcode & 0xFC) == 0xA0) return {};
  const bool write = op->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE;
  if (write && !always_writes(d.insn.mnemonic)) return {};
  return {.kind = Foresight::Operand,
          .access = write ? Access::Write : Access::Read,
          .size = static_cast<u8>(op->size / 8)};
}

Foresight of_vector(const Stub& stub) {
  if (!(stub.enable & (kEnableSse | kEnableAvx)) || stub.whole_image || stub.mem_bytes == 0)
    return {};
  return {.kind = Foresight::Operand,
          .access = stub.mem_read ? Access::Read : Access::Write,
          .size = static_cast<u8>(stub.mem_bytes),
          .align_mask = static_cast<u8>(stub.align_mask)};
}

Foresight of_stack(const Decoded& d, const Insn& insn) {
  const u8 size = insn.operand_width;
  const bool memory = insn.kinds[0] == Kind::Mem;
  switch (d.insn.mnemonic) {
    case ZYDIS_MNEMONIC_JMP:
      return memory ? of_operand(d, insn) : Foresight{};
    case ZYDIS_MNEMONIC_CALL:
      // The target in a register is checked before the push.
      if (insn.kinds[0] == Kind::Reg) return {};
      [[fallthrough]];
    case ZYDIS_MNEMONIC_PUSH:
      if (memory) return of_operand(d, insn);
      return {.kind = Foresight::Push, .access = Access::Write, .size = size};
    case ZYDIS_MNEMONIC_POP:
      if (memory) return {};
      [[fallthrough]];
    case ZYDIS_MNEMONIC_RET:
      return {.kind = Foresight::Pop, .access = Access::Read, .size = size};
    case ZYDIS_MNEMONIC_LEAVE:
      return {.kind = Foresight::Frame, .access = Access::Read, .size = size};
    default:
      return {};
  }
}

enum class Outlook : u8 { Clear, Faults, Unknown };

u64 linear_of(const CpuState& s, Seg seg, u64 offset) {
  return (s.seg[seg].access_base + offset) & s.linear_mask;
}

/// One access inside a page that no other fault comes before.
Outlook look_ahead(Cpu& cpu, Seg seg, u64 offset, const Foresight& f, Access access, Fault& fault) {
  const CpuState& s = cpu.state;
  const Segment& segment = s.seg[seg];
  if (!(access == Access::Write ? segment.flat_write : segment.flat_read)) return Outlook::Unknown;
  const u64 linear = linear_of(s, seg, offset);
  if ((linear & kPageMask) + f.size > kPageSize || (linear & f.align_mask) != 0)
    return Outlook::Unknown;
  if (!cpu.canonical(linear) || alignment_checked(s)) return Outlook::Unknown;
  const View view = cpu.data_view();
  if (cpu.mmu.knows({linear}, access, view)) return Outlook::Clear;
  const Translation t = cpu.mmu.translate({linear}, access, view);
  if (t.ok) return Outlook::Clear;
  fault = PF({linear}, t.error);
  return Outlook::Faults;
}

/// The read of a string instruction, which a device would see before the write's fault: clear only
/// where it is one of memory.
Outlook look_at_source(Cpu& cpu, const Insn& insn, u64 offset, const Foresight& f, Fault& fault) {
  const Seg seg = static_cast<Seg>(insn.segment);
  const Outlook outlook = look_ahead(cpu, seg, offset, f, Access::Read, fault);
  if (outlook != Outlook::Clear) return outlook;
  const u64 linear = linear_of(cpu.state, seg, offset);
  return cpu.mmu.probe_read(linear, f.size, cpu.data_view()) ? Outlook::Clear : Outlook::Unknown;
}

bool string_faults(Cpu& cpu, const Insn& insn, const Foresight& f, Fault& fault) {
  const u64 mask = low_mask(insn.address_width * 8);
  const u64* const gpr = cpu.state.gpr;
  if ((insn.prefixes & (kRep | kRepne)) && (gpr[kRcx] & mask) == 0) return false;
  Outlook outlook = Outlook::Clear;
  if (f.kind != Foresight::Destination)
    outlook = look_at_source(cpu, insn, gpr[kRsi] & mask, f, fault);
  if (f.kind != Foresight::Source && outlook == Outlook::Clear)
    outlook = look_ahead(cpu, kEs, gpr[kRdi] & mask, f, f.access, fault);
  return outlook == Outlook::Faults;
}

}  // namespace

Foresight foresight_of(const Decoded& d, const Insn& insn, Treatment treatment, bool cold) {
  if (!cold) return {};
  if (const StringForm form = string_form(d); form.opcode != 0)
    return {.kind = !form.source       ? Foresight::Destination
                    : form.destination ? Foresight::Strings
                                       : Foresight::Source,
            .access = form.writes ? Access::Write : Access::Read,
            .size = form.size};
  if (const Stub* stub = host_stub(insn)) return of_vector(*stub);
  if (needed_residents(insn) != 0) return {};
  if (treatment == Treatment::CopyMem) return of_operand(d, insn);
  return treatment == Treatment::Emit ? of_stack(d, insn) : Foresight{};
}

bool page_fault_ahead(Cpu& cpu, const Insn& insn, const Foresight& f, Fault& fault) {
  const CpuState& s = cpu.state;
  const auto faults = [&](Seg seg, u64 offset) {
    return look_ahead(cpu, seg, offset, f, f.access, fault) == Outlook::Faults;
  };
  const u64 stack_mask = low_mask(s.stack_bytes * 8);
  switch (f.kind) {
    case Foresight::None:
      return false;
    case Foresight::Operand:
      return faults(static_cast<Seg>(insn.segment), cpu.effective_address(insn));
    case Foresight::Push:
      return faults(kSs, (s.gpr[kRsp] - f.size) & stack_mask);
    case Foresight::Pop:
      return faults(kSs, s.gpr[kRsp] & stack_mask);
    case Foresight::Frame:
      return faults(kSs, s.gpr[kRbp] & stack_mask);
    case Foresight::Source:
    case Foresight::Destination:
    case Foresight::Strings:
      return string_faults(cpu, insn, f, fault);
  }
  return false;
}

}  // namespace ring3::jit
