// SPDX-License-Identifier: MIT
// Loops of one block whose pointers move: across pages, into a page that is absent or read-only,
// stopped after any number of turns.
#include "engine_pair.h"

namespace ring3 {
namespace {

/// A loop of up to eight instructions; rbx counts, then HLT.
class LoopGenerator {
 public:
  explicit LoopGenerator(u32 seed) : random_(seed) {}

  std::vector<u8> program() {
    for (unsigned n = 1 + pick(6); n > 0; --n) instruction();
    for (u8 r : {6, 7, 5, 13, 14, 1, 8, 15})
      if (pick(3) == 0) step(r);
    put({0xFF, 0xCB, 0x0F, 0x85});  // dec ebx; jnz
    const u32 back = static_cast<u32>(-static_cast<i32>(code_.size() + 4));
    put({static_cast<u8>(back), static_cast<u8>(back >> 8), 0xFF, 0xFF, 0xF4});
    return code_;
  }

  u32 pick(u32 n) { return static_cast<u32>(random_() % n); }

 private:
  void put(std::initializer_list<u8> bytes) { code_.insert(code_.end(), bytes); }

  /// With a memory operand of base, often an index, and a displacement.
  void memory(std::initializer_list<u8> prefixes, std::initializer_list<u8> opcode, u8 reg,
              bool wide) {
    static constexpr u8 kBases[] = {6, 7, 5, 13, 14}, kIndexes[] = {1, 8, 15};
    const u8 base = kBases[pick(5)], index = kIndexes[pick(3)];
    const bool indexed = pick(3) == 0;
    const u32 x = indexed ? index >> 3 : 0;
    put(prefixes);
    put({static_cast<u8>(0x40 | (wide ? 8 : 0) | (reg >> 3) << 2 | x << 1 | base >> 3)});
    put(opcode);
    const u32 low = indexed ? 4 : base & 7;
    put({static_cast<u8>(0x40 | (reg & 7) << 3 | low)});
    if (indexed) put({static_cast<u8>(pick(4) << 6 | (index & 7) << 3 | (base & 7))});
    put({static_cast<u8>(pick(2) ? 0 : 16 * pick(16))});
  }

  void step(u8 reg) {
    static constexpr u8 kSteps[] = {1, 2, 4, 8, 16, 16, 32, 24, 100, 0xFF, 0xF8, 0xF0, 0x80};
    const u8 rex = static_cast<u8>(0x48 | reg >> 3);
    if (pick(4) == 0) {  // lea reg, [reg + step]
      put({static_cast<u8>(rex | (reg >> 3) << 2), 0x8D, static_cast<u8>(0x40 | (reg & 7) * 9),
           kSteps[pick(std::size(kSteps))]});
    } else {
      put({rex, 0x83, static_cast<u8>(0xC0 | (reg & 7)), kSteps[pick(std::size(kSteps))]});
    }
  }

  void instruction() {
    static constexpr u8 kData[] = {0, 2, 9, 12};
    static constexpr u8 kAlu[] = {0x01, 0x03, 0x11, 0x13, 0x29, 0x2B, 0x39, 0x3B, 0x89, 0x8B, 0x8B};
    const u8 reg = kData[pick(4)], vector = static_cast<u8>(pick(16));
    const u8 rex = static_cast<u8>(0x48 | (reg >> 3) << 2 | reg >> 3);
    switch (pick(10)) {
      case 0:  // adc, cmov, setcc of registers
        return put({rex, 0x13, static_cast<u8>(0xC0 | (reg & 7) * 9)});
      case 1:
        return put(
            {rex, 0x0F, static_cast<u8>(0x40 + pick(10)), static_cast<u8>(0xC0 | (reg & 7) * 9)});
      case 2:  // lea reg, [rsi + rcx * 4]
        return put({static_cast<u8>(0x48 | (reg >> 3) << 2), 0x8D,
                    static_cast<u8>(4 | (reg & 7) << 3), 0x8E});
      case 3:  // movups, movaps, to memory too
        return memory({}, {0x0F, static_cast<u8>(pick(2) ? 0x28 + pick(2) : 0x10 + pick(2))},
                      vector, false);
      case 4:  // paddd
        return memory({0x66}, {0x0F, 0xFE}, vector, false);
      case 5:  // fadd m64
        return memory({}, {0xDC}, 0, false);
      case 6:  // movzx
        return memory({}, {0x0F, 0xB6}, reg, true);
      default:
        return memory({}, {kAlu[pick(std::size(kAlu))]}, reg, pick(2));
    }
  }

  std::mt19937 random_;
  std::vector<u8> code_;
};

void prepare(BareMachine& m, u32 seed) {
  std::mt19937 random(seed);
  for (u64 at = 0; at < 8 * kPageSize; at += 8)
    m.memory.write<u64>({EnginePair::kPages + at}, random() * u64{0x1'0000'0001});
  for (Gpr r : {kRax, kRdx, kR9, kR12}) m.reg(r) = random();
  const bool aligned = random() % 2;
  for (Gpr r : {kRsi, kRdi, kRbp, kR13, kR14})
    m.reg(r) = EnginePair::kPages + 0x100 + (random() % 0x2E00 & (aligned ? ~15u : ~0u)) +
               (random() % 8 == 0 ? 0x4000 : 0);
  for (Gpr r : {kRcx, kR8, kR15}) m.reg(r) = 16 * (random() % 8);
  m.reg(kRbx) = 1 + random() % 700;
}

}  // namespace

TEST_CASE("jit: loops with moving pointers -> the interpreter's state after any number of turns") {
  for (u32 seed = 1; seed <= 500; ++seed) {
    INFO("seed " << seed);
    LoopGenerator generator(seed);
    EnginePair pair;
    pair.slice = generator.pick(3) ? 1 + generator.pick(3000) : 0;
    pair.run(generator.program(), [seed](BareMachine& m) { prepare(m, seed); });
  }
}

}  // namespace ring3
