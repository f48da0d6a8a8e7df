// SPDX-License-Identifier: MIT
// Accesses that ask for the page of the last one first (jit/page_lines.h): by the stack pointer
// between pages of all rights, by FS and GS in user code, and with what is mapped or allowed
// changed in between.
#include "engine_pair.h"
#include "system_pair.h"

namespace ring3 {
namespace {

constexpr u64 kPages = EnginePair::kPages;
constexpr u64 kPageTable = BareMachine::kTables + 0x3000;  ///< of EnginePair

class StackGenerator {
 public:
  explicit StackGenerator(u32 seed) : random_(seed) {}

  std::vector<u8> program() {
    for (u32 n = 4 + pick(16); n > 0; --n) instruction();
    put({0xF4});
    return code_;
  }

 private:
  u32 pick(u32 n) { return static_cast<u32>(random_() % n); }
  void put(std::initializer_list<u64> bytes) {
    for (u64 b : bytes) code_.push_back(static_cast<u8>(b));
  }
  void put32(i32 value) {
    for (unsigned n = 0; n < 4; ++n) code_.push_back(static_cast<u8>(value >> 8 * n));
  }
  void instruction() {
    const u64 disp = 8 * pick(16);
    switch (pick(12)) {
      case 0:
        return put({0x50 + pick(8)});  // push
      case 1:
        return put({0x41, 0x58 + pick(8)});  // pop r8 to r15
      case 2:
        return put({0x48, 0x89, 0x44, 0x24, disp});  // mov [rsp+n], rax
      case 3:
        return put({0x48, 0x03, 0x5C, 0x24, disp});  // add rbx, [rsp+n]
      case 4:
        return put({0x48, 0x11, 0x1C, 0x0C});  // adc [rsp+rcx], rbx
      case 5:
        return put({0x0F, 0x28, 0x44, 0x24, 16 * pick(6)});  // movaps xmm0, [rsp+n]
      case 6:
        return put({0x0F, 0x11, 0x44, 0x24, disp});  // movups [rsp+n], xmm0
      case 7:
        return put({0x66, 0x50 + pick(8)});  // push ax
      case 8:
        return put({0xF0, 0x48, 0x01, 0x44, 0x24, disp});  // lock add [rsp+n], rax
      case 9:
        put({0x48, 0x03, 0x94, 0x24});  // add rdx, [rsp+n]
        return put32(static_cast<i32>(pick(1 << 14)) - (1 << 13));
      default:
        put({0x48, 0x8D, 0xA4, 0x24});  // lea rsp, [rsp+n]
        return put32((static_cast<i32>(pick(5)) - 2) * 0x1000 + static_cast<i32>(pick(65)) - 32);
    }
  }

  std::mt19937 random_;
  std::vector<u8> code_;
};

/// Near the border of some page, now and then misaligned.
void place_stack(BareMachine& m, u32 seed) {
  std::mt19937 random(seed);
  for (u64 at = 0; at < 8 * kPageSize; at += 8) m.memory.write<u64>({kPages + at}, at * 0x10001);
  for (unsigned r = 0; r < 16; ++r) m.reg(static_cast<Gpr>(r)) = random();
  m.reg(kRcx) = random() % 64;
  m.reg(kRsp) = kPages + (1 + random() % 6) * kPageSize + 8 * (random() % 16) - 64 +
                (random() % 4 ? 0 : random() % 8);
}

}  // namespace

TEST_CASE("jit lines: a stack anywhere near page borders -> the interpreter's state") {
  for (u32 seed = 1; seed <= 1500; ++seed) {
    INFO("seed " << seed);
    EnginePair pair;
    pair.run(StackGenerator(seed).program(), [seed](BareMachine& m) { place_stack(m, seed); });
  }
}

TEST_CASE("jit lines: stack at a non-canonical address -> not taken for an empty line") {
  for (const u64 top : {u64{1} << 63, u64{0}, u64{1} << 47, ~u64{0xFFF}}) {
    EnginePair pair;
    // push rax; mov rcx, [rsp+8]; hlt
    pair.run({0x50, 0x48, 0x8B, 0x4C, 0x24, 8, 0xF4},
             [top](BareMachine& m) { m.reg(kRsp) = top + 0x800; });
  }
}

TEST_CASE("jit lines: a handler maps another page -> the next push goes there") {
  EnginePair pair;
  // push rax; push rax; push rax; mov [rbx], rcx; invlpg [rsp]; push rdx; mov rsi, [rsp+8]; hlt
  pair.run({0x50, 0x50, 0x50, 0x48, 0x89, 0x0B, 0x0F, 0x01, 0x3C, 0x24, 0x52, 0x48, 0x8B, 0x74,
            0x24, 8, 0xF4},
           [](BareMachine& m) {
             m.reg(kRsp) = kPages + 0x1800;
             m.reg(kRax) = 0x1111;
             m.reg(kRdx) = 0x2222;
             m.reg(kRbx) = kPageTable + 8;
             m.reg(kRcx) = (kPages + 0x2000) | 7;
             m.memory.write<u64>({kPageTable + 8}, (kPages + 0x1000) | 7);
             m.cpu.mmu.flush_all();
           });
}

TEST_CASE("jit lines: a handler takes the right to write -> the next push faults") {
  EnginePair pair;
  // push rax; push rax; push rax; mov [rbx], rcx; invlpg [rsp]; push rdx; hlt
  pair.run({0x50, 0x50, 0x50, 0x48, 0x89, 0x0B, 0x0F, 0x01, 0x3C, 0x24, 0x52, 0xF4},
           [](BareMachine& m) {
             m.reg(kRsp) = kPages + 0x1800;
             m.reg(kRbx) = kPageTable + 8;
             m.reg(kRcx) = (kPages + 0x1000) | 5;
             m.memory.write<u64>({kPageTable + 8}, (kPages + 0x1000) | 7);
             m.cpu.mmu.flush_all();
           });
}

TEST_CASE("jit lines: CLAC with the stack on a user page -> the next push faults") {
  run_both([](M& m) {
    on_user_page(m);
    // stac; push rax; push rax; push rax; clac; push rbx; hlt
    m.put(M::kCode, {0x0F, 0x01, 0xCB, 0x50, 0x50, 0x50, 0x0F, 0x01, 0xCA, 0x53, 0xF4});
  });
}

TEST_CASE("jit lines: POPF takes AC away, the stack on a user page -> the next push faults") {
  run_both([](M& m) {
    on_user_page(m);
    // again: stac; push rax; push rax; push rax; cmp esi, 1; cmovz rdi, rsp; push 2; popf;
    // xchg rsp, rdi; push rbx; xchg rsp, rdi; dec esi; jnz again; hlt
    m.put(M::kCode,
          {0x0F, 0x01, 0xCB, 0x50, 0x50, 0x50, 0x83, 0xFE, 1,    0x48, 0x0F, 0x44, 0xFC, 0x6A,
           2,    0x9D, 0x48, 0x87, 0xE7, 0x53, 0x48, 0x87, 0xE7, 0xFF, 0xCE, 0x75, 0xE5, 0xF4});
    m.reg(kRdi) = M::kStack;
    m.reg(kRsi) = 6;
  });
}

TEST_CASE("jit lines: STAC with the stack on a user page -> the next push succeeds") {
  run_both([](M& m) {
    on_user_page(m);
    // mov r8, rsp; mov rsp, rdi; push rax; push rax; push rax; mov rsp, r8; stac; push rbx; hlt
    m.put(M::kCode, {0x49, 0x89, 0xE0, 0x48, 0x89, 0xFC, 0x50, 0x50, 0x50, 0x4C, 0x89, 0xC4, 0x0F,
                     0x01, 0xCB, 0x53, 0xF4});
    m.reg(kRdi) = M::kStack;
  });
}

TEST_CASE("jit lines: FS and GS in user code, bases moved -> the thread's data at each") {
  run_both([](M& m) {
    m.long_system({}, 3);
    halt_in_handlers(m);
    // again: mov rax, fs:[0]; add gs:[8], rax; wrfsbase rbx; add rcx, fs:[16]; wrgsbase rcx;
    // mov rdx, gs:[-8]; add rbx, 0xFF8; dec esi; jnz again; ud2
    m.put(M::kCode,
          {0x64, 0x48, 0x8B, 0x04, 0x25, 0,    0,    0,    0,    0x65, 0x48, 0x01, 0x04, 0x25, 8,
           0,    0,    0,    0xF3, 0x48, 0x0F, 0xAE, 0xD3, 0x64, 0x48, 0x03, 0x0C, 0x25, 16,   0,
           0,    0,    0xF3, 0x48, 0x0F, 0xAE, 0xD9, 0x65, 0x48, 0x8B, 0x14, 0x25, 0xF8, 0xFF, 0xFF,
           0xFF, 0x48, 0x81, 0xC3, 0xF8, 0x0F, 0,    0,    0xFF, 0xCE, 0x75, 0xC7, 0x0F, 0x0B});
    for (u64 at = 0; at < 0x10000; at += 8) m.memory.write<u64>({0x600000 + at}, at >> 5 & 0xFF8);
    m.cpu.state.seg[kFs].base = 0x600000;
    m.cpu.state.seg[kGs].base = 0x601000;
    m.reg(kRbx) = 0x602000;
    m.reg(kRcx) = 0x604000;
    m.reg(kRsi) = 8;
    m.cpu.state.rflags = flag::kFixed;
  });
}

}  // namespace ring3
