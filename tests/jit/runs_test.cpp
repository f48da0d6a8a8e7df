// SPDX-License-Identifier: MIT
// Functions that begin with pushes and end with pops: their frames stand in one page, across two,
// or run into one that is absent or read-only.
#include "engine_pair.h"

namespace ring3 {
namespace {

class FunctionGenerator {
 public:
  explicit FunctionGenerator(u32 seed) : random_(seed) {}

  /// ADC, CALL of what follows HLT, HLT, the function.
  std::vector<u8> program() {
    put({0x48, 0x11, 0xD0, 0xE8, 0x01, 0, 0, 0, 0xF4});
    const u32 depth = 1 + pick(8);
    look_at_flags();
    for (u32 n = 0; n < depth; ++n) push();
    if (pick(2))
      put({0x48, 0x89, 0x44, 0x24, static_cast<u8>(8 * pick(depth))});  // mov [rsp+n], rax
    look_at_flags();
    for (u32 n = 0; n < depth; ++n) pop();
    look_at_flags();
    if (pick(4)) {
      put({0xC3});
    } else {
      put({0xC2, 0x10, 0});
    }
    return code_;
  }

  u32 pick(u32 n) { return static_cast<u32>(random_() % n); }

 private:
  void put(std::initializer_list<u8> bytes) { code_.insert(code_.end(), bytes); }

  void of_register(u8 opcode, u32 reg) {
    if (reg >= 8) put({0x41});
    put({static_cast<u8>(opcode + (reg & 7))});
  }

  void push() {
    switch (pick(8)) {
      case 0:
        return put({0x6A, static_cast<u8>(pick(256))});
      case 1:
        return put({0x68, 1, 2, 3, static_cast<u8>(pick(256))});
      default:
        return of_register(0x50, pick(16));  // RSP among them
    }
  }

  void pop() {
    const u32 reg = pick(16);
    of_register(0x58, reg == 4 ? 5 : reg);
  }

  /// Writes them, reads them, or neither.
  void look_at_flags() {
    switch (pick(6)) {
      case 0:
        return put({0x48, 0x39, 0xD8});  // cmp rax, rbx
      case 1:
        return put({0x4D, 0x85, 0xE4});  // test r12, r12
      case 2:
        return put({0x48, 0x83, 0xC3, 0x38});  // add rbx, 0x38
      case 3:
        return put({0x0F, 0x92, 0xC1});  // setc cl
      case 4:
        return put({0x4D, 0x11, 0xC1});  // adc r9, r8
      default:
        return;
    }
  }

  std::mt19937 random_;
  std::vector<u8> code_;
};

void prepare(BareMachine& m, u32 seed) {
  std::mt19937 random(seed);
  for (u64 at = 0; at < 8 * kPageSize; at += 8) m.memory.write<u64>({EnginePair::kPages + at}, at);
  for (unsigned r = 0; r < 16; ++r) m.reg(static_cast<Gpr>(r)) = random();
  const u64 page = EnginePair::kPages + (1 + random() % 6) * kPageSize;
  m.reg(kRsp) = page + 8 * (random() % 24) + (random() % 8 ? 0 : random() % 8);
}

}  // namespace

TEST_CASE("jit: pushes and pops in a row -> the interpreter's state, also between two pages") {
  for (u32 seed = 1; seed <= 600; ++seed) {
    INFO("seed " << seed);
    FunctionGenerator generator(seed);
    EnginePair pair;
    pair.run(generator.program(), [seed](BareMachine& m) { prepare(m, seed); });
  }
}

}  // namespace ring3
