// SPDX-License-Identifier: MIT
// The remote protocol packet by packet; tests/tools/gdb.py does it with gdb itself.
#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "fake_board.h"
#include "monitor/gdb_stub.h"

namespace ring3 {
namespace {

class Gdb {
 public:
  explicit Gdb(FakeBoard& board, std::optional<GdbArch> arch = std::nullopt)
      : session(board.machine, arch,
                {[this](std::string_view bytes) { received += bytes; },
                 [](std::string_view line) { return std::string(line); }}) {}

  std::string ask(std::string_view payload) {
    u8 sum = 0;
    for (const char c : payload) sum = static_cast<u8>(sum + static_cast<u8>(c));
    raw(fmt::format("${}#{:02x}", payload, sum));
    const size_t start = received.rfind('$');
    if (start == std::string::npos) return {};
    return received.substr(start + 1, received.rfind('#') - start - 1);
  }
  void raw(std::string_view bytes) {
    received.clear();
    for (const char c : bytes) session.feed(static_cast<u8>(c));
  }
  std::string received;
  GdbSession session;
};

}  // namespace

TEST_CASE("gdb: connecting -> the machine stops; leaving -> it goes on") {
  FakeBoard board;
  {
    Gdb gdb(board);
    CHECK(board.pc.paused());
    CHECK(gdb.ask("?") == "T05thread:01;");
    CHECK(gdb.received.starts_with("+$"));
  }
  CHECK_FALSE(board.pc.paused());
}

TEST_CASE("gdb: wrong checksum -> asked again; no acknowledgements once agreed") {
  FakeBoard board;
  Gdb gdb(board);
  gdb.raw("$?#00");
  CHECK(gdb.received == "-");
  CHECK(gdb.ask("QStartNoAckMode") == "OK");
  gdb.ask("?");
  CHECK(gdb.received.starts_with("$"));
}

TEST_CASE("gdb: description -> by the mode, or as asked") {
  FakeBoard board;
  const auto architecture = [&board](std::optional<GdbArch> arch) {
    Gdb gdb(board, arch);
    const std::string xml = gdb.ask("qXfer:features:read:target.xml:0,fff");
    const size_t at = xml.find("<architecture>") + 14;
    return xml.substr(at, xml.find('<', at) - at);
  };
  CHECK(architecture(std::nullopt) == "i8086");  // power-on
  CHECK(architecture(GdbArch::X86_64) == "i386:x86-64");
  board.pc.cpu().state.seg[kCs].db = true;
  CHECK(architecture(std::nullopt) == "i386");
}

TEST_CASE("gdb: registers -> all at once and one by one agree, writes arrive") {
  FakeBoard board;
  Gdb gdb(board, GdbArch::X86_64);
  const GdbRegisters layout(GdbArch::X86_64);
  std::string all;
  for (size_t n = 0; n < layout.count(); ++n) all += gdb.ask(fmt::format("p{:x}", n));
  CHECK(gdb.ask("g") == all);
  CHECK(gdb.ask("P1=8877665544332211") == "OK");
  CHECK(board.pc.cpu().state.gpr[kRbx] == 0x1122334455667788);
  CHECK(gdb.ask("p1") == "8877665544332211");
  CHECK(gdb.ask("G" + gdb.ask("g")) == "OK");
  CHECK(gdb.ask("pffff") == "E16");
}

TEST_CASE("gdb: memory -> reads, writes, and errors where there is none") {
  FakeBoard board;
  Gdb gdb(board);
  CHECK(gdb.ask("M1000,3:aabbcc") == "OK");
  CHECK(gdb.ask("m1000,3") == "aabbcc");
  CHECK(gdb.ask("mfee00020,4") == "E0e");  // a device's registers
  CHECK(gdb.ask("Mfee00020,1:00") == "E0e");
  CHECK(gdb.ask("M1000,3:aa") == "E16");
  CHECK(gdb.ask("m3fffff,4").size() == 2);  // RAM ends
}

TEST_CASE("gdb: breakpoints and watchpoints -> known ones come off, others not") {
  FakeBoard board;
  Gdb gdb(board);
  for (const char* stop : {"0,7c00,1", "1,7c00,1", "2,1000,4", "3,1000,4", "4,1000,4"}) {
    CHECK(gdb.ask(fmt::format("Z{}", stop)) == "OK");
    CHECK(gdb.ask(fmt::format("z{}", stop)) == "OK");
    CHECK(gdb.ask(fmt::format("z{}", stop)) == "E22");
  }
  CHECK(gdb.ask("Z9,0,1").empty());
  CHECK(gdb.ask("Z0").starts_with("E"));
}

TEST_CASE("gdb: step, interrupt, detach -> stop replies when the machine stops") {
  FakeBoard board;
  Gdb gdb(board);
  board.pc.observe([&gdb](MachineEvent event) { gdb.session.on_event(event); });
  CHECK(gdb.ask("vCont;c").empty());
  CHECK_FALSE(board.pc.paused());
  gdb.raw("\x03");
  CHECK(gdb.received.find("T02thread:01;") != std::string::npos);
  CHECK(board.pc.paused());
  CHECK(gdb.ask("qRcmd,6869") == "OK");
  CHECK(gdb.received.find("O6869") != std::string::npos);
  CHECK(gdb.ask("D") == "OK");
  CHECK(gdb.session.finished());
}

TEST_CASE("gdb: noise -> no crash") {
  FakeBoard board;
  Gdb gdb(board);
  u32 random = 12345;
  for (unsigned n = 0; n < 20'000; ++n) {
    random = random * 1664525 + 1013904223;
    gdb.session.feed(static_cast<u8>(random >> 24));
  }
  for (const char* packet : {"", "Z", "z1", "m", "m1", "M", "p", "P", "G12", "vCont;", "v", "q",
                             "qXfer:features:read:target.xml:", "s zz", "H", "T", "x"})
    gdb.ask(packet);
}

}  // namespace ring3
