// SPDX-License-Identifier: MIT
// MOV to and from CRn and DRn (SDM 2B "MOV - Move to/from Control Registers", "... Debug
// Registers").
#include "core/system_moves.h"

#include "core/debug.h"
#include "core/system.h"

namespace ring3 {

namespace {

u64 source(const Cpu& cpu, const Insn& i) {
  return cpu.state.long64() ? cpu.reg<u64>(i.src) : cpu.reg<u32>(i.src);
}

void set_destination(Cpu& cpu, const Insn& i, u64 value) {
  if (cpu.state.long64()) {
    cpu.set_reg<u64>(i.dst, value);
  } else {
    cpu.set_reg<u32>(i.dst, static_cast<u32>(value));
  }
}

void write_cr8(Cpu& cpu, u64 value) {
  require((value & ~u64{15}) == 0, GP(u16{0}));
  cpu.state.cr8 = value;
  if (cpu.apic) cpu.apic->set_task_priority(static_cast<u8>(value));
}

u64 read_cr8(const Cpu& cpu) { return cpu.apic ? cpu.apic->task_priority() : cpu.state.cr8; }

// DR4 and DR5 are DR6 and DR7 unless CR4.DE = 1, then #UD. General detect comes before CPL.
unsigned debug_register(const Cpu& cpu, unsigned number) {
  require(number < 8, UD());
  if (number == 4 || number == 5) {
    require(!(cpu.state.cr4 & cr4::DE), UD());
    number += 2;
  }
  require(cpu.state.cpl == 0, GP(u16{0}));
  require(!(cpu.state.dr[7] & dr7::GD), DB(dr6::BD));
  return number;
}

}  // namespace

void mov_to_cr(Cpu& cpu, const Insn& i) {
  cpu.exits.add(ExitReason::CrAccess);
  require(cpu.state.cpl == 0, GP(u16{0}));
  const u64 value = source(cpu, i);
  switch (i.dst) {
    case 0:
      return write_cr0(cpu, value);
    case 2:
      cpu.state.cr2 = value;
      return;
    case 3:
      return write_cr3(cpu, value);
    case 4:
      return write_cr4(cpu, value);
    case 8:
      return write_cr8(cpu, value);
    default:
      raise(UD());
  }
}

void mov_from_cr(Cpu& cpu, const Insn& i) {
  cpu.exits.add(ExitReason::CrAccess);
  require(cpu.state.cpl == 0, GP(u16{0}));
  switch (i.src) {
    case 0:
      return set_destination(cpu, i, cpu.state.cr0);
    case 2:
      return set_destination(cpu, i, cpu.state.cr2);
    case 3:
      return set_destination(cpu, i, cpu.state.cr3);
    case 4:
      return set_destination(cpu, i, cpu.state.cr4);
    case 8:
      return set_destination(cpu, i, read_cr8(cpu));
    default:
      raise(UD());
  }
}

void mov_to_dr(Cpu& cpu, const Insn& i) {
  cpu.exits.add(ExitReason::DrAccess);
  const unsigned number = debug_register(cpu, i.dst);
  const u64 value = source(cpu, i);
  if (number >= 6) require(value >> 32 == 0, GP(u16{0}));
  if (number < 4) {
    cpu.state.dr[number] = value;
  } else if (number == 6) {
    cpu.state.dr[6] = (value & 0xE00F) | dr6::kFixed;
  } else {
    cpu.state.dr[7] = (value & dr7::kWritable) | dr7::kFixed;
  }
  cpu.update_flags_mode();
}

void mov_from_dr(Cpu& cpu, const Insn& i) {
  cpu.exits.add(ExitReason::DrAccess);
  set_destination(cpu, i, cpu.state.dr[debug_register(cpu, i.src)]);
}

}  // namespace ring3
