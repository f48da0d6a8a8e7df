// SPDX-License-Identifier: MIT
// Which addresses a slot has room for, and each way in which it may not any more.
#include "mmu/identity_ranges.h"

#include <catch2/catch.hpp>
#include <functional>

#include "fixture.h"

namespace ring3::test {
namespace {

using namespace paging;

constexpr u64 kMiB = u64{1} << 20, kLarge = kP | kW | kA | kD | kPs;
constexpr u64 kCr4 = kCr4Pae | kCr4Pge;

/// Supervisor pages of 2 MiB from 4 MiB to 16 MiB, each at its own address.
struct Identity : Machine {
  explicit Identity(u64 flags = 0, u64 cr4 = kCr4) : Machine(cr4) {
    for (u64 at = 4 * kMiB; at < 16 * kMiB; at += 2 * kMiB) tables.map(at, at | kLarge | flags, 2);
  }
  u32 slot(u64 linear, bool write = false) {
    const auto found = mmu.ranges().slot_for(linear, write);
    REQUIRE(found);
    return *found;
  }
  bool has(u64 linear, bool write = false) {
    return mmu.ranges().slot_for(linear, write).has_value();
  }
  /// Where a slot's room ends, if accesses had no size.
  u64 end(u32 slot) {
    const u64 room = mmu.ranges().rooms()[slot];
    return room == 0 ? 0 : mmu.ranges().start(slot) + room + IdentityRanges::kMaxAccess - 1;
  }
};

}  // namespace

TEST_CASE("identity ranges: a large page of RAM at its own address -> room; elsewhere none") {
  Identity m;
  m.tables.map(2 * kMiB, (4 * kMiB) | kLarge, 2);
  m.tables.map(16 * kMiB, (16 * kMiB) | kLarge, 2);
  m.tables.map(32 * kMiB, (32 * kMiB) | kP | kW);
  for (u64 at : {2, 6, 16, 32}) m.touch(at * kMiB + 0x1234);
  const u32 slot = m.slot(6 * kMiB);
  CHECK(m.mmu.ranges().start(slot) == 6 * kMiB);
  CHECK(m.end(slot) == 8 * kMiB);
  CHECK(m.mmu.ranges().delta() == reinterpret_cast<i64>(m.memory.ram().data()));
  for (u64 at : {2, 4, 8, 16, 32}) CHECK_FALSE(m.has(at * kMiB));
  CHECK_FALSE(m.has(6 * kMiB + bit(32)));
  CHECK_FALSE(m.has(8 * kMiB - 8));
}

TEST_CASE("identity ranges: pages that come to be known -> slots grow in place") {
  Identity m;
  m.touch(6 * kMiB);
  m.touch(10 * kMiB);
  const u32 low = m.slot(6 * kMiB), high = m.slot(10 * kMiB);
  CHECK(low != high);
  m.touch(8 * kMiB);
  CHECK(m.end(low) == 12 * kMiB);
  CHECK(m.slot(10 * kMiB) == low);
  m.touch(12 * kMiB);
  CHECK(m.end(low) == 14 * kMiB);
  CHECK(m.end(high) == 14 * kMiB);
  m.mmu.invlpg({8 * kMiB});
  CHECK(m.end(low) == 8 * kMiB);
  CHECK(m.end(high) == 14 * kMiB);
  m.touch(8 * kMiB);
  CHECK(m.end(low) == 14 * kMiB);
}

TEST_CASE("identity ranges: what takes a translation away -> no room") {
  struct Event {
    const char* name;
    std::function<void(Identity&)> happens;
  };
  const Event event = GENERATE(values<Event>({
      {"INVLPG", [](Identity& m) { m.mmu.invlpg({7 * kMiB}); }},
      {"INVPCID 0", [](Identity& m) { m.mmu.invpcid(0, 0, {7 * kMiB}); }},
      {"INVPCID 1", [](Identity& m) { m.mmu.invpcid(1, 0, {}); }},
      {"INVPCID 2", [](Identity& m) { m.mmu.invpcid(2, 0, {}); }},
      {"INVPCID 3", [](Identity& m) { m.mmu.invpcid(3, 0, {}); }},
      {"CR3", [](Identity& m) { m.mmu.load_cr3(m.state.cr3, false, kNoPdptes); }},
      {"CR4", [](Identity& m) { m.mmu.set_cr4(kCr4 | kCr4Smap); }},
      {"CR0.WP", [](Identity& m) { m.mmu.set_cr0(kCr0Pg | 1); }},
      {"CR0.PG", [](Identity& m) { m.mmu.set_cr0(kCr0Wp | 1); }},
      {"EFER", [](Identity& m) { m.mmu.set_efer(kEferLma); }},
      {"A20", [](Identity& m) { m.memory.set_a20(false); }},
      {"map", [](Identity& m) { m.memory.add_hole({7 * kMiB}, kPageSize); }},
      {"armed", [](Identity& m) { m.mmu.arm({7 * kMiB}); }},
      {"bypass", [](Identity& m) { m.mmu.set_bypass(true); }},
      {"counting", [](Identity& m) { m.mmu.count_accesses(true); }},
      {"newer translation",
       [](Identity& m) {
         m.tables.map(6 * kMiB, (12 * kMiB) | kLarge, 2);
         m.mmu.invlpg({6 * kMiB + bit(40)});
         m.mmu.invpcid(0, 0, {6 * kMiB});
         m.touch(6 * kMiB + 0x5000, Access::Read, View::User);
         m.touch(6 * kMiB + 0x5000);
       }},
  }));
  INFO(event.name);
  Identity m;
  m.touch(6 * kMiB);
  m.touch(6 * kMiB, Access::Write);
  const u32 read = m.slot(6 * kMiB), write = m.slot(6 * kMiB, true);
  event.happens(m);
  CHECK(m.end(read) == 0);
  CHECK(m.end(write) == 0);
  CHECK_FALSE(m.has(6 * kMiB));
}

TEST_CASE("identity ranges: armed pages, bypass, A20 off -> nothing is noted") {
  const int way = GENERATE(0, 1, 2);
  Identity m;
  if (way == 0) m.mmu.arm({14 * kMiB});
  if (way == 1) m.mmu.set_bypass(true);
  if (way == 2) m.memory.set_a20(false);
  m.touch(6 * kMiB);
  CHECK_FALSE(m.mmu.ranges().any());
}

TEST_CASE("identity ranges: the guest changed its tables and no miss told -> stale as the TLB") {
  Identity m;
  m.touch(6 * kMiB);
  m.tables.map(6 * kMiB, 0, 2);
  CHECK(m.has(6 * kMiB));
  CHECK(m.mmu.probe_read<1>(6 * kMiB));
  m.mmu.invlpg({6 * kMiB});
  CHECK_FALSE(m.touch(6 * kMiB).ok);
  CHECK_FALSE(m.has(6 * kMiB));
}

TEST_CASE("identity ranges: split into small pages by a walk of one of them -> no room") {
  Identity m;
  m.tables.map(6 * kMiB, (6 * kMiB) | kP | kA | kPs, 2);
  m.touch(6 * kMiB);
  const u32 read = m.slot(6 * kMiB);
  m.tables.map(6 * kMiB, 0, 2);
  m.tables.map(6 * kMiB, (12 * kMiB) | kP | kW);
  m.touch(6 * kMiB, Access::Write);  // asks the tables, since what is known denies it
  CHECK(m.end(read) == 0);
}

TEST_CASE("identity ranges: global pages -> stay when others go") {
  Identity m(kG);
  m.touch(6 * kMiB);
  const u32 slot = m.slot(6 * kMiB);
  m.mmu.load_cr3(m.state.cr3, false, kNoPdptes);
  m.mmu.invpcid(0, 0, {6 * kMiB});
  m.mmu.invpcid(1, 0, {});
  m.mmu.invpcid(3, 0, {});
  CHECK(m.end(slot) == 8 * kMiB);
  m.mmu.invlpg({6 * kMiB});
  CHECK(m.end(slot) == 0);
}

TEST_CASE("identity ranges: INVLPG in a page of 1 GiB -> all of it goes") {
  Identity m;
  m.mmu.set_gib_pages(true);
  m.tables.map(0, kLarge, 3);
  m.mmu.flush_all();
  m.touch(6 * kMiB);
  m.touch(12 * kMiB);
  CHECK(m.has(6 * kMiB));
  m.mmu.invlpg({900 * kMiB});
  CHECK_FALSE(m.mmu.ranges().any());
}

TEST_CASE("identity ranges: user pages -> only without SMAP; denied by a key -> never") {
  Identity open(kU), closed(kU, kCr4 | kCr4Smap), keyed(kU | u64{3} << 59, kCr4 | kCr4Pke);
  open.touch(6 * kMiB);
  CHECK(open.has(6 * kMiB));
  closed.touch(6 * kMiB, Access::Read, View::SupervisorAc);
  CHECK_FALSE(closed.mmu.ranges().any());
  keyed.touch(6 * kMiB);
  CHECK(keyed.has(6 * kMiB));
  keyed.mmu.set_pkru(1u << 6);
  CHECK_FALSE(keyed.has(6 * kMiB));
  keyed.touch(6 * kMiB, Access::Execute);
  CHECK_FALSE(keyed.has(6 * kMiB));
}

TEST_CASE("identity ranges: read-only and clean pages -> no writes") {
  Identity m;
  m.tables.map(6 * kMiB, (6 * kMiB) | kP | kA | kPs, 2);
  m.tables.map(8 * kMiB, (8 * kMiB) | kP | kW | kA | kPs, 2);
  m.touch(6 * kMiB);
  m.touch(8 * kMiB);
  CHECK(m.has(6 * kMiB));
  CHECK(m.has(8 * kMiB));
  CHECK_FALSE(m.has(6 * kMiB, true));
  CHECK_FALSE(m.has(8 * kMiB, true));
  m.touch(8 * kMiB, Access::Write);
  CHECK(m.has(8 * kMiB, true));
}

TEST_CASE("identity ranges: a watched page -> slots for writes end at it, others begin behind it") {
  Identity m;
  m.touch(6 * kMiB, Access::Write);
  m.touch(8 * kMiB, Access::Write);
  const u64 page = 7 * kMiB;
  const u32 read = m.slot(6 * kMiB), write = m.slot(page - 0x8000, true);
  CHECK(m.end(write) == 10 * kMiB);
  m.memory.watch({page + 8}, PhysicalMemory::kWatchCode);
  CHECK(m.end(read) == 10 * kMiB);
  CHECK(m.end(write) == page);
  CHECK_FALSE(m.has(page, true));
  CHECK_FALSE(m.has(page - 8, true));
  const u32 behind = m.slot(page + kPageSize + 8, true);
  CHECK(m.mmu.ranges().start(behind) == page + kPageSize);
  m.touch(10 * kMiB, Access::Write);
  CHECK(m.end(behind) == 12 * kMiB);
  CHECK(m.end(write) == page);
  m.memory.watch({page + kPageSize}, PhysicalMemory::kWatchLog);
  CHECK(m.end(behind) == 0);
}

TEST_CASE("identity ranges: more places than slots -> those without room are for others") {
  Identity m;
  m.touch(6 * kMiB, Access::Write);
  m.touch(8 * kMiB, Access::Write);
  IdentityRanges& ranges = m.mmu.ranges();
  for (u64 n = IdentityRanges::kSlots; n-- > 0;)
    CHECK(m.has(6 * kMiB + 0x1'0000 + n * 0x1'1000, true));
  CHECK(ranges.unused() == 0);
  CHECK_FALSE(m.has(6 * kMiB));
  CHECK(ranges.unused() == 0);
  m.mmu.invlpg({6 * kMiB});
  m.mmu.invlpg({8 * kMiB});
  CHECK(ranges.unused() == ~u32{0});
  ranges.release(0x80);
  m.touch(6 * kMiB);
  CHECK(m.slot(6 * kMiB) == 7);
}

}  // namespace ring3::test
