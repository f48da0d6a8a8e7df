// SPDX-License-Identifier: MIT
#include "monitor/commands.h"

#include <catch2/catch.hpp>

#include "fake_board.h"
#include "monitor/memory_dump.h"
#include "monitor/monitor_session.h"

namespace ring3 {
namespace {

std::string type(FakeBoard& board, std::string_view keys) {
  std::string out;
  MonitorSession session(
      board.machine, [&out](std::string_view text) { out += text; }, false);
  out.clear();
  for (const char key : keys) session.feed(static_cast<u8>(key));
  return out;
}

}  // namespace

TEST_CASE("monitor: unknown, too much, too little -> said; empty line -> nothing") {
  FakeBoard board;
  CHECK(run_line(board.machine, "nonsense") == "unknown command: 'nonsense'; try help\n");
  CHECK(run_line(board.machine, "stop now") == "stop: give no arguments\n");
  CHECK(run_line(board.machine, "sendkey") == "sendkey: give keys ?hold\n");
  CHECK(run_line(board.machine, "  ").empty());
  CHECK(run_line(board.machine, "sendkey ctrl-nokey").find("'nokey'") != std::string::npos);
}

TEST_CASE("monitor: stop and cont -> the machine's state and its observers know") {
  FakeBoard board;
  CHECK(run_line(board.machine, "info status") == "VM status: running\n");
  CHECK(run_line(board.machine, "stop").empty());
  CHECK(run_line(board.machine, "stop").empty());
  CHECK(run_line(board.machine, "info status") == "VM status: paused\n");
  CHECK(run_line(board.machine, "cont").empty());
  CHECK(board.events == "PR");
}

TEST_CASE("monitor: paused -> guest time stands still") {
  FakeBoard board;
  run_line(board.machine, "stop");
  const Nanos then = board.pc.clock().now();
  const u64 start = host_monotonic_ns();
  while (host_monotonic_ns() - start < 1'000'000) {
  }
  CHECK(board.pc.clock().now() == then);
  run_line(board.machine, "cont");
  CHECK(board.pc.clock().now() - then < 1'000'000'000);
}

TEST_CASE("monitor: x -> memory in the asked form") {
  FakeBoard board;
  board.pc.memory().write<u64>({0x1000}, 0x80FF6867'000000C3);
  CHECK(run_line(board.machine, "xp/2xw 0x1000") == "0000000000001000: 0x000000c3 0x80ff6867\n");
  CHECK(run_line(board.machine, "xp /2dh 0x1006") == "0000000000001006: -32513 0\n");
  CHECK(run_line(board.machine, "x/c 0x1004") == "0000000000001004: 'g'\n");
  CHECK(run_line(board.machine, "xp/1i 0x1000").find("ret") != std::string::npos);
  CHECK(run_line(board.machine, "x/q 0").find("/q: a count") == 0);
}

TEST_CASE("monitor: expressions -> 64-bit arithmetic with registers") {
  FakeBoard board;
  Cpu& cpu = board.pc.cpu();
  cpu.state.gpr[kRbx] = 0x10;
  CHECK(*evaluate(cpu, "$rbx * 2 + (1+2)*3 - -1") == 0x20 + 10);
  CHECK_FALSE(evaluate(cpu, "$nope"));
  CHECK_FALSE(evaluate(cpu, "(1"));
  CHECK_FALSE(evaluate(cpu, ""));
  CHECK_FALSE(evaluate(cpu, std::string(100000, '(')));
  CHECK_FALSE(evaluate(cpu, std::string(100000, '-')));
  CHECK(run_line(board.machine, "p/x $rbx+1") == "0x0000000000000011\n");
}

TEST_CASE("monitor: every info -> some text") {
  FakeBoard board;
  for (const Command& c : commands()) {
    if (!c.hmp.starts_with("info")) continue;
    INFO(c.hmp);
    CHECK_FALSE(run_line(board.machine, c.hmp).empty());
  }
  CHECK(run_line(board.machine, "info mtree").find("uart") == std::string::npos);
  CHECK(run_line(board.machine, "info pci").find("8086:1237") != std::string::npos);
  CHECK(run_line(board.machine, "info device pit8254").starts_with("pit8254\n"));
}

TEST_CASE("monitor: info mem and tlb -> what the page tables map") {
  FakeBoard board;
  PhysicalMemory& memory = board.pc.memory();
  // 4-level: the first 4 MiB as two large pages, the second read-only; then a table onto itself.
  memory.write<u64>({0x10000}, 0x11007);
  memory.write<u64>({0x10000 + 8 * 511}, 0x10003);
  memory.write<u64>({0x11000}, 0x12007);
  memory.write<u64>({0x12000}, 0x000087);
  memory.write<u64>({0x12008}, 0x200085);
  Mmu& mmu = board.pc.mmu();
  mmu.set_efer(efer::LME | efer::LMA);
  mmu.set_cr4(cr4::PAE);
  mmu.set_cr0(cr0::PE | cr0::PG);
  mmu.load_cr3(0x10000, false, {});
  const std::string ranges = run_line(board.machine, "info mem");
  CHECK(
      ranges.starts_with("0000000000000000-0000000000200000 0000000000200000 urwx\n"
                         "0000000000200000-0000000000400000 0000000000200000 ur-x\n"));
  CHECK(run_line(board.machine, "info tlb").find("0000000000200000: 0000000000200000 --P----U-") !=
        std::string::npos);
}

TEST_CASE("monitor session: editing keys -> the line as a person means it") {
  FakeBoard board;
  CHECK(type(board, "info stax\x7Ftus\r\n") == "VM status: running\n(ring3) ");
  CHECK(type(board, "nonsense\x15info status\n") == "VM status: running\n(ring3) ");
  CHECK(type(board, "info status\n\x1B[A\n") ==
        "VM status: running\n(ring3) VM status: running\n(ring3) ");
}

namespace {

std::vector<u8> typed(FakeBoard& board) {
  std::vector<u8> bytes;
  I8042& keyboard = board.pc.keyboard();
  while (keyboard.read(I8042::kCommand, Width::Byte) & 1)
    bytes.push_back(static_cast<u8>(keyboard.read(I8042::kData, Width::Byte)));
  return bytes;
}

}  // namespace

TEST_CASE(
    "monitor: sendkey -> down in order, up in the other one, at once or when the time is over") {
  FakeBoard board;
  run_line(board.machine, "sendkey ctrl-alt-delete");
  CHECK(typed(board) == std::vector<u8>{0x1D, 0x38, 0xE0, 0x53, 0xE0, 0xD3, 0xB8, 0x9D});
  run_line(board.machine, "sendkey 0x1e-0xc8 50");
  CHECK(typed(board) == std::vector<u8>{0x1E, 0xE0, 0x48});
  run_line(board.machine, "sendkey b 1000");
  CHECK(typed(board) == std::vector<u8>{0xE0, 0xC8, 0x9E, 0x30});
  const Nanos due = board.pc.clock().next_deadline();
  CHECK(due <= board.pc.clock().now() + 1'000'000'000);
  CHECK(run_line(board.machine, "sendkey b soon").find("milliseconds") != std::string::npos);
  CHECK(run_line(board.machine, "sendkey 0x1ff").find("no key") != std::string::npos);
}

TEST_CASE("monitor: mouse_move and mouse_button -> reports of the PS/2 mouse") {
  FakeBoard board;
  board.pc.keyboard().write(I8042::kCommand, Width::Byte, 0xA8);
  board.pc.keyboard().write(I8042::kCommand, Width::Byte, 0xD4);
  board.pc.keyboard().write(I8042::kData, Width::Byte, 0xF4);
  typed(board);
  run_line(board.machine, "mouse_move 3 -4");
  CHECK(typed(board) == std::vector<u8>{0x08, 3, 4});
  run_line(board.machine, "mouse_button 4");
  CHECK(typed(board) == std::vector<u8>{0x0A, 0, 0});
  CHECK(run_line(board.machine, "mouse_move far").find("give") != std::string::npos);
  CHECK(run_line(board.machine, "mouse_button 9").find("sum") != std::string::npos);
}

}  // namespace ring3
