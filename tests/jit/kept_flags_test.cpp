// SPDX-License-Identifier: MIT
// Flags that pass from block to block: left by every kind of instruction, overwritten, kept in part
// or read after a branch, and seen by a fault, a poll or a stop in between.
#include "engine_pair.h"

namespace ring3 {
namespace {

/// Turns of a few chained blocks that walk with RSI into pages that fault. RCX counts the turns,
/// R15 those of inner loops.
class FlagGenerator {
 public:
  explicit FlagGenerator(u32 seed) : random_(seed), tests_bits_(seed % 2 == 0) {}

  std::vector<u8> program() {
    for (u32 n = 2 + pick(5); n > 0; --n) chunk();
    put({0x48, 0x8D, 0x76, static_cast<u8>(8 + 8 * pick(14))});  // lea rsi, [rsi+n]
    put({0x48, 0x8D, 0x49, 0xFF, 0xE3, 0x05, 0xE9});             // lea rcx, [rcx-1]; jrcxz; jmp
    put32(static_cast<u32>(-static_cast<i32>(code_.size() + 4)));
    put({0xF4});
    return code_;
  }

  u32 pick(u32 n) { return static_cast<u32>(random_() % n); }

 private:
  void put(std::initializer_list<u8> bytes) { code_.insert(code_.end(), bytes); }
  void put32(u32 value) {
    for (unsigned n = 0; n < 4; ++n) put({static_cast<u8>(value >> 8 * n)});
  }

  /// One that the program does not need itself.
  u32 reg() {
    static constexpr u8 kFree[] = {0, 2, 3, 5, 7, 8, 9, 10, 11, 12, 13, 14};
    return kFree[pick(std::size(kFree))];
  }

  /// With ModRM; `opcode` is that of the byte form. Memory: [rsi + n].
  void with_modrm(u8 opcode, u32 field, bool memory, u32 width) {
    const u32 rm = memory ? 6 : reg();
    const bool legacy = !memory && width == 1 && pick(4) == 0 && field < 8;  // AH, CH, ...
    if (width == 2) put({0x66});
    if (!legacy) put({static_cast<u8>(0x40 | (width == 8 ? 8 : 0) | (field >> 3) << 2 | rm >> 3)});
    if (opcode == 0xBA) put({0x0F});
    put({static_cast<u8>(opcode == 0xBA ? opcode : opcode | (width > 1))});
    const u32 low = legacy ? (pick(2) ? 0 : 2) + 4 * pick(2) : rm & 7;
    put({static_cast<u8>((memory ? 0x40 : 0xC0) | (field & 7) << 3 | low)});
    if (memory) put({static_cast<u8>(8 * pick(8) + (pick(8) ? 0 : pick(8)))});
  }

  u32 width() { return 1u << pick(4); }

  void immediate(u32 width) {
    const u32 value = pick(2) ? pick(256) : static_cast<u32>(random_()) >> pick(32);
    if (width == 1) return put({static_cast<u8>(value)});
    if (width == 2) return put({static_cast<u8>(value), static_cast<u8>(value >> 8)});
    put32(value);
  }

  /// Of a register and itself.
  void clear() {
    const u32 r = reg();
    put({static_cast<u8>(0x40 | 8 * pick(2) | (r >> 3) << 2 | r >> 3),
         static_cast<u8>((pick(3) ? 0x30 : 0x28) | pick(2)), static_cast<u8>(0xC0 | (r & 7) * 9)});
  }

  void writer() {
    static constexpr u8 kRows[] = {0x38, 0x38, 0x84, 0x20, 0x08, 0x30, 0x00, 0x28};
    const u32 w = width();
    switch (pick(9)) {
      case 8:
        return clear();
      case 0:
      case 1:  // op rm, r
        return with_modrm(kRows[pick(8)], reg(), pick(3) == 0, w);
      case 2:  // op r, rm
        return with_modrm(kRows[pick(2) ? 0 : 3 + pick(5)] | 2, reg(), pick(2), w);
      case 3:  // op rm, imm
        with_modrm(0x80, pick(2) ? 7 : pick(2) ? 5 : 0, pick(3) == 0, w);
        return immediate(w);
      case 4:  // test rm, imm
        with_modrm(0xF6, 0, pick(2), w);
        return immediate(w);
      case 5:  // inc, dec
        return with_modrm(0xFE, pick(2), pick(4) == 0, w);
      case 6:  // bt rm, imm8
        if (!tests_bits_) return;
        with_modrm(0xBA, 4, pick(2), w == 1 ? 4 : w);
        return put({static_cast<u8>(pick(256))});
      default:  // shl, shr by 1; shl by CL
        return with_modrm(pick(4) ? 0xD0 : 0xD2, 4, false, w);
    }
  }

  void neutral() {
    switch (pick(5)) {
      case 0:  // mov
        return with_modrm(pick(2) ? 0x88 : 0x8A, reg(), pick(2), width());
      case 1:
        return with_modrm(0x8A, reg(), true, 8);
      case 2:
        return with_modrm(0x88, reg(), true, 8);
      case 3:
        return put({0x53, 0x5D});  // push rbx; pop rbp
      default:
        return put({0x48, 0x8D, 0x5B, static_cast<u8>(pick(256))});  // lea rbx, [rbx+n]
    }
  }

  /// BT leaves all but CF and ZF undefined.
  u8 condition() { return static_cast<u8>(tests_bits_ ? 2 + pick(6) : pick(16)); }

  void reader() {
    const u8 condition = this->condition();
    switch (pick(4)) {
      case 0:  // setcc
        return put({0x0F, static_cast<u8>(0x90 | condition), 0xC2});
      case 1:  // setcc [rsi]
        return put({0x0F, static_cast<u8>(0x90 | condition), 0x06});
      case 2:  // cmovcc rdx, [rsi+8]
        return put({0x48, 0x0F, static_cast<u8>(0x40 | condition), 0x56, 0x08});
      default:  // adc rdx, rbx
        return put({0x48, 0x11, 0xDA});
    }
  }

  void some(u32 most) {
    for (u32 n = pick(most + 1); n > 0; --n) {
      const u32 what = pick(8);
      if (what < 4)
        writer();
      else if (what < 7)
        neutral();
      else
        reader();
    }
  }

  /// A block, and how it ends.
  void chunk() {
    const u32 end = pick(8);
    if (end == 0) put({0x41, 0xBF, static_cast<u8>(1 + pick(20)), 0, 0, 0});  // mov r15d, n
    if (end == 1) put({0xEB, 0x00});
    const size_t start = code_.size();
    some(4);
    switch (end) {
      case 0: {  // dec r15d; jnz start
        put({0x41, 0xFF, 0xCF, 0x0F, 0x85});
        return put32(static_cast<u32>(start - (code_.size() + 4)));
      }
      case 1:  // to a block that begins anew
        return put({0xEB, 0x00});
      case 2:  // call and return
        put({0xE8, 0x02, 0, 0, 0, 0xEB, 0x01});
        return put({0xC3});
      case 3:  // lea rax, [rip + 2]; jmp rax
        return put({0x48, 0x8D, 0x05, 0x02, 0, 0, 0, 0xFF, 0xE0});
      case 4:  // jrcxz
        return put({0xE3, 0x00});
      default: {  // jcc over some
        put({static_cast<u8>(0x70 | condition()), 0});
        const size_t from = code_.size();
        some(3);
        code_[from - 1] = static_cast<u8>(code_.size() - from);
      }
    }
  }

  std::mt19937 random_;
  bool tests_bits_;
  std::vector<u8> code_;
};

void prepare(BareMachine& m, u32 seed) {
  std::mt19937 random(seed);
  for (u64 at = 0; at < 8 * kPageSize; at += 8)
    m.memory.write<u64>({EnginePair::kPages + at}, u64{random()} << 32 | random());
  for (unsigned r = 0; r < 16; ++r) m.reg(static_cast<Gpr>(r)) = u64{random()} << 32 | random();
  m.reg(kRcx) = 10 + random() % 20;
  m.reg(kRsp) = EnginePair::kPages + 0x800;
  const u64 page = random() % 3 ? EnginePair::kAbsent : EnginePair::kReadOnly;
  m.reg(kRsi) = EnginePair::kPages + page * kPageSize - 0x40 * (random() % 64);
}

void compare(u32 seeds, u32 slice) {
  for (u32 seed = 1; seed <= seeds; ++seed) {
    INFO("seed " << seed);
    FlagGenerator generator(seed);
    EnginePair pair;
    pair.slice = slice ? 1 + seed % slice : 0;
    pair.run(generator.program(), [seed](BareMachine& m) { prepare(m, seed); });
  }
}

}  // namespace

TEST_CASE("jit: flags kept as operands, seen by a fault after the branch -> the interpreter's") {
  compare(1200, 0);
}

TEST_CASE("jit: flags kept as operands, stopped between blocks -> the interpreter's") {
  compare(800, 30);
}

}  // namespace ring3
