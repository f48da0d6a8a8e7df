// SPDX-License-Identifier: MIT
// jit vs interp: random straight-line blocks of 64-bit code in a loop, run by both engines on
// machines of their own; registers, flags and memory must agree. Undefined flags are not compared.
#include <catch2/catch.hpp>
#include <random>

#include "../core/bare_machine.h"
#include "jit/jit.h"

namespace ring3 {
namespace {

constexpr u64 kData = 0x40000, kDataBytes = 0x3000;
constexpr unsigned kRounds = 40;

/// Random instructions as bytes; loops kRounds times by a counter in memory, then halts.
class Generator {
 public:
  explicit Generator(u32 seed) : random_(seed) {}

  std::vector<u8> program() {
    std::vector<u8> code;
    const unsigned count = 1 + pick(16);
    for (unsigned n = 0; n < count; ++n) instruction(code);
    loop(code);
    return code;
  }

 private:
  u32 pick(u32 n) { return random_() % n; }
  void put(std::vector<u8>& code, std::initializer_list<u32> bytes) {
    for (u32 b : bytes) code.push_back(static_cast<u8>(b));
  }
  /// Any register but rsp and rbx, which holds the data's address.
  u32 reg() {
    u32 r = pick(16);
    while (r == kRsp || r == kRbx) r = pick(16);
    return r;
  }
  u32 rex(u32 w, u32 r, u32 b) { return 0x40 | w << 3 | (r >> 3) << 2 | (b >> 3); }
  void reg_reg(std::vector<u8>& code, std::initializer_list<u32> opcode) {
    const u32 r = reg(), b = reg();
    put(code, {rex(pick(2), r, b)});
    put(code, opcode);
    put(code, {0xC0 | (r & 7) << 3 | (b & 7)});
  }
  /// [rbx + disp32], now and then across a page or past the present data.
  void reg_mem(std::vector<u8>& code, std::initializer_list<u32> opcode) {
    const u32 r = reg();
    const u32 disp = pick(8) == 0 ? 0xFFC + pick(8) : pick(kDataBytes - 8);
    put(code, {rex(pick(2), r, 3)});
    put(code, opcode);
    put(code, {0x83 | (r & 7) << 3, disp & 0xFF, disp >> 8 & 0xFF, disp >> 16 & 0xFF, 0});
  }
  void instruction(std::vector<u8>& code) {
    static constexpr u32 kAlu[] = {0x01, 0x03, 0x09, 0x11, 0x13, 0x19, 0x1B, 0x21, 0x29,
                                   0x2B, 0x31, 0x39, 0x3B, 0x85, 0x87, 0x89, 0x8B};
    const u32 alu = kAlu[pick(std::size(kAlu))];
    switch (pick(12)) {
      case 0:
      case 1:
        return reg_reg(code, {alu});
      case 2:
      case 3:
      case 4:
        return reg_mem(code, {alu});
      case 5:
        return pick(2) ? reg_reg(code, {0x0F, 0x40 + pick(16)})
                       : reg_mem(code, {0x0F, 0x40 + pick(16)});
      case 6: {  // setcc
        const u32 b = reg();
        return put(code, {rex(0, 0, b), 0x0F, 0x90 + pick(16), 0xC0 | (b & 7)});
      }
      case 7:  // movzx, movsx
        return pick(2) ? reg_reg(code, {0x0F, 0xB6 + pick(2) + 8 * pick(2)})
                       : reg_mem(code, {0x0F, 0xB6 + pick(2) + 8 * pick(2)});
      case 8: {  // shift by immediate
        static constexpr u32 kShifts[] = {0xC0, 0xC8, 0xD0, 0xD8, 0xE0, 0xE8, 0xF8};
        const u32 b = reg();
        return put(code, {rex(pick(2), 0, b), 0xC1, kShifts[pick(7)] | (b & 7), pick(2)});
      }
      case 9: {  // inc, dec
        const u32 b = reg();
        return put(code, {rex(pick(2), 0, b), 0xFF, 0xC0 | 8 * pick(2) | (b & 7)});
      }
      case 10: {  // push, pop
        const u32 a = reg(), b = reg();
        return put(code, {rex(0, 0, a), 0x50 | (a & 7), rex(0, 0, b), 0x58 | (b & 7)});
      }
      default: {  // lea r, [b + b*2 + disp8]
        const u32 r = reg(), b = reg();
        return put(code, {rex(1, r, b) | (b >> 3) << 1, 0x8D, 0x44 | (r & 7) << 3,
                          0x40 | (b & 7) << 3 | (b & 7), pick(128)});
      }
    }
  }
  /// push/pop keep flags out of it: dec qword [counter]; jnz start; hlt.
  void loop(std::vector<u8>& code) {
    put(code, {0x48, 0xFF, 0x0C, 0x25, 0, 0, 3, 0});  // dec qword [0x30000]
    put(code, {0x0F, 0x85});
    const u32 back = static_cast<u32>(-static_cast<i32>(code.size() + 4));
    put(code, {back & 0xFF, back >> 8 & 0xFF, back >> 16 & 0xFF, back >> 24});
    put(code, {0xF4});
  }

  std::mt19937 random_;
};

void prepare(BareMachine& m, std::span<const u8> code, u32 seed) {
  m.long_mode({});
  m.memory.write(PhysAddr{BareMachine::kCode}, code);
  m.memory.write<u64>({0x30000}, kRounds);
  std::mt19937_64 random(seed);
  for (u64 at = 0; at < kDataBytes; at += 8) m.memory.write<u64>({kData + at}, random());
  for (unsigned r = 0; r < 16; ++r)
    if (r != kRsp) m.cpu.state.gpr[r] = random();
  m.reg(kRbx) = kData;
}

std::string bytes_of(std::span<const u8> code) {
  std::string text;
  const char* hex = "0123456789abcdef";
  for (u8 b : code) (text += hex[b >> 4]) += hex[b & 15];
  return text;
}

void compare(BareMachine& a, BareMachine& b) {
  for (unsigned r = 0; r < 18; ++r) {
    INFO("register " << r);
    REQUIRE(a.cpu.state.gpr[r] == b.cpu.state.gpr[r]);
  }
  REQUIRE((a.cpu.state.rflags & ~flag::AF) == (b.cpu.state.rflags & ~flag::AF));
  REQUIRE(a.cpu.state.instructions == b.cpu.state.instructions);
  REQUIRE(std::ranges::equal(a.memory.ram().first(0x50000), b.memory.ram().first(0x50000)));
}

JitOptions eager() {
  JitOptions options;
  options.threshold = 1;
  options.cache_bytes = 1 << 20;
  return options;
}

}  // namespace

TEST_CASE("jit: random blocks in a loop -> the interpreter's registers, flags and memory") {
  for (u32 seed = 1; seed <= 400; ++seed) {
    const std::vector<u8> code = Generator(seed).program();
    INFO("seed " << seed << " code " << bytes_of(code));
    BareMachine a, b;
    b.engine.reset();
    auto jit = make_jit(b.cpu, eager());
    REQUIRE(jit);
    b.engine = std::move(*jit);
    prepare(a, code, seed);
    prepare(b, code, seed);
    REQUIRE(a.run() == Exit::Halted);
    REQUIRE(b.run() == Exit::Halted);
    compare(a, b);
  }
}

}  // namespace ring3
