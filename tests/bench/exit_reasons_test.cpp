// SPDX-License-Identifier: MIT
#include "bench/exit_reasons.h"

#include <catch2/catch.hpp>

using namespace ring3::bench;

// SDM 3D Appendix C, "Basic Exit Reasons".
TEST_CASE("exit reasons: names of -stats -> the manual's numbers") {
  CHECK(exit_reason_number("EXCEPTION") == 0u);
  CHECK(exit_reason_number("EXTERNAL_INTERRUPT") == 1u);
  CHECK(exit_reason_number("CPUID") == 10u);
  CHECK(exit_reason_number("HLT") == 12u);
  CHECK(exit_reason_number("CR_ACCESS") == 28u);
  CHECK(exit_reason_number("IO_INSTRUCTION") == 30u);
  CHECK(exit_reason_number("RDMSR") == 31u);
  CHECK(exit_reason_number("WRMSR") == 32u);
  CHECK(exit_reason_number("EPT_VIOLATION (MMIO)") == 48u);
  CHECK(exit_reason_number("iret").value() >= kFirstOwnReason);
  CHECK_FALSE(exit_reason_number(""));
  CHECK_FALSE(exit_reason_number("instructions"));
}

TEST_CASE("exits: text of info stats -> counts by name, other lines skipped") {
  const auto exits = exits_of_stats_text(
      "info stats\r\ninstructions           100711009\r\nguest seconds  2.096\r\n"
      "  iret                     95219\r\n  EPT_VIOLATION (MMIO)         7\r\n"
      "  far transfer                 2\r\n  nonsense 5\r\n(ring3) ");
  CHECK(exits.size() == 3);
  CHECK(exits.at("iret") == 95219);
  CHECK(exits.at("EPT_VIOLATION (MMIO)") == 7);
  CHECK(exits.at("far transfer") == 2);
}

TEST_CASE("exits: JSON of -stats -> counts; anything else -> none") {
  CHECK(exits_of_stats_json("{\"exits\":{\"HLT\":3,\"x\":-1}}").at("HLT") == 3);
  const auto kvm = exits_of_stats_json(
      "{\"exits\":{\"HLT\":3},\"kvm\":{\"counters\":{\"pf_taken\":7,\"fpu_reload\":9}}}");
  CHECK(kvm.size() == 2);
  CHECK(kvm.at("KVM: pf_taken") == 7);
  CHECK(exit_reason_number("KVM: pf_taken") == kKvmCounter);
  for (const char* text : {"", "[]", "{\"exits\":3}", "nonsense"})
    CHECK(exits_of_stats_json(text).empty());
}
