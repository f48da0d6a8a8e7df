// SPDX-License-Identifier: MIT
// `-accel verify` with a translator that lies in a known way: found, named, demoted, gone on.
#include "verify/verify.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <set>
#include <string>

#include "verify/flags.h"

namespace ring3::verify {
namespace {

/// What goes wrong after a block with XOR, from the 1500th instruction on.
enum class Lie : u8 { None, Register, Flags, Stray, Crash };

class Liar final : public Jit {
 public:
  Liar(Cpu& cpu, Lie lie) : Jit(cpu), lie_(lie) {}
  std::string_view name() const override { return "liar"; }
  Exit run(Cpu& cpu, u64 deadline) override {
    return run_blocks(cpu, deadline, [this](Cpu& c) { run_block(c); });
  }
  void demote(ZydisMnemonic mnemonic) override { demoted_.insert(mnemonic); }
  void interpret_at(u64) override {}
  std::span<const u8> translation(u64, u32) const override { return {}; }
  bool own_memory() override { return true; }

 private:
  void run_block(Cpu& cpu) {
    Block& block = blocks_.find(cpu);
    const bool lie = cpu.state.instructions > 1500 && !demoted_.contains(ZYDIS_MNEMONIC_XOR) &&
                     std::ranges::any_of(block.insns, [](const Insn& i) {
                       return i.mnemonic == ZYDIS_MNEMONIC_XOR;
                     });
    interpret(cpu, block, 0, block.insns.size());
    if (!lie) return;
    if (lie_ == Lie::Register) cpu.state.gpr[kRbx] |= 0x10000;
    if (lie_ == Lie::Flags) cpu.state.rflags ^= flag::CF;
    if (lie_ == Lie::Stray) cpu.mmu.memory().write<u8>({0x6000}, 1);
    if (lie_ == Lie::Crash) {
      std::signal(SIGABRT, SIG_DFL);  // not Catch's
      std::abort();
    }
  }

  Lie lie_;
  std::set<ZydisMnemonic> demoted_;
};

class Screen final : public ByteSink {
 public:
  void put(u8 byte) override { text += static_cast<char>(byte); }
  std::string text;
};

/// Standard error into a file while it lives; processes that are forked write there too.
class CapturedErrors {
 public:
  CapturedErrors() : file_(std::tmpfile()), saved_(dup(2)) { dup2(fileno(file_), 2); }
  ~CapturedErrors() {
    restore();
    std::fclose(file_);
  }
  std::string text() {
    restore();
    std::string all(1 << 16, 0);
    std::rewind(file_);
    all.resize(std::fread(all.data(), 1, all.size(), file_));
    return all;
  }

 private:
  void restore() {
    if (saved_ < 0) return;
    std::fflush(stderr);
    dup2(saved_, 2);
    close(saved_);
    saved_ = -1;
  }
  std::FILE* file_;
  int saved_;
};

/// mov cx, 1000; again: add ax, cx; mov [0x5000], ax; xor bx, ax; dec cx; jnz again;
/// mov al, '!'; out 0x402 (dx), al; mov al, 2; out 0xf4, al
constexpr u8 kGuest[] = {0xB9, 0xE8, 0x03, 0x01, 0xC8, 0xA3, 0x00, 0x50, 0x31,
                         0xC3, 0x49, 0x75, 0xF6, 0xB0, '!',  0xBA, 0x02, 0x04,
                         0xEE, 0xB0, 0x02, 0xE6, 0xF4, 0xF4, 0xEB, 0xFD};

struct Outcome {
  int status = 0;
  std::string errors;
};

Outcome verify_with(Lie lie) {
  Screen screen;
  Setup setup;
  PcConfig board;
  board.ram_bytes = u64{1} << 20;
  board.cpu = *CpuModel::parse("max");
  board.debugcon = &screen;
  board.debug_exit = 0xF4;
  setup.boards = {board, board};
  setup.settings.every = 100;
  setup.settings.stretch = 700;
  setup.settings.command = "ring3";
  setup.prepare = [](Pc& board) {
    board.on_reset([&board] {
      board.memory().write(PhysAddr{0x7C00}, std::span<const u8>(kGuest));
      CpuState& s = board.cpu().state;
      for (Segment& segment : s.seg) segment.base = segment.selector = 0;
      s.rip() = 0x7C00;
      board.cpu().update_mode();
    });
    return success();
  };
  setup.make_jit = [lie](Cpu& cpu) -> Result<std::unique_ptr<Jit>> {
    return std::unique_ptr<Jit>(std::make_unique<Liar>(cpu, lie));
  };
  setup.finished = [&screen](Pc&) {
    std::fprintf(stderr, "screen: %s\n", screen.text.c_str());
    return success();
  };
  CapturedErrors errors;
  const int status = run(setup);
  return {status, errors.text()};
}

bool has(const Outcome& outcome, const char* text) {
  return outcome.errors.find(text) != std::string::npos;
}

}  // namespace

TEST_CASE("verify: engines that agree -> the guest's status, no difference") {
  const Outcome o = verify_with(Lie::None);
  INFO(o.errors);
  CHECK(o.status == 5);
  CHECK(has(o, " 0 differences"));
  CHECK(has(o, "screen: !\n"));
}

TEST_CASE(
    "verify: a wrong register -> the block, the row that differs, the remedy, exit status 1") {
  const Outcome o = verify_with(Lie::Register);
  INFO(o.errors);
  CHECK(o.status == 1);
  CHECK(has(o, "jit and interp differ after the block at instruction 1501"));
  CHECK(has(o, "\n* rbx "));
  CHECK(has(o, "\n  rax "));
  CHECK(has(o, "xor bx, ax"));
  CHECK(has(o, "to repeat: ring3 -verify from="));
  CHECK(has(o, "demoted: -treat xor=callout"));
  CHECK(has(o, " 1 differences"));
  CHECK(has(o, "screen: !\n"));
}

TEST_CASE("verify: a wrong flag -> reported") {
  const Outcome o = verify_with(Lie::Flags);
  INFO(o.errors);
  CHECK(o.status == 1);
  CHECK(has(o, "\n* rflags"));
}

TEST_CASE("verify: a stray write -> found when all memory is compared, taken back to its block") {
  const Outcome o = verify_with(Lie::Stray);
  INFO(o.errors);
  CHECK(o.status == 1);
  CHECK(has(o, "* memory 0x0000006000"));
  CHECK(has(o, "after the block at instruction 1501"));
  CHECK(has(o, "demoted: -treat xor=callout"));
}

TEST_CASE("verify: translated code that crashes -> found, demoted, and the guest goes on") {
  const Outcome o = verify_with(Lie::Crash);
  INFO(o.errors);
  CHECK(o.status == 1);
  CHECK(has(o, "translated code crashed"));
  CHECK(has(o, "demoted: -treat xor=callout"));
  CHECK(has(o, "screen: !\n"));
}

TEST_CASE("verify flags: images that differ in arithmetic flags only -> same") {
  CHECK(same_but_arithmetic_flags(0x246, 0x256, 8));
  CHECK_FALSE(same_but_arithmetic_flags(0x246, 0x46, 8));
  CHECK_FALSE(same_but_arithmetic_flags(0x1'0000'0246, 0x1'0000'0256, 8));
  CHECK_FALSE(same_but_arithmetic_flags(0x244, 0x254, 4));
}

}  // namespace ring3::verify
