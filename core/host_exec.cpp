// SPDX-License-Identifier: MIT
// Handlers around stubs. Unmasked SIMD exceptions: the instruction runs with every exception
// masked and its results are dropped if it set a flag that the guest has unmasked. Approximated:
// PE beside an unmasked OE is what the masked response sets.
#include "core/host_exec.h"

#include <cstring>

#include "core/host_exec_stub.h"

namespace ring3 {
namespace {

constexpr u32 kMxcsrFlags = 0x3F, kMxcsrMasks = 0x1F80, kMxcsrFz = 0x8000;
constexpr u32 kInvalid = 1, kDenormal = 2, kDivide = 4, kUnderflow = 16;
constexpr u32 kPreComputation = kInvalid | kDenormal | kDivide;

/// One run of a stub.
struct Run {
  Cpu& cpu;
  const Stub& stub;
  StubContext& context;
  u8 *reg, *rm, *vvvv, *extra;
  void operator()() const { stub.entry(reg, context.slot, rm, vvvv, extra, &context); }
};

u8* general(CpuState& state, unsigned n) { return reinterpret_cast<u8*>(&state.gpr[n]); }

Run vector_run(Cpu& cpu, const Insn& i, const Stub& stub, StubContext& context) {
  FpuState& f = cpu.state.fpu;
  const unsigned last = i.imm2 >> 12;
  u8* extra = stub.general ? general(cpu.state, last) : fpu::xmm(f, last);
  return {cpu,
          stub,
          context,
          fpu::xmm(f, i.imm2 & 15),
          fpu::xmm(f, i.imm2 >> 4 & 15),
          fpu::xmm(f, i.imm2 >> 8 & 15),
          extra};
}

/// Runs with the guest's control bits, every exception masked, no flag set. Returns the flags.
u32 run_masked(const Run& run, u32 control) {
  run.context.mxcsr = (control | kMxcsrMasks) & ~kMxcsrFlags;
  run();
  return run.context.mxcsr & kMxcsrFlags;
}

/// An exception is unmasked, maybe not for this operation. SDM 1 "SIMD Floating-Point Exceptions":
/// pre-computation exceptions come first and hide the others; nothing is written if one is taken.
void run_unmasked(const Run& run, u32 guest) {
  CpuState& state = run.cpu.state;
  const FpuState fpu_before = state.fpu;
  u64 gpr_before[16];
  std::memcpy(gpr_before, state.gpr, sizeof gpr_before);
  auto undo = [&] {
    state.fpu = fpu_before;
    std::memcpy(state.gpr, gpr_before, sizeof gpr_before);
  };
  const u32 masks = guest >> 7 & kMxcsrFlags;
  u32 raised = 0;
  if (!(masks & kUnderflow)) {
    // Unmasked underflow is taken on every tiny result, masked underflow only on inexact ones;
    // flush-to-zero reports every tiny one.
    raised = run_masked(run, guest | kMxcsrFz) & kUnderflow;
    undo();
    guest &= ~kMxcsrFz;
  }
  raised |= run_masked(run, guest);
  const u32 taken = raised & ~masks;
  if (taken & kPreComputation) raised &= kPreComputation;
  if (taken) undo();
  fpu::set_mxcsr(state.fpu, fpu::mxcsr(fpu_before) | raised);
  if (taken) raise(state.cr4 & cr4::OSXMMEXCPT ? XM() : UD());
}

void run_with_mxcsr(const Run& run) {
  FpuState& f = run.cpu.state.fpu;
  const u32 guest = fpu::mxcsr(f);
  if ((guest & kMxcsrMasks) != kMxcsrMasks) [[unlikely]]
    return run_unmasked(run, guest);
  run.context.mxcsr = guest;
  run();
  fpu::set_mxcsr(f, run.context.mxcsr);
}

/// Where the memory operand stands.
struct Place {
  Seg seg;
  u64 offset;
};

void check_alignment(Cpu& cpu, const Place& p, const Stub& stub) {
  const Segment& s = cpu.state.seg[p.seg];
  // The linear address must be aligned, else #GP(0).
  require(((s.access_base + p.offset) & stub.align_mask) == 0, GP(0));
}

template <unsigned n>
struct Bytes {
  u8 value[n];
};

/// f<n>() for an operand of n bytes.
template <class F>
void by_size(unsigned bytes, F&& f) {
  switch (bytes) {
    case 1:
      return f.template operator()<1>();
    case 2:
      return f.template operator()<2>();
    case 4:
      return f.template operator()<4>();
    case 8:
      return f.template operator()<8>();
    case 10:
      return f.template operator()<10>();
    case 16:
      return f.template operator()<16>();
    default:
      return f.template operator()<32>();
  }
}

void read_operand(Cpu& cpu, const Place& p, unsigned bytes, u8* slot) {
  by_size(bytes, [&]<unsigned n>() { store(slot, cpu.read<Bytes<n>>(p.seg, p.offset)); });
}
void write_operand(Cpu& cpu, const Place& p, unsigned bytes, const u8* slot) {
  by_size(bytes, [&]<unsigned n>() { cpu.write<Bytes<n>>(p.seg, p.offset, load<Bytes<n>>(slot)); });
}

Place fetch_operand(Cpu& cpu, const Insn& i, const Stub& stub, StubContext& context) {
  const Place place{static_cast<Seg>(i.segment), cpu.effective_address(i)};
  if (stub.align_mask) check_alignment(cpu, place, stub);
  if (stub.mem_read) read_operand(cpu, place, stub.mem_bytes, context.slot);
  // A store that fails must fail before anything else changes.
  if (stub.mem_write && (stub.mxcsr || stub.whole_image))
    cpu.probe_write(place.seg, place.offset, stub.mem_bytes);
  return place;
}

void take_flags(Cpu& cpu, const StubContext& context) {
  u64& rflags = cpu.state.rflags;
  rflags = (rflags & ~flag::kArith) | (context.flags & flag::kArith);
}

/// XMM and YMM instructions.
template <bool memory>
void exec_vector(Cpu& cpu, const Insn& i) {
  const Stub& stub = *static_cast<const Stub*>(i.aux);
  check_enabled(cpu, stub.enable, stub.feature);
  StubContext context;
  Place place{};
  if constexpr (memory) place = fetch_operand(cpu, i, stub, context);
  const Run run = vector_run(cpu, i, stub, context);
  stub.mxcsr ? run_with_mxcsr(run) : run();
  if (stub.writes_flags) take_flags(cpu, context);
  if constexpr (memory)
    if (stub.mem_write) write_operand(cpu, place, stub.mem_bytes, context.slot);
}

/// MMX instructions: x87's pointers stay, TOP and tags change as the silicon does it.
void exec_mmx(Cpu& cpu, const Insn& i) {
  const Stub& stub = *static_cast<const Stub*>(i.aux);
  check_enabled(cpu, stub.enable, stub.feature);
  StubContext context;
  Place place{};
  if (stub.mem_bytes) place = fetch_operand(cpu, i, stub, context);
  FpuState& f = cpu.state.fpu;
  u8 pointers[fpu::kMxcsr - fpu::kFop];
  std::memcpy(pointers, f.image + fpu::kFop, sizeof pointers);
  const Run run{cpu, stub, context, f.image, nullptr, nullptr, general(cpu.state, i.imm2 >> 12)};
  stub.mxcsr ? run_with_mxcsr(run) : run();
  std::memcpy(f.image + fpu::kFop, pointers, sizeof pointers);
  if (stub.mem_write) write_operand(cpu, place, stub.mem_bytes, context.slot);
}

/// The last-instruction pointers (SDM 1 "x87 FPU Instruction and Data (Operand) Pointers"). In
/// long mode FCS and FDS are zero, as CPUID says (deprecated); else they stand in the upper halves.
struct Pointers {
  u16 fop;
  u64 fip, fdp;
};

u64 with_selector(const CpuState& s, u64 offset, Seg seg) {
  if (s.long_mode()) return s.long64() ? offset : offset & 0xFFFFFFFF;
  return (offset & 0xFFFFFFFF) | static_cast<u64>(s.seg[seg].selector) << 32;
}

Pointers next_pointers(const Cpu& cpu, const Insn& i, const Stub& stub, const Place& place) {
  const CpuState& s = cpu.state;
  Pointers p{};
  p.fop = static_cast<u16>(i.imm2 & 0x7FF);
  p.fip = with_selector(s, (s.rip() - i.length) & s.ip_mask, kCs);
  p.fdp =
      stub.mem_bytes ? with_selector(s, place.offset, place.seg) : fpu::get<u64>(s.fpu, fpu::kFdp);
  return p;
}

void set_pointers(FpuState& f, const Pointers& p) {
  fpu::set<u16>(f, fpu::kFop, p.fop);
  fpu::set<u64>(f, fpu::kFip, p.fip);
  fpu::set<u64>(f, fpu::kFdp, p.fdp);
}

/// x87 instructions. A store whose result an unmasked IE, OE or UE withheld leaves memory alone
/// (SDM 1 "x87 FPU Floating-Point Exception Conditions"); #MF waits for the next instruction.
void exec_x87(Cpu& cpu, const Insn& i) {
  const Stub& stub = *static_cast<const Stub*>(i.aux);
  check_enabled(cpu, stub.enable, stub.feature);
  StubContext context;
  Place place{};
  if (stub.mem_bytes) place = fetch_operand(cpu, i, stub, context);
  FpuState& f = cpu.state.fpu;
  const Pointers pointers = next_pointers(cpu, i, stub, place);
  u8* flags = reinterpret_cast<u8*>(cpu.state.rflags & flag::kArith);
  Run{cpu, stub, context, f.image, nullptr, flags, general(cpu.state, 0)}();
  set_pointers(f, pointers);
  if (stub.writes_flags) take_flags(cpu, context);
  const u16 withheld = fpu::kIe | fpu::kOe | fpu::kUe;
  if (stub.mem_write && !(fpu::fsw(f) & ~fpu::fcw(f) & withheld))
    write_operand(cpu, place, stub.mem_bytes, context.slot);
}

/// FLDCW: silicon recomputes ES; a control instruction leaves the pointers alone.
void exec_x87_control(Cpu& cpu, const Insn& i) {
  FpuState& f = cpu.state.fpu;
  const Pointers before{fpu::get<u16>(f, fpu::kFop), fpu::get<u64>(f, fpu::kFip),
                        fpu::get<u64>(f, fpu::kFdp)};
  exec_x87(cpu, i);
  set_pointers(f, before);
}

}  // namespace

Handler select_host_exec(Insn& insn, const Decoded& d) {
  const Stub* stub = find_stub(d);
  if (!stub) return raise_ud;
  insn.aux = stub;
  if (stub->enable & kEnableX87) {
    insn.imm2 = static_cast<u16>((d.insn.opcode & 7) << 8 | d.bytes[d.insn.raw.modrm.offset]);
    return d.insn.mnemonic == ZYDIS_MNEMONIC_FLDCW ? exec_x87_control : exec_x87;
  }
  insn.imm2 = operand_registers(d);
  if (stub->whole_image) return exec_mmx;
  return stub->mem_bytes ? exec_vector<true> : exec_vector<false>;
}

}  // namespace ring3
