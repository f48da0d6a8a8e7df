// SPDX-License-Identifier: MIT
#include "mmu/tlb.h"

#include <catch2/catch.hpp>

#include "mmu/shadow.h"

using namespace ring3;

namespace {

TlbFill page(u64 linear, bool global = false) {
  return {.linear = linear,
          .physical = linear,
          .host = nullptr,
          .page_shift = 12,
          .global = global,
          .read = true,
          .write = true,
          .execute = true};
}
bool hits(const Tlb& tlb, u64 linear) { return (linear ^ tlb.entry(linear).read_tag) < kPageSize; }

}  // namespace

TEST_CASE("Tlb: empty slots -> no page of the slot hits") {
  Tlb tlb;
  for (u64 i = 0; i < 2 * tlb.size(); ++i) REQUIRE_FALSE(hits(tlb, i << 12));
  CHECK(tlb.used() == 0);
}

TEST_CASE("Tlb: window() finds the same entry as entry()") {
  Tlb tlb;
  for (u64 linear : {u64{0}, u64{0x1234'5678}, ~u64{0}, u64{0xFFFF'8000'0123'4FFF}})
    CHECK(&tlb.window().entry(linear) == &tlb.entry(linear));
}

TEST_CASE("Tlb: flush of non-global pages -> a slot that became global stays") {
  Tlb tlb;
  tlb.fill(page(0x1000));
  tlb.fill(page(0x1000 + (tlb.size() << 12), true));
  tlb.fill(page(0x2000, true));
  tlb.fill(page(0x2000 + (tlb.size() << 12)));
  tlb.flush_non_global();
  CHECK(hits(tlb, 0x1000 + (Tlb::kEntries << 12)));
  CHECK_FALSE(hits(tlb, 0x2000 + (Tlb::kEntries << 12)));
  tlb.fill(page(0x2000));
  tlb.flush_non_global();
  CHECK_FALSE(hits(tlb, 0x2000));
  tlb.flush();
  CHECK(tlb.used() == 0);
}

TEST_CASE("Tlb: conflicts -> asks for more, up to the limit; idle flushes -> for less") {
  Tlb tlb;
  for (int round = 0; round < 20; ++round) {
    for (u64 i = 0; i < 16 * tlb.size(); ++i) tlb.fill(page((i % (2 * tlb.size())) << 12));
    if (tlb.wants_resize()) tlb.adapt();
  }
  CHECK(tlb.size() == Tlb::kMaxEntries);
  for (int round = 0; round < 2000; ++round) {
    tlb.fill(page(0x1000));
    tlb.flush();
    if (tlb.wants_resize()) tlb.adapt();
  }
  CHECK(tlb.size() == Tlb::kMinEntries);
  CHECK_FALSE(hits(tlb, 0x1000));
}

TEST_CASE("Tlb: drop_writes -> only that physical page, only write tags") {
  Tlb tlb;
  tlb.fill(page(0x1000));
  tlb.fill(page(0x2000));
  tlb.drop_writes(0x1000);
  CHECK(tlb.entry(0x1000).write_tag != 0x1000);
  CHECK(hits(tlb, 0x1000));
  CHECK(tlb.entry(0x2000).write_tag == 0x2000);
}

TEST_CASE("ShadowPageTables: more entries than fit -> some go, none is wrong") {
  ShadowPageTables shadow;
  const u64 pages = 2 * ShadowPageTables::capacity();
  Walk w;
  for (u64 i = 0; i < pages; ++i) {
    w.page_base = i << 13;
    shadow.insert(i << 12, w);
  }
  CHECK(shadow.size() <= ShadowPageTables::capacity());
  CHECK(shadow.size() > ShadowPageTables::capacity() / 2);
  u64 wrong = 0;
  for (u64 i = 0; i < pages; ++i) {
    const ShadowEntry* e = shadow.find(i << 12);
    wrong += e && e->physical != i << 13;
  }
  CHECK(wrong == 0);
}

TEST_CASE("ShadowPageTables: a page replaced by a larger one -> only the new one is found") {
  ShadowPageTables shadow;
  Walk w;
  w.page_base = 0x1000;
  shadow.insert(0x20'3000, w);
  w.page_base = 0x40'0000;
  w.page_shift = 21;
  shadow.insert(0x20'3000, w);
  CHECK(shadow.find(0x20'3000)->physical_of(0x20'3000) == 0x40'3000);
  CHECK(shadow.size() == 1);
}
