// SPDX-License-Identifier: MIT
// Ways from block to block when what stands behind them changes: other pages at the same address,
// other address spaces, other modes, overwritten code.
#include <catch2/catch.hpp>

#include "../core/bare_machine.h"
#include "jit/jit.h"
#include "jit/profile.h"

namespace ring3 {
namespace {

/// Code in a page of its own at kFrom goes round by way of another page at kTo. That is one of
/// several physical pages, each of which counts in a register of its own.
class TwoPages : public BareMachine {
 public:
  static constexpr u64 kFrom = 0x800000, kTo = 0x805000;
  static constexpr u64 kPages[] = {0x806000, 0x807000, 0x808000};
  static constexpr u64 kSpaces = 0x200000, kG = 0x100;

  explicit TwoPages(bool translated) {
    JitOptions options;
    options.threshold = 1;
    options.cache_bytes = 1 << 20;
    options.profile = &profile;
    if (translated) engine.reset();
    if (translated) engine = std::move(*make_jit(cpu, std::move(options)));
    long_mode({});
    cpu.state.cr4 |= cr4::PGE | cr4::PCIDE;
    mmu.set_cr4(cpu.state.cr4);
    // from: dec ecx; jz end; jmp to (5 bytes); end: hlt
    put(kFrom, {0xFF, 0xC9, 0x74, 0x05, 0xE9, 0xF7, 0x4F, 0, 0, 0xF4});
    for (u64 n = 0; n < std::size(kPages); ++n) {
      const u8 inc = static_cast<u8>(0xC6 + (n == 0 ? 0 : n == 1 ? 1 : -3));  // esi, edi, ebx
      put(kPages[n], {0xFF, inc, 0xE9, 0xF9, 0xAF, 0xFF, 0xFF});              // inc; jmp from
    }
    for (u16 pcid : {0, 1, 2}) make_space(pcid);
    select(0, false);
  }

  /// From now on in ring 3, where HLT ends in a shutdown; or by an indirect jump.
  void in_ring_3() {
    cpu.state.cpl = 3;
    cpu.state.seg[kCs].selector = 8 | 3;
    cpu.update_mode();
  }
  void indirect() { put(kFrom, {0xFF, 0xC9, 0x74, 0x05, 0xFF, 0xE0, 0x90, 0x90, 0x90, 0xF4}); }

  /// Each has a page table of its own for the 2 MiB.
  void make_space(u16 pcid) {
    const u64 at = kSpaces + u64{pcid} * 0x10000;
    memory.write<u64>({at}, at + 0x1007);
    memory.write<u64>({at + 0x1000}, at + 0x2007);
    for (u64 n = 0; n < 512; ++n)
      memory.write<u64>({at + 0x2000 + 8 * n}, n == kFrom >> 21 ? at + 0x3007 : (n << 21) | 0x87);
    for (u64 n = 0; n < 512; ++n)
      memory.write<u64>({at + 0x3000 + 8 * n}, (kFrom + n * kPageSize) | 7);
  }
  void map(u16 pcid, u64 page, u64 flags = 7) {
    memory.write<u64>({kSpaces + u64{pcid} * 0x10000 + 0x3000 + 8 * ((kTo - kFrom) >> 12)},
                      page | flags);
  }
  void select(u16 pcid, bool keep) {
    cpu.state.cr3 = (kSpaces + u64{pcid} * 0x10000) | pcid;
    mmu.load_cr3(cpu.state.cr3, keep, {});
  }
  /// Comes by the other page 20 times.
  void go_round() {
    cpu.state.rip() = kFrom;
    cpu.state.activity = CpuState::Activity::Active;
    reg(kRcx) = 21;
    reg(kRax) = kTo;
    reg(kRsi) = reg(kRdi) = reg(kRbx) = 0;
    REQUIRE(run() == (cpu.state.cpl == 0 ? Exit::Halted : Exit::Shutdown));
  }
  void run_at(u64 rip) {
    cpu.state.rip() = rip;
    cpu.state.activity = CpuState::Activity::Active;
    reg(kRsp) = kStack;
    reg(kRsi) = reg(kRdi) = reg(kRbx) = 0;
    REQUIRE(run() == Exit::Halted);
  }
  /// How often by each page.
  std::array<u64, 3> counts() { return {reg(kRsi), reg(kRdi), reg(kRbx)}; }

  Profile profile;
};

using Counts = std::array<u64, 3>;

/// The same on both engines.
template <class F>
void on_both(F&& f) {
  for (bool translated : {false, true}) {
    INFO((translated ? "translated" : "interpreted"));
    TwoPages m(translated);
    f(m);
  }
}

/// In both rings, by direct and by indirect jumps.
template <class F>
void in_all_ways(F&& f) {
  for (int way = 0; way < 4; ++way) {
    on_both([&](TwoPages& m) {
      INFO("way " << way);
      if (way & 1) m.in_ring_3();
      if (way & 2) m.indirect();
      f(m);
    });
  }
}

}  // namespace

TEST_CASE("jit: the page behind an exit is mapped anew, INVLPG -> the new page runs") {
  for (u64 flags : {u64{7}, 7 | TwoPages::kG}) {
    in_all_ways([flags](TwoPages& m) {
      for (unsigned n : {0u, 1u, 2u, 0u}) {
        m.map(0, TwoPages::kPages[n], flags);
        m.mmu.invlpg({TwoPages::kTo});
        for (int twice = 0; twice < 2; ++twice) {
          m.go_round();
          CHECK(m.counts() == Counts{20u * (n == 0), 20u * (n == 1), 20u * (n == 2)});
        }
      }
    });
  }
}

TEST_CASE("jit: address spaces with other pages at the same address -> each runs its own") {
  in_all_ways([](TwoPages& m) {
    for (u16 pcid : {0, 1, 2}) m.map(pcid, TwoPages::kPages[pcid]);
    for (unsigned n = 0; n < 30; ++n) {
      const unsigned pcid = n % 3;
      m.select(static_cast<u16>(pcid), n % 7 != 0);
      m.go_round();
      CHECK(m.counts() == Counts{20u * (pcid == 0), 20u * (pcid == 1), 20u * (pcid == 2)});
    }
  });
}

TEST_CASE("jit: a global page that becomes a space's own -> the exit asks again") {
  in_all_ways([](TwoPages& m) {
    m.map(0, TwoPages::kPages[0], 7 | TwoPages::kG);
    m.go_round();
    CHECK(m.counts() == Counts{20, 0, 0});
    m.map(0, TwoPages::kPages[0]);
    m.map(1, TwoPages::kPages[1]);
    m.mmu.invlpg({TwoPages::kTo});
    for (u16 pcid : {0, 1, 0, 1}) {
      m.select(pcid, true);
      m.go_round();
      CHECK(m.counts() == Counts{20u * (pcid == 0), 20u * (pcid == 1), 0});
    }
    m.map(1, TwoPages::kPages[2], 7 | TwoPages::kG);
    m.mmu.invlpg({TwoPages::kTo});
    m.go_round();
    CHECK(m.counts() == Counts{0, 0, 20});
  });
}

TEST_CASE("jit: code behind an exit is overwritten -> the new code runs") {
  for (u64 flags : {u64{7}, 7 | TwoPages::kG}) {
    in_all_ways([flags](TwoPages& m) {
      m.map(0, TwoPages::kPages[0], flags);
      m.mmu.invlpg({TwoPages::kTo});
      m.go_round();
      CHECK(m.counts() == Counts{20, 0, 0});
      m.put(TwoPages::kPages[0] + 1, {0xC7});  // inc edi
      m.go_round();
      CHECK(m.counts() == Counts{0, 20, 0});
      m.put(TwoPages::kFrom, {0xFF, 0xC9, 0x74, 0x05, 0xE9, 0xF7, 0x4F, 0, 0, 0xF4});
      m.go_round();
      CHECK(m.counts() == Counts{0, 20, 0});
    });
  }
}

TEST_CASE("jit: the same code in another ring -> not by the links of the first") {
  // from: sti faults in ring 3, where nothing catches it.
  for (u8 cpl : {0, 3}) {
    on_both([cpl](TwoPages& m) {
      m.put(TwoPages::kPages[0], {0xFF, 0xC6, 0xFB, 0xFA, 0xE9, 0xF7, 0xAF, 0xFF, 0xFF});
      m.map(0, TwoPages::kPages[0], 7 | TwoPages::kG);
      m.mmu.invlpg({TwoPages::kTo});
      m.go_round();
      CHECK(m.counts() == Counts{20, 0, 0});
      if (cpl == 3) m.in_ring_3();
      m.reg(kRcx) = 21;
      m.cpu.state.rip() = TwoPages::kFrom;
      m.cpu.state.activity = CpuState::Activity::Active;
      CHECK(m.run() == (cpl == 0 ? Exit::Halted : Exit::Shutdown));
      CHECK(m.reg(kRsi) == (cpl == 0 ? 40 : 21));
    });
  }
}

TEST_CASE("jit: a new address space with the same code -> linked again without new translations") {
  TwoPages m(true);
  m.map(0, TwoPages::kPages[0]);
  for (int n = 0; n < 3; ++n) m.go_round();
  const JitCounters before = m.profile.translator;
  for (int n = 0; n < 50; ++n) {
    m.select(0, false);
    m.go_round();
    CHECK(m.counts() == Counts{20, 0, 0});
  }
  CHECK(m.profile.translator.translated == before.translated);
  CHECK(m.profile.translator.chained == before.chained);
}

TEST_CASE("jit: a call in one address space, a return in another -> to what stands there") {
  on_both([](TwoPages& m) {
    for (u16 n : {0, 1}) {
      m.map(n, TwoPages::kPages[n]);
      m.put(TwoPages::kPages[n], {0xE8, 0xFB, 0xB0, 0xFF, 0xFF, 0xFF, static_cast<u8>(0xC6 + n),
                                  0xF4});  // call f; inc; hlt
    }
    m.put(TwoPages::kFrom + 0x100, {0xC3});        // f: ret
    m.put(TwoPages::kFrom + 0x200, {0x52, 0xC3});  // push rdx; ret
    m.reg(kRdx) = TwoPages::kTo + 5;
    for (int n = 0; n < 5; ++n) {
      m.select(0, true);
      for (int twice = 0; twice < 2; ++twice) {
        m.run_at(TwoPages::kTo);
        CHECK(m.counts() == Counts{1, 0, 0});
      }
      m.select(1, true);
      m.run_at(TwoPages::kFrom + 0x200);
      CHECK(m.counts() == Counts{0, 1, 0});
    }
  });
}

TEST_CASE("jit: a new space with the same user code -> each page is looked for once") {
  TwoPages m(true);
  m.in_ring_3();
  for (u16 pcid : {0, 1, 2}) m.map(pcid, TwoPages::kPages[0]);
  for (int n = 0; n < 3; ++n) m.go_round();
  const JitCounters before = m.profile.translator;
  for (int n = 0; n < 50; ++n) {
    m.select(static_cast<u16>(n % 3), n % 5 == 0);
    m.go_round();
    CHECK(m.counts() == Counts{20, 0, 0});
  }
  CHECK(m.profile.translator.translated == before.translated);
  CHECK(m.profile.translator.chained == before.chained);
}

TEST_CASE(
    "jit: user code runs into a page that is another one in each space -> its own each time") {
  // inc esi; two bytes before the page's end: mov eax,imm32, whose last bytes are of kTo; jmp from
  in_all_ways([](TwoPages& m) {
    constexpr u64 kBegin = TwoPages::kTo - 2;
    m.put(TwoPages::kFrom, {0xFF, 0xC9, 0x74, 0x05, 0xE9, 0xF5, 0x4F, 0, 0, 0xF4});
    m.put(kBegin, {0xBB, 0});
    for (u64 n = 0; n < 3; ++n)
      m.put(TwoPages::kPages[n], {0, 0, static_cast<u8>(n + 1), 0xE9, 0xF8, 0xAF, 0xFF, 0xFF});
    for (u16 pcid : {0, 1, 2}) m.map(pcid, TwoPages::kPages[pcid]);
    for (unsigned n = 0; n < 30; ++n) {
      const unsigned pcid = n % 3;
      m.select(static_cast<u16>(pcid), n % 7 != 0);
      m.go_round();
      CHECK(m.counts() == Counts{0, 0, u64{pcid + 1} << 24});
    }
  });
}

TEST_CASE("jit: jumps to addresses that are no canonical ones -> #GP, whatever the tables hold") {
  for (u8 cpl : {0, 3}) {
    on_both([cpl](TwoPages& m) {
      if (cpl == 3) m.in_ring_3();
      m.indirect();
      m.map(0, TwoPages::kPages[0]);
      m.go_round();
      for (u64 n = 1; n < 200; ++n) {
        m.cpu.state.rip() = TwoPages::kFrom;
        m.cpu.state.activity = CpuState::Activity::Active;
        m.reg(kRcx) = 5;
        m.reg(kRax) = n << 48;
        REQUIRE(m.run() == Exit::Shutdown);
        CHECK(m.cpu.state.rip() == TwoPages::kFrom + 4);
      }
    });
  }
}

TEST_CASE("jit: numbers of a round are used up -> exits are linked anew") {
  TwoPages m(true);
  m.map(0, TwoPages::kPages[0]);
  for (int n = 0; n < 3; ++n) m.go_round();
  const u64 chained = m.profile.translator.chained;
  const u64 end = m.mmu.last_generation() + Generations::kRound / 2;
  while (m.mmu.last_generation() < end) m.mmu.invpcid(3, 0, {0});
  m.go_round();
  CHECK(m.counts() == Counts{20, 0, 0});
  CHECK(m.profile.translator.chained > chained);
}

TEST_CASE("jit: jumps to addresses with the same low bits -> both are found by translated code") {
  Profile profile;
  JitOptions options;
  options.threshold = 1;
  options.cache_bytes = 1 << 20;
  options.profile = &profile;
  BareMachine m;
  m.engine = std::move(*make_jit(m.cpu, std::move(options)));
  // a: call f; jmp b (32 KiB further)
  m.long_mode({0xE8, 0xFB, 0x0F, 0, 0, 0xE9, 0xF6, 0x7F, 0, 0});
  // b: call f; dec ecx; jnz a; hlt
  m.put(BareMachine::kCode + 0x8000,
        {0xE8, 0xFB, 0x8F, 0xFF, 0xFF, 0xFF, 0xC9, 0x0F, 0x85, 0xF3, 0x7F, 0xFF, 0xFF, 0xF4});
  m.put(BareMachine::kCode + 0x1000,
        {0xFF, 0xC0, 0x5A, 0xFF, 0xE2});  // f: inc eax; pop rdx; jmp rdx
  m.reg(kRax) = 0;
  m.reg(kRcx) = 1000;
  REQUIRE(m.run(100000) == Exit::Halted);
  CHECK(m.reg(kRax) == 2000);
  CHECK(profile.cold[ZYDIS_MNEMONIC_JMP] < 10);
}

}  // namespace ring3
