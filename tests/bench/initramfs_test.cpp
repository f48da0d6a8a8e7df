// SPDX-License-Identifier: MIT
#include "bench/initramfs.h"

#include <catch2/catch.hpp>
#include <fstream>
#include <sstream>

#include "bench/work_folder.h"

using namespace ring3::bench;

TEST_CASE("initramfs: behind another archive -> its bytes, zeros up to a multiple of four, ours") {
  auto work = WorkFolder::make(0);
  REQUIRE(work);
  const std::string base = (*work)->path() / "base", file = (*work)->path() / "both";
  std::ofstream(base) << "12345";
  REQUIRE(write_initramfs(file, {{"etc/selftest", base}}, base));
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  CHECK(text.str().substr(0, 14) == std::string("12345\0\0\0"
                                                "070701",
                                                14));
  CHECK(text.str().find("etc/selftest") != std::string::npos);
}

TEST_CASE("initramfs: a file that is not there -> an error with its name") {
  auto work = WorkFolder::make(0);
  REQUIRE(work);
  const auto written = write_initramfs((*work)->path() / "x", {{"bin/a", "/nowhere/a"}});
  REQUIRE_FALSE(written);
  CHECK(written.error().find("/nowhere/a") != std::string::npos);
}
