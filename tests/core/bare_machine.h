// SPDX-License-Identifier: MIT
// A cpu with RAM and nothing else, for tests of core: put code somewhere, choose a mode, run.
#pragma once

#include <initializer_list>
#include <memory>

#include "core/engine.h"
#include "core/system.h"

namespace ring3 {

class StoppedTime final : public TimeSource {
 public:
  Nanos now() override { return time; }
  const TickLine* line() const override { return tick_line; }
  Nanos time = 0;
  const TickLine* tick_line = nullptr;
};

class BareMachine {
 public:
  explicit BareMachine(const char* cpu_model = "max")
      : model(*CpuModel::parse(cpu_model)), engine(make_interpreter(cpu)) {}

  PhysicalMemory memory{16 << 20};
  StoppedTime time;
  EventClock clock{time};
  IoBus io;
  Mmu mmu{memory};
  CpuModel model;
  Cpu cpu{mmu, io, clock, model};
  std::unique_ptr<Engine> engine;

  static constexpr u64 kCode = 0x10000, kStack = 0x20000, kTables = 0x100000;

  void put(u64 address, std::initializer_list<u8> bytes) {
    memory.write(PhysAddr{address}, std::span<const u8>(bytes.begin(), bytes.size()));
  }

  /// Real mode with zero segment bases, rip at `code`.
  void real_mode(std::initializer_list<u8> code) {
    for (Seg seg : {kEs, kCs, kSs, kDs, kFs, kGs}) load_real_segment(cpu, seg, 0);
    start(0x8000, code);
    cpu.state.gpr[kRsp] = 0x7000;
  }

  /// Flat 32-bit protected mode without paging, ring `cpl`.
  void protected_mode(std::initializer_list<u8> code, u8 cpl = 0) {
    cpu.state.cr0 = cr0::PE | cr0::ET | cr0::NE;
    flat_segments(cpl, false);
    cpu.mmu.set_cr0(cpu.state.cr0);
    start(kCode, code);
  }

  /// 64-bit mode, the first GiB identity-mapped with 2 MiB user pages, ring `cpl`.
  void long_mode(std::initializer_list<u8> code, u8 cpl = 0) {
    CpuState& s = cpu.state;
    memory.write<u64>({kTables}, kTables + 0x1007);
    memory.write<u64>({kTables + 0x1000}, kTables + 0x2007);
    for (u64 n = 0; n < 512; ++n) memory.write<u64>({kTables + 0x2000 + 8 * n}, (n << 21) | 0x87);
    s.cr0 = cr0::PE | cr0::ET | cr0::NE | cr0::PG | cr0::WP;
    s.cr4 = cr4::PAE | cr4::OSFXSR | cr4::OSXMMEXCPT | cr4::OSXSAVE | cr4::FSGSBASE;
    s.efer = efer::LME | efer::LMA | efer::NXE | efer::SCE;
    s.cr3 = kTables;
    s.xcr0 = 7;
    mmu.set_efer(s.efer);
    mmu.set_cr4(s.cr4);
    mmu.set_cr0(s.cr0);
    mmu.load_cr3(s.cr3, false, {});
    flat_segments(cpl, true);
    start(kCode, code);
  }

  void start(u64 rip, std::initializer_list<u8> code) {
    put(rip, code);
    cpu.state.rip() = rip;
    cpu.state.gpr[kRsp] = kStack;
    cpu.state.activity = CpuState::Activity::Active;
    cpu.update_mode();
  }

  /// Runs `n` instructions one by one.
  void step(unsigned n = 1) {
    while (n-- > 0) engine->step(cpu);
  }
  /// Runs until HLT, shutdown or about `limit` instructions.
  Exit run(u64 limit = 10000) { return engine->run(cpu, cpu.state.instructions + limit); }

  u64& reg(Gpr r) { return cpu.state.gpr[r]; }

 private:
  void flat_segments(u8 cpl, bool long64) {
    for (Seg seg : {kEs, kCs, kSs, kDs, kFs, kGs}) {
      const bool code = seg == kCs;
      cpu.state.seg[seg] = Segment{.selector = static_cast<u16>((code ? 8 : 16) | cpl),
                                   .type = static_cast<u8>(code ? 11 : 3),
                                   .s = true,
                                   .dpl = cpl,
                                   .present = true,
                                   .l = code && long64,
                                   .db = !(code && long64),
                                   .g = true,
                                   .usable = true,
                                   .limit = 0xFFFFFFFF};
    }
    cpu.state.cpl = cpl;
  }
};

}  // namespace ring3
