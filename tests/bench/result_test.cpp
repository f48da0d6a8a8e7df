// SPDX-License-Identifier: MIT
#include "bench/result.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "tests/bench/fabricated.h"

using namespace ring3::bench;

namespace {

nlohmann::ordered_json sample_json() { return to_json(fabricated({100, 110, 120}, {50, 50, 66})); }

}  // namespace

TEST_CASE("results: written as JSON and read -> the same JSON") {
  const auto json = sample_json();
  auto read = parse_results(json.dump());
  REQUIRE(read);
  CHECK(to_json(*read) == json);
}

TEST_CASE("results: JSON of another version -> an error that names both") {
  auto json = sample_json();
  json["version"] = 99;
  const auto read = parse_results(json.dump());
  REQUIRE_FALSE(read);
  CHECK(read.error().find("version 99") != std::string::npos);
  CHECK(read.error().find("version 1") != std::string::npos);
}

TEST_CASE("results: other files -> an error, never an exception") {
  for (const char* text :
       {"", "[]", "{}", "{\"programs\":[]}", "{\"format\":3}", "{\"format\":\"ring3-bench\"}",
        "{\"format\":\"ring3-bench\",\"version\":1}"})
    CHECK_FALSE(parse_results(text));
  const auto whole = sample_json();
  for (const auto& [key, value] : whole.items()) {
    auto broken = whole;
    broken[key] = -1;
    CHECK(parse_results(broken.dump()).ok() ==
          (key == "groups" || key == "disagreements"));  // computed again when read
  }
}

TEST_CASE("results: a time line with lists of different lengths -> an error") {
  auto json = sample_json();
  json["timelines"].push_back({{"engine", "jit"},
                               {"workload", "boot/cloud"},
                               {"seconds", {0.0, 0.1}},
                               {"exits", {{"CPUID", {1}}}}});
  CHECK_FALSE(parse_results(json.dump()));
}

TEST_CASE("not available: what KVM-PVM cannot do -> a line each, other errors not among them") {
  Results results = fabricated({100}, {50});
  CHECK(not_available(results).empty());
  results.rows[0].cells["kvm"].error = std::string(kOnPvm) + "exception 13";
  results.rows[0].cells["jit"].error = "it ended";
  const std::string id = results.rows[0].workload.id();
  CHECK(not_available(results) ==
        std::vector<std::string>{"kvm " + id + ": KVM-PVM: exception 13"});
}

TEST_CASE("baseline: the first that measured something in a suite") {
  const Results results = fabricated({100}, {50});
  CHECK(baseline_of(results, "ring0") == "qemu-tcg");
  CHECK(baseline_of(results, "program") == "native");
  CHECK(baseline_of(results, "boot").empty());
}

TEST_CASE("ratio: rounds that only one of two has -> do not count") {
  const Results results = fabricated({100, 200}, {50, 50, 50});
  const Spread ratio = ratio_spread(results.rows[0], "jit", "qemu-tcg");
  CHECK(ratio.count == 2);
  CHECK(ratio.max == 0.5);
  CHECK(ratio.min == 0.25);
  CHECK(ratio_spread(results.rows[0], "kvm", "qemu-tcg").count == 0);
}

TEST_CASE("hashes: engines that differ -> one line that names them; agreement -> none") {
  Results results = fabricated({100}, {50});
  CHECK(disagreements(results).empty());
  results.rows[0].cells["jit"].hash = "FEDCBA9876543210";
  const auto lines = disagreements(results);
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].find("ring0/cpuid") != std::string::npos);
  CHECK(lines[0].find("jit FEDCBA9876543210") != std::string::npos);
}

TEST_CASE("groups: geometric mean of the median ratios of a class") {
  const auto all = groups(fabricated({100, 100}, {50, 50}));
  REQUIRE(all.size() == 2);
  CHECK(all[0].ratio.at("jit") == Approx(0.5));
  CHECK(all[1].group == "integer");
}
