// SPDX-License-Identifier: MIT
// Blocks extended past branches forward: left in the middle or not, by faults, deadlines and stores
// into themselves too. And operands in another page than their base.
#include "decoder/block.h"
#include "engine_pair.h"

namespace ring3 {
namespace {

constexpr u64 kPages = EnginePair::kPages, kAbsent = kPages + EnginePair::kAbsent * kPageSize,
              kReadOnly = kPages + EnginePair::kReadOnly * kPageSize;

/// Basic blocks that end in a branch to HLT behind them all, each on another condition.
class Branches {
 public:
  explicit Branches(u32 seed) : random_(seed) {}

  std::vector<u8> program() {
    const u32 count = 2 + pick(5);
    for (u32 n = 0; n < count; ++n) {
      for (u32 more = pick(4); more > 0; --more) instruction();
      put({0x0F, static_cast<u8>(0x80 + pick(16)), 0, 0, 0, 0});
      branches_.push_back(code_.size());
    }
    instruction();
    put({0xF4});  // hlt
    for (size_t at : branches_) {
      const u64 distance = code_.size() - 1 - at;
      for (unsigned n = 0; n < 4; ++n) code_[at - 4 + n] = static_cast<u8>(distance >> 8 * n);
    }
    return code_;
  }

 private:
  u32 pick(u32 n) { return static_cast<u32>(random_() % n); }
  void put(std::initializer_list<u8> bytes) { code_.insert(code_.end(), bytes); }
  void instruction() {
    switch (pick(9)) {
      case 0:
        return put({0x48, 0x01, 0xC2});  // add rdx, rax
      case 1:
        return put({0x4D, 0x19, 0xC8});  // sbb r8, r9
      case 2:
        return put({0x48, 0x8B, 0x43, static_cast<u8>(8 * pick(16))});  // mov rax, [rbx+n]
      case 3:
        return put({0x48, 0x89, 0x53, static_cast<u8>(8 * pick(16))});  // mov [rbx+n], rdx
      case 4:
        return put({0x80, 0x3E, static_cast<u8>(pick(256))});  // cmp byte [rsi], n
      case 5:
        return put({0x48, 0xFF, 0xC6});  // inc rsi
      case 6:
        return put({0x50});  // push rax
      case 7:
        return put({0x0F, 0xA2});  // cpuid
      default:
        return put({0x66, 0x0F, 0x6F, 0x03});  // movdqa xmm0, [rbx]
    }
  }

  std::mt19937 random_;
  std::vector<u8> code_;
  std::vector<size_t> branches_;
};

TEST_CASE("extended blocks: random branches and faults -> the interpreter's state") {
  for (u32 seed = 1; seed <= 600; ++seed) {
    EnginePair pair;
    pair.slice = seed % 3 ? 0 : 1 + seed % 7;
    const std::vector<u8> code = Branches(seed).program();
    pair.run(code, [seed](BareMachine& m) {
      std::mt19937 random(seed);
      for (Gpr r : {kRax, kRdx, kR8, kR9}) m.reg(r) = random() % 3 - 1;
      m.reg(kRbx) = (seed % 5 ? kPages : kAbsent) - 64 + 16 * (seed % 8);
      m.reg(kRsi) = kAbsent - 3;
    });
  }
}

TEST_CASE("extended blocks: a store into the basic block that follows -> what it wrote runs") {
  const u64 slice = GENERATE(0, 1, 2);  // the basic block runs to its end all the same
  EnginePair pair;
  pair.slice = slice;
  // mov byte [rdi], 2; test eax, eax; jnz hlt; mov cl, 1; hlt
  const std::vector<u8> code = {0xC6, 0x07, 0x02, 0x85, 0xC0, 0x75, 0x02, 0xB1, 0x01, 0xF4};
  pair.run(code, [&code](BareMachine& m) {
    m.memory.write(PhysAddr{BareMachine::kCode}, std::span<const u8>(code));
    m.reg(kRax) = 0;
    m.reg(kRdi) = BareMachine::kCode + 8;
  });
  CHECK((pair.b.reg(kRcx) & 0xFF) == 2);
}

TEST_CASE(
    "extended blocks: branches -> one block up to the last, its first part for the interpreter") {
  BareMachine m;
  m.long_mode({0x90, 0x75, 0x03, 0x90, 0x74, 0x01, 0x90, 0xF4});  // nop jnz nop jz nop hlt
  BlockCache cache(m.memory);
  Block& block = cache.find(m.cpu);
  REQUIRE(block.insns.size() == 2);
  cache.extend(
      m.cpu, block, [](const Block&, u64) { return true; }, true);
  CHECK(block.extended);
  CHECK(block.insns.size() == 6);
  CHECK(block.bytes == 8);
  CHECK(block.basic_end(0) == 2);
  CHECK(block.basic_end(2) == 4);
  CHECK(block.basic_end(4) == 6);
  cache.on_watched_write({BareMachine::kCode + 6}, 1);
  CHECK(cache.find(m.cpu).insns.size() == 2);
}

TEST_CASE("operands: in the page beside their base's, present or not -> the interpreter's state") {
  // mov eax, [rbx+disp]; add [rbx+disp], ecx; movzx edx, byte [rbx+rdi+disp]; hlt
  for (const i32 disp : {-4095, -8, -1, 1, 8, 4090, 4095}) {
    for (const u64 base :
         {kPages, kPages + 8, kAbsent - 16, kAbsent, kReadOnly - 8, kReadOnly + 8}) {
      EnginePair pair;
      std::vector<u8> code;
      const auto put = [&](std::initializer_list<u8> bytes) {
        code.insert(code.end(), bytes);
        for (unsigned n = 0; n < 4; ++n)
          code.push_back(static_cast<u8>(static_cast<u32>(disp) >> 8 * n));
      };
      put({0x8B, 0x83});
      code.insert(code.end(), {0x48, 0x0F, 0xCB, 0x48, 0x0F, 0xCB});  // bswap rbx, twice
      put({0x01, 0x8B});
      put({0x0F, 0xB6, 0x94, 0x3B});
      code.push_back(0xF4);
      pair.run(code, [base](BareMachine& m) {
        m.reg(kRbx) = base;
        m.reg(kRdi) = 0x1FFF;
        m.reg(kRcx) = 0x01020304;
      });
    }
  }
}

TEST_CASE("operands: two by one scaled index -> the interpreter's state") {
  for (u64 at : {kPages, kPages + kPageSize - 16, kAbsent - 8}) {
    EnginePair pair;
    // mov rsi, [rcx*8+8]; add [rcx*8+16], rsi; hlt
    pair.run({0x48, 0x8B, 0x34, 0xCD, 8, 0, 0, 0, 0x48, 0x01, 0x34, 0xCD, 16, 0, 0, 0, 0xF4},
             [at](BareMachine& m) { m.reg(kRcx) = at / 8; });
  }
}

}  // namespace
}  // namespace ring3
