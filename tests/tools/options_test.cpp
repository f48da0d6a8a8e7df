// SPDX-License-Identifier: MIT
// The command line: what each value becomes, and the one line for each bad one.
#include "tools/options.h"

#include <catch2/catch.hpp>
#include <initializer_list>
#include <vector>

namespace ring3 {
namespace {

Result<Options> parse(std::initializer_list<const char*> arguments) {
  return parse_options(std::vector<const char*>(arguments));
}

Options good(std::initializer_list<const char*> arguments) {
  auto result = parse(arguments);
  INFO((result ? "" : result.error()));
  REQUIRE(result);
  return *result;
}

std::string error_of(std::initializer_list<const char*> arguments) {
  const auto result = parse(arguments);
  REQUIRE_FALSE(result);
  return result.error();
}

TEST_CASE("options: none -> the built-in guest with defaults") {
  const Options o = good({});
  CHECK(o.action == Options::Action::Run);
  CHECK(o.ram_bytes == 128u << 20);
  CHECK(o.kernel.empty());
  CHECK(o.serial == std::vector<CharBackend>{{CharBackend::Kind::Stdio, ""}});
}

TEST_CASE("options: -m takes MiB or a suffix -> bytes") {
  CHECK(good({"-m", "256"}).ram_bytes == u64{256} << 20);
  CHECK(good({"-m", "128M"}).ram_bytes == u64{128} << 20);
  CHECK(good({"-m", "6G"}).ram_bytes == u64{6} << 30);
  CHECK(good({"-m", "1024k"}).ram_bytes == u64{1} << 20);
  CHECK(good({"-m", "size=1G"}).ram_bytes == u64{1} << 30);
  CHECK(good({"-m", "1023G"}).ram_bytes == kMaxRam);
}

TEST_CASE("options: -m out of range or no size -> the value and the way out") {
  CHECK(error_of({"-m", "0"}).starts_with("-m 0: too small; give at least 1M"));
  CHECK(error_of({"-m", "1K"}).starts_with("-m 1K: too small"));
  CHECK(error_of({"-m", "64T"}) == "-m 64T: too large; a guest has at most 1023G");
  CHECK(error_of({"-m", "18446744073709551615T"}).find("too large") != std::string::npos);
  CHECK(error_of({"-m", "99999999999999999999"}).find("not a memory size") != std::string::npos);
  CHECK(error_of({"-m", "lots"}).find("not a memory size") != std::string::npos);
  CHECK(error_of({"-m", "G"}).find("not a memory size") != std::string::npos);
  CHECK(error_of({"-m", "-1"}).find("not a memory size") != std::string::npos);
  CHECK(error_of({"-m", "1025K"}) == "-m 1025K: not a multiple of 4K");
}

TEST_CASE("options: -jit-cache -> bytes, or with a suffix") {
  CHECK(good({"-jit-cache", "1048576"}).jit_cache == u64{1} << 20);
  CHECK(good({"-jit-cache", "2048K"}).jit_cache == u64{2} << 20);
  CHECK(good({"-accel", "verify", "-jit-cache", "1G"}).jit_cache == u64{1} << 30);
  CHECK_FALSE(good({}).jit_cache.has_value());
}

TEST_CASE("options: -jit-cache out of range or no size -> the value and the way out") {
  CHECK(error_of({"-jit-cache", "64"}) == "-jit-cache 64: too small; give at least 1M");
  CHECK(error_of({"-jit-cache", "1023K"}) == "-jit-cache 1023K: too small; give at least 1M");
  CHECK(error_of({"-jit-cache", "2G"}) == "-jit-cache 2G: too large; give at most 1024M");
  CHECK(error_of({"-jit-cache", "big"}).find("not a size") != std::string::npos);
  CHECK(error_of({"-jit-cache", "M"}).find("not a size") != std::string::npos);
  CHECK(error_of({"-jit-cache", "-1M"}).find("not a size") != std::string::npos);
  CHECK(error_of({"-jit-cache", "18446744073709551615G"}).find("too large") != std::string::npos);
  CHECK(error_of({"-accel", "interp", "-jit-cache", "8M"}).find("-accel jit") != std::string::npos);
}

TEST_CASE("options: -blocks -> a file and how many; only for the translator") {
  const Options o = good({"-accel", "jit", "-blocks", "b.json,top=7"});
  CHECK(o.blocks_file == "b.json");
  CHECK(o.blocks_top == 7);
  CHECK(error_of({"-accel", "interp", "-blocks", "b.json"}) ==
        "-blocks b.json: lists translations; give -accel jit too");
  CHECK(error_of({"-accel", "jit", "-blocks", "b.json,top=x"}).find("top=N") != std::string::npos);
}

TEST_CASE("options: unknown, misplaced or without value -> one line that names it") {
  CHECK(error_of({"-frobnicate"}) == "-frobnicate: unknown option; -help lists them");
  CHECK(error_of({"-kernel"}) == "-kernel: needs a value: -kernel FILE");
  CHECK(error_of({"-kernel", ""}) == "-kernel '': needs a value: -kernel FILE");
  CHECK(error_of({"vmlinuz"}) == "vmlinuz: not an option; kernels go with -kernel FILE");
  CHECK(error_of({"-"}).find("not an option") != std::string::npos);
  CHECK(error_of({""}).find("not an option") != std::string::npos);
  CHECK(error_of({"-no-reboot=1"}) == "-no-reboot: takes no value");
}

TEST_CASE("options: two dashes or an equals sign -> the same option") {
  CHECK(good({"--kernel", "k"}).kernel == "k");
  CHECK(good({"-kernel=k"}).kernel == "k");
}

TEST_CASE("options: -initrd or -append without -kernel -> error") {
  CHECK(error_of({"-initrd", "i"}) == "-initrd i: needs a kernel; give -kernel FILE too");
  CHECK(error_of({"-append", "a"}) == "-append a: needs a kernel; give -kernel FILE too");
  CHECK(error_of({"-kernel", "k", "-image", "i"}).starts_with("-image i: not together"));
  const Options o = good({"-kernel", "k", "-initrd", "i", "-append", "console=ttyS0 x=1"});
  CHECK(o.append == "console=ttyS0 x=1");
}

TEST_CASE("options: -accel -> only what is built") {
  CHECK_FALSE(good({"-accel", "interp"}).jit);
  CHECK(good({"-accel", "jit"}).jit);
  CHECK(error_of({"-accel", "kvm"}) == "-accel kvm: not built yet; use -accel jit");
  CHECK(error_of({"-accel", "tcg"}).starts_with("-accel tcg: no such accelerator"));
  const Options v = good({"-accel", "verify", "-verify", "every=1,from=7,stretch=9"});
  CHECK(v.verified);
  CHECK(v.verify.every == 1);
  CHECK(v.verify.from == 7);
  CHECK(v.verify.stretch == 9);
  CHECK(error_of({"-verify", "every=0"}).find("give every=N") != std::string::npos);
  CHECK(good({"-treat", "ADD=callout"}).callouts == std::vector<std::string>{"ADD"});
  CHECK(error_of({"-treat", "ADD"}).starts_with("-treat ADD: give"));
  CHECK(error_of({"-smp", "2"}).starts_with("-smp 2: ring3 has one processor"));
}

TEST_CASE("options: -serial up to four times -> COM1 to COM4") {
  using Kind = CharBackend::Kind;
  const Options o = good({"-serial", "file:a b", "-serial", "null", "-serial", "mon:stdio"});
  CHECK(o.serial ==
        std::vector<CharBackend>{{Kind::File, "a b"}, {Kind::Null, ""}, {Kind::Stdio, ""}});
  CHECK(error_of({"-serial", "pty"}).starts_with("-serial pty: no such backend"));
  CHECK(error_of({"-serial", "file:"}).starts_with("-serial file:: no such backend"));
  CHECK(error_of({"-serial", "null", "-serial", "null", "-serial", "null", "-serial", "null",
                  "-serial", "null"}) == "-serial null: the board has four serial lines");
  CHECK(good({"-debugcon", "file:x"}).debugcon == CharBackend{Kind::File, "x"});
}

TEST_CASE("options: -device -> the debug exit's port, the test device") {
  CHECK(good({"-device", "isa-debug-exit"}).debug_exit_port == 0x501);
  CHECK(good({"-device", "isa-debug-exit,iobase=0xf4,iosize=0x04"}).debug_exit_port == 0xF4);
  CHECK(good({"-device", "pc-testdev"}).testdev);
  CHECK(error_of({"-device", "e1000"}).starts_with("-device e1000: no such device"));
  CHECK(error_of({"-device", "isa-debug-exit,iobase=0x10000"}).find("0xffff") != std::string::npos);
  CHECK(error_of({"-device", "isa-debug-exit,port=1"}).find("no property 'port'") !=
        std::string::npos);
}

TEST_CASE("options: -image -> file, address and mode") {
  const Options o = good({"-image", "f.bin"});
  CHECK((o.image == "f.bin" && o.image_address == 0x7C00 && o.image_bits == 16));
  const Options flat = good({"-image", "f.bin,address=0x100000,bits=64"});
  CHECK((flat.image == "f.bin" && flat.image_address == 0x100000 && flat.image_bits == 64));
  CHECK(error_of({"-image", "f,bits=8"}).find("bits is 16") != std::string::npos);
  CHECK(error_of({"-image", "f,at=8"}).find("no property 'at'") != std::string::npos);
}

TEST_CASE("options: -rtc and -icount -> checked values") {
  using Kind = RtcBase::Kind;
  CHECK(good({"-rtc", "base=utc"}).rtc == RtcBase{Kind::Utc, 0});
  CHECK(good({"-rtc", "base=localtime"}).rtc == RtcBase{Kind::LocalTime, 0});
  CHECK(good({"-rtc", "base=1970-01-02"}).rtc == RtcBase{Kind::Fixed, 86400});
  CHECK(good({"-rtc", "base=2026-01-31T12:34:56"}).rtc == RtcBase{Kind::Fixed, 1769862896});
  CHECK(error_of({"-rtc", "base=2026-02-30"}).starts_with("-rtc base=2026-02-30: base is utc"));
  CHECK(error_of({"-rtc", "base=2026-01-31T25:00:00"}).find("base is utc") != std::string::npos);
  CHECK(error_of({"-rtc", "base=2026-01-31junk"}).find("base is utc") != std::string::npos);
  CHECK(good({"-icount", "shift=3"}).icount_shift == 3);
  CHECK(error_of({"-icount", "shift=11"}).find("N from 0 to 10") != std::string::npos);
  CHECK(error_of({"-icount", "auto"}).find("N from 0 to 10") != std::string::npos);
}

TEST_CASE("options: -stats with and without a value") {
  CHECK(good({"-stats"}).stats == StatsFormat::Text);
  CHECK(good({"-stats", "-no-reboot"}).no_reboot);
  CHECK(good({"-stats=json"}).stats == StatsFormat::Json);
  CHECK(good({"-stats=json:out"}).stats_file == "out");
  CHECK(error_of({"-stats=xml"}) == "-stats xml: give -stats, -stats=json or -stats=json:FILE");
}

TEST_CASE("options: -d with an unknown category -> named, with the way out") {
  CHECK(good({"-d", "int,cpu"}).log_mask != 0);
  CHECK(good({"-d", "help"}).action == Options::Action::LogHelp);
  CHECK(error_of({"-d", "int,nope"}) == "-d int,nope: no log category 'nope'; -d help lists them");
}

TEST_CASE("options: help -> every option that takes part is in it") {
  CHECK(good({"-help"}).action == Options::Action::Help);
  const std::string help = options_help();
  for (const char* name : {"-kernel FILE", "-m SIZE", "-stats[=json[:FILE]]", "-no-reboot"})
    CHECK(help.find(name) != std::string::npos);
}

TEST_CASE("options: drives without a kernel -> our BIOS boots from them") {
  CHECK_FALSE(good({}).firmware.own);
  CHECK(good({"-hda", "x.img"}).firmware.own);
  CHECK_FALSE(good({"-hda", "x.img", "-kernel", "k"}).firmware.own);
  CHECK_FALSE(good({"-hda", "x.img", "-bios", "seabios"}).firmware.own);
  CHECK(good({"-bios", "ring3", "-kernel", "k"}).firmware.own);
  CHECK(good({"-bios", "seabios", "-kernel", "k"}).kernel == "k");
  CHECK(error_of({"-bios", "seabios", "-image", "i"}) ==
        "-bios seabios: does not start an -image; give a disk or -kernel, or -bios ring3");
}

}  // namespace
}  // namespace ring3
