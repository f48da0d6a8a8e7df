// SPDX-License-Identifier: MIT
// Accesses that ask a slot of mmu/identity_ranges.h: at its ends, with what is mapped or allowed
// changed in between, and where code stands.
#include "engine_pair.h"
#include "system_pair.h"

namespace ring3 {
namespace {

/// EnginePair has large pages up to there, then small ones.
constexpr u64 kEnd = EnginePair::kPages, kLast = kEnd - 0x200000;
constexpr u64 kPde = M::kTables + 0x2000;

class RangeGenerator {
 public:
  explicit RangeGenerator(u32 seed) : random_(seed) {}

  /// A loop of accesses by rbx, rsi and r8, which move a little each turn; counted down in r15d.
  std::vector<u8> program() {
    put({0x48, 0x83, 0x03, 0x00, 0xEB, 0x00});  // add qword [rbx], 0; jmp next
    const size_t top = code_.size();
    for (u32 n = 3 + pick(8); n > 0; --n) instruction();
    put({0x48, 0x83, 0xC3, pick(16), 0x48, 0x83, 0xC1, pick(3)});  // add rbx, n; add rcx, n
    put({0x41, 0xFF, 0xCF, 0x0F, 0x85});                           // dec r15d; jnz top
    const i32 back = static_cast<i32>(top) - static_cast<i32>(code_.size()) - 4;
    for (unsigned n = 0; n < 4; ++n) code_.push_back(static_cast<u8>(back >> 8 * n));
    put({0xF4});
    return code_;
  }

 private:
  u32 pick(u32 n) { return static_cast<u32>(random_() % n); }
  void put(std::initializer_list<u64> bytes) {
    for (u64 b : bytes) code_.push_back(static_cast<u8>(b));
  }
  void instruction() {
    const u64 disp = 8 * pick(8), sib = 0x0B | pick(4) << 6;  // rbx + rcx * scale
    switch (pick(12)) {
      case 0:
        return put({0x48, 0x8B, 0x44, sib, disp});  // mov rax, [rbx+rcx*n+d]
      case 1:
        return put({0x0F, 0xB7, 0x54, sib, disp});  // movzx edx, word [..]
      case 2:
        return put({0x66, 0x89, 0x44, sib, disp});  // mov [..], ax
      case 3:
        return put({0x48, 0x11, 0x54, sib, disp});  // adc [..], rdx
      case 4:
        return put({0x3B, 0x44, sib, disp, 0x72, 0x02, 0x01, 0xC2});  // cmp eax, [..]; jb; add
      case 5:
        return put({0x4C, 0x8B, 0x4B, disp});  // mov r9, [rbx+d]
      case 6:
        return put({0x4C, 0x01, 0x4C, sib, disp});  // add [..], r9
      case 7:
        return put({0x43, 0x8B, 0x14, 0x2C});  // mov edx, [r12+r13]
      case 8:
        return put({0x48, 0x8B, 0x34, 0xCD, disp, 0, 0x7F, 0});  // mov rsi, [rcx*8+d]
      case 9:
        return put({0xF0, 0x48, 0x01, 0x43, disp});  // lock add [rbx+d], rax
      case 10:
        return put({0xFF, 0x44, sib, disp});  // inc dword [..]
      default:
        return put({0x0F, 0x10, 0x44, sib, disp});  // movups xmm0, [..]
    }
  }

  std::mt19937 random_;
  std::vector<u8> code_;
};

/// Supervisor pages but the first; rdi is the page directory's entry of [rbx].
void prepare(M& m, std::initializer_list<u8> code) {
  m.long_system({});
  for (u64 n = 1; n < 512; ++n) m.memory.write<u64>({kPde + 8 * n}, (n << 21) | 0xE3);
  m.cpu.mmu.flush_all();
  halt_in_handlers(m);
  m.put(M::kCode, code);
  m.cpu.state.rflags = flag::kFixed;
  m.reg(kRsp) = M::kStack;
  m.reg(kRbx) = 0x600000;
  m.reg(kRdi) = kPde + 8 * (0x600000 >> 21);
  m.reg(kRsi) = 4;
  m.reg(kRdx) = m.reg(kRcx) = 0;
}

}  // namespace

TEST_CASE("jit ranges: accesses around the end of a range -> as interpreted") {
  for (u32 seed = 0; seed < 200; ++seed) {
    INFO("seed " << seed);
    std::mt19937 random(seed);
    EnginePair pair;
    const std::vector<u8> code = RangeGenerator(seed).program();
    const u64 places[] = {kEnd - 64, kEnd - 1040, kLast + 0x1000, kLast - 24, kEnd + 0x1000};
    const u64 place = places[random() % std::size(places)];
    pair.run(code, [&](BareMachine& m) {
      m.memory.write<u64>({M::kTables + 0x3000}, (kEnd + 0x7000) | 7);  // behind it something else
      m.reg(kRbx) = place;
      m.reg(kRcx) = seed & 7;
      m.reg(kRax) = 0x1234567890ABCDEF;
      m.reg(kRsi) = m.reg(kRdx) = seed;
      m.reg(kR12) = place + 0x40;
      m.reg(kR13) = -u64{0x48};
      m.reg(kR15) = 20;
    });
  }
}

TEST_CASE("jit ranges: a page that is unmapped inside a range -> faults from INVLPG on") {
  const u64 end = run_both([](M& m) {
    // mov rax, [rbx]; jmp next; again: add rax, [rbx+rcx*8]; inc ecx; dec esi; jnz again;
    // mov qword [rdi], 0; invlpg [rbx]; mov esi, 4; jmp again
    prepare(m, {0x48, 0x8B, 0x03, 0xEB, 0x00, 0x48, 0x03, 0x04, 0xCB, 0xFF, 0xC1,
                0xFF, 0xCE, 0x75, 0xF6, 0x48, 0xC7, 0x07, 0,    0,    0,    0,
                0x0F, 0x01, 0x3B, 0xBE, 4,    0,    0,    0,    0xEB, 0xE5});
    m.memory.write<u64>({0x600008}, 5);
  });
  CHECK(end == M::kHandler + 14 * 16 + 1);
}

TEST_CASE("jit ranges: a page that becomes read-only -> its writes fault, reads do not") {
  const u64 end = run_both([](M& m) {
    // add qword [rbx], 1; jmp next; again: add rax, [rbx+rcx*8]; add [rbx+rcx*8+64], rax; inc ecx;
    // dec esi; jnz again; mov dword [rdi], 0x6000E1; invlpg [rbx]; mov rax, [rbx]; mov esi, 4;
    // jmp again
    prepare(m, {0x48, 0x83, 0x03, 0x01, 0xEB, 0x00, 0x48, 0x03, 0x04, 0xCB, 0x48, 0x01, 0x44, 0xCB,
                0x40, 0xFF, 0xC1, 0xFF, 0xCE, 0x75, 0xF1, 0xC7, 0x07, 0xE1, 0x00, 0x60, 0x00, 0x0F,
                0x01, 0x3B, 0x48, 0x8B, 0x03, 0xBE, 4,    0,    0,    0,    0xEB, 0xDE});
    m.memory.write<u64>({0x600008}, 5);
  });
  CHECK(end == M::kHandler + 14 * 16 + 1);
}

TEST_CASE("jit ranges: a page that is written turns out to be code -> what is written runs") {
  run_both([](M& m) {
    // add qword [rbx+0x800], 0; jmp next; again: mov [rbx+rcx], al; call rbx; add al, 8; dec esi;
    // jnz again; hlt
    prepare(m, {0x48, 0x83, 0x83, 0,    8,    0,    0,    0,    0xEB, 0x00, 0x88,
                0x04, 0x0B, 0xFF, 0xD3, 0x04, 0x08, 0xFF, 0xCE, 0x75, 0xF5, 0xF4});
    m.put(0x600000, {0xFF, 0xC2, 0xC3});  // inc edx; ret
    m.reg(kRcx) = 1;
    m.reg(kRax) = 0xC2;
    m.reg(kRsi) = 2;
  });
  M m;
  translate(m);
  prepare(m, {0x48, 0x83, 0x83, 0,    8,    0,    0,    0,    0xEB, 0x00, 0x88,
              0x04, 0x0B, 0xFF, 0xD3, 0x04, 0x08, 0xFF, 0xCE, 0x75, 0xF5, 0xF4});
  m.put(0x600000, {0xFF, 0xC2, 0xC3});
  m.reg(kRcx) = 1;
  m.reg(kRax) = 0xC2;  // inc edx, then dec edx
  m.reg(kRsi) = 2;
  m.cpu.update_mode();
  m.run();
  CHECK(m.reg(kRdx) == 0);
  CHECK(m.memory.read<u8>({0x600001}) == 0xCA);
}

TEST_CASE("jit ranges: user pages under SMAP, AC set when translated -> denied without it") {
  const u64 end = run_both([](M& m) {
    on_user_page(m);
    // stac; add qword [rsi], 0; jmp next; again: add rax, [rbx+rcx*8]; add [rbx+rcx*8+64], rax;
    // inc ecx; dec edx; jnz again; clac; mov edx, 4; jmp again
    m.put(M::kCode, {0x0F, 0x01, 0xCB, 0x48, 0x83, 0x06, 0x00, 0xEB, 0x00, 0x48, 0x03, 0x04,
                     0xCB, 0x48, 0x01, 0x44, 0xCB, 0x40, 0xFF, 0xC1, 0xFF, 0xCA, 0x75, 0xF1,
                     0x0F, 0x01, 0xCA, 0xBA, 4,    0,    0,    0,    0xEB, 0xE7});
    m.reg(kRbx) = m.reg(kRsi) = 0x600000;
    m.reg(kRcx) = 0;
    m.reg(kRdx) = 4;
    m.reg(kRax) = 3;
  });
  CHECK(end == M::kHandler + 14 * 16 + 1);
}

TEST_CASE("jit ranges: accesses counted after translation -> each is seen") {
  M m;
  translate(m);
  // add qword [rbx], 0; jmp next; again: add rax, [rbx+rcx*8]; dec esi; jnz again; hlt
  prepare(m, {0x48, 0x83, 0x03, 0x00, 0xEB, 0x00, 0x48, 0x03, 0x04, 0xCB, 0xFF, 0xCE, 0x75, 0xF8,
              0xF4});
  m.cpu.update_mode();
  m.run();
  CHECK(m.cpu.mmu.ranges().any());
  m.cpu.mmu.count_accesses(true);
  m.cpu.state.activity = CpuState::Activity::Active;
  m.cpu.state.rip() = M::kCode + 6;
  m.reg(kRsi) = 4;
  m.run();
  CHECK(m.cpu.mmu.accesses({0x600000}) >= 4);
}

TEST_CASE("jit ranges: a slot that is given away -> code that named it asks anew") {
  M m;
  translate(m);
  const std::initializer_list<u8> code = {0x48, 0x83, 0x03, 0x00, 0xEB, 0x00, 0x48, 0x03,
                                          0x04, 0xCB, 0xFF, 0xCE, 0x75, 0xF8, 0xF4};
  const auto run_at = [&](u64 rip, u64 rbx, u64 turns) {
    m.cpu.state.activity = CpuState::Activity::Active;
    m.cpu.state.rip() = rip;
    m.reg(kRbx) = rbx;
    m.reg(kRsi) = turns;
    m.run();
  };
  prepare(m, code);
  m.cpu.update_mode();
  run_at(M::kCode, 0x600000, 4);
  IdentityRanges& ranges = m.cpu.mmu.ranges();
  m.cpu.mmu.translate({0x800000}, Access::Write, View::Supervisor);
  for (u64 n = IdentityRanges::kSlots; n-- > 0;) ranges.slot_for(0x610000 + n * 0x11000, true);
  m.memory.write<u64>({m.reg(kRdi)}, 0);
  m.cpu.mmu.flush_all();
  CHECK(ranges.unused() == ~u32{0});
  m.put(M::kCode + 0x1000, code);
  run_at(M::kCode + 0x1000, 0xA00000, 4);
  CHECK(ranges.start(0) != 0x600000);
  run_at(M::kCode + 6, 0x600000, 1);
  CHECK(m.rip() == M::kHandler + 14 * 16 + 1);
}

}  // namespace ring3
