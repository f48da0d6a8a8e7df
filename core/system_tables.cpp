// SPDX-License-Identifier: MIT
// Descriptor-table registers, task register and machine status word: LGDT, LIDT, LLDT, LTR, SGDT,
// SIDT, SLDT, STR, SMSW, LMSW (SDM 2A, 2B).
#include "core/operands.h"
#include "core/system.h"
#include "core/system_ops.h"

namespace ring3 {

namespace {

void require_cpl0(const Cpu& cpu) { require(cpu.state.cpl == 0, GP(u16{0})); }

// CR4.UMIP: these are #GP(0) outside CPL 0.
void check_umip(const Cpu& cpu) {
  require(!(cpu.state.cr4 & cr4::UMIP) || cpu.state.cpl == 0, GP(u16{0}));
}

u64 second_part(const Cpu& cpu, const Insn& i) {
  return (cpu.effective_address(i) + 2) & low_mask(i.address_width * 8u);
}

void load_table(Cpu& cpu, const Insn& i, TableRegister& table) {
  cpu.exits.add(ExitReason::GdtrIdtr);
  require(i.kinds[0] == Kind::Mem, UD());
  require_cpl0(cpu);
  const Seg seg = static_cast<Seg>(i.segment);
  const u16 limit = read_mem<u16>(cpu, i);
  u64 base;
  if (cpu.state.long64()) {
    base = cpu.read<u64>(seg, second_part(cpu, i));
    require(cpu.canonical(base), GP(u16{0}));
  } else {
    base = cpu.read<u32>(seg, second_part(cpu, i));
    if (i.operand_width == 2) base &= 0xFFFFFF;  // 24 bits, as on the 286
  }
  table = {base, limit};
}

void store_table(Cpu& cpu, const Insn& i, const TableRegister& table) {
  cpu.exits.add(ExitReason::GdtrIdtr);
  require(i.kinds[0] == Kind::Mem, UD());
  check_umip(cpu);
  const Seg seg = static_cast<Seg>(i.segment);
  const unsigned size = cpu.state.long64() ? 8 : 4;
  cpu.probe_write(seg, cpu.effective_address(i), sizeof table.limit);
  cpu.probe_write(seg, second_part(cpu, i), size);
  write_mem<u16>(cpu, i, table.limit);
  if (size == 8) return cpu.write<u64>(seg, second_part(cpu, i), table.base);
  cpu.write<u32>(seg, second_part(cpu, i), static_cast<u32>(table.base));
}

u16 word_operand(Cpu& cpu, const Insn& i) {
  return i.kinds[0] == Kind::Mem ? read_mem<u16>(cpu, i) : cpu.reg<u16>(i.dst);
}

// Memory gets 16 bits; a register of 32 or 64 bits gets all of `value`.
void store_word(Cpu& cpu, const Insn& i, u64 value) {
  if (i.kinds[0] == Kind::Mem) return write_mem<u16>(cpu, i, static_cast<u16>(value));
  switch (i.width) {
    case 2:
      return cpu.set_reg<u16>(i.dst, static_cast<u16>(value));
    case 4:
      return cpu.set_reg<u32>(i.dst, static_cast<u32>(value));
    default:
      return cpu.set_reg<u64>(i.dst, value);
  }
}

}  // namespace

void lgdt(Cpu& cpu, const Insn& i) { load_table(cpu, i, cpu.state.gdtr); }
void lidt(Cpu& cpu, const Insn& i) { load_table(cpu, i, cpu.state.idtr); }
void sgdt(Cpu& cpu, const Insn& i) { store_table(cpu, i, cpu.state.gdtr); }
void sidt(Cpu& cpu, const Insn& i) { store_table(cpu, i, cpu.state.idtr); }

void lldt(Cpu& cpu, const Insn& i) {
  cpu.exits.add(ExitReason::LdtrTr);
  require(cpu.state.protected_mode(), UD());
  require_cpl0(cpu);
  load_ldt(cpu, {word_operand(cpu, i)});
}

void ltr(Cpu& cpu, const Insn& i) {
  cpu.exits.add(ExitReason::LdtrTr);
  require(cpu.state.protected_mode(), UD());
  require_cpl0(cpu);
  load_tr(cpu, {word_operand(cpu, i)});
}

void sldt(Cpu& cpu, const Insn& i) {
  cpu.exits.add(ExitReason::LdtrTr);
  require(cpu.state.protected_mode(), UD());
  check_umip(cpu);
  store_word(cpu, i, cpu.state.seg[kLdtr].selector);
}

void str(Cpu& cpu, const Insn& i) {
  cpu.exits.add(ExitReason::LdtrTr);
  require(cpu.state.protected_mode(), UD());
  check_umip(cpu);
  store_word(cpu, i, cpu.state.seg[kTr].selector);
}

void smsw(Cpu& cpu, const Insn& i) {
  cpu.exits.add(ExitReason::CrAccess);
  check_umip(cpu);
  store_word(cpu, i, cpu.state.cr0);
}

// PE, MP, EM and TS; PE may be set but not cleared.
void lmsw(Cpu& cpu, const Insn& i) {
  cpu.exits.add(ExitReason::CrAccess);
  require_cpl0(cpu);
  const u64 old = cpu.state.cr0;
  const u64 value = word_operand(cpu, i) & 15u;
  write_cr0(cpu, (old & ~u64{14}) | value);
}

}  // namespace ring3
