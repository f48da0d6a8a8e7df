// SPDX-License-Identifier: MIT
// Patched sensitive instructions against the interpreter: CLI, STI, PUSHF, POPF, CLD, STD, CLAC,
// STAC, SWAPGS, PAUSE, RDTSC, RDTSCP in rings 0 and 3, 32- and 64-bit code, with interrupts and
// faults taken where the interpreter takes them.
#include <catch2/catch.hpp>
#include <random>

#include "jit/jit.h"
#include "one_interrupt.h"
#include "tests/core/system_machine.h"

namespace ring3 {
namespace {

using M = SystemMachine;

constexpr u64 kUserPage = 0x600000, kHlt = 0xF4;
constexpr u8 kIntr = OneInterrupt::kVector;

struct Program {
  std::vector<u8> code;
  bool long64 = false, user = false, smap = false, intr = false, iopl = false, tsd = false;
  bool lined = false;  ///< the time is a line over the host's ticks
  u64 rflags = 0;
};

class Programs {
 public:
  explicit Programs(u32 seed) : random_(seed) {}

  Program next() {
    p_.long64 = pick(2);
    p_.user = pick(4) == 0;
    p_.smap = p_.long64 && !p_.user && pick(3) == 0;
    p_.intr = pick(2);
    p_.iopl = pick(4) == 0;
    p_.tsd = pick(3) == 0;
    p_.lined = pick(4) != 0;
    p_.rflags = flag::kFixed | (random_() & (flag::kArith | flag::DF)) | (pick(2) ? flag::IF : 0);
    if (p_.iopl) p_.rflags |= flag::IOPL;
    for (unsigned n = 2 + pick(12); n > 0; --n) instruction();
    put({kHlt});
    return p_;
  }

 private:
  u32 pick(u32 n) { return random_() % n; }
  void put(std::initializer_list<u64> bytes) {
    for (u64 b : bytes) p_.code.push_back(static_cast<u8>(b));
  }
  void instruction() {
    switch (pick(16)) {
      case 0:
      case 1:
        return put({0xFA});  // cli
      case 2:
      case 3:
        return put({0xFB});  // sti
      case 4:
        return put({0x9C, 0x58 + pick(2)});  // pushf; pop eax or ecx
      case 5:                                // pushf; xor byte [rsp + n], bits; popf
        put({0x9C, 0x80, 0x74, 0x24, pick(2), pick(3) ? pick(256) : 2, 0x9D});
        return;
      case 6:
        return put({0xFC + pick(2)});  // cld, std
      case 7:
        return put({0x0F, 0x01, 0xCA + pick(2)});  // clac, stac
      case 8:
        return p_.long64 ? put({0x0F, 0x01, 0xF8}) : put({0xF3, 0x90});  // swapgs, pause
      case 9:
        return pick(2) ? put({0xFF, 0xC0}) : put({0x0F, 0x01, 0xE8});  // inc eax, serialize
      case 10:
        return put({0x39, 0xC8 | pick(8)});  // cmp
      case 11:
        return put({0x0F, 0x90 | pick(16), 0xC2});  // setcc dl
      case 12:                                      // mov esi, [user page]
        return put({0x8B, 0x34, 0x25, kUserPage & 0xFF, kUserPage >> 8 & 0xFF, kUserPage >> 16, 0});
      case 13:
        return put({0x0F, 0x31});  // rdtsc
      case 14:
        return put({0x0F, 0x01, 0xF9});  // rdtscp
      default:                           // mov eax, gs:[8]
        return p_.long64 ? put({0x65, 0x8B, 0x04, 0x25, 8, 0, 0, 0}) : put({0xF3, 0x90});
    }
  }

  std::mt19937 random_;
  Program p_;
};

/// Stand still at the same time; one holds, the other does not.
constexpr Nanos kTime = 0x123456789ABC;
constexpr TickLine kLine{.ticks = 0, .limit = ~u64{0}, .nanos = kTime, .rate = 0};
constexpr TickLine kNoLine{};

void prepare(M& m, const Program& p) {
  m.time.time = kTime;
  m.cpu.state.tsc_offset = 0x1111;
  m.cpu.state.tsc_aux = 0x2222;
  const u8 cpl = p.user ? 3 : 0;
  if (p.long64) {
    m.long_system({}, cpl);
    m.idt64(kIntr, M::kCode0, M::kHandler + 0x200);
    if (p.smap) m.memory.write<u64>({M::kTables + 0x2000}, 0x83);  // only kUserPage is a user page
    if (p.smap) m.cpu.state.cr4 |= cr4::SMAP;
  } else {
    m.protected_system({}, cpl);
    m.idt(kIntr, M::gate(M::kCode0, M::kHandler + 0x200, 0x8E));
  }
  if (p.tsd) m.cpu.state.cr4 |= cr4::TSD;
  m.cpu.mmu.set_cr4(m.cpu.state.cr4);
  m.cpu.mmu.flush_all();
  for (unsigned v = 0; v < 32; ++v) m.put(M::kHandler + v * 16, {kHlt});
  m.put(M::kHandler + 0x200, {0xFF, 0xC3, 0x48, 0xCF});  // inc ebx; iretq
  if (!p.long64) m.put(M::kHandler + 0x202, {0xCF});
  m.memory.write(PhysAddr{M::kCode}, std::span<const u8>(p.code));
  m.cpu.state.rflags = p.rflags;
  m.cpu.state.seg[kGs].base = 0x3000;
  m.cpu.state.kernel_gs_base = 0x3800;
  m.memory.write<u32>({0x3008}, 0x11111111);
  m.memory.write<u32>({0x3808}, 0x22222222);
  for (Gpr r : {kRax, kRcx, kRdx, kRbx, kRsi}) m.reg(r) = 0x1234567 + r;
  m.cpu.update_mode();
  m.cpu.set_intr(p.intr);
}

void compare(M& a, M& b) {
  const CpuState &s = a.cpu.state, &t = b.cpu.state;
  for (unsigned r = 0; r < 18; ++r) {
    INFO("register " << r);
    REQUIRE(s.gpr[r] == t.gpr[r]);
  }
  REQUIRE(s.rflags == t.rflags);
  REQUIRE(s.cr2 == t.cr2);
  REQUIRE(s.seg[kGs].base == t.seg[kGs].base);
  REQUIRE(s.kernel_gs_base == t.kernel_gs_base);
  REQUIRE(s.instructions == t.instructions);
  REQUIRE(s.shadow == t.shadow);
  REQUIRE(a.cpu.signals == b.cpu.signals);
  REQUIRE(a.mmu.view() == b.mmu.view());
  REQUIRE(a.mmu.window_address()->mask == b.mmu.window_address()->mask);
  REQUIRE(std::ranges::equal(a.memory.ram().first(0x80000), b.memory.ram().first(0x80000)));
}

std::string bytes_of(const std::vector<u8>& code) {
  std::string text;
  for (u8 b : code) (text += "0123456789abcdef"[b >> 4]) += "0123456789abcdef"[b & 15];
  return text;
}

}  // namespace

TEST_CASE("jit system: random flag and ring 0 instructions -> the interpreter's state") {
  for (u32 seed = 1; seed <= 1500; ++seed) {
    const Program p = Programs(seed).next();
    INFO("seed " << seed << " code " << bytes_of(p.code) << (p.long64 ? " 64" : " 32")
                 << (p.user ? " user" : "") << (p.smap ? " smap" : "") << (p.intr ? " intr" : ""));
    M a, b;
    b.time.tick_line = p.lined ? &kLine : &kNoLine;
    JitOptions options;
    options.threshold = 0;
    options.cache_bytes = 256 << 10;
    b.engine.reset();
    auto jit = make_jit(b.cpu, options);
    REQUIRE(jit);
    b.engine = std::move(*jit);
    OneInterrupt apic_a(a.cpu), apic_b(b.cpu);
    a.cpu.apic = &apic_a;
    b.cpu.apic = &apic_b;
    for (int round = 0; round < 2; ++round) {
      prepare(a, p);
      prepare(b, p);
      REQUIRE(a.run(200) == b.run(200));
      compare(a, b);
    }
  }
}

TEST_CASE("jit system: STI with an interrupt waiting -> one more instruction runs first") {
  M m;
  JitOptions options;
  options.threshold = 0;
  m.engine.reset();
  m.engine = std::move(*make_jit(m.cpu, options));
  OneInterrupt apic(m.cpu);
  m.protected_system({0xFB, 0x40, 0x40});  // sti; inc eax; inc eax
  m.reg(kRax) = 0;
  m.cpu.apic = &apic;
  m.idt(kIntr, M::gate(M::kCode0, M::kHandler, 0x8E));
  m.put(M::kHandler, {kHlt});
  m.cpu.set_intr(true);
  CHECK(m.run() == Exit::Halted);
  CHECK(m.reg(kRax) == 1);
  CHECK(m.stack32(0) == M::kCode + 2);
}

}  // namespace ring3
