// SPDX-License-Identifier: MIT
// String instructions, single and repeated: all widths, counts and directions, over page borders,
// pages that are absent or read-only, overlapping ranges and pages that hold code.
#include "engine_pair.h"

namespace ring3 {
namespace {

constexpr u64 kPages = EnginePair::kPages;

struct Case {
  std::vector<u8> code;
  u64 rcx, rsi, rdi, rax, rflags, fs_base;
  u32 seed;
};

class Cases {
 public:
  explicit Cases(u32 seed) : random_(seed), seed_(seed) {}

  Case next() {
    Case c;
    c.seed = seed_;
    const bool narrow = pick(6) == 0, fs = pick(8) == 0;
    constexpr u8 kRepeats[] = {0, 0xF3, 0xF3, 0xF2};
    const u8 repeat = kRepeats[pick(4)];
    if (fs) c.code.push_back(0x64);
    if (narrow) c.code.push_back(0x67);
    if (repeat) c.code.push_back(repeat);
    constexpr u8 kOpcodes[] = {0xA4, 0xA4, 0xAA, 0xAA, 0xA6, 0xAE, 0xAC};
    const u8 opcode = kOpcodes[pick(7)];
    const u32 width = pick(4);
    if (width == 1) c.code.push_back(0x66);
    if (width == 3) c.code.push_back(0x48);
    c.code.push_back(static_cast<u8>(opcode | (width != 0)));
    // jnz over inc edx: the flags are read. Then hlt.
    c.code.insert(c.code.end(), {0x75, 2, 0xFF, 0xC2, 0xF4});
    c.fs_base = fs ? 0x1000 : 0;
    c.rcx = count();
    c.rsi = pointer() - c.fs_base;
    c.rdi = pick(4) == 0 ? c.rsi + pick(64) - 32 : pointer();
    if (pick(8) == 0) c.rdi = BareMachine::kCode + 0x100 + pick(0x2000);
    if (narrow) {
      c.rcx |= u64{random_()} << 32;
      c.rsi |= u64{random_()} << 32;
      c.rdi |= u64{random_()} << 32;
    }
    c.rax = pick(3) ? 0 : random_();
    c.rflags = flag::kFixed | (random_() & flag::kArith) | (pick(8) == 0 ? flag::DF : 0);
    return c;
  }

 private:
  u32 pick(u32 n) { return random_() % n; }
  u64 count() {
    constexpr u32 kCounts[] = {0, 1, 2, 3, 500, 511, 512, 513, 4095, 4096, 4097, 9000};
    return pick(3) == 0 ? pick(600) : kCounts[pick(std::size(kCounts))];
  }
  /// Mostly where much room is left before the absent page; often next to a border.
  u64 pointer() {
    const u64 page = kPages + (pick(4) ? 8 + pick(8) : pick(8)) * kPageSize;
    switch (pick(4)) {
      case 0:
        return page;
      case 1:
        return page + kPageSize - pick(20);
      default:
        return page + pick(kPageSize);
    }
  }

  std::mt19937 random_;
  u32 seed_;
};

void prepare(BareMachine& m, const Case& c) {
  CpuState& s = m.cpu.state;
  std::mt19937 random(c.seed);
  // Long runs of zeros, so that comparisons go far.
  std::ranges::fill(m.memory.ram().subspan(kPages, 0x20000), u8{0});
  for (unsigned n = 0; n < 8; ++n)
    m.memory.write<u8>({kPages + random() % 0x20000}, static_cast<u8>(random()));
  for (unsigned r = 0; r < 16; ++r)
    if (r != kRsp) s.gpr[r] = random();
  m.reg(kRcx) = c.rcx;
  m.reg(kRsi) = c.rsi;
  m.reg(kRdi) = c.rdi;
  m.reg(kRax) = c.rax;
  s.rflags = c.rflags;
  s.seg[kFs].base = c.fs_base;
  m.cpu.update_mode();
}

}  // namespace

TEST_CASE("jit strings: random instructions -> the interpreter's registers, flags and memory") {
  EnginePair pair;
  for (u32 seed = 1; seed <= 1500; ++seed) {
    const Case c = Cases(seed).next();
    INFO("seed " << seed);
    pair.run(c.code, [&](BareMachine& m) { prepare(m, c); });
  }
}

TEST_CASE("jit strings: REP MOVSQ of a mebibyte -> one instruction per 4096 iterations") {
  EnginePair pair;
  pair.run({0xF3, 0x48, 0xA5, 0xF4}, [&](BareMachine& m) {
    m.reg(kRcx) = 1 << 17;
    m.reg(kRsi) = 0xA00123;
    m.reg(kRdi) = 0xC00000;
    for (u64 n = 0; n < 1 << 20; n += 8)
      m.memory.write<u64>({0xA00123 + n}, n * 0x9E3779B97F4A7C15);
  });
  CHECK(pair.b.cpu.state.instructions == 2 * ((1 << 17) / 4096 + 1));
  CHECK(pair.b.memory.read<u64>({0xC00000 + 8}) == 8 * 0x9E3779B97F4A7C15);
}

}  // namespace ring3
