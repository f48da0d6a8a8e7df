// SPDX-License-Identifier: MIT
// Accesses whose address is the same each time, RIP-relative or a displacement alone: near page
// borders, misaligned, without rights, and in user code, where the TLB's place is part of the code.
#include "engine_pair.h"
#include "system_pair.h"

namespace ring3 {
namespace {

constexpr u64 kPages = EnginePair::kPages, kData = 0x600000;

class Accesses {
 public:
  explicit Accesses(u32 seed) : random_(seed) {}

  std::vector<u8> program(u64 rip) {
    for (u32 n = 2 + pick(8); n > 0; --n) instruction(rip);
    put({0xF4});
    return code_;
  }

 private:
  u32 pick(u32 n) { return static_cast<u32>(random_() % n); }
  void put(std::initializer_list<u8> bytes) { code_.insert(code_.end(), bytes); }
  void put32(u64 value) {
    for (unsigned n = 0; n < 4; ++n) code_.push_back(static_cast<u8>(value >> 8 * n));
  }
  /// Seldom the page that is not there.
  u64 target() {
    const u64 page = kPages + (pick(8) ? 1 + pick(2) : 3 + pick(5)) * kPageSize;
    return page + (pick(2) ? 8 * pick(512) : kPageSize - 20 + pick(24));
  }
  /// Opcode bytes, then ModRM with `reg`, relative to the next instruction or not.
  void access(u64 rip, std::initializer_list<u8> opcode, u8 reg) {
    put(opcode);
    const u64 to = target();
    if (pick(2)) {
      put({static_cast<u8>(reg << 3 | 4), 0x25});
      return put32(to);
    }
    put({static_cast<u8>(reg << 3 | 5)});
    put32(to - (rip + code_.size() + 4));
  }
  void instruction(u64 rip) {
    const u8 reg = static_cast<u8>(pick(4));
    switch (pick(10)) {
      case 0:
        return access(rip, {0x48, 0x8B}, reg);  // mov r64, m
      case 1:
        return access(rip, {0x89}, reg);  // mov m, r32
      case 2:
        return access(rip, {0x4C, 0x01}, reg);  // add m, r8 to r11
      case 3:
        return access(rip, {0x4C, 0x13}, reg);  // adc r8 to r11, m
      case 4:
        return access(rip, {0xF0, 0x48, 0x0F, 0xC1}, reg);  // lock xadd m, r64
      case 5:
        return access(rip, {0x87}, reg);  // xchg m, r32
      case 6:
        return access(rip, {0x0F, 0x28}, reg);  // movaps xmm, m
      case 7:
        return access(rip, {0x0F, 0x11}, reg);  // movups m, xmm
      case 8:
        return access(rip, {0x67, 0x48, 0x8B}, reg);  // mov r64, m by a 32-bit address
      default:
        return access(rip, {0x0F, 0xB6}, reg);  // movzx r32, m8
    }
  }

  std::mt19937 random_;
  std::vector<u8> code_;
};

void user(M& m, std::initializer_list<u8> code) {
  m.long_system({}, 3);
  halt_in_handlers(m);
  m.put(M::kCode, code);
  m.cpu.state.rflags = flag::kFixed;
}

}  // namespace

TEST_CASE("jit constants: random accesses in ring 0 -> the interpreter's state") {
  for (u32 seed = 1; seed <= 1500; ++seed) {
    INFO("seed " << seed);
    EnginePair pair;
    pair.run(Accesses(seed).program(BareMachine::kCode), [seed](BareMachine& m) {
      std::mt19937 random(seed);
      for (u64 at = 0; at < 8 * kPageSize; at += 8)
        m.memory.write<u64>({kPages + at}, at * 0x10001);
      for (unsigned r = 0; r < 16; ++r) m.reg(static_cast<Gpr>(r)) = random();
      m.reg(kRsp) = BareMachine::kStack;
    });
  }
}

TEST_CASE("jit constants: random accesses in user code -> the interpreter's state") {
  for (u32 seed = 1; seed <= 500; ++seed) {
    INFO("seed " << seed);
    const std::vector<u8> code = Accesses(seed).program(M::kCode);
    run_both([&](M& m) {
      user(m, {});
      m.memory.write(PhysAddr{M::kCode}, std::span<const u8>(code));
      for (u64 at = 0; at < 8 * kPageSize; at += 8) m.memory.write<u64>({kPages + at}, at << 7);
      for (Gpr r : {kRax, kRcx, kRdx, kRbx}) m.reg(r) = 0x1234567 * (r + 1u);
    });
  }
}

TEST_CASE(
    "jit constants: user code walks more pages than the TLB holds -> it grows, all is found") {
  run_both(
      [](M& m) {
        // again: add rax, [rdi]; add rbx, [0x600008]; inc dword [0x601004]; add edi, 0x1000;
        // and edi, 0xFFFFFF; dec esi; jnz again; ud2
        user(m, {0x48, 0x03, 0x07, 0x48, 0x03, 0x1C, 0x25, 8,    0,    0x60, 0,    0xFF,
                 0x04, 0x25, 4,    0x10, 0x60, 0,    0x81, 0xC7, 0,    0x10, 0,    0,
                 0x81, 0xE7, 0xFF, 0xFF, 0xFF, 0,    0xFF, 0xCE, 0x75, 0xDE, 0x0F, 0x0B});
        m.memory.write<u64>({kData + 8}, 3);
        m.reg(kRdi) = 0;
        m.reg(kRsi) = 60000;
      },
      1000000);
}

TEST_CASE("jit constants: user code switches alignment checks on -> #AC at the same access") {
  const u64 end = run_both([](M& m) {
    // again: mov eax, [0x600001]; mov rcx, [rbx]; dec esi; jnz again; pushf; or [rsp+2], 4; popf;
    // mov esi, 2; jmp again
    user(m, {0x8B, 0x04, 0x25, 1,    0, 0x60, 0,    0x48, 0x8B, 0x0B, 0xFF, 0xCE, 0x75, 0xF2,
             0x9C, 0x80, 0x4C, 0x24, 2, 4,    0x9D, 0xBE, 2,    0,    0,    0,    0xEB, 0xE4});
    m.cpu.state.cr0 |= cr0::AM;
    m.reg(kRbx) = kData + 8;
    m.reg(kRsi) = 20;
  });
  CHECK(end == M::kHandler + 17 * 16 + 1);
}

}  // namespace ring3
