// SPDX-License-Identifier: MIT
// Expected values from SDM 3A "Paging": access rights, error codes, reserved bits, A and D.
#include "mmu/paging.h"

#include <catch2/catch.hpp>

#include "tests/mmu/fixture.h"

using namespace ring3;
using namespace ring3::test;
using namespace ring3::paging;

namespace {

constexpr u64 kLinear = 0x40'3000, kFrame = 0x20'0000;
constexpr auto R = Access::Read, W = Access::Write, X = Access::Execute;
constexpr auto S = View::Supervisor, AC = View::SupervisorAc, U = View::User;

PagingState state_of(PagingMode mode) {
  switch (mode) {
    case PagingMode::Bits32:
      return bits32_state();
    case PagingMode::Pae:
      return pae_state();
    default:
      return level4_state();
  }
}

/// kOk, or the error code.
constexpr u32 kOk = ~u32{0};

struct Guest {
  PhysicalMemory memory{0x100'0000};
  PagingState state;
  Tables tables{memory, state};
  explicit Guest(PagingMode mode) : state(state_of(mode)) {}
  u32 outcome(Access access, View view, u64 linear = kLinear, bool set_bits = true) {
    const Walk w = walk(memory, state, {linear}, access, view, set_bits);
    return w.ok ? kOk : w.error;
  }
};

}  // namespace

TEST_CASE("walk: CR0.PG = 0 -> identity, everything allowed") {
  PhysicalMemory memory(0x10'0000);
  const Walk w = walk(memory, {}, {0x1'2345'6789}, W, U, true);
  CHECK(w.ok);
  CHECK(w.address.value == 0x2345'6789);
}

TEST_CASE("walk: the rights of U/S, R/W, CR0.WP and CPL in every mode -> SDM's error codes") {
  struct Row {
    u64 flags;
    u64 cr0;
    Access access;
    View view;
    u32 expect;
  };
  const auto row = GENERATE(values<Row>({
      // supervisor page, writable
      {kW, 0, R, S, kOk},
      {kW, 0, W, S, kOk},
      {kW, 0, X, S, kOk},
      {kW, 0, R, U, kPfP | kPfU},
      {kW, 0, W, U, kPfP | kPfU | kPfW},
      {kW, 0, X, U, kPfP | kPfU},
      // supervisor page, read-only
      {0, 0, W, S, kOk},
      {0, kCr0Wp, W, S, kPfP | kPfW},
      {0, kCr0Wp, R, S, kOk},
      {0, 0, W, U, kPfP | kPfU | kPfW},
      // user page, writable
      {kU | kW, kCr0Wp, R, U, kOk},
      {kU | kW, kCr0Wp, W, U, kOk},
      {kU | kW, 0, X, U, kOk},
      {kU | kW, kCr0Wp, W, S, kOk},
      {kU | kW, kCr0Wp, X, S, kOk},
      // user page, read-only
      {kU, 0, R, U, kOk},
      {kU, 0, W, U, kPfP | kPfU | kPfW},
      {kU, 0, W, S, kOk},
      {kU, kCr0Wp, W, S, kPfP | kPfW},
      {kU, kCr0Wp, W, AC, kPfP | kPfW},
      {kU, 0, X, U, kOk},
  }));
  const auto mode = GENERATE(PagingMode::Bits32, PagingMode::Pae, PagingMode::Level4);
  const bool in_leaf = GENERATE(true, false);
  Guest g(mode);
  g.state.cr0 |= row.cr0;
  g.tables.map(kLinear, kFrame | kP | (in_leaf ? row.flags : kAll), 1,
               kP | (in_leaf ? kAll : row.flags));
  CAPTURE(static_cast<int>(mode), in_leaf, row.flags, row.cr0, static_cast<int>(row.access),
          static_cast<int>(row.view));
  CHECK(g.outcome(row.access, row.view) == row.expect);
}

TEST_CASE("walk: not present -> P = 0 and the access's bits; I/D only where fetches can fault") {
  const auto mode = GENERATE(PagingMode::Bits32, PagingMode::Pae, PagingMode::Level4);
  Guest g(mode);
  CHECK(g.outcome(R, S) == 0);
  CHECK(g.outcome(W, S) == kPfW);
  CHECK(g.outcome(W, U) == (kPfW | kPfU));
  CHECK(g.outcome(X, U) == kPfU);
  g.state.cr4 |= kCr4Smep;
  CHECK(g.outcome(X, U) == (kPfU | kPfI));
  g.state.cr4 &= ~kCr4Smep;
  g.state.efer |= kEferNxe;
  CHECK(g.outcome(X, S) == (mode == PagingMode::Bits32 ? 0u : u32{kPfI}));
}

TEST_CASE("walk: XD -> no fetch with NXE at any level, a reserved bit without") {
  const auto mode = GENERATE(PagingMode::Pae, PagingMode::Level4);
  const bool in_leaf = GENERATE(true, false);
  Guest g(mode);
  g.state.efer |= kEferNxe;
  g.tables.map(kLinear, kFrame | kAll | (in_leaf ? kXd : 0), 1, kAll | (in_leaf ? 0 : kXd));
  CHECK(g.outcome(R, U) == kOk);
  CHECK(g.outcome(X, U) == (kPfP | kPfU | kPfI));
  CHECK(g.outcome(X, S) == (kPfP | kPfI));
  g.state.efer &= ~kEferNxe;
  CHECK(g.outcome(R, U) == (kPfP | kPfU | kPfRsvd));
}

TEST_CASE("walk: SMEP -> supervisor fetches from user pages fault") {
  const auto mode = GENERATE(PagingMode::Bits32, PagingMode::Pae, PagingMode::Level4);
  Guest g(mode);
  g.tables.map(kLinear, kFrame | kAll);
  g.tables.map(kLinear + 0x1000, kFrame | kP);
  CHECK(g.outcome(X, S) == kOk);
  g.state.cr4 |= kCr4Smep;
  CHECK(g.outcome(X, S) == (kPfP | kPfI));
  CHECK(g.outcome(X, AC) == (kPfP | kPfI));
  CHECK(g.outcome(X, U) == kOk);
  CHECK(g.outcome(X, S, kLinear + 0x1000) == kOk);
  CHECK(g.outcome(R, S) == kOk);
}

TEST_CASE("walk: SMAP -> supervisor data accesses to user pages fault unless EFLAGS.AC") {
  const auto mode = GENERATE(PagingMode::Bits32, PagingMode::Pae, PagingMode::Level4);
  Guest g(mode);
  g.state.cr4 |= kCr4Smap;
  g.tables.map(kLinear, kFrame | kAll);
  CHECK(g.outcome(R, S) == kPfP);
  CHECK(g.outcome(W, S) == (kPfP | kPfW));
  CHECK(g.outcome(X, S) == kOk);
  CHECK(g.outcome(R, AC) == kOk);
  CHECK(g.outcome(W, AC) == kOk);
  CHECK(g.outcome(R, U) == kOk);
}

TEST_CASE("walk: protection keys -> AD and WD on user pages, data only") {
  Guest g(PagingMode::Level4);
  g.state.cr4 |= kCr4Pke;
  const u64 key5 = u64{5} << 59;
  g.tables.map(kLinear, kFrame | kAll | key5);
  g.tables.map(kLinear + 0x1000, kFrame | kP | kW | key5, 1);
  CHECK(g.outcome(W, U) == kOk);
  g.state.pkru = 2u << 10;  // WD5
  CHECK(g.outcome(R, U) == kOk);
  CHECK(g.outcome(W, U) == (kPfP | kPfU | kPfW | kPfPk));
  CHECK(g.outcome(W, S) == kOk);  // WD binds supervisors only with CR0.WP
  g.state.cr0 |= kCr0Wp;
  CHECK(g.outcome(W, S) == (kPfP | kPfW | kPfPk));
  g.state.pkru = 1u << 10;  // AD5
  CHECK(g.outcome(R, U) == (kPfP | kPfU | kPfPk));
  CHECK(g.outcome(R, S) == (kPfP | kPfPk));
  CHECK(g.outcome(X, U) == kOk);
  CHECK(g.outcome(W, S, kLinear + 0x1000) == kOk);  // supervisor page
  g.state.cr4 &= ~kCr4Pke;
  CHECK(g.outcome(R, U) == kOk);
}

TEST_CASE("walk: page sizes -> address, shift and global of the leaf") {
  struct Row {
    PagingMode mode;
    unsigned level;
    u64 leaf;
    unsigned shift;
    u64 physical;
  };
  const auto row = GENERATE(values<Row>({
      {PagingMode::Bits32, 1, 0x20'0000, 12, 0x20'0678},
      {PagingMode::Bits32, 2, 0x80'0000 | kPs, 22, 0x80'3678},
      {PagingMode::Bits32, 2, 0x80'0000 | kPs | 0x12'2000, 22, 0x91'0080'3678},  // PSE-36
      {PagingMode::Pae, 1, 0xF1'2345'6000, 12, 0xF1'2345'6678},
      {PagingMode::Pae, 2, 0xF1'2340'0000 | kPs, 21, 0xF1'2340'3678},
      {PagingMode::Level4, 1, 0xF1'2345'6000, 12, 0xF1'2345'6678},
      {PagingMode::Level4, 2, 0xF1'2340'0000 | kPs | 0x1000, 21, 0xF1'2340'3678},  // PAT
      {PagingMode::Level4, 3, 0xF1'0000'0000 | kPs, 30, 0xF1'0040'3678},
  }));
  Guest g(row.mode);
  g.state.cr4 |= kCr4Pge;
  g.tables.map(kLinear, row.leaf | kAll | kG, row.level);
  const Walk w = walk(g.memory, g.state, {kLinear + 0x678}, R, U, true);
  CHECK(w.ok);
  CHECK(w.address.value == row.physical);
  CHECK(w.page_shift == row.shift);
  CHECK(w.global);
  CHECK(w.page_base == (row.physical & ~low_mask(row.shift)));
}

TEST_CASE("walk: reserved bits of a present entry -> RSVD, whatever the rights") {
  struct Row {
    PagingMode mode;
    unsigned level;
    u64 leaf;
    bool reserved;
  };
  const auto row = GENERATE(values<Row>({
      {PagingMode::Bits32, 2, kPs | bit(21), true},
      {PagingMode::Bits32, 2, kPs | bit(20), true},   // address bit 39 with 36 physical bits
      {PagingMode::Bits32, 2, kPs | bit(17), true},   // address bit 36
      {PagingMode::Bits32, 2, kPs | bit(16), false},  // address bit 35
      {PagingMode::Bits32, 1, kPs, false},            // PAT
      {PagingMode::Pae, 1, bit(36), true},
      {PagingMode::Pae, 1, bit(35), false},
      {PagingMode::Pae, 1, bit(62), true},
      {PagingMode::Pae, 2, kPs | bit(13), true},
      {PagingMode::Pae, 2, kPs | bit(12), false},
      {PagingMode::Pae, 2, kPs | bit(20), true},
      {PagingMode::Level4, 1, bit(36), true},
      {PagingMode::Level4, 1, bit(51), true},
      {PagingMode::Level4, 1, bit(52) | bit(62), false},
      {PagingMode::Level4, 2, kPs | bit(20), true},
      {PagingMode::Level4, 3, kPs | bit(29), true},
      {PagingMode::Level4, 3, kPs | bit(13), true},
      {PagingMode::Level4, 4, kPs, true},
  }));
  Guest g(row.mode);
  g.state.physical_bits = 36;
  g.tables.map(kLinear, row.leaf | kP | kW, row.level);
  CAPTURE(static_cast<int>(row.mode), row.level, row.leaf);
  CHECK(g.outcome(W, S) == (row.reserved ? kPfP | kPfW | kPfRsvd : kOk));
  g.tables.map(kLinear, row.leaf, row.level);  // not present: nothing is reserved
  CHECK(g.outcome(W, S) == kPfW);
}

TEST_CASE("walk: PS without CR4.PSE -> a page table; PS in a PDPTE without 1G pages -> RSVD") {
  Guest g(PagingMode::Bits32);
  g.state.cr4 = 0;
  g.tables.map(kLinear, kFrame | kAll, 1, kAll | kPs);
  CHECK(g.outcome(R, U) == kOk);
  Guest g4(PagingMode::Level4);
  g4.state.gib_pages = false;
  g4.tables.map(kLinear, kPs | kAll, 3);
  CHECK(g4.outcome(R, U) == (kPfP | kPfU | kPfRsvd));
}

TEST_CASE("walk: A in each entry used, D in the leaf of a write") {
  const auto mode = GENERATE(PagingMode::Bits32, PagingMode::Pae, PagingMode::Level4);
  const unsigned level = GENERATE(1u, 2u);
  Guest g(mode);
  g.tables.map(kLinear, 0x80'0000 | kAll | (level == 2 ? kPs : 0), level);
  const unsigned levels = mode == PagingMode::Bits32 ? 2 : mode == PagingMode::Pae ? 3 : 4;
  const auto entries = [&] {
    const Walk w = look_up(g.memory, g.state, {kLinear});
    REQUIRE(w.steps == levels - level + 1);
    u64 all = kA | kD, any = 0;
    for (unsigned i = 0; i < w.steps; ++i) {
      if (mode == PagingMode::Pae && w.step[i].level == 3) continue;
      if (i + 1u < w.steps) CHECK_FALSE(w.step[i].entry & kD);
      all &= w.step[i].entry | (i + 1u < w.steps ? kD : 0);
      any |= w.step[i].entry & (kA | kD);
    }
    return std::pair{all, any};
  };
  CHECK(entries() == std::pair<u64, u64>{0, 0});
  CHECK(g.outcome(R, U, kLinear, false) == kOk);
  CHECK(entries() == std::pair<u64, u64>{0, 0});
  CHECK(g.outcome(R, U) == kOk);
  CHECK(entries() == std::pair<u64, u64>{kA, kA});
  CHECK(g.outcome(W, U) == kOk);
  CHECK(entries() == std::pair<u64, u64>{kA | kD, kA | kD});
  CHECK(look_up(g.memory, g.state, {kLinear}).dirty);
}

TEST_CASE("walk: a denied access -> neither A nor D") {
  Guest g(PagingMode::Level4);
  const PhysAddr leaf = g.tables.map(kLinear, kFrame | kP | kU);
  CHECK(g.outcome(W, U) == (kPfP | kPfW | kPfU));
  CHECK(g.memory.read<u64>(leaf) == (kFrame | kP | kU));
  CHECK_FALSE(g.memory.read<u64>({g.state.cr3}) & kA);
}

TEST_CASE("walk: an entry that maps itself -> A and D land in it, the walk ends") {
  Guest g(PagingMode::Level4);
  g.memory.write<u64>({g.state.cr3 + 8 * 511}, g.state.cr3 | kAll);
  const u64 self = 0xFFFF'FFFF'FFFF'F000;
  CHECK(g.outcome(W, S, self) == kOk);
  CHECK((g.memory.read<u64>({g.state.cr3 + 8 * 511}) & 0xFFF) == (kAll | kA | kD));
}

TEST_CASE("walk: tables in ROM or nowhere -> read as such, bits dropped, no crash") {
  Guest g(PagingMode::Level4);
  std::vector<u8> rom(0x1000);
  store<u64>(rom.data(), kFrame | kPs | kAll);
  g.memory.add_rom({0xFFF0'0000}, rom);
  g.memory.write<u64>({g.state.cr3}, 0xFFF0'0000 | kAll);
  const Walk w = walk(g.memory, g.state, {0x40'0000 - 0x1000}, W, U, true);
  CHECK_FALSE(w.ok);  // a 1G page needs bits 29:13 clear
  store<u64>(rom.data(), kPs | kAll);
  g.memory.add_rom({0xFFF0'0000}, rom);
  CHECK(g.outcome(W, U) == kOk);
  CHECK(g.memory.read<u64>({0xFFF0'0000}) == (kPs | kAll));
  g.state.cr3 = 0x80'0000'0000;  // all ones: reserved bits
  CHECK(g.outcome(R, S) == (kPfP | kPfRsvd));
}

TEST_CASE("walk: A/D stores to a watched page -> the watcher is told") {
  struct Log final : WriteWatcher {
    int calls = 0;
    void on_watched_write(PhysAddr, u64 size) override { calls += size == 8; }
  } log;
  Guest g(PagingMode::Level4);
  const PhysAddr leaf = g.tables.map(kLinear, kFrame | kAll);
  g.memory.set_watcher(PhysicalMemory::kWatchCode, &log);
  g.memory.watch(leaf, PhysicalMemory::kWatchCode);
  CHECK(g.outcome(R, U) == kOk);
  CHECK(log.calls == 1);
  CHECK(g.outcome(R, U) == kOk);
  CHECK(log.calls == 1);
}

TEST_CASE("load_pdptes: reserved bits count only in present entries") {
  PhysicalMemory memory(0x20'0000);
  PagingState s = pae_state();
  std::array<u64, 4> out{};
  memory.write<u64>({0x12'3020}, 0x5000 | kP);
  memory.write<u64>({0x12'3038}, bit(50) | 2);
  CHECK(load_pdptes(memory, s, 0x12'3020, out));
  CHECK(out == std::array<u64, 4>{0x5001, 0, 0, bit(50) | 2});
  memory.write<u64>({0x12'3028},
                    0x5000 | kP | GENERATE(as<u64>{}, 2, 4, 0x20, 0x100, bit(40), kXd));
  CHECK_FALSE(load_pdptes(memory, s, 0x12'3020, out));
}

TEST_CASE("walk: A20 disabled -> tables and pages are reached with bit 20 clear") {
  Guest g(PagingMode::Bits32);
  g.tables.map(kLinear, 0x30'0000 | kAll);
  g.memory.set_a20(false);  // the directory at 1 MiB is now looked for at 0
  CHECK(g.outcome(R, U) == kPfU);
  g.memory.write<u32>({kLinear >> 22 << 2}, kPs | kAll);
  CHECK(walk(g.memory, g.state, {0x50'0000}, R, U, true).address.value == 0);
}
