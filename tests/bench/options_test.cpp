// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>
#include <filesystem>

#include "bench/command.h"
#include "bench/selection.h"

using namespace ring3::bench;

namespace {

ring3::Result<Options> parse(std::vector<const char*> arguments) {
  return parse_options(arguments, "/build/release/tools/ring3");
}

bool says(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

Available fabricated_workloads() {
  return {{{"ring0", "", "cpuid", "", 1, 1},
           {"ring3", "", "cpuid", "", 1, 1},
           {"program", "integer", "fib", "", 1, 1},
           {"program32", "integer", "fib", "", 1, 1}},
          {"boot: no kernels in /x; get them"}};
}

size_t chosen(const char* name) {
  auto options = parse({"--workloads", name});
  auto workloads = choose_workloads(*options, fabricated_workloads());
  return workloads ? (*workloads).size() : 0;
}

}  // namespace

TEST_CASE("options: none -> defaults, and paths beside the program") {
  auto options = parse({});
  REQUIRE(options);
  CHECK((*options).plan.rounds == 5);
  CHECK((*options).guest.binaries == "/build/release/bench");
  CHECK((*options).guest.folder == "/build/guests");
}

TEST_CASE("options: --name VALUE and --name=VALUE -> the same") {
  CHECK((*parse({"--rounds", "7"})).plan.rounds == 7);
  CHECK((*parse({"--rounds=7"})).plan.rounds == 7);
  CHECK((*parse({"--engines=jit,,interp"})).engines == std::vector<std::string>{"jit", "interp"});
}

TEST_CASE("options: a relative folder or program -> absolute, as programs run in other folders") {
  const std::string here = std::filesystem::current_path().string();
  const auto options = parse({"--guests", "a/guests", "--binaries=bin", "--guest", "cloud"});
  CHECK((*options).guest.folder == here + "/a/guests");
  CHECK((*options).guest.binaries == here + "/bin");
  CHECK((*options).guest.name == "cloud");
  CHECK((*parse_options({}, "build/x/tools/ring3")).guest.folder == here + "/build/guests");
}

TEST_CASE("options: seconds of a run -> by suite; --seconds -> of all suites") {
  const Plan plan = (*parse({})).plan;
  CHECK(plan.seconds_of("ring0") == 0.1);
  CHECK(plan.seconds_of("boot") == 0.1);
  CHECK(plan.seconds_of("program") == 0.5);
  CHECK(plan.seconds_of("program32") == 0.5);
  CHECK((*parse({"--seconds", "0.2"})).plan.seconds_of("program") == 0.2);
  CHECK((*parse({"--quick"})).plan.seconds_of("ring3") == 0.03);
}

TEST_CASE("options: bad ones -> a line with option, value and way out") {
  for (const std::vector<const char*>& bad :
       std::vector<std::vector<const char*>>{{"--rounds", "0"},
                                             {"--rounds", "x"},
                                             {"--seconds", "1e9"},
                                             {"--json"},
                                             {"--json="},
                                             {"--quick=1"},
                                             {"--nope"},
                                             {"fib"},
                                             {"--also", "jit=/bin/true"},
                                             {"--also", "new"},
                                             {"--also", "new=/nowhere"},
                                             {"--engines", ","},
                                             {"--load", "x", "--engines", "jit"}}) {
    const auto options = parse(bad);
    REQUIRE_FALSE(options);
    CHECK(says(options.error(), std::string(bad[0]).substr(0, std::string(bad[0]).find('='))));
    CHECK_FALSE(says(options.error(), "\n"));
  }
}

TEST_CASE("workloads: suite, class, name or id -> those; nothing -> the bench guest") {
  CHECK(chosen("ring0") == 1);
  CHECK(chosen("cpuid") == 2);
  CHECK(chosen("ring3/cpuid") == 1);
  CHECK(chosen("integer") == 1);
  CHECK(chosen("all") == 3);
  CHECK(chosen("fib") == 1);
  CHECK(chosen("program32") == 1);
  auto none = parse({});
  CHECK((*choose_workloads(*none, fabricated_workloads())).size() == 2);
}

TEST_CASE("workloads: an unknown one, or one whose guest is missing -> what there is, or why") {
  auto unknown = parse({"--workloads", "nope"});
  const auto no_such = choose_workloads(*unknown, fabricated_workloads());
  REQUIRE_FALSE(no_such);
  CHECK(says(no_such.error(), "--workloads nope"));
  CHECK(says(no_such.error(), "all, ring0, ring3, program, program32, integer, cpuid, fib"));
  auto boots = parse({"--workloads", "boot/cloud"});
  const auto missing = choose_workloads(*boots, fabricated_workloads());
  REQUIRE_FALSE(missing);
  CHECK(says(missing.error(), "no kernels in /x"));
}
