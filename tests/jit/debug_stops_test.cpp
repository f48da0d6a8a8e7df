// SPDX-License-Identifier: MIT
// Breakpoints and watchpoints from outside the guest, under both engines.
#include "core/debug_stops.h"

#include <catch2/catch.hpp>

#include "../core/bare_machine.h"
#include "jit/jit.h"

namespace ring3 {
namespace {

class StoppedMachine : public BareMachine {
 public:
  explicit StoppedMachine(bool translate) {
    if (!translate) return;
    JitOptions options;
    options.threshold = 1;
    options.cache_bytes = 1 << 20;
    engine.reset();
    auto jit = make_jit(cpu, std::move(options));
    REQUIRE(jit);
    engine = std::move(*jit);
  }
  /// Runs to the next stop and takes it.
  std::optional<DebugStops::Hit> run_to_stop() {
    const Exit exit = run();
    cpu.signals &= ~u32{kSignalDebug};
    return exit == Exit::Signal ? stops.take_hit() : std::nullopt;
  }
  DebugStops stops{cpu};
};

/// mov ecx, 20; again: inc eax; mov [rsi], eax; mov ebx, [rsi + 8]; dec ecx; jnz again; hlt
constexpr std::initializer_list<u8> kLoop = {0xB9, 20,   0, 0,    0,    0xFF, 0xC0, 0x89, 0x06,
                                             0x8B, 0x5E, 8, 0xFF, 0xC9, 0x75, 0xF5, 0xF4};
constexpr u64 kAgain = BareMachine::kCode + 5, kStore = kAgain + 2, kLoad = kAgain + 4;
constexpr u64 kData = 0x30000;

void start_loop(StoppedMachine& m) {
  m.long_mode(kLoop);
  m.reg(kRax) = 0;
  m.reg(kRsi) = kData;
}

}  // namespace

TEST_CASE("debug stops: breakpoint inside a hot block -> stops before it each time") {
  StoppedMachine m(GENERATE(false, true));
  start_loop(m);
  m.stops.add_breakpoint(kLoad);
  for (u64 round = 1; round <= 12; ++round) {
    const auto hit = m.run_to_stop();
    REQUIRE(hit);
    CHECK(hit->address == kLoad);
    CHECK_FALSE(hit->watch);
    CHECK(m.cpu.state.rip() == kLoad);
    CHECK(m.reg(kRax) == round);
    m.step();
  }
}

TEST_CASE("debug stops: code that was translated before -> a new breakpoint is met") {
  StoppedMachine m(GENERATE(false, true));
  start_loop(m);
  m.run(40);
  const u64 so_far = m.reg(kRax);
  m.stops.add_breakpoint(kStore);
  REQUIRE(m.run_to_stop());
  CHECK(m.cpu.state.rip() == kStore);
  CHECK(m.reg(kRax) >= so_far);
  CHECK(m.stops.remove_breakpoint(kStore));
  CHECK_FALSE(m.stops.remove_breakpoint(kStore));
  CHECK(m.run() == Exit::Halted);
  CHECK(m.reg(kRax) == 20);
}

TEST_CASE("debug stops: write watchpoint -> stops after the instruction that wrote") {
  StoppedMachine m(GENERATE(false, true));
  start_loop(m);
  m.stops.add_watch({kData + 2, 1, false, true});
  const auto hit = m.run_to_stop();
  REQUIRE(hit);
  REQUIRE(hit->watch);
  CHECK(m.cpu.state.rip() == kLoad);
  CHECK(m.reg(kRax) == 1);
  m.stops.clear();
  CHECK(m.run() == Exit::Halted);
  CHECK(m.reg(kRax) == 20);
}

TEST_CASE("debug stops: read watchpoint -> writes pass, the read stops") {
  StoppedMachine m(GENERATE(false, true));
  start_loop(m);
  m.stops.add_watch({kData, 4, true, false});
  m.stops.add_watch({kData + 8, 8, true, false});
  const auto hit = m.run_to_stop();
  REQUIRE(hit);
  CHECK(hit->address == kData + 8);
  CHECK(m.cpu.state.rip() == kLoad + 3);
}

TEST_CASE("debug stops: write watchpoint in a hot loop -> stops after each write") {
  StoppedMachine m(GENERATE(false, true));
  start_loop(m);
  m.stops.add_watch({kData, 4, false, true});
  for (u64 round = 1; round <= 12; ++round) {
    REQUIRE(m.run_to_stop());
    CHECK(m.cpu.state.rip() == kLoad);
    CHECK(m.reg(kRax) == round);
  }
}

TEST_CASE("debug stops: watchpoint beside what is accessed -> no stop, no single steps") {
  StoppedMachine m(GENERATE(false, true));
  start_loop(m);
  m.stops.add_watch({kData + 0x100, 8, true, true});
  CHECK((m.cpu.signals & kSignalTrap) == 0);
  CHECK(m.run() == Exit::Halted);
  CHECK(m.reg(kRax) == 20);
  CHECK(m.cpu.state.instructions == 1 + 5 * 20 + 1);
}

TEST_CASE("debug stops: watchpoint over more memory than pages are armed for -> stops") {
  StoppedMachine m(GENERATE(false, true));
  start_loop(m);
  m.stops.add_watch({kData - 0x10000, ~u64{0} >> 1, true, false});
  REQUIRE(m.run_to_stop());
  CHECK(m.cpu.state.rip() == kLoad + 3);
}

TEST_CASE("debug stops: the same page offset at another address -> does not stop") {
  StoppedMachine m(GENERATE(false, true));
  start_loop(m);
  m.stops.add_breakpoint(kLoad + kPageSize);
  CHECK(m.run() == Exit::Halted);
  CHECK(m.reg(kRax) == 20);
}

}  // namespace ring3
