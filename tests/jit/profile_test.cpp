// SPDX-License-Identifier: MIT
// The profile of a run: executions by block, callouts by instruction, host code by instruction.
#include "jit/profile.h"

#include <catch2/catch.hpp>

#include "../core/bare_machine.h"
#include "jit/jit.h"
#include "jit/summary.h"

namespace ring3 {
namespace {

class ProfiledMachine : public BareMachine {
 public:
  explicit ProfiledMachine(bool blocks) {
    JitOptions options;
    options.threshold = 1;
    options.cache_bytes = 1 << 20;
    options.profile = &profile;
    profile.blocks = blocks;
    engine.reset();
    auto jit = make_jit(cpu, std::move(options));
    REQUIRE(jit);
    engine = std::move(*jit);
  }
  const BlockRecord* at(u64 linear) const {
    const BlockRecord* found = nullptr;
    profile.for_each([&](const BlockRecord& r) {
      if (r.linear == linear) found = &r;
    });
    return found;
  }

  Profile profile;
};

/// mov ecx, 100; again: cpuid; mov ecx, [rsi]; dec dword [rsi]; jnz again; hlt
constexpr std::initializer_list<u8> kLoop = {0xB9, 100,  0,    0,    0,    0x0F, 0xA2,
                                             0x8B, 0x0E, 0xFF, 0x0E, 0x75, 0xF8, 0xF4};
constexpr u64 kAgain = BareMachine::kCode + 5;

void run_loop(ProfiledMachine& m) {
  m.long_mode(kLoop);
  m.memory.write<u32>({0x30000}, 50);
  m.reg(kRsi) = 0x30000;
  REQUIRE(m.run() == Exit::Halted);
}

}  // namespace

TEST_CASE("profile: a loop -> executions, treatments and callouts of its block") {
  ProfiledMachine m(true);
  run_loop(m);
  const BlockRecord* r = m.at(kAgain);
  REQUIRE(r);
  CHECK(r->size == CodeSize::Bits64);
  CHECK(r->bytes == std::vector<u8>(kLoop.begin() + 5, kLoop.end() - 1));
  CHECK(r->executions + r->interpreted == 49);  // the first time around is in the block before
  CHECK(r->interpreted <= 2);
  REQUIRE(r->insns.size() == 4);
  CHECK(r->insns[0].treatment == Treatment::Callout);
  CHECK(r->insns[0].callouts == r->executions);
  CHECK(r->insns[1].treatment == Treatment::CopyMem);
  CHECK(r->insns[3].treatment == Treatment::Emit);
  CHECK(m.profile.callouts[ZYDIS_MNEMONIC_CPUID] == r->executions);
}

TEST_CASE("profile: host parts -> in order, each instruction has code, cold ones at the end") {
  ProfiledMachine m(true);
  run_loop(m);
  const BlockRecord* r = m.at(kAgain);
  REQUIRE(r);
  REQUIRE(r->parts.size() >= 6);
  CHECK(r->parts[0].insn == HostPart::kEntry);
  for (u8 n = 0; n < 4; ++n) CHECK(r->parts[n + 1].insn == n);
  for (size_t n = 1; n < r->parts.size(); ++n) {
    CHECK(r->parts[n - 1].offset <= r->parts[n].offset);
    CHECK(r->parts[n].cold == (n > 4));
  }
  CHECK(r->parts.back().offset < r->host.size());
}

TEST_CASE("profile: summary -> every executed instruction is counted once") {
  ProfiledMachine m(true);
  run_loop(m);
  const Summary s = summarize(m.profile, m.cpu.state.instructions);
  u64 counted = s.cold + s.interpreted;
  for (const u64 n : s.by_treatment) counted += n;
  CHECK(counted == m.cpu.state.instructions);
  REQUIRE_FALSE(s.callouts.empty());
  CHECK(s.callouts[0].mnemonic == ZYDIS_MNEMONIC_CPUID);
}

TEST_CASE("profile: without blocks -> callouts are counted, no records are kept") {
  ProfiledMachine m(false);
  run_loop(m);
  CHECK(m.at(kAgain) == nullptr);
  CHECK(m.profile.callouts[ZYDIS_MNEMONIC_CPUID] >= 48);
  CHECK(m.profile.interpreted > 0);
}

TEST_CASE("profile: rewritten code -> a record per version") {
  ProfiledMachine m(true);
  run_loop(m);
  m.put(kAgain, {0x0F, 0x31});  // rdtsc
  m.cpu.state.activity = CpuState::Activity::Active;
  m.cpu.state.rip() = BareMachine::kCode;
  m.memory.write<u32>({0x30000}, 20);
  REQUIRE(m.run() == Exit::Halted);
  unsigned versions = 0;
  m.profile.for_each([&](const BlockRecord& r) { versions += r.linear == kAgain; });
  CHECK(versions == 2);
  CHECK(m.profile.callouts[ZYDIS_MNEMONIC_RDTSC] + m.profile.callouts[ZYDIS_MNEMONIC_CPUID] >= 60);
}

}  // namespace ring3
