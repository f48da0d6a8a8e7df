// SPDX-License-Identifier: MIT
// Decoded blocks against what a guest may do to them: limits, writes, maps, devices.
#include "core/block_cache.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <functional>
#include <vector>

#include "tests/core/system_machine.h"

using namespace ring3;
using M = SystemMachine;

namespace {

/// A window full of NOPs with HLT at 103H. Notes what is read and does `on_write` at a write.
class CodeWindow final : public MmioHandler {
 public:
  u64 mmio_read(u64 offset, unsigned size) override {
    u64 value = 0;
    for (unsigned n = 0; n < size; ++n) {
      reads.push_back(offset + n);
      value |= u64{offset + n == 0x103 ? 0xF4u : 0x90u} << 8 * n;
    }
    return value;
  }
  void mmio_write(u64, unsigned, u64) override { on_write(); }

  std::vector<u64> reads;
  std::function<void()> on_write = [] {};
};

void restart(M& m, u64 rip) {
  m.cpu.state.rip() = rip;
  m.cpu.state.activity = CpuState::Activity::Active;
}

}  // namespace

TEST_CASE("single step: flags that the next instruction overwrites -> are in the image") {
  M m;
  m.protected_system({0x39, 0xC0, 0x83, 0xE9, 1});  // cmp eax,eax; sub ecx,1
  m.put(m.handler(1), {0xF4});
  m.reg(kRcx) = 5;
  m.cpu.set_rflags(flag::kFixed | flag::TF);
  CHECK(m.run() == Exit::Halted);
  CHECK(m.stack32(0) == M::kCode + 2);
  CHECK((m.stack32(2) & flag::kArith) == (flag::ZF | flag::PF));
}

TEST_CASE(
    "block cache: CS.limit inside the page, the next instruction overwritten -> the new one") {
  M m;
  m.real_mode({});
  m.cpu.state.seg[kCs].base = 0x10;
  m.cpu.state.seg[kDs].base = 0x10000;
  m.put(0x10000, {0xC6, 0x06, 5, 0, 0x41, 0x40, 0xF4});  // mov byte [5],41h; inc ax -> inc cx
  m.cpu.state.rip() = 0xFFF0;
  m.cpu.update_mode();
  CHECK(m.run() == Exit::Halted);
  CHECK(m.reg(kRax) == 0);
  CHECK(m.reg(kRcx) == 1);
}

TEST_CASE("block cache: code seen with a wide CS, run into with a narrow one -> #GP") {
  M m;
  m.protected_system({});
  m.put(0x51FFF, {0x90, 0xF4});
  m.put(m.handler(13), {0xF4});
  restart(m, 0x52000);
  CHECK(m.run() == Exit::Halted);
  restart(m, 0x51FFF);
  m.cpu.state.seg[kCs].limit = 0x51FFF;
  m.cpu.update_mode();
  CHECK(m.run() == Exit::Halted);
  CHECK(m.rip() == m.handler(13) + 1);
  CHECK(m.stack32(1) == 0x52000);
}

TEST_CASE("block cache: a block crosses into its own page, the page is written -> dropped once") {
  M m;
  m.long_mode({});
  constexpr u64 kTable = M::kTables + 0x3000, kPage = 0x50000, kLinear = 0xA0'0000;
  m.memory.write<u64>({M::kTables + 0x2000 + 8 * 5}, kTable | 7);
  for (u64 n = 0; n < 2; ++n) m.memory.write<u64>({kTable + 8 * n}, kPage | 7);
  m.put(kPage + 0xFFE, {0xB8, 1});  // mov eax,1, its immediate's rest at 0
  m.put(kPage, {0, 0, 0, 0xF4});
  restart(m, kLinear + 0xFFE);
  CHECK(m.run() == Exit::Halted);
  CHECK(m.reg(kRax) == 1);

  std::vector<u8> hlts(kPageSize, 0xF4);
  m.memory.write(PhysAddr{kPage}, std::span<const u8>(hlts));
  CHECK(m.cpu.blocks->size() == 0);
  restart(m, kLinear + 0xFFE);
  CHECK(m.run() == Exit::Halted);
  CHECK(m.rip() == kLinear + 0xFFF);
}

TEST_CASE("block cache: ROM comes over decoded RAM -> the ROM's code runs") {
  M m;
  m.protected_mode({0xB0, 1, 0xF4});  // mov al,1; hlt
  CHECK(m.run() == Exit::Halted);
  const u8 rom[] = {0xB0, 2, 0xF4};
  m.memory.add_rom({M::kCode}, rom);
  restart(m, M::kCode);
  CHECK(m.run() == Exit::Halted);
  CHECK((m.reg(kRax) & 0xFF) == 2);
  m.memory.remove({M::kCode}, kPageSize);
  restart(m, M::kCode);
  CHECK(m.run() == Exit::Halted);
  CHECK((m.reg(kRax) & 0xFF) == 1);
}

TEST_CASE("block cache: a window moves elsewhere -> decoded RAM stays, code in the window goes") {
  M m;
  CodeWindow window;
  constexpr u64 kWindow = 0xE000'0000, kElsewhere = 0xE010'0000;
  const u8 rom[] = {0xF4};
  m.memory.add_rom({kWindow}, rom);
  m.protected_mode({0x40, 0xF4});                     // inc eax; hlt
  m.put(M::kCode + 0xFFE, {0xB8, 1, 0, 0, 0, 0xF4});  // crosses into the page that gets a window
  for (const u64 at : {M::kCode, M::kCode + 0xFFE, kWindow}) {
    restart(m, at);
    CHECK(m.run() == Exit::Halted);
  }
  const size_t before = m.cpu.blocks->size();
  m.memory.add_mmio({kElsewhere}, kPageSize, window);
  restart(m, kElsewhere + 0x103);
  CHECK(m.run() == Exit::Halted);
  CHECK(m.cpu.blocks->size() == before - 1);
  m.memory.add_mmio({M::kCode + kPageSize}, kPageSize, window);
  restart(m, kElsewhere + 0x103);
  CHECK(m.run() == Exit::Halted);
  CHECK(m.cpu.blocks->size() == 1);
}

TEST_CASE("block cache: a store lays ROM over its own block -> the ROM's next instruction runs") {
  M m;
  CodeWindow window;
  constexpr u64 kWindow = 0xE000'0000;
  m.memory.add_mmio({kWindow}, kPageSize, window);
  const u8 rom[] = {0x88, 0x03, 0x41, 0xF4};  // mov [ebx],al; inc ecx; hlt
  window.on_write = [&] { m.memory.add_rom({M::kCode}, rom); };
  m.protected_mode({0x88, 0x03, 0x40, 0xF4});  // inc eax there
  m.reg(kRbx) = kWindow;
  CHECK(m.run() == Exit::Halted);
  CHECK(m.reg(kRax) == 0);
  CHECK(m.reg(kRcx) == 1);
  CHECK(m.cpu.state.instructions == 3);
}

TEST_CASE("block cache: code in a device -> runs, and only what an instruction needs is read") {
  M m;
  CodeWindow window;
  constexpr u64 kWindow = 0xE000'0000;
  m.memory.add_mmio({kWindow}, kPageSize, window);
  m.protected_mode({});
  restart(m, kWindow + 0x101);
  CHECK(m.run() == Exit::Halted);
  CHECK(m.cpu.state.instructions == 3);
  const auto [first, last] = std::minmax_element(window.reads.begin(), window.reads.end());
  CHECK(*first == 0x101);
  CHECK(*last < 0x103 + 15);
}

TEST_CASE("block cache: REP at the end of 4 GiB, more than a slice -> goes on, then wraps to 0") {
  M m;
  std::vector<u8> rom(kPageSize, 0x90);
  rom[0xFFE] = 0xF3, rom[0xFFF] = 0xA4;  // rep movsb
  m.memory.add_rom({0xFFFF'F000}, rom);
  m.protected_system({});
  m.put(0, {0xF4});
  m.reg(kRcx) = 10000, m.reg(kRsi) = 0x30000, m.reg(kRdi) = 0x60000;
  restart(m, 0xFFFF'FFFE);
  CHECK(m.run() == Exit::Halted);
  CHECK(m.reg(kRcx) == 0);
  CHECK(m.rip() == 1);
}

TEST_CASE("block cache: a page's blocks overwritten one after the other -> all of them go") {
  M m;
  m.protected_system({0xEB, 0x3E});  // jmp to the next line, 20 times
  for (u64 line = 1; line < 20; ++line) m.put(M::kCode + line * 64, {0xEB, 0x3E});
  m.put(M::kCode + 20 * 64, {0xF4});
  CHECK(m.run() == Exit::Halted);
  REQUIRE(m.cpu.blocks->size() == 21);
  for (u64 line = 0; line < 3; ++line) m.cpu.blocks->on_watched_write({M::kCode + line * 64}, 1);
  CHECK(m.cpu.blocks->size() == 18);
  m.cpu.blocks->on_watched_write({M::kCode + 3 * 64}, 1);
  CHECK(m.cpu.blocks->size() == 0);
}
