// SPDX-License-Identifier: MIT
// Whatever a guest executes in whatever state, the machine goes on: it takes faults, halts or shuts
// down. Worth most in the sanitizers' build.
#include <catch2/catch.hpp>
#include <random>

#include "core/fpu_image.h"
#include "tests/core/system_machine.h"

using namespace ring3;
using M = SystemMachine;

namespace {

using Random = std::mt19937_64;

u64 pick(Random& r, std::initializer_list<u64> values) {
  return values.begin()[r() % values.size()];
}

/// Small, near a page's or the address space's end, or anything.
u64 number(Random& r) {
  const u64 edge = pick(r, {0, 0x1000, 0x8000, 0x10000, 0x11000, 0x8000'0000, 0x1'0000'0000,
                            0x8000'0000'0000, 0xFFFF'8000'0000'0000, M::kTables, M::kGdt});
  return r() % 4 ? edge + r() % 64 - 32 : r();
}

/// Opcode maps, prefixes and string instructions more often than chance has them.
void fill_code(M& m, Random& r, u64 at) {
  u8 code[64];
  for (u8& byte : code) byte = static_cast<u8>(r());
  for (unsigned n = 0; n < 60; n += 1 + r() % 6) {
    constexpr u8 kStarts[] = {0x0F, 0x0F, 0x0F, 0x66, 0x67, 0xF0, 0xF2, 0xF3, 0xF3,
                              0xC4, 0xC5, 0xA4, 0xA5, 0xAA, 0xAB, 0xA6, 0xD9, 0xDD,
                              0x8E, 0xFF, 0x8F, 0xC8, 0xCF, 0x9A, 0xEA, 0x48, 0x64};
    code[n] = kStarts[r() % std::size(kStarts)];
  }
  m.memory.write(PhysAddr{at}, std::span<const u8>(code));
}

void enter_mode(M& m, unsigned mode) {
  switch (mode) {
    case 0:
      return m.real_mode({});
    case 1:
      return m.protected_system({}, 0);
    case 2:
      return m.protected_system({}, 3);
    case 3:
      return m.virtual8086_system({});
    case 4:
      return m.long_system({}, 0);
    default:
      return m.long_system({}, 3);
  }
}

void disturb(M& m, Random& r) {
  CpuState& s = m.cpu.state;
  for (unsigned n = 0; n < 16; ++n)
    if (n != kRsp || r() % 4 == 0) s.gpr[n] = number(r);
  s.rflags ^= r() & (flag::kArith | flag::DF | flag::TF | flag::AC | flag::NT);
  if (r() % 4 == 0) s.cr0 |= cr0::AM;
  if (r() % 4 == 0) s.seg[r() % 6].limit = static_cast<u32>(number(r));
  if (r() % 4 == 0) s.seg[r() % 6].base = number(r) & 0xFFFF'FFFF;
  if (r() % 8 == 0) s.dr[7] = r() & 0xFFFF'00FF;
  for (unsigned n = 0; n < 4; ++n) s.dr[n] = number(r);
  for (unsigned n = 0; n < 512; ++n) s.fpu.image[n] = static_cast<u8>(r());
  fpu::set_mxcsr(s.fpu, r() % 2 ? 0x1F80 : r() & 0xFFBF);
  m.cpu.update_mode();
}

}  // namespace

TEST_CASE("random code: any state -> the machine goes on") {
  const unsigned seed = GENERATE(range(0u, 24u));
  Random r(seed);
  M m;
  for (unsigned round = 0; round < 100; ++round) {
    m.cpu.reset();
    m.mmu.flush_all();
    enter_mode(m, seed % 6);
    const u64 rip = m.rip() + pick(r, {0, 0, 0xFC0, 0xFF8});
    disturb(m, r);
    fill_code(m, r, rip);
    m.cpu.state.rip() = rip;
    const Exit exit = m.run(100);
    CHECK((exit == Exit::Deadline || exit == Exit::Halted || exit == Exit::Shutdown ||
           exit == Exit::Signal));
  }
}
