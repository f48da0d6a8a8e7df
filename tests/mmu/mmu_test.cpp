// SPDX-License-Identifier: MIT
#include "mmu/mmu.h"

#include <catch2/catch.hpp>

#include "tests/mmu/fixture.h"

using namespace ring3;
using namespace ring3::test;
using namespace ring3::paging;

namespace {

constexpr u64 kLinear = 0x7F00'0040'3000, kFrame = 0x20'0000;
constexpr auto R = Access::Read, W = Access::Write, X = Access::Execute;
constexpr u64 kPcidCr4 = kCr4Pae | kCr4Pge | kCr4Pcide;

u8* ram(Machine& m, u64 physical) { return m.memory.ram().data() + physical; }

}  // namespace

TEST_CASE("probe: before a translation -> miss; after -> the host byte, by rights") {
  Machine m;
  m.tables.map(kLinear, kFrame | kAll | kXd);
  CHECK(m.mmu.probe_read<1>(kLinear) == nullptr);
  const Translation t = m.touch(kLinear + 5);
  CHECK(t.ok);
  CHECK(t.address.value == kFrame + 5);
  CHECK(t.page.host == ram(m, kFrame));
  CHECK(m.mmu.probe_read<4>(kLinear + 0x10) == ram(m, kFrame + 0x10));
  CHECK(m.mmu.probe_write<4>(kLinear) == nullptr);  // D is clear
  CHECK(m.mmu.probe_execute(kLinear) == nullptr);   // XD
  m.touch(kLinear, W);
  CHECK(m.mmu.probe_write<4>(kLinear) == ram(m, kFrame));
}

TEST_CASE("probe: an access that leaves the page or is not canonical -> never hits") {
  Machine m;
  m.tables.map(kLinear, kFrame | kAll);
  m.tables.map(kLinear + 0x1000, kFrame + 0x1000 | kAll);
  m.touch(kLinear, W);
  m.touch(kLinear + 0x1000, W);
  CHECK(m.mmu.probe_read<8>(kLinear + 0xFF8) != nullptr);
  CHECK(m.mmu.probe_read<8>(kLinear + 0xFF9) == nullptr);
  CHECK(m.mmu.probe_write<2>(kLinear + 0xFFF) == nullptr);
  CHECK(m.mmu.probe_read<1>(kLinear + 0xFFF) != nullptr);
  CHECK(m.mmu.probe_read<1>(kLinear | bit(63)) == nullptr);
  CHECK(m.mmu.probe_read<1>(kLinear | bit(47)) == nullptr);
}

TEST_CASE("probe: empty tables -> no address hits, bypass neither") {
  Machine m;
  const u64 slot = GENERATE(0u, 1u, 2u, 1023u);
  const u64 high = GENERATE(as<u64>{}, 0, 0x40'0000, 0x7FFF'FFC0'0000, 0xFFFF'FFFF'FFC0'0000);
  const u64 address = high + (slot << 12);
  m.mmu.set_bypass(GENERATE(false, true));
  CHECK(m.mmu.probe_read<1>(address) == nullptr);
  CHECK(m.mmu.probe_write<1>(address) == nullptr);
  CHECK(m.mmu.probe_execute(address) == nullptr);
}

TEST_CASE("views: each has its own rights for one page") {
  Machine m(kCr4Pae | kCr4Smap | kCr4Smep);
  m.tables.map(kLinear, kFrame | kAll | kD);
  CHECK_FALSE(m.touch(kLinear, R, View::Supervisor).ok);
  CHECK(m.touch(kLinear, R, View::SupervisorAc).ok);
  CHECK(m.mmu.probe_write<1>(kLinear));
  CHECK_FALSE(m.mmu.probe_execute(kLinear));
  m.mmu.set_view(View::Supervisor);
  CHECK_FALSE(m.mmu.probe_read<1>(kLinear));
  CHECK(m.touch(kLinear, X, View::User).ok);
  CHECK(m.mmu.probe_execute(kLinear));
  CHECK(m.mmu.probe_write<1>(kLinear));
  CHECK(m.mmu.view() == View::User);
}

TEST_CASE("translate: MMIO and holes -> never in the TLB; ROM -> read and execute only") {
  struct Device final : MmioHandler {
    u64 mmio_read(u64, unsigned) override { return 0; }
    void mmio_write(u64, unsigned, u64) override {}
  } device;
  Machine m;
  m.memory.add_mmio({0xFEE0'0000}, 0x2000, device);
  m.memory.add_rom({0xFFFF'0000}, std::vector<u8>(0x1000, 0x90));
  m.tables.map(kLinear, 0xFEE0'1000 | kAll);
  m.tables.map(kLinear + 0x1000, 0xFFFF'0000 | kAll);
  m.tables.map(kLinear + 0x2000, 0xFFFE'0000 | kAll);
  const Translation t = m.touch(kLinear + 8, W);
  CHECK(t.page.mmio == &device);
  CHECK(t.page.mmio_offset == 0x1000);
  CHECK(m.mmu.probe_read<1>(kLinear) == nullptr);
  CHECK(m.touch(kLinear + 0x1000, W).page.kind == PageKind::Rom);
  CHECK(m.mmu.probe_read<1>(kLinear + 0x1000));
  CHECK(m.mmu.probe_execute(kLinear + 0x1000));
  CHECK_FALSE(m.mmu.probe_write<1>(kLinear + 0x1000));
  CHECK(m.touch(kLinear + 0x2000).page.kind == PageKind::Hole);
  CHECK_FALSE(m.mmu.probe_read<1>(kLinear + 0x2000));
}

TEST_CASE("translate: a fault -> the walk's error code, nothing cached") {
  Machine m;
  CHECK(m.touch(kLinear, W, View::User).error == (kPfW | kPfU));
  m.tables.map(kLinear, kFrame | kAll);  // no invalidation needed: not-present is never cached
  CHECK(m.touch(kLinear, W, View::User).ok);
}

TEST_CASE("translate: rights were raised in memory -> the stale shadow is walked again") {
  Machine m;
  m.tables.map(kLinear, kFrame | kP | kU);
  m.touch(kLinear, R, View::User);
  CHECK_FALSE(m.touch(kLinear, W, View::User).ok);
  m.tables.map(kLinear, kFrame | kAll);
  CHECK(m.touch(kLinear, W, View::User).ok);
  CHECK(m.mmu.probe_write<1>(kLinear));
}

TEST_CASE("stale entries: the guest's change shows after INVLPG, not needed before") {
  Machine m;
  m.tables.map(kLinear, kFrame | kAll);
  m.touch(kLinear);
  m.tables.map(kLinear, kFrame + 0x1000 | kAll);
  m.mmu.invlpg({kLinear + 0x123});
  CHECK(m.mmu.probe_read<1>(kLinear) == nullptr);
  CHECK(m.touch(kLinear).address.value == kFrame + 0x1000);
}

TEST_CASE("INVLPG of a page -> new generations only if code was fetched there") {
  Machine m;
  m.tables.map(kLinear, kFrame | kAll);
  m.tables.map(kLinear + 0x1000, kFrame + 0x1000 | kAll);
  m.touch(kLinear);
  m.touch(kLinear + 0x1000, X);
  const u64 generation = m.mmu.generation(), global = m.mmu.global_generation();
  m.mmu.invlpg({kLinear});
  CHECK(m.mmu.generation() == generation);
  CHECK(m.mmu.global_generation() == global);
  m.mmu.invlpg({kLinear + 0x1FFF});
  CHECK_FALSE(m.mmu.is_current(generation));
  CHECK(m.mmu.global_generation() == global);
}

TEST_CASE("INVLPG of a global page that code was fetched from -> every generation is new") {
  Machine m;
  m.state.cr4 |= kCr4Pge;
  m.mmu.set_cr4(m.state.cr4);
  m.tables.map(kLinear, kFrame | kAll | kG);
  m.touch(kLinear, X);
  const u64 generation = m.mmu.generation(), global = m.mmu.global_generation();
  m.mmu.invlpg({kLinear});
  CHECK_FALSE(m.mmu.is_current(generation));
  CHECK_FALSE(m.mmu.is_current(global));
}

TEST_CASE(
    "INVPCID of an address -> a new generation of that PCID alone, if it fetched code there") {
  Machine m;
  m.state.cr4 |= kCr4Pcide | kCr4Pge;
  m.mmu.set_cr4(m.state.cr4);
  m.tables.map(kLinear, kFrame | kAll);
  std::array<u64, 18> spaces{};
  for (u16 pcid : {1, 17, 2}) {  // 17 takes the place of 1 in what is known of fetches
    m.mmu.load_cr3((m.state.cr3 & ~u64{0xFFF}) | pcid, true, kNoPdptes);
    m.touch(kLinear, X);
    spaces[pcid] = m.mmu.generation();
  }
  const u64 last = m.mmu.last_generation();
  m.mmu.invpcid(0, 2, {kLinear + 0x1000});
  CHECK(m.mmu.last_generation() == last);
  m.mmu.invpcid(0, 2, {kLinear});
  CHECK_FALSE(m.mmu.is_current(spaces[2]));
  m.mmu.load_cr3((m.state.cr3 & ~u64{0xFFF}) | 17, true, kNoPdptes);
  CHECK(m.mmu.generation() == spaces[17]);
  m.mmu.load_cr3((m.state.cr3 & ~u64{0xFFF}) | 1, true, kNoPdptes);
  CHECK_FALSE(m.mmu.is_current(spaces[1]));
}

TEST_CASE("generations: a PCID's comes back with it, until it is flushed") {
  Machine m;
  m.state.cr4 |= kCr4Pcide | kCr4Pge;
  m.mmu.set_cr4(m.state.cr4);
  m.mmu.load_cr3(m.state.cr3 | 1, false, kNoPdptes);
  const u64 first = m.mmu.generation(), global = m.mmu.global_generation();
  m.mmu.load_cr3(m.state.cr3 | 2, true, kNoPdptes);
  CHECK_FALSE(m.mmu.is_current(first));
  m.mmu.load_cr3(m.state.cr3 | 1, true, kNoPdptes);
  CHECK(m.mmu.generation() == first);
  m.mmu.invpcid(1, 2, {0});
  CHECK(m.mmu.generation() == first);
  m.mmu.load_cr3(m.state.cr3 | 1, false, kNoPdptes);
  CHECK_FALSE(m.mmu.is_current(first));
  CHECK(m.mmu.global_generation() == global);
  m.mmu.invpcid(2, 0, {0});
  CHECK_FALSE(m.mmu.is_current(global));
}

TEST_CASE("INVLPG: one address of a large page -> all its fragments go, neighbours stay") {
  Machine m;
  const unsigned level = GENERATE(2u, 3u);
  const u64 base = 0x7F00'0000'0000;
  m.tables.map(base, kAll | kPs | kG, level);
  m.tables.map(base + 0x80'0000'0000, kFrame | kAll | kG);
  m.touch(base + 0x5000);
  m.touch(base + 0x1F'F000);
  m.touch(base + 0x80'0000'0000);
  m.mmu.invlpg({base + 0x10'0000});
  CHECK_FALSE(m.mmu.probe_read<1>(base + 0x5000));
  CHECK_FALSE(m.mmu.probe_read<1>(base + 0x1F'F000));
  CHECK(m.mmu.probe_read<1>(base + 0x80'0000'0000));
  CHECK(m.mmu.shadow().size() == 1);
}

TEST_CASE("CR3 load without PCID -> global pages stay, others go") {
  Machine m;
  m.tables.map(kLinear, kFrame | kAll);
  m.tables.map(kLinear + 0x1000, kFrame | kAll | kG);
  m.touch(kLinear);
  m.touch(kLinear + 0x1000);
  const u64 generation = m.mmu.generation();
  m.mmu.load_cr3(m.state.cr3, true, kNoPdptes);  // bit 63 means nothing without PCIDE
  CHECK(m.mmu.generation() != generation);
  CHECK_FALSE(m.mmu.probe_read<1>(kLinear));
  CHECK(m.mmu.probe_read<1>(kLinear + 0x1000));
  CHECK(m.mmu.shadow().size() == 1);
  m.mmu.invlpg({kLinear + 0x1000});
  CHECK_FALSE(m.mmu.probe_read<1>(kLinear + 0x1000));
  CHECK(m.mmu.shadow().size() == 0);
}

TEST_CASE("CR4.PGE and other paging controls: a change -> global pages go too") {
  const u64 flip = GENERATE(as<u64>{}, kCr4Pge, kCr4Smep, kCr4Smap, kCr4Pse, kCr4Pke, kCr4Pcide);
  Machine m;
  m.tables.map(kLinear, kFrame | kP | kW | kG);
  m.touch(kLinear);
  m.mmu.set_cr4(m.state.cr4 ^ flip);
  CHECK_FALSE(m.mmu.probe_read<1>(kLinear));
  CHECK(m.mmu.shadow().size() == 0);
}

TEST_CASE("CR0.WP and PKRU: a change -> the TLB's rights follow, the shadow stays") {
  Machine m(kCr4Pae | kCr4Pke);
  m.tables.map(kLinear, kFrame | kP | kU | kD | u64{3} << 59);
  CHECK_FALSE(m.touch(kLinear, W).ok);
  m.mmu.set_cr0(kCr0Pg | 1);
  CHECK(m.touch(kLinear, W).ok);
  CHECK(m.mmu.probe_write<1>(kLinear));
  m.mmu.set_cr0(kCr0Pg | kCr0Wp | 1);
  CHECK_FALSE(m.mmu.probe_write<1>(kLinear));
  m.touch(kLinear, R, View::User);
  CHECK(m.mmu.probe_read<1>(kLinear));
  m.mmu.set_pkru(1u << 6);
  CHECK_FALSE(m.mmu.probe_read<1>(kLinear));
  CHECK(m.touch(kLinear, R, View::User).error == (kPfP | kPfU | kPfPk));
  CHECK(m.mmu.shadow().size() == 1);
}

TEST_CASE("PCID: bit 63 keeps a space, without it the space is flushed") {
  Machine m(kPcidCr4);
  m.tables.map(kLinear, kFrame | kAll);
  m.mmu.load_cr3(m.state.cr3 | 1, false, kNoPdptes);
  m.touch(kLinear);
  m.tables.map(kLinear, kFrame + 0x1000 | kAll);  // stale on purpose: shows what was kept
  m.mmu.load_cr3(m.state.cr3 | 2, false, kNoPdptes);
  CHECK_FALSE(m.mmu.probe_read<1>(kLinear));
  CHECK(m.touch(kLinear).address.value == kFrame + 0x1000);
  m.mmu.load_cr3(m.state.cr3 | 1 | bit(63), true, kNoPdptes);
  CHECK(m.mmu.state().cr3 == (m.state.cr3 | 1));
  CHECK(m.touch(kLinear).address.value == kFrame);
  m.mmu.load_cr3(m.state.cr3 | 1, false, kNoPdptes);
  CHECK(m.touch(kLinear).address.value == kFrame + 0x1000);
}

TEST_CASE("INVPCID: each type drops what the manual says and nothing else") {
  Machine m(kPcidCr4);
  const u64 global = kLinear + 0x1000, other = kLinear + 0x2000;
  m.tables.map(kLinear, kFrame | kAll);
  m.tables.map(global, kFrame | kAll | kG);
  m.tables.map(other, kFrame | kAll);
  for (u64 pcid : {1, 2}) {
    m.mmu.load_cr3(m.state.cr3 | pcid, false, kNoPdptes);
    m.touch(kLinear);
    m.touch(other);
    m.touch(global);
  }
  const auto spaces = [&] {
    std::array<int, 3> n{};  // global, PCID 1, PCID 2
    m.mmu.shadow().for_each([&](const ShadowEntry& e) { ++n[e.global ? 0 : e.pcid]; });
    return n;
  };
  CHECK(spaces() == std::array{1, 2, 2});
  SECTION("0: one address of one PCID, not global pages") {
    m.mmu.invpcid(0, 2, {kLinear});
    m.mmu.invpcid(0, 2, {global});
    CHECK(spaces() == std::array{1, 2, 1});
    CHECK_FALSE(m.mmu.probe_read<1>(kLinear));
    CHECK(m.mmu.probe_read<1>(other));
    CHECK(m.mmu.probe_read<1>(global));
    m.mmu.invpcid(0, 1, {other});
    CHECK(spaces() == std::array{1, 1, 1});
    CHECK(m.mmu.probe_read<1>(other));
  }
  SECTION("1: one PCID, not global pages") {
    m.mmu.invpcid(1, 1, {});
    CHECK(spaces() == std::array{1, 0, 2});
    CHECK(m.mmu.probe_read<1>(kLinear));
    m.mmu.invpcid(1, 2, {});
    CHECK(spaces() == std::array{1, 0, 0});
    CHECK_FALSE(m.mmu.probe_read<1>(kLinear));
    CHECK(m.mmu.probe_read<1>(global));
  }
  SECTION("2: everything") {
    m.mmu.invpcid(2, 0, {});
    CHECK(spaces() == std::array{0, 0, 0});
    CHECK_FALSE(m.mmu.probe_read<1>(global));
  }
  SECTION("3: everything but global pages") {
    m.mmu.invpcid(3, 0, {});
    CHECK(spaces() == std::array{1, 0, 0});
    CHECK_FALSE(m.mmu.probe_read<1>(other));
    CHECK(m.mmu.probe_read<1>(global));
  }
}

TEST_CASE("watch: write tags go in all views at once; unwatch lets them come back") {
  Machine m;
  m.tables.map(kLinear, kFrame | kAll);
  m.tables.map(kLinear + 0x5000, kFrame | kAll);  // an alias
  m.touch(kLinear, W, View::User);
  m.touch(kLinear + 0x5000, W, View::Supervisor);
  CHECK(m.mmu.probe_write<1>(kLinear + 0x5000));
  m.memory.watch({kFrame + 0x10}, PhysicalMemory::kWatchCode);
  CHECK_FALSE(m.mmu.probe_write<1>(kLinear + 0x5000));
  CHECK(m.mmu.probe_read<1>(kLinear + 0x5000));
  m.mmu.set_view(View::User);
  CHECK_FALSE(m.mmu.probe_write<1>(kLinear));
  CHECK(m.touch(kLinear, W, View::User).ok);
  CHECK_FALSE(m.mmu.probe_write<1>(kLinear));
  m.memory.unwatch({kFrame}, PhysicalMemory::kWatchCode);
  m.touch(kLinear, W, View::User);
  CHECK(m.mmu.probe_write<1>(kLinear));
}

TEST_CASE(
    "beside code: a write to a line without code -> direct, to one with code or across -> not") {
  Machine m;
  m.tables.map(kLinear, kFrame | kAll);
  m.memory.watch({kFrame}, PhysicalMemory::kWatchCode);
  m.touch(kLinear, W);
  CHECK_FALSE(m.mmu.probe_beside_code(kLinear, 4));  // nobody said where its code is
  m.memory.set_code_lines({kFrame + 0x123}, 2);
  u8* const page = m.memory.ram().data() + kFrame;
  CHECK(m.mmu.probe_beside_code(kLinear + 60, 4) == page + 60);
  CHECK(m.mmu.probe_beside_code(kLinear + 128, 8) == page + 128);
  CHECK(m.mmu.probe_beside_code(kLinear + 0xFF8, 8) == page + 0xFF8);
  CHECK_FALSE(m.mmu.probe_beside_code(kLinear + 61, 4));
  CHECK_FALSE(m.mmu.probe_beside_code(kLinear + 127, 1));
  CHECK_FALSE(m.mmu.probe_beside_code(kLinear + 0xFFC, 8));
  CHECK_FALSE(m.mmu.probe_beside_code(kLinear + 0x400000, 4));  // the same slot
  SECTION("another watcher -> it is told") {
    m.memory.watch({kFrame}, PhysicalMemory::kWatchLog);
    CHECK_FALSE(m.mmu.probe_beside_code(kLinear + 128, 8));
  }
  SECTION("no longer watched -> the usual way") {
    m.memory.unwatch({kFrame}, PhysicalMemory::kWatchCode);
    CHECK_FALSE(m.mmu.probe_beside_code(kLinear + 128, 8));
  }
  SECTION("bypass -> not") {
    m.mmu.set_bypass(true);
    CHECK_FALSE(m.mmu.probe_beside_code(kLinear + 128, 8));
  }
  SECTION("INVLPG -> not") {
    m.mmu.invlpg({kLinear});
    CHECK_FALSE(m.mmu.probe_beside_code(kLinear + 128, 8));
  }
  SECTION("watched anew -> not before somebody says where its code is") {
    m.memory.unwatch({kFrame}, PhysicalMemory::kWatchCode);
    m.memory.watch({kFrame}, PhysicalMemory::kWatchCode);
    CHECK_FALSE(m.mmu.probe_beside_code(kLinear + 128, 8));
  }
}

TEST_CASE("beside code: a page that may not be written, or is clean -> not") {
  Machine m;
  m.tables.map(kLinear, kFrame | kP | kU);
  m.memory.watch({kFrame}, PhysicalMemory::kWatchCode);
  m.memory.set_code_lines({kFrame}, 1);
  m.touch(kLinear, R, View::User);
  m.mmu.set_view(View::User);
  CHECK_FALSE(m.mmu.probe_beside_code(kLinear + 128, 8));
  m.tables.map(kLinear, kFrame | kAll);
  m.mmu.invlpg({kLinear});
  m.touch(kLinear, R, View::User);
  CHECK_FALSE(m.mmu.probe_beside_code(kLinear + 128, 8));
  m.touch(kLinear, W, View::User);
  CHECK(m.mmu.probe_beside_code(kLinear + 128, 8));
}

TEST_CASE("map and A20 changes -> every host pointer goes, generation moves") {
  PhysicalMemory memory(0x20'0000);
  Mmu mmu(memory);
  CHECK(mmu.translate({0x10'0010}, W, View::Supervisor).address.value == 0x10'0010);
  CHECK(mmu.probe_write<1>(0x10'0010) == memory.ram().data() + 0x10'0010);
  const u64 generation = mmu.generation();
  memory.set_a20(false);
  CHECK(mmu.generation() != generation);
  CHECK_FALSE(mmu.probe_write<1>(0x10'0010));
  CHECK(mmu.translate({0x10'0010}, W, View::Supervisor).address.value == 0x10);
  CHECK(mmu.probe_write<1>(0x10'0010) == memory.ram().data() + 0x10);
  memory.watch({0x10'0000}, PhysicalMemory::kWatchCode);  // the page at 0, as A20 has it
  CHECK_FALSE(mmu.probe_write<1>(0x10'0010));
  memory.add_hole({0}, 0x1000);
  CHECK_FALSE(mmu.probe_read<1>(0x10'0010));
}

TEST_CASE("Mmu: gone before the memory -> a map change reaches nobody") {
  PhysicalMemory memory(0x20'0000);
  { Mmu mmu(memory); }
  memory.set_a20(false);
  memory.watch({0}, PhysicalMemory::kWatchCode);
  CHECK_FALSE(memory.a20());
}

TEST_CASE("arm: an armed page never hits, others do; disarmed it hits again") {
  Machine m;
  m.tables.map(kLinear, kFrame | kAll);
  m.tables.map(kLinear + 0x1000, kFrame + 0x1000 | kAll);
  m.touch(kLinear, W);
  m.mmu.arm({kLinear});
  CHECK(m.mmu.armed());
  for (const u64 page : {kLinear, kLinear + 0x1000}) CHECK(m.touch(page, W).ok);
  CHECK_FALSE(m.mmu.probe_read<1>(kLinear));
  CHECK_FALSE(m.mmu.probe_write<1>(kLinear));
  CHECK(m.mmu.probe_write<1>(kLinear + 0x1000));
  m.mmu.arm({});
  m.touch(kLinear, W);
  CHECK(m.mmu.probe_write<1>(kLinear));
}

TEST_CASE("bypass: nothing hits, what is touched after it hits again") {
  Machine m;
  m.tables.map(kLinear, kFrame | kAll);
  m.touch(kLinear, W);
  m.mmu.set_bypass(true);
  CHECK_FALSE(m.mmu.probe_read<1>(kLinear));
  CHECK(m.touch(kLinear, W).ok);
  CHECK_FALSE(m.mmu.probe_write<1>(kLinear));
  m.mmu.set_bypass(false);
  CHECK(m.touch(kLinear, W).ok);
  CHECK(m.mmu.probe_write<1>(kLinear));
}

TEST_CASE("access counters: count per physical page while on") {
  Machine m;
  m.tables.map(kLinear, kFrame | kAll);
  m.touch(kLinear);
  CHECK(m.mmu.accesses({kFrame}) == 0);
  m.mmu.count_accesses(true);
  CHECK_FALSE(m.mmu.probe_read<1>(kLinear));
  m.touch(kLinear);
  m.touch(kLinear + 8, W);
  CHECK(m.mmu.accesses({kFrame + 0x123}) == 2);
  m.mmu.count_accesses(false);
  m.touch(kLinear);
  CHECK(m.mmu.accesses({kFrame}) == 2);
}

TEST_CASE("look: no A, no fill, whatever the rights") {
  Machine m;
  const PhysAddr leaf = m.tables.map(kLinear, kFrame | kP);
  const Walk w = m.mmu.look({kLinear + 1});
  CHECK(w.ok);
  CHECK(w.steps == 4);
  CHECK(w.step[3].entry_address == leaf);
  CHECK(w.address.value == kFrame + 1);
  CHECK(m.memory.read<u64>(leaf) == (kFrame | kP));
  CHECK(m.mmu.shadow().size() == 0);
}

TEST_CASE("shadow: an entry shows page, rights, key, size and space") {
  Machine m(kPcidCr4);
  m.mmu.load_cr3(m.state.cr3 | 7, false, kNoPdptes);
  m.tables.map(kLinear, 0x40'0000 | kP | kU | kPs | kXd | u64{9} << 59, 2);
  m.touch(kLinear, R, View::User);
  const ShadowEntry* e = m.mmu.shadow().find(kLinear);
  REQUIRE(e);
  CHECK(e->linear == (kLinear & ~low_mask(21)));
  CHECK(e->physical_of(kLinear) == 0x40'3000);
  CHECK((e->user && !e->writable && !e->executable && !e->global && !e->dirty));
  CHECK(e->key == 9);
  CHECK(e->page_shift == 21);
  CHECK(e->pcid == 7);
  CHECK(m.mmu.shadow().revision(7) == e->revision);
}

TEST_CASE("translate: more pages than TLB entries -> each still finds its own frame") {
  Machine m;
  for (u64 page = 0; page < 3000; ++page)
    m.tables.map(0x60'0000'0000 + (page << 12), (page % 512) << 12 | kAll);
  for (int round = 0; round < 2; ++round)
    for (u64 page = 0; page < 3000; ++page)
      REQUIRE(m.touch(0x60'0000'0000 + (page << 12)).address.value == (page % 512) << 12);
  CHECK(m.mmu.shadow().size() <= ShadowPageTables::capacity());
}
