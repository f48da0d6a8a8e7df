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
    for (u32 n = 0; n < depth; ++n) {
      push();
      if (pick(2)) between();
    }
    for (u32 n = pick(4); n > 0; --n) {
      const u8 at = static_cast<u8>(8 * pick(depth));
      if (pick(2))
        put({0x48, 0x89, 0x44, 0x24, at});  // mov [rsp+n], rax
      else
        put({0x4C, 0x8B, 0x44, 0x24, at});  // mov r8, [rsp+n]
      between();
    }
    look_at_flags();
    for (u32 n = 0; n < depth; ++n) {
      pop();
      if (pick(4) == 0) between();
    }
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

  /// Moves registers, those among them that stand elsewhere, or the stack pointer's value.
  void between() {
    switch (pick(8)) {
      case 0:
        return put({0x48, 0x89, 0xFB});  // mov rbx, rdi
      case 1:
        return put({0x41, 0x0F, 0xB6, 0xEC});  // movzx ebp, r12b
      case 2:
        return put({0x49, 0x89, 0xD1});  // mov r9, rdx
      case 3:
        return put({0x48, 0x8D, 0x5C, 0xB5, 0x11});  // lea rbx, [rbp+rsi*4+0x11]
      case 4:
        return put({0x4B, 0x8D, 0x7C, 0x83, 0x05});  // lea rdi, [r11+r8*4+5]
      case 5:
        return put({0x48, 0x89, 0xE0});  // mov rax, rsp
      case 6:
        return put({0x48, 0x8D, 0x6C, 0x24, 0x08});  // lea rbp, [rsp+8]
      default:
        return put({0x88, 0xE2});  // mov dl, ah
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

/// MOVs by RSI near a page's border, and moves of registers between them.
std::vector<u8> fields_program(std::mt19937& random) {
  std::vector<u8> code;
  const auto pick = [&](u32 n) { return static_cast<u32>(random() % n); };
  const auto put = [&](std::initializer_list<u8> bytes) { code.insert(code.end(), bytes); };
  put({0x48, 0x39, 0xD8});  // cmp rax, rbx
  for (u32 n = 2 + pick(6); n > 0; --n) {
    const u8 wide = static_cast<u8>(0x40 | 8 * pick(2)), reg = static_cast<u8>(8 * pick(8));
    const u8 field = static_cast<u8>(8 * pick(8) + pick(2) * pick(8));
    switch (pick(8)) {
      case 0:
      case 1:  // mov r, [rsi+n]; r may be rsi
        put({static_cast<u8>(wide | 4 * pick(2)), 0x8B, static_cast<u8>(0x46 | reg), field});
        break;
      case 2:  // mov [rsi+n], r
        put({static_cast<u8>(wide | 4 * pick(2)), 0x89, static_cast<u8>(0x46 | reg), field});
        break;
      case 3:  // mov [rsi+n], imm
        put({wide, 0xC7, 0x46, field, 1, 2, 3, 0xFF});
        break;
      case 4:  // movsx r, byte or word
        put({wide, 0x0F, static_cast<u8>(0xBE | pick(2)), static_cast<u8>(0x46 | reg), field});
        break;
      case 5:  // mov r8, [rsi+n], AH to BH without REX
        put({0x8A, static_cast<u8>(0x46 | reg), field});
        break;
      case 6:  // mov rdx, rdi; lea rdi, [rdx+rcx]
        put({0x48, 0x89, 0xFA, 0x48, 0x8D, 0x3C, 0x0A});
        break;
      default:  // jb over nothing, or other flags
        if (pick(2))
          put({0x72, 0x00});
        else
          put({0x48, 0x31, 0xD2});  // xor edx, edx
    }
  }
  put({0x0F, 0x9F, 0xC1, 0xF4});  // setg cl; hlt
  return code;
}

void prepare_fields(BareMachine& m, u32 seed) {
  std::mt19937 random(seed);
  for (u64 at = 0; at < 8 * kPageSize; at += 8) m.memory.write<u64>({EnginePair::kPages + at}, at);
  for (unsigned r = 0; r < 16; ++r) m.reg(static_cast<Gpr>(r)) = random();
  m.reg(kRsp) = EnginePair::kPages + 0x800;
  const u64 page = random() % 3   ? 1 + random() % 6
                   : random() % 2 ? EnginePair::kAbsent
                                  : EnginePair::kReadOnly;
  m.reg(kRsi) = EnginePair::kPages + page * kPageSize - 8 * (random() % 12);
}

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

TEST_CASE("jit: MOVs of one base in a row -> the interpreter's state, also between two pages") {
  for (u32 seed = 1; seed <= 1000; ++seed) {
    INFO("seed " << seed);
    std::mt19937 random(seed);
    EnginePair pair;
    pair.run(fields_program(random), [seed](BareMachine& m) { prepare_fields(m, seed); });
  }
}

}  // namespace ring3
