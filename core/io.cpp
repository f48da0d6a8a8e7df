// SPDX-License-Identifier: MIT
// IN, OUT, INS, OUTS (SDM 2A, 2B). A repeated INS or OUTS runs in slices: rip stays at it until rCX
// is 0, so that interrupts are taken in between.
#include "core/debug.h"
#include "core/handlers.h"
#include "core/system.h"

namespace ring3 {

namespace {

constexpr unsigned kSlice = 1024;

u32 port_in(Cpu& cpu, u16 port, unsigned size) {
  const u32 value = cpu.io.read(port, static_cast<Width>(size));
  note_io_access(cpu, port, size);
  return value;
}

void port_out(Cpu& cpu, u16 port, unsigned size, u32 value) {
  cpu.io.write(port, static_cast<Width>(size), value);
  note_io_access(cpu, port, size);
}

// Opcodes E4-E7 have the port as immediate, EC-EF in DX; odd ones move 16 or 32 bits.
u16 port_of(const Cpu& cpu, const Insn& i) {
  return i.opcode & 8 ? cpu.reg<u16>(kRdx * 8) : static_cast<u16>(i.imm & 0xFF);
}

unsigned size_of(const Insn& i) {
  if (!(i.opcode & 1)) return 1;
  return i.operand_width == 2 ? 2 : 4;
}

void in_run(Cpu& cpu, const Insn& i) {
  cpu.exits.add(ExitReason::Io);
  const u16 port = port_of(cpu, i);
  const unsigned size = size_of(i);
  check_io(cpu, port, size);
  const u32 value = port_in(cpu, port, size);
  switch (size) {
    case 1:
      return cpu.set_reg<u8>(kRax * 8, static_cast<u8>(value));
    case 2:
      return cpu.set_reg<u16>(kRax * 8, static_cast<u16>(value));
    default:
      return cpu.set_reg<u32>(kRax * 8, value);
  }
}

void out_run(Cpu& cpu, const Insn& i) {
  cpu.exits.add(ExitReason::Io);
  const u16 port = port_of(cpu, i);
  const unsigned size = size_of(i);
  check_io(cpu, port, size);
  port_out(cpu, port, size, cpu.reg<u32>(kRax * 8) & static_cast<u32>(low_mask(size * 8)));
}

void advance(Cpu& cpu, Gpr reg, u64 step, u64 mask) {
  u64& r = cpu.state.gpr[reg];
  const u64 kept = mask == 0xFFFF ? r & ~mask : 0;
  r = kept | ((r + step) & mask);
}

template <class T>
void in_once(Cpu& cpu, const Insn&, u64 mask) {
  const u16 port = cpu.reg<u16>(kRdx * 8);
  const u64 di = cpu.state.gpr[kRdi] & mask;
  cpu.probe_write(kEs, di, sizeof(T));  // the device is not read if the store would fault
  cpu.write<T>(kEs, di, static_cast<T>(port_in(cpu, port, sizeof(T))));
}

template <class T>
void out_once(Cpu& cpu, const Insn& i, u64 mask) {
  const u16 port = cpu.reg<u16>(kRdx * 8);
  const T value = cpu.read<T>(static_cast<Seg>(i.segment), cpu.state.gpr[kRsi] & mask);
  port_out(cpu, port, sizeof(T), value);
}

using Once = void (*)(Cpu&, const Insn&, u64 mask);

template <class T>
void string_io(Cpu& cpu, const Insn& i, Once once, Gpr index) {
  cpu.exits.add(ExitReason::Io);
  const u64 mask = low_mask(i.address_width * 8u);
  const u64 step = cpu.state.has(flag::DF) ? 0 - u64{sizeof(T)} : u64{sizeof(T)};
  const bool repeated = i.prefixes & (kRep | kRepne);
  u64& count = cpu.state.gpr[kRcx];
  if (repeated && !(count & mask)) return;
  check_io(cpu, cpu.reg<u16>(kRdx * 8), sizeof(T));
  for (unsigned n = 0; n < kSlice; ++n) {
    once(cpu, i, mask);
    advance(cpu, index, step, mask);
    if (!repeated) return;
    advance(cpu, kRcx, ~u64{0}, mask);
    if (!(count & mask)) return;
    if (cpu.signals.load(std::memory_order_relaxed)) {
      stops_after_iteration(cpu);
      break;
    }
  }
  step_back(cpu, i);
}

template <class T>
void ins_run(Cpu& cpu, const Insn& i) {
  string_io<T>(cpu, i, in_once<T>, kRdi);
}

template <class T>
void outs_run(Cpu& cpu, const Insn& i) {
  string_io<T>(cpu, i, out_once<T>, kRsi);
}

constexpr Binding in = one<in_run>, out = one<out_run>;
template <class T>
constexpr Binding ins = one<ins_run<T>>;
template <class T>
constexpr Binding outs = one<outs_run<T>>;

constexpr FamilyRow kRows[] = {
#define ROW(m, f, t, h) {ZYDIS_MNEMONIC_##m, h},
#include "decoder/isa/io.def"
#undef ROW
};

}  // namespace

FamilyTable io_family() { return kRows; }

}  // namespace ring3
