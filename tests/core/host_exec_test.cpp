// SPDX-License-Identifier: MIT
// Stubs against the same bytes run natively, enable bits, MXCSR exceptions, alignment and faults.
#include "core/host_exec.h"

#include <catch2/catch.hpp>
#include <cstring>
#include <vector>

#include "core/host_exec_stub.h"
#include "host/code_memory.h"
#include "tests/core/simd_machine.h"

using namespace ring3;

namespace {

/// Runs bytes on this processor between FXRSTOR64 and FXSAVE64 of `image`.
void run_natively(const std::vector<u8>& code, u8* image) {
  auto memory = CodeMemory::create(4096);
  REQUIRE(memory.ok());
  std::vector<u8> all = {0x48, 0x0F, 0xAE, 0x0F};  // fxrstor64 [rdi]
  all.insert(all.end(), code.begin(), code.end());
  for (u8 b : {0x48, 0x0F, 0xAE, 0x07, 0xDB, 0xE3, 0xC3}) all.push_back(b);  // fxsave64; fninit
  std::memcpy((*memory)->writable(), all.data(), all.size());
  using Function = void (*)(u8*);
  reinterpret_cast<Function>(reinterpret_cast<uintptr_t>((*memory)->executable()))(image);
}

void fill_registers(FpuState& f) {
  const double values[] = {1.5, -2.25, 1e300, 3e-310, 0.0, 1.0 / 3, -1e-5, 12345.678};
  for (unsigned n = 0; n < 8; ++n) {
    store<double>(fpu::xmm(f, n), values[n]);
    store<double>(fpu::xmm(f, n) + 8, -values[7 - n]);
    store<u64>(f.image + fpu::kSt + 16 * n, 0xC000000000000000ull + (u64{n} << 40));
    store<u16>(f.image + fpu::kSt + 16 * n + 8, static_cast<u16>(0x3FFF + n));
  }
  fpu::set<u16>(f, fpu::kFcw, fpu::kFcwDefault);
  fpu::set<u8>(f, fpu::kFtw, 0xFF);
}

}  // namespace

TEST_CASE("host_exec: register forms -> what the bare instruction does") {
  const std::vector<u8> code = GENERATE(values<std::vector<u8>>({
      {0x66, 0x0F, 0x58, 0xC1},              // addpd xmm0, xmm1
      {0xF2, 0x0F, 0x5E, 0xCA},              // divsd xmm1, xmm2
      {0xF2, 0x0F, 0x51, 0xD3},              // sqrtsd xmm2, xmm3
      {0xF2, 0x0F, 0x10, 0xD3},              // movsd xmm2, xmm3
      {0xF2, 0x0F, 0xC2, 0xD3, 0x01},        // cmpltsd xmm2, xmm3
      {0x0F, 0xC6, 0xF7, 0x1B},              // shufps xmm6, xmm7, 1bh
      {0x66, 0x0F, 0x71, 0xD5, 0x03},        // psrlw xmm5, 3
      {0x66, 0x0F, 0x38, 0x00, 0xC4},        // pshufb xmm0, xmm4
      {0x66, 0x0F, 0x38, 0x14, 0xD9},        // blendvps xmm3, xmm1, <xmm0>
      {0x66, 0x0F, 0x3A, 0x62, 0xCA, 0x0C},  // pcmpistrm xmm1, xmm2, 0ch
      {0x0F, 0x5A, 0xC2},                    // cvtps2pd xmm0, xmm2
      {0x66, 0x0F, 0x5B, 0xC7},              // cvtps2dq xmm0, xmm7
      {0x0F, 0xFC, 0xCA},                    // paddb mm1, mm2
      {0x0F, 0x70, 0xCA, 0x1B},              // pshufw mm1, mm2, 1bh
      {0xF3, 0x0F, 0xD6, 0xCA},              // movq2dq xmm1, mm2
      {0x0F, 0x2A, 0xCA},                    // cvtpi2ps xmm1, mm2
      {0x0F, 0x77},                          // emms
      {0xD8, 0xC3},                          // fadd st0, st3
      {0xDE, 0xF9},                          // fdivp st1
      {0xD9, 0xFA},                          // fsqrt
      {0xD9, 0xCC},                          // fxch st4
      {0xD9, 0xEB},                          // fldpi: stack overflow
      {0xDD, 0xC2},                          // ffree st2
      {0xD9, 0xF6},                          // fdecstp
      {0xDB, 0xF1},                          // fcomi st1
  }));
  SimdMachine m;
  m.code(code);
  fill_registers(m.fpu());
  FpuState expected = m.fpu();
  run_natively(code, expected.image);
  m.step();
  // All but the last-instruction pointers, which are the guest's.
  CHECK(std::memcmp(m.fpu().image, expected.image, fpu::kFop) == 0);
  CHECK(std::memcmp(m.fpu().image + fpu::kSt, expected.image + fpu::kSt, 128 + 256) == 0);
  CHECK(fpu::mxcsr(m.fpu()) == load<u32>(expected.image + fpu::kMxcsr));
  CHECK(m.reg_rip() == BareMachine::kCode + code.size());
}

TEST_CASE("host_exec: the same opcode with other registers -> one stub") {
  SimdMachine m;
  m.code({0x0F, 0x58, 0xC1, 0x0F, 0x58, 0xD3, 0x45, 0x0F, 0x58, 0xFE});  // addps
  m.step();
  const size_t count = stub_count();
  m.step(2);
  CHECK(stub_count() == count);
}

TEST_CASE("host_exec: xmm8 and above -> the right registers") {
  SimdMachine m;
  m.code({0x66, 0x45, 0x0F, 0xFE, 0xFE});  // paddd xmm15, xmm14
  store<u32>(fpu::xmm(m.fpu(), 15), 5);
  store<u32>(fpu::xmm(m.fpu(), 14), 7);
  m.step();
  CHECK(load<u32>(fpu::xmm(m.fpu(), 15)) == 12);
}

TEST_CASE("host_exec: general register operands -> read, written, upper half cleared") {
  SimdMachine m;
  // movq xmm3, r9; pmovmskb r10d, xmm3; pextrw r11d, xmm3, 1; cvttsd2si rax, xmm4
  m.code({0x66, 0x49, 0x0F, 0x6E, 0xD9, 0x66, 0x44, 0x0F, 0xD7, 0xD3, 0x66,
          0x44, 0x0F, 0xC5, 0xDB, 0x01, 0xF2, 0x48, 0x0F, 0x2C, 0xC4});
  m.reg(kR9) = 0x80FF000012345678;
  m.reg(kR10) = m.reg(kR11) = ~u64{0};
  store<double>(fpu::xmm(m.fpu(), 4), -7.9);
  m.step(4);
  CHECK(m.reg(kR10) == 0xC0);
  CHECK(m.reg(kR11) == 0x1234);
  CHECK(m.reg(kRax) == static_cast<u64>(-7));
}

TEST_CASE("host_exec: PCMPESTRI -> lengths from EAX and EDX, index in ECX, flags") {
  SimdMachine m;
  m.code({0x66, 0x0F, 0x3A, 0x61, 0xCA, 0x00});  // pcmpestri xmm1, xmm2, 0: equal any
  std::memcpy(fpu::xmm(m.fpu(), 1), "xyz", 3);
  std::memcpy(fpu::xmm(m.fpu(), 2), "abcdey", 6);
  m.reg(kRax) = 3, m.reg(kRdx) = 6, m.reg(kRcx) = ~u64{0};
  m.step();
  CHECK(m.reg(kRcx) == 5);
  CHECK(m.cpu.state.has(flag::CF));
}

TEST_CASE("host_exec: COMISD -> ZF PF CF from silicon, OF SF AF cleared, others kept") {
  SimdMachine m;
  m.code({0x66, 0x0F, 0x2F, 0xC1});
  store<double>(fpu::xmm(m.fpu(), 0), 1);
  store<double>(fpu::xmm(m.fpu(), 1), 2);
  m.cpu.state.rflags |= flag::OF | flag::SF | flag::DF;
  m.step();
  CHECK((m.cpu.state.rflags & (flag::kArith | flag::DF)) == (flag::CF | flag::DF));
}

TEST_CASE("host_exec: FCMOVB -> reads the guest's CF") {
  SimdMachine m;
  m.code({0xDA, 0xC1});  // fcmovb st0, st1
  fill_registers(m.fpu());
  m.cpu.state.rflags |= flag::CF;
  m.step();
  CHECK(load<u16>(m.fpu().image + fpu::kSt + 8) == 0x4000);
}

TEST_CASE("host_exec: rip-relative and 16-bit memory operands -> the guest's address") {
  SimdMachine m;
  m.code({0x0F, 0x28, 0x05, 0xF9, 0x0F, 0, 0});  // movaps xmm0, [rip+0ff9h]
  m.put(BareMachine::kCode + 0x1000, {1, 2, 3, 4});
  m.step();
  CHECK(load<u32>(fpu::xmm(m.fpu(), 0)) == 0x04030201);

  BareMachine real;
  real.real_mode({0x0F, 0x11, 0x40, 0x02});  // movups [bx+si+2], xmm0
  real.cpu.state.cr4 |= cr4::OSFXSR;
  real.reg(kRbx) = 0x3000, real.reg(kRsi) = 0x100;
  store<u32>(fpu::xmm(real.cpu.state.fpu, 0), 0xAABBCCDD);
  real.step();
  CHECK(real.memory.read<u32>({0x3102}) == 0xAABBCCDD);
}

TEST_CASE("host_exec: 32-bit code, VEX.W on a 32-bit general register -> W is ignored") {
  SimdMachine m;
  m.protected_code({0xC4, 0xE1, 0xF9, 0x6E, 0xC8});  // vmovd xmm1, eax with W = 1
  m.reg(kRax) = 0x11223344;
  store<u64>(fpu::xmm(m.fpu(), 1), ~u64{0});
  m.step();
  CHECK(load<u64>(fpu::xmm(m.fpu(), 1)) == 0x11223344);
}

TEST_CASE("host_exec: legacy SSE keeps the upper YMM half, VEX clears it") {
  SimdMachine m;
  m.code({0x0F, 0x58, 0xC1, 0xC5, 0xF0, 0x58, 0xD3});  // addps xmm0, xmm1; vaddps xmm2, xmm1, xmm3
  store<u64>(fpu::ymm_high(m.fpu(), 0), 5);
  store<u64>(fpu::ymm_high(m.fpu(), 2), 6);
  m.step(2);
  CHECK(load<u64>(fpu::ymm_high(m.fpu(), 0)) == 5);
  CHECK(load<u64>(fpu::ymm_high(m.fpu(), 2)) == 0);
}

TEST_CASE("host_exec: 256-bit operands in four positions -> both halves") {
  SimdMachine m;
  m.code({0xC4, 0xC3, 0x15, 0x4A, 0xC4, 0x70});  // vblendvps ymm0, ymm13, ymm12, ymm7
  store<u32>(fpu::ymm_high(m.fpu(), 13), 1);
  store<u32>(fpu::ymm_high(m.fpu(), 12), 2);
  store<u32>(fpu::ymm_high(m.fpu(), 7), 0x80000000);
  store<u32>(fpu::xmm(m.fpu(), 13), 3);
  m.step();
  CHECK(load<u32>(fpu::ymm_high(m.fpu(), 0)) == 2);
  CHECK(load<u32>(fpu::xmm(m.fpu(), 0)) == 3);
}

TEST_CASE("MXCSR: masked inexact -> the flag is set and sticks, rounding follows RC") {
  SimdMachine m;
  m.code({0xF2, 0x0F, 0x5E, 0xC1});  // divsd xmm0, xmm1
  store<double>(fpu::xmm(m.fpu(), 0), 1);
  store<double>(fpu::xmm(m.fpu(), 1), 3);
  fpu::set_mxcsr(m.fpu(), 0x5F80);  // round up
  m.step();
  CHECK(fpu::mxcsr(m.fpu()) == 0x5FA0);
  CHECK(load<u64>(fpu::xmm(m.fpu(), 0)) == 0x3FD5555555555556);
}

TEST_CASE("MXCSR: unmasked divide by zero -> #XM, flag set, register kept") {
  SimdMachine m;
  m.code({0xF2, 0x0F, 0x5E, 0xC1});
  store<double>(fpu::xmm(m.fpu(), 0), 1);
  fpu::set_mxcsr(m.fpu(), 0x1F80 & ~0x200);
  CHECK(m.fault() == Vector::XM);
  CHECK(load<double>(fpu::xmm(m.fpu(), 0)) == 1);
  CHECK(fpu::mxcsr(m.fpu()) == ((0x1F80 & ~0x200) | 4));
}

TEST_CASE("MXCSR: unmasked exception with CR4.OSXMMEXCPT = 0 -> #UD") {
  SimdMachine m;
  m.code({0xF2, 0x0F, 0x5E, 0xC1});
  m.cpu.state.cr4 &= ~cr4::OSXMMEXCPT;
  fpu::set_mxcsr(m.fpu(), 0);
  CHECK(m.fault() == Vector::UD);
}

TEST_CASE("MXCSR: unmasked pre-computation exception -> hides post-computation flags") {
  SimdMachine m;
  m.code({0x66, 0x0F, 0x5E, 0xC1});  // divpd: 1/3 (P) and 1/0 (Z)
  store<double>(fpu::xmm(m.fpu(), 0), 1);
  store<double>(fpu::xmm(m.fpu(), 0) + 8, 1);
  store<double>(fpu::xmm(m.fpu(), 1), 3);
  fpu::set_mxcsr(m.fpu(), 0x1F80 & ~0x200);
  CHECK(m.fault() == Vector::XM);
  CHECK((fpu::mxcsr(m.fpu()) & 0x3F) == 4);
}

TEST_CASE("MXCSR: exact tiny result -> no flag masked, #XM with UE unmasked") {
  SimdMachine m;
  m.code({0xF2, 0x0F, 0x59, 0xC1});  // mulsd: 2^-1000 * 2^-60
  store<u64>(fpu::xmm(m.fpu(), 0), u64{1023 - 1000} << 52);
  store<u64>(fpu::xmm(m.fpu(), 1), u64{1023 - 60} << 52);
  fpu::set_mxcsr(m.fpu(), 0x1F80 & ~0x800);
  CHECK(m.fault() == Vector::XM);
  CHECK((fpu::mxcsr(m.fpu()) & 0x3F) == 0x10);
  fpu::set_mxcsr(m.fpu(), 0x1F80);
  CHECK_FALSE(m.fault());
  CHECK((fpu::mxcsr(m.fpu()) & 0x3F) == 0);
}

TEST_CASE("MXCSR: CVTTPD2PI from memory, invalid unmasked -> #XM, MMX state untouched") {
  SimdMachine m;
  m.code({0x66, 0x0F, 0x2C, 0x03});  // cvttpd2pi mm0, [rbx]
  m.reg(kRbx) = 0x30000;
  m.memory.write<u64>({0x30000}, 0x7FF8000000000001);
  fpu::set_mxcsr(m.fpu(), 0x1F80 & ~0x80);
  CHECK(m.fault() == Vector::XM);
  CHECK(fpu::get<u8>(m.fpu(), fpu::kFtw) == 0);
  m.reg(kRbx) = 0x30008;
  CHECK(m.fault() == Vector::GP);
}

TEST_CASE("LDMXCSR: reserved bit -> #GP(0), MXCSR kept") {
  SimdMachine m;
  m.code({0x0F, 0xAE, 0x15, 0, 0, 0, 0});  // ldmxcsr [rip]
  m.put(BareMachine::kCode + 7, {0, 0, 1, 0});
  CHECK(m.fault() == Vector::GP);
  CHECK(fpu::mxcsr(m.fpu()) == 0x1F80);
}

TEST_CASE("alignment: legacy 16-byte operand off by 8 -> #GP, MOVUPS and VEX go through") {
  SimdMachine m;
  m.reg(kRbx) = 0x30008;
  m.code({0x0F, 0x58, 0x03});  // addps xmm0, [rbx]
  CHECK(m.fault() == Vector::GP);
  m.code({0x0F, 0x29, 0x03});  // movaps [rbx], xmm0
  CHECK(m.fault() == Vector::GP);
  m.code({0x0F, 0x10, 0x03});  // movups xmm0, [rbx]
  CHECK_FALSE(m.fault());
  m.code({0xC5, 0xF8, 0x58, 0x03});  // vaddps xmm0, xmm0, [rbx]
  CHECK_FALSE(m.fault());
  m.reg(kRbx) = 0x30010;
  m.code({0xC5, 0xFD, 0x6F, 0x03});  // vmovdqa ymm0, [rbx]: 32 bytes
  CHECK(m.fault() == Vector::GP);
}

TEST_CASE("enable bits: what is off -> #UD or #NM") {
  struct Case {
    u64 cr0_set, cr4_clear, xcr0;
    std::vector<u8> code;
    Vector vector;
  };
  const Case c = GENERATE(values<Case>({
      {cr0::TS, 0, 7, {0x0F, 0x58, 0xC1}, Vector::NM},
      {cr0::EM, 0, 7, {0x0F, 0x58, 0xC1}, Vector::UD},
      {0, cr4::OSFXSR, 7, {0x0F, 0x58, 0xC1}, Vector::UD},
      {cr0::EM, 0, 7, {0xD9, 0xE8}, Vector::NM},
      {cr0::TS, 0, 7, {0xD9, 0xE8}, Vector::NM},
      {cr0::EM, 0, 7, {0x0F, 0xFC, 0xCA}, Vector::UD},
      {0, cr4::OSXSAVE, 7, {0xC5, 0xF8, 0x58, 0xC1}, Vector::UD},
      {0, 0, 3, {0xC5, 0xF8, 0x58, 0xC1}, Vector::UD},
      {cr0::TS, 0, 7, {0xC5, 0xF8, 0x77}, Vector::NM},
  }));
  SimdMachine m;
  m.code(c.code);
  m.cpu.state.cr0 |= c.cr0_set;
  m.cpu.state.cr4 &= ~c.cr4_clear;
  m.cpu.state.xcr0 = c.xcr0;
  CHECK(m.fault() == c.vector);
}

TEST_CASE("features: a model without the instruction's CPUID bit -> #UD") {
  SimdMachine m("qemu64");
  m.code({0x66, 0x0F, 0x38, 0x00, 0xC4});  // pshufb
  CHECK(m.fault() == Vector::UD);
  m.code({0x66, 0x0F, 0xFE, 0xC4});  // paddd
  CHECK_FALSE(m.fault());
}

TEST_CASE("gather: fault in the third element -> two are in, their mask bits clear") {
  SimdMachine m;
  m.code({0xC4, 0xE2, 0x71, 0x90, 0x04, 0x13});  // vpgatherdd xmm0, [rbx+xmm2], xmm1
  m.reg(kRbx) = 0x30000;
  m.memory.write<u32>({0x30000}, 11);
  m.memory.write<u32>({0x30010}, 22);
  const u32 index[4] = {0, 0x10, 0x7FFF0000, 0x20};
  std::memcpy(fpu::xmm(m.fpu(), 2), index, 16);
  std::memset(fpu::xmm(m.fpu(), 1), 0xFF, 16);
  std::memset(fpu::xmm(m.fpu(), 0), 0x77, 16);
  CHECK(m.fault() == Vector::PF);
  u32 data[4], mask[4];
  std::memcpy(data, fpu::xmm(m.fpu(), 0), 16);
  std::memcpy(mask, fpu::xmm(m.fpu(), 1), 16);
  CHECK((data[0] == 11 && data[1] == 22 && data[2] == 0x77777777));
  CHECK((mask[0] == 0 && mask[1] == 0 && mask[2] == ~0u && mask[3] == ~0u));
}

TEST_CASE("VPMASKMOVD: masked-off elements on a missing page -> no fault") {
  SimdMachine m;
  m.code({0xC4, 0xE2, 0x71, 0x8E, 0x03});  // vpmaskmovd [rbx], xmm1, xmm0
  m.reg(kRbx) = 0x40000000 - 8;            // the second half lies past what is mapped
  store<u64>(fpu::xmm(m.fpu(), 1), 0x8000000080000000);
  CHECK_FALSE(m.fault());
  store<u64>(fpu::xmm(m.fpu(), 1) + 8, 0x80000000);
  CHECK(m.fault() == Vector::PF);
}

TEST_CASE("MASKMOVDQU: only bytes whose mask has bit 7 -> written at rdi") {
  SimdMachine m;
  m.code({0x66, 0x0F, 0xF7, 0xC1});
  m.reg(kRdi) = 0x30001;
  m.memory.write<u32>({0x30001}, 0x55555555);
  store<u32>(fpu::xmm(m.fpu(), 0), 0x44332211);
  store<u32>(fpu::xmm(m.fpu(), 1), 0x80008000);
  m.step();
  CHECK(m.memory.read<u32>({0x30001}) == 0x44552255);
}

TEST_CASE("code memory: no mapping is writable and executable") {
  auto memory = CodeMemory::create(1);
  REQUIRE(memory.ok());
  (*memory)->writable()[0] = 0xC3;
  CHECK((*memory)->executable()[0] == 0xC3);
  CHECK(static_cast<const u8*>((*memory)->writable()) != (*memory)->executable());
  CHECK(writable_executable_mappings() == 0);
}
