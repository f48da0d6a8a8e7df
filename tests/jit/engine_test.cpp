// SPDX-License-Identifier: MIT
// The contract of an engine, with code that is translated: faults, self-modification, deadlines,
// single steps, and no page that is writable and executable.
#include <catch2/catch.hpp>
#include <fstream>

#include "../core/bare_machine.h"
#include "jit/jit.h"
#include "jit/profile.h"

namespace ring3 {
namespace {

class JitMachine : public BareMachine {
 public:
  explicit JitMachine(JitOptions options = eager()) {
    engine.reset();
    auto jit = make_jit(cpu, std::move(options));
    REQUIRE(jit);
    engine = std::move(*jit);
  }
  static JitOptions eager() {
    JitOptions options;
    options.threshold = 1;
    options.cache_bytes = 1 << 20;
    return options;
  }
};

/// mov ecx, 100; again: inc eax; dec ecx; jnz again; hlt
constexpr std::initializer_list<u8> kCountTo100 = {0xB9, 100,  0,    0,    0,    0xFF,
                                                   0xC0, 0xFF, 0xC9, 0x75, 0xFA, 0xF4};

}  // namespace

TEST_CASE("jit: deadline inside a loop -> stops at the interpreter's block boundary") {
  JitMachine m;
  BareMachine reference;
  m.long_mode(kCountTo100);
  reference.long_mode(kCountTo100);
  for (u64 limit : {7, 50, 3, 1, 111}) {
    CHECK(m.run(limit) == reference.run(limit));
    CHECK(m.cpu.state.instructions == reference.cpu.state.instructions);
    CHECK(m.cpu.state.rip() == reference.cpu.state.rip());
    CHECK(m.reg(kRax) == reference.reg(kRax));
    CHECK(m.cpu.state.rflags == reference.cpu.state.rflags);
  }
}

TEST_CASE("jit: a block overwrites its own rest -> the new bytes run") {
  JitMachine m;
  // mov ecx, 50; again: mov byte [rip + 1], cl (the immediate below); mov al, 0; add ebx, eax;
  // dec ecx; jnz again; hlt
  const std::initializer_list<u8> code = {0xB9, 50,   0, 0,    0,    0x88, 0x0D, 1,    0,    0,
                                          0,    0xB0, 0, 0x01, 0xC3, 0xFF, 0xC9, 0x75, 0xF2, 0xF4};
  m.long_mode(code);
  m.reg(kRax) = m.reg(kRbx) = 0;
  REQUIRE(m.run() == Exit::Halted);
  CHECK(m.reg(kRbx) == 50 * 51 / 2);
}

TEST_CASE("jit: page fault in a translated loop -> registers and rip of the instruction") {
  JitMachine m;
  // again: mov rax, [rdi]; add rdi, 0x100000; jmp again: past the 1 GiB that is mapped
  m.long_mode({0x48, 0x8B, 0x07, 0x48, 0x81, 0xC7, 0, 0, 0x10, 0, 0xEB, 0xF4});
  m.reg(kRdi) = 0;
  CHECK(m.run() == Exit::Shutdown);  // no IDT: the fault becomes a triple fault
  CHECK(m.cpu.state.cr2 == 0x40000000);
  CHECK(m.reg(kRdi) == 0x40000000);
  CHECK(m.cpu.state.rip() == BareMachine::kCode);
  CHECK(m.cpu.state.instructions == 3 * 1024 + 1);
}

TEST_CASE("jit: call to a non-canonical address -> fault at the call, rsp unchanged") {
  JitMachine m;
  // mov ecx, 20; again: dec ecx; cmovz rax, rbx; call rax; add rsp, 8; jmp again; target: ret
  m.long_mode(
      {0xB9, 20, 0, 0, 0, 0xFF, 0xC9, 0x48, 0x0F, 0x44, 0xC3, 0xFF, 0xD0, 0xEB, 0xF6, 0xC3});
  m.reg(kRax) = BareMachine::kCode + 15;
  m.reg(kRbx) = u64{1} << 63;
  CHECK(m.run() == Exit::Shutdown);
  CHECK(m.cpu.state.rip() == BareMachine::kCode + 11);
  CHECK(m.reg(kRsp) == BareMachine::kStack);
}

TEST_CASE("jit: full code cache -> emptied, and the guest goes on") {
  JitOptions options = JitMachine::eager();
  options.cache_bytes = 80 << 10;
  JitMachine m(options);
  m.long_mode({});
  std::vector<u8> code;
  for (unsigned n = 0; n < 600; ++n)  // add eax, 1; jmp +0
    code.insert(code.end(), {0x83, 0xC0, 1, 0xEB, 0});
  const i32 back = -static_cast<i32>(code.size() + 8);
  const u32 to = static_cast<u32>(back);
  code.insert(code.end(), {0xFF, 0xC9, 0x0F, 0x85, static_cast<u8>(to), static_cast<u8>(to >> 8),
                           0xFF, 0xFF, 0xF4});  // dec ecx; jnz
  m.memory.write(PhysAddr{BareMachine::kCode}, std::span<const u8>(code));
  m.reg(kRax) = 0;
  m.reg(kRcx) = 20;
  REQUIRE(m.run(100000) == Exit::Halted);
  CHECK(m.reg(kRax) == 600 * 20);
}

TEST_CASE("jit: more code than -jit-cache holds -> the oldest regions go, the rest goes on") {
  constexpr u64 kCode = 0x300000, kData = 0x200000;
  constexpr unsigned kBlocks = 500, kStores = 40, kTurns = 6;
  Profile profile;
  JitOptions options = JitMachine::eager();
  options.cache_bytes = JitOptions::kMinCache;
  options.profile = &profile;
  JitMachine m(options);
  m.long_mode({});
  std::vector<u8> code;
  for (unsigned n = 0; n < kBlocks; ++n) {  // inc dword [rdi + rcx]; ...; jmp +0
    for (unsigned i = 0; i < kStores; ++i) code.insert(code.end(), {0xFF, 0x04, 0x0F});
    code.insert(code.end(), {0xEB, 0});
  }
  const u32 to = static_cast<u32>(-static_cast<i32>(code.size() + 8));
  code.insert(code.end(), {0xFF, 0xCB, 0x0F, 0x85, static_cast<u8>(to), static_cast<u8>(to >> 8),
                           static_cast<u8>(to >> 16), 0xFF, 0xF4});  // dec ebx; jnz; hlt
  m.memory.write(PhysAddr{kCode}, std::span<const u8>(code));
  m.cpu.state.rip() = kCode;
  m.reg(kRdi) = kData;
  m.reg(kRcx) = 0;
  m.reg(kRbx) = kTurns;
  REQUIRE(m.run(1'000'000) == Exit::Halted);
  CHECK(m.memory.read<u32>({kData}) == kBlocks * kStores * kTurns);
  CHECK(profile.translator.evictions > 4);
  CHECK(profile.translator.evicted > kBlocks / 4);
  CHECK(profile.translator.evicted < profile.translator.translated);
  CHECK(profile.translator.code_memory <= JitOptions::kMinCache);
}

TEST_CASE("jit: demoted rows -> the same result by callouts") {
  JitOptions options = JitMachine::eager();
  CHECK(options.call_out("INC"));
  CHECK(options.call_out("jnz"));
  CHECK_FALSE(options.call_out("nonsense"));
  JitMachine m(options);
  m.long_mode(kCountTo100);
  m.reg(kRax) = 0;
  REQUIRE(m.run() == Exit::Halted);
  CHECK(m.reg(kRax) == 100);
}

TEST_CASE("jit: process maps -> no page writable and executable") {
  JitMachine m;
  m.long_mode(kCountTo100);
  m.run();
  std::ifstream maps("/proc/self/maps");
  unsigned both = 0;
  for (std::string line; std::getline(maps, line);) both += line.find(" rwx") != std::string::npos;
  CHECK(both == 0);
}

}  // namespace ring3
