// SPDX-License-Identifier: MIT
// Interrupts of a guest that never calls anything: the board's 8254 ticks a thousand times a second
// while translated code loops. A tick that comes while the last one still waits is lost.
#include <catch2/catch.hpp>
#include <ctime>
#include <string>
#include <vector>

#include "devices/pc.h"
#include "devices/pc_layout.h"
#include "jit/jit.h"

namespace ring3 {
namespace {

constexpr u64 kStart = 0x10000, kHandler = 0x11000, kGdt = 0x12000, kIdt = 0x13000;
constexpr u64 kTicks = 0x14000, kStack = 0x20000, kBuffer = 0x30000;
constexpr u32 kDivisor = 1193, kHz = 1193182;
constexpr u8 kVector = 0x20;
constexpr Nanos kPeriod = u64{kDivisor} * 1'000'000'000 / kHz;

/// 32-bit code, byte by byte.
struct Code {
  std::vector<u8> bytes;
  Code& raw(std::initializer_list<u32> list) {
    for (u32 b : list) bytes.push_back(static_cast<u8>(b));
    return *this;
  }
  Code& out(u32 port, u32 value) { return raw({0xB0, value, 0xE6, port}); }
  Code& repeat(unsigned n, std::initializer_list<u32> list) {
    while (n-- > 0) raw(list);
    return *this;
  }
};

struct Loop {
  std::string name;
  Code body;
};

std::vector<Loop> loops() {
  return {
      {"jmp to itself", Code().raw({0xEB, 0xFE})},
      {"inc eax; jmp", Code().raw({0x40, 0xEB, 0xFD})},
      {"120 instructions; jmp", Code().repeat(120, {0x40}).raw({0xEB, 0x86})},
      {"two blocks", Code().raw({0x40, 0xEB, 0x00, 0x43, 0xEB, 0xFA})},
      {"memory", Code().raw({0xFF, 0x05, 0, 0, 3, 0, 0xEB, 0xF8})},
      {"dec; jnz", Code().raw({0xB9, 255, 255, 255, 0, 0x49, 0x75, 0xFD, 0xEB, 0xF6})},
      // mov edi, 0x30000; mov ecx, 0x4000; rep stosd
      {"rep stosd", Code().raw({0xBF, 0, 0, 3, 0, 0xB9, 0, 0x40, 0, 0, 0xF3, 0xAB, 0xEB, 0xF2})}};
}

Code main_code(const Loop& loop) {
  Code c;
  c.out(0x20, 0x11).out(0x21, kVector).out(0x21, 4).out(0x21, 1).out(0x21, 0xFE);
  c.out(0x43, 0x34).out(0x40, kDivisor & 0xFF).out(0x40, kDivisor >> 8).raw({0xFB});
  c.bytes.insert(c.bytes.end(), loop.body.bytes.begin(), loop.body.bytes.end());
  return c;
}

/// push eax; inc dword [ticks]; cmp dword [ticks], n; jb on; mov al, 1; out debug exit, al;
/// on: mov al, 20h; out 20h, al; pop eax; iret
Code handler(u32 n) {
  return Code()
      .raw({0x50, 0xFF, 0x05, 0, 0x40, 1, 0})
      .raw({0x81, 0x3D, 0, 0x40, 1, 0, n & 0xFF, n >> 8 & 0xFF, 0, 0, 0x72, 4})
      .out(layout::kDebugExit, 1)
      .out(0x20, 0x20)
      .raw({0x58, 0xCF});
}

class Machine {
 public:
  Machine(bool icount, const Loop& loop, u32 ticks) : pc_(config(icount)) {
    auto jit = make_jit(pc_.cpu());
    REQUIRE(jit);
    engine_ = std::move(*jit);
    pc_.reset();
    put(kStart, main_code(loop));
    put(kHandler, handler(ticks));
    pc_.memory().write<u64>({kGdt + 8}, 0x00CF9B000000FFFF);
    pc_.memory().write<u64>({kIdt + 8 * kVector}, (kHandler & 0xFFFF) | 8 << 16 |
                                                      u64{0x8E00} << 32 | (kHandler >> 16) << 48);
    enter();
  }
  /// Guest time from power-on to the last tick.
  Nanos run() {
    REQUIRE(pc_.run(*engine_) == 3);
    return pc_.clock().now();
  }
  u64 instructions() { return pc_.cpu().state.instructions; }

 private:
  static PcConfig config(bool icount) {
    PcConfig c;
    c.ram_bytes = u64{2} << 20;
    c.cpu = *CpuModel::parse("qemu64");
    c.icount = icount;
    c.debug_exit = layout::kDebugExit;
    return c;
  }
  void put(u64 address, const Code& code) {
    pc_.memory().write(PhysAddr{address}, std::span<const u8>(code.bytes));
  }
  /// Flat 32-bit protected mode, ring 0.
  void enter() {
    Cpu& cpu = pc_.cpu();
    CpuState& s = cpu.state;
    s.cr0 = cr0::PE | cr0::ET | cr0::NE;
    cpu.mmu.set_cr0(s.cr0);
    for (Seg seg : {kEs, kCs, kSs, kDs, kFs, kGs})
      s.seg[seg] = Segment{.selector = 8,
                           .type = static_cast<u8>(seg == kCs ? 11 : 3),
                           .s = true,
                           .present = true,
                           .db = true,
                           .g = true,
                           .usable = true,
                           .limit = 0xFFFFFFFF};
    s.gdtr = {kGdt, 15};
    s.idtr = {kIdt, 8 * kVector + 7};
    s.rip() = kStart;
    s.gpr[kRsp] = kStack;
    cpu.update_mode();
  }

  Pc pc_;
  std::unique_ptr<Engine> engine_;
};

}  // namespace

TEST_CASE("jit latency: a thousand ticks a second in loops without calls -> none is lost") {
  constexpr u32 kCount = 60;
  for (const Loop& loop : loops()) {
    INFO(loop.name);
    Machine m(true, loop, kCount);
    const Nanos time = m.run();
    CHECK(time >= kCount * kPeriod);
    CHECK(time < kCount * kPeriod + kPeriod / 4);
  }
}

TEST_CASE("jit latency: the same by the host's clock", "[.measure]") {
  constexpr u32 kCount = 1000;
  for (const Loop& loop : loops()) {
    Machine m(false, loop, kCount);
    const std::clock_t before = std::clock();
    const Nanos time = m.run();
    const u64 own = static_cast<u64>(std::clock() - before) * 1'000'000'000 / CLOCKS_PER_SEC;
    WARN(loop.name << ": " << kCount << " ticks taken of " << time / kPeriod << " by the clock, "
                   << own / kPeriod << " while the host let it run; "
                   << m.instructions() * 1000 / own << " instructions a microsecond");
  }
}

}  // namespace ring3
