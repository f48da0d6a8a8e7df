// SPDX-License-Identifier: MIT
#include "bios/bench_guest.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "base/bits.h"
#include "bios/multiboot_loader.h"
#include "fake_machine.h"

namespace ring3 {
namespace {

/// The units at the image's end: ring 0 and ring 3 of each workload in turn.
std::vector<u64> units_of(const BenchChoice& choice) {
  const auto image = bench_guest_image(choice);
  REQUIRE(image.ok());
  std::vector<u64> units(bench_workloads().size() * 2);
  const std::vector<u8>& bytes = *image;
  const u8* at = bytes.data() + bytes.size() - units.size() * sizeof(u64);
  for (u64& u : units) {
    u = load<u64>(at);
    at += sizeof u;
  }
  return units;
}

std::string error_of(const BenchChoice& choice) {
  const auto image = bench_guest_image(choice);
  REQUIRE_FALSE(image.ok());
  return image.error();
}

}  // namespace

TEST_CASE("bench guest: no choice -> the units of the list, as assembled") {
  const std::vector<u64> units = units_of({});
  for (size_t i = 0; i < bench_workloads().size(); ++i) {
    CHECK(units[2 * i] == bench_workloads()[i].units[0]);
    CHECK(units[2 * i + 1] == bench_workloads()[i].units[1]);
  }
}

TEST_CASE("bench guest: one workload in ring 3 with units -> these, else none") {
  const std::vector<u64> units = units_of({.workloads = "memory", .ring = 3, .units = 12345});
  CHECK(std::ranges::count(units, 0u) == static_cast<std::ptrdiff_t>(units.size()) - 1);
  CHECK(std::ranges::count(units, 12345u) == 1);
}

TEST_CASE("bench guest: two workloads -> both, in both rings") {
  const std::vector<u64> units = units_of({.workloads = "integer+cpuid", .ring = {}, .units = 7});
  CHECK(std::ranges::count(units, 7u) == 4);
}

TEST_CASE("bench guest: image -> a Multiboot kernel") {
  const auto image = bench_guest_image({});
  REQUIRE(image.ok());
  CHECK(is_multiboot_image(*image));
}

TEST_CASE("bench guest: loaded -> entered in protected mode") {
  test::FakeMachine machine(u64{16} << 20);
  const auto entry = load_bench_guest(machine.target, {});
  REQUIRE(entry.ok());
  CHECK((*entry).mode == EntryMode::Protected32);
}

TEST_CASE("bench guest: unknown workload -> an error that names it and those that are") {
  const std::string error = error_of({.workloads = "integer+nope", .ring = {}, .units = {}});
  CHECK(test::contains(error, "'nope'"));
  CHECK(test::contains(error, "self_modify"));
}

TEST_CASE("bench guest: a workload that its ring has not -> an error") {
  CHECK(test::contains(error_of({.workloads = "system_call", .ring = 0, .units = {}}), "ring 0"));
}

TEST_CASE("bench guest: ring 1, no units -> errors") {
  CHECK(test::contains(error_of({.workloads = "", .ring = 1, .units = {}}), "ring 1"));
  CHECK(test::contains(error_of({.workloads = "", .ring = {}, .units = 0}), "units=0"));
}

}  // namespace ring3
