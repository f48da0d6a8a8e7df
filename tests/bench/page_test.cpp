// SPDX-License-Identifier: MIT
#include "bench/page.h"

#include <catch2/catch.hpp>

#include "bench/report.h"
#include "tests/bench/fabricated.h"

using namespace ring3::bench;

TEST_CASE("page: whatever texts hold -> they end no element, and all places are filled") {
  Results results = fabricated({100, 110, 120}, {50, 50, 66});
  results.failures.push_back("</script><script>alert(1)</script><!-- <script> \xff {{chart}}");
  const std::string page = page_text(results);
  CHECK(page.find("</script><script>alert(1)") == std::string::npos);
  CHECK(page.find("{{style}}") == std::string::npos);
  CHECK(page.find("{{result}}") == std::string::npos);
  CHECK(page.find("<script src") == std::string::npos);
  CHECK(page.find("<link rel=\"stylesheet\"") == std::string::npos);
}

TEST_CASE("markdown: times of the bench guest, means of programs") {
  const std::string text = markdown_text(fabricated({100, 110, 120}, {50, 50, 66}));
  CHECK(text.find("| cpuid | 50 ns (50..58) | 110 ns (105..115) |") != std::string::npos);
  CHECK(text.find("| integer | 1 | 0.5 | 1 | 2.2, then 1.3 |") != std::string::npos);
  CHECK(text.find("Not available: kvm: no /dev/kvm.") != std::string::npos);
}
