// SPDX-License-Identifier: MIT
#include "tools/firmware_options.h"

#include <catch2/catch.hpp>

namespace ring3 {
namespace {

BootOptions boot(std::string_view text) {
  BootOptions options;
  REQUIRE(parse_boot(text, options));
  return options;
}

std::string boot_error(std::string_view text) {
  BootOptions options;
  const Status status = parse_boot(text, options);
  REQUIRE_FALSE(status);
  return status.error();
}

TEST_CASE("boot option: letters alone or order= -> the order") {
  CHECK(boot("dc").order == "dc");
  CHECK(boot("order=nda").order == "nda");
  CHECK(boot("menu=on").order == "cad");
}

TEST_CASE("boot option: once and menu -> kept beside the order") {
  const BootOptions options = boot("order=c,once=d,menu=on");
  CHECK(options.order == "c");
  CHECK(options.once == "d");
  CHECK(options.menu);
}

TEST_CASE("boot option: bad letters and properties -> say what there is") {
  CHECK(boot_error("x") == "no drive 'x'; there are a, c, d and n");
  CHECK(boot_error("order=cc") == "drive 'c' is given twice");
  CHECK(boot_error("once=") == "names no drive; give letters of a, c, d and n");
  CHECK(boot_error("menu=maybe") == "menu is on or off");
  CHECK(boot_error("splash=x.png") == "no property 'splash'; there are order, once and menu");
}

TEST_CASE("fw_cfg option: name with or without name= -> an item") {
  const auto item = parse_fw_cfg("opt/org.example/x,string=abc");
  REQUIRE(item);
  CHECK(*item == FwCfgOption{"opt/org.example/x", "abc", ""});
  const auto file = parse_fw_cfg("name=etc/y,file=/tmp/y");
  REQUIRE(file);
  CHECK(*file == FwCfgOption{"etc/y", "", "/tmp/y"});
}

TEST_CASE("fw_cfg option: no name, or not one content -> refused") {
  CHECK_FALSE(parse_fw_cfg("string=a"));
  CHECK_FALSE(parse_fw_cfg("name=x"));
  CHECK_FALSE(parse_fw_cfg("name=x,string=a,file=b"));
  CHECK_FALSE(parse_fw_cfg(std::string(60, 'x') + ",string=a"));
  CHECK_FALSE(parse_fw_cfg("x,size=3"));
}

}  // namespace
}  // namespace ring3
