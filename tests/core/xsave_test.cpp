// SPDX-License-Identifier: MIT
// FXSAVE and the XSAVE family: layouts, header rules, initial components, compaction.
#include <catch2/catch.hpp>
#include <cstring>

#include "core/cpu_model.h"
#include "tests/core/simd_machine.h"

using namespace ring3;

namespace {

constexpr u64 kArea = 0x30000;

/// Runs an instruction on [rbx] = kArea with EDX:EAX = `mask`.
std::optional<Vector> run(SimdMachine& m, std::vector<u8> code, u64 mask = ~u64{0}) {
  const u64 xcr0 = m.cpu.state.xcr0;
  m.code(code);
  if (xcr0 & ~u64{1}) m.cpu.state.xcr0 = xcr0;
  if (!m.reg(kRbx)) m.reg(kRbx) = kArea;
  m.reg(kRax) = mask & 0xFFFFFFFF;
  m.reg(kRdx) = mask >> 32;
  return m.fault();
}

u64 read64(SimdMachine& m, u64 offset) { return m.memory.read<u64>({kArea + offset}); }
void write64(SimdMachine& m, u64 offset, u64 value) {
  m.memory.write<u64>({kArea + offset}, value);
}

const std::vector<u8> kFxsave = {0x0F, 0xAE, 0x03}, kFxsave64 = {0x48, 0x0F, 0xAE, 0x03},
                      kFxrstor = {0x0F, 0xAE, 0x0B}, kXsave = {0x0F, 0xAE, 0x23},
                      kXrstor = {0x0F, 0xAE, 0x2B}, kXsaveopt = {0x0F, 0xAE, 0x33},
                      kXsavec = {0x0F, 0xC7, 0x23}, kXsaves = {0x0F, 0xC7, 0x2B},
                      kXrstors = {0x0F, 0xC7, 0x1B}, kXgetbv = {0x0F, 0x01, 0xD0};

}  // namespace

TEST_CASE("FXSAVE: 64-bit mode -> XMM15, MXCSR_MASK, pointers by REX.W, software bytes kept") {
  SimdMachine m;
  store<u64>(fpu::xmm(m.fpu(), 15), 0xABCDEF);
  fpu::set<u64>(m.fpu(), fpu::kFip, 0x1122334455667788);
  write64(m, 464, 0x5555);
  CHECK_FALSE(run(m, kFxsave));
  CHECK(read64(m, 8) == 0x55667788);
  CHECK(read64(m, 24) == 0x0000FFFF00001F80);
  CHECK(read64(m, 160 + 15 * 16) == 0xABCDEF);
  CHECK(read64(m, 464) == 0x5555);
  CHECK_FALSE(run(m, kFxsave64));
  CHECK(read64(m, 8) == 0x1122334455667788);
}

TEST_CASE("FXSAVE: 32-bit code -> XMM8 and above are not written") {
  SimdMachine m;
  m.protected_code(kFxsave);
  m.reg(kRbx) = kArea;
  write64(m, 160 + 8 * 16, 0x77);
  store<u64>(fpu::xmm(m.fpu(), 7), 0x66);
  CHECK_FALSE(m.fault());
  CHECK(read64(m, 160 + 7 * 16) == 0x66);
  CHECK(read64(m, 160 + 8 * 16) == 0x77);
}

TEST_CASE("FXSAVE: misaligned -> #GP; FXRSTOR of a reserved MXCSR bit -> #GP, nothing loaded") {
  SimdMachine m;
  m.reg(kRbx) = kArea + 8;
  CHECK(run(m, kFxsave) == Vector::GP);
  m.reg(kRbx) = kArea;
  write64(m, 24, 0x10000);
  write64(m, 160, 9);
  CHECK(run(m, kFxrstor) == Vector::GP);
  CHECK(load<u64>(fpu::xmm(m.fpu(), 0)) == 0);
}

TEST_CASE("XSAVE: only requested components, XSTATE_BV merges, XRSTOR initializes the rest") {
  SimdMachine m;
  store<u64>(fpu::xmm(m.fpu(), 3), 3);
  store<u64>(fpu::ymm_high(m.fpu(), 3), 4);
  write64(m, 512, 0x10);  // a bit outside RFBM stays
  CHECK_FALSE(run(m, kXsave, 6));
  CHECK(read64(m, 512) == 0x16);
  CHECK(read64(m, 160 + 48) == 3);
  CHECK(read64(m, 576 + 48) == 4);
  CHECK(read64(m, 0) == 0);  // x87 was not asked for
  write64(m, 512, 2);        // AVX: initial
  CHECK_FALSE(run(m, kXrstor, 6));
  CHECK(load<u64>(fpu::xmm(m.fpu(), 3)) == 3);
  CHECK(load<u64>(fpu::ymm_high(m.fpu(), 3)) == 0);
}

TEST_CASE("XSAVEOPT: a component in its initial state -> not written, bit clear") {
  SimdMachine m;
  write64(m, 160, 0x99);
  CHECK_FALSE(run(m, kXsaveopt, 7));
  CHECK(read64(m, 512) == 0);
  CHECK(read64(m, 160) == 0x99);
  CHECK(read64(m, 24) == 0x0000FFFF00001F80);  // MXCSR goes with SSE or AVX, in use or not
}

TEST_CASE("XSAVEC: PKRU follows AVX at 832, or stands at 576 without it; XRSTOR reads both") {
  SimdMachine m;
  m.cpu.state.xcr0 = 0x207;
  m.cpu.state.pkru = 0x55;
  store<u64>(fpu::ymm_high(m.fpu(), 0), 4);
  CHECK_FALSE(run(m, kXsavec, 0x206));
  CHECK(read64(m, 520) == (bit(63) | 0x206));
  CHECK(read64(m, 512) == 0x204);
  CHECK(read64(m, 576) == 4);
  CHECK(read64(m, 832) == 0x55);
  m.cpu.state.pkru = 0;
  m.fpu().image[fpu::kYmmHigh] = 9;
  CHECK_FALSE(run(m, kXrstor, 0x206));
  CHECK(m.cpu.state.pkru == 0x55);
  CHECK(load<u64>(fpu::ymm_high(m.fpu(), 0)) == 4);
  CHECK_FALSE(run(m, kXsavec, 0x200));
  CHECK(read64(m, 576) == 0x55);
}

TEST_CASE("XRSTOR: bad headers -> #GP") {
  SimdMachine m;
  write64(m, 512, 8);  // not enabled in XCR0
  CHECK(run(m, kXrstor) == Vector::GP);
  write64(m, 512, 1);
  write64(m, 520, 1);  // XCOMP_BV without bit 63
  CHECK(run(m, kXrstor) == Vector::GP);
  write64(m, 520, bit(63) | 2);  // XSTATE_BV is no subset
  CHECK(run(m, kXrstor) == Vector::GP);
  write64(m, 520, bit(63) | 3);
  write64(m, 0, 0x37F);
  CHECK_FALSE(run(m, kXrstor));
  write64(m, 528, 1);
  CHECK(run(m, kXrstor) == Vector::GP);
  write64(m, 528, 0);
  write64(m, 520, 0);
  CHECK(run(m, kXrstors) == Vector::GP);  // wants the compacted form
}

TEST_CASE("XSAVES: ring 3 -> #GP; misaligned by 16 -> #GP") {
  SimdMachine m;
  m.code(kXsaves);
  m.cpu.state.cpl = 3;
  m.reg(kRbx) = kArea;
  CHECK(m.fault() == Vector::GP);
  m.reg(kRbx) = kArea + 16;
  CHECK(run(m, kXsave) == Vector::GP);
}

TEST_CASE("XGETBV: ECX = 0 XCR0, 1 what is in use, 2 -> #GP; without OSXSAVE -> #UD") {
  SimdMachine m;
  m.code(kXgetbv);
  CHECK_FALSE(m.fault());
  CHECK(m.reg(kRax) == 7);
  store<u64>(fpu::xmm(m.fpu(), 0), 1);
  m.reg(kRcx) = 1;
  CHECK_FALSE(m.fault());
  CHECK(m.reg(kRax) == 2);
  m.reg(kRcx) = 2;
  CHECK(m.fault() == Vector::GP);
  m.cpu.state.cr4 &= ~cr4::OSXSAVE;
  CHECK(m.fault() == Vector::UD);
}
