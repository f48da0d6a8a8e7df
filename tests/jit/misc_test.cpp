// SPDX-License-Identifier: MIT
// The integer instructions with emitters of their own and those that were copied last: DIV, bit
// strings, stack forms on memory, LOOP, BMI, ADX, MOVBE, CRC32, CMPXCHG8B and CMPXCHG16B. Registers
// r12 to r15, rsp, operands across pages and on pages that fault.
#include "engine_pair.h"

namespace ring3 {
namespace {

constexpr u64 kPages = EnginePair::kPages;
constexpr u64 kMiddle = kPages + 0x1800;

class Programs {
 public:
  explicit Programs(u32 seed) : random_(seed) {}

  std::vector<u8> next() {
    for (unsigned n = 1 + pick(3); n > 0; --n) {
      define_flags();
      snippet();
    }
    define_flags();
    put({0xF4});
    return std::move(code_);
  }

 private:
  u32 pick(u32 n) { return random_() % n; }
  void put(std::initializer_list<u32> bytes) {
    for (u32 b : bytes) code_.push_back(static_cast<u8>(b));
  }
  /// setc sil; setz dil; add ebp, imm: what comes before is kept, all flags are defined after it.
  void define_flags() {
    put({0x40, 0x0F, 0x92, 0xC6, 0x40, 0x0F, 0x94, 0xC7, 0x83, 0xC5, pick(256)});
  }
  /// Keeps one flag (condition `cc`) in r8b and defines the others, which the manual does not.
  void only(u32 cc) { put({0x41, 0x0F, 0x90 | cc, 0xC0, 0x41, 0x80, 0xC1, 1}); }
  u32 reg() { return pick(16); }

  /// [prefix] [rex] opcode modrm: register or memory operand; `field`: of ModRM.reg, 16: any.
  void rm(u32 prefix, std::initializer_list<u32> opcode, u32 field = 16, int w = -1,
          bool memory_only = false) {
    const u32 r = field == 16 ? reg() : field;
    const u32 rex_w = w < 0 ? pick(2) : static_cast<u32>(w);
    if (prefix) put({prefix});
    if (pick(3) == 0 && !memory_only) {
      const u32 b = reg();
      put({0x40 | rex_w << 3 | (r >> 3) << 2 | b >> 3});
      put(opcode);
      put({0xC0 | (r & 7) << 3 | (b & 7)});
      return;
    }
    memory(rex_w, r, opcode);
  }
  /// [rbx + disp], [r13 + disp] or [rsp + disp]: rbx and r13 point into the pages.
  void memory(u32 rex_w, u32 r, std::initializer_list<u32> opcode) {
    const u32 base = pick(3) == 0 ? u32{kR13} : pick(8) == 0 ? u32{kRsp} : u32{kRbx};
    put({0x40 | rex_w << 3 | (r >> 3) << 2 | base >> 3});
    put(opcode);
    const u32 disp = displacement();
    put({0x80 | (r & 7) << 3 | (base & 7)});
    if (base == kRsp) put({0x24});
    put({disp & 0xFF, disp >> 8 & 0xFF, disp >> 16 & 0xFF, disp >> 24});
  }
  /// Aligned, anywhere, across a page, on the absent page, on the read-only one.
  u32 displacement() {
    switch (pick(8)) {
      case 0:
        return 0x7F8 + pick(12);
      case 1:
        return 0x17F0 + pick(24);
      case 2:
        return 6 * 0x1000 - 0x1800 + pick(0xFF0);
      case 3:
        return pick(0x700);
      default:
        return 16 * pick(0x70);
    }
  }
  void vex(u32 map, u32 pp, u32 opcode, u32 field = 16) {
    const u32 r = field == 16 ? reg() : field, b = pick(3) ? reg() : u32{kRbx}, v = reg();
    const bool mem = b == kRbx;
    put({0xC4, (~r >> 3 & 1) << 7 | 0x40 | (~b >> 3 & 1) << 5 | map,
         pick(2) << 7 | (~v & 15) << 3 | pp, opcode});
    if (!mem) return put({0xC0 | (r & 7) << 3 | (b & 7)});
    const u32 disp = displacement();
    put({0x80 | (r & 7) << 3 | 3, disp & 0xFF, disp >> 8, 0, 0});
  }

  void divide() {
    // Often a dividend that fits: cqo or xor edx, edx before it.
    if (pick(3)) pick(2) ? put({0x48, 0x99}) : put({0x31, 0xD2});
    if (pick(4) == 0) put({0x49, 0xC7, 0xC4, pick(2) ? 0xFF : pick(3), 0xFF, 0xFF, 0xFF});
    const u32 op = pick(4);
    rm(op == 3 ? 0x66 : 0, {op == 0 ? 0xF6u : 0xF7u}, 6 + pick(2));
  }
  void high_byte_divide() { put({0xF6, 0xF0 | pick(2) << 3 | 4 | pick(4)}); }
  void multiply() {
    product();
    only(2);
  }
  void product() {
    const u32 prefix = pick(4) ? 0 : 0x66;
    switch (pick(4)) {
      case 0:
        return rm(prefix, {pick(4) ? 0xF7u : 0xF6u}, 4 + pick(2));
      case 1:
        return rm(prefix, {0x0F, 0xAF});
      default:
        rm(prefix, {0x69}, 16, prefix ? 0 : -1, false);
        return prefix ? put({pick(256), pick(256)}) : put({pick(256), pick(256), pick(256), 0});
    }
  }
  void bit_string() {
    constexpr u32 kOps[] = {0xA3, 0xAB, 0xB3, 0xBB};
    const u32 op = pick(4);
    if (op > 0 && pick(3) == 0) {
      put({0xF0});
      return rm(0, {0x0F, kOps[op]}, 16, -1, true);
    }
    rm(pick(5) ? 0 : 0x66, {0x0F, kOps[op]});
  }
  /// movsx of the offset keeps it near: movsx r9d, r9w; bts [..], r9
  void near_bit_string() {
    put({0x4D, 0x0F, 0xBF, 0xC9});
    constexpr u32 kOps[] = {0xA3, 0xAB, 0xB3, 0xBB};
    rm(pick(5) ? 0 : 0x66, {0x0F, kOps[pick(4)]}, 9, -1, true);
  }
  void stack() {
    switch (pick(7)) {
      case 0:
        return rm(pick(4) ? 0 : 0x66, {0xFF}, 6, 0, true);
      case 1:
        return rm(pick(4) ? 0 : 0x66, {0x8F}, 0, 0, true);
      case 2:
        put({0x66});
        return put({0x40 | pick(2), 0x50 | pick(8)});
      case 3:
        put({0x66});
        return put({0x40 | pick(2), 0x58 | pick(8)});
      case 4:
        return put({0x66, 0x68, pick(256), pick(256)});
      case 5:
        return put({0xC8, pick(256), pick(4), 0, pick(6) ? 0 : pick(4)});
      default:
        return put({0xC9});
    }
  }
  /// loop over inc ecx; rcx may be 1
  void loop() {
    if (pick(2)) put({0xB9, 1 + pick(2), 0, 0, 0});
    if (pick(4) == 0) put({0x67});
    put({0xE0 + pick(4), 2, 0xFF, 0xC1});
  }
  void exchange() {
    const u32 lock = pick(2);
    if (lock) put({0xF0});
    switch (pick(4)) {
      case 0:
        return rm(0, {0x0F, 0xC7}, 1, -1, true);
      case 1:  // the expected value is there: mov rax, [m]; cmpxchg
        return rm(0, {0x0F, 0xB1}, 16, -1, true);
      case 2:
        return rm(0, {0x0F, 0xC1}, 16, -1, true);
      default:
        return rm(0, {0x87}, 16, -1, true);
    }
  }
  /// mov rax, [m]; mov rdx, [m + 8]; cmpxchg16b [m]
  void matching_exchange() {
    const u32 disp = 16 * pick(0x70);
    put({0x48, 0x8B, 0x83, disp & 0xFF, disp >> 8, 0, 0});
    put({0x48, 0x8B, 0x93, (disp + 8) & 0xFF, (disp + 8) >> 8, 0, 0});
    put({0xF0, 0x48, 0x0F, 0xC7, 0x8B, disp & 0xFF, disp >> 8, 0, 0});
  }
  void bits() {
    switch (pick(12)) {
      case 0:
        return rm(0xF3, {0x0F, 0xBC + pick(2)});  // tzcnt, lzcnt
      case 1:
        return rm(0xF3, {0x0F, 0xB8});
      case 2:
        rm(0, {0x0F, 0xBC + pick(2)});  // bsf, bsr
        return only(4);
      case 3:
        return rm(pick(4) ? 0 : 0x66, {0x0F, 0x38, 0xF0 + pick(2)}, 16, -1, true);  // movbe
      case 4:
        return rm(0xF2, {0x0F, 0x38, 0xF0 + pick(2)});  // crc32
      case 5:
        return rm(pick(2) ? 0xF3 : 0x66, {0x0F, 0x38, 0xF6});  // adox, adcx
      case 6:
        return vex(2, 0, 0xF2);  // andn
      case 7:
        return vex(2, 0, 0xF3, 1 + pick(3));  // blsr, blsmsk, blsi
      case 8:
        return vex(2, pick(4), 0xF7);  // bextr, shlx, sarx, shrx
      case 9:
        return vex(2, pick(2) ? 0 : 2 + pick(2), 0xF5);  // bzhi, pext, pdep
      case 10:
        return vex(2, 3, 0xF6);  // mulx
      default:
        vex(3, 3, 0xF0);  // rorx
        return put({pick(64)});
    }
  }
  void moves() {
    switch (pick(4)) {
      case 0:
        return put({pick(2) ? 0x9Fu : 0x9Eu});  // lahf, sahf
      case 1:
        return rm(pick(4) ? 0 : 0x66, {0x8C}, pick(6));
      case 2:
        put({0x48, 0x0F, 0xB6, 0xDB, 0x48, 0x81, 0xCB, 0, 0x18, 0x80, 0});  // rbx near kMiddle
        return put({0xD7});
      default:
        return put({0x49, 0x0F, 0xC8 + pick(8)});  // bswap
    }
  }
  void snippet() {
    switch (pick(14)) {
      case 0:
      case 1:
        return divide();
      case 2:
        return high_byte_divide();
      case 3:
        return multiply();
      case 4:
        return bit_string();
      case 5:
        return near_bit_string();
      case 6:
      case 7:
        return stack();
      case 8:
        return loop();
      case 9:
        return exchange();
      case 10:
        return matching_exchange();
      case 11:
        return moves();
      default:
        return bits();
    }
  }

  std::mt19937 random_;
  std::vector<u8> code_;
};

void prepare(BareMachine& m, u32 seed) {
  std::mt19937_64 random(seed);
  for (u64 at = 0; at < EnginePair::kPageCount * kPageSize; at += 8)
    m.memory.write<u64>({kPages + at}, random() % 3 ? random() : random() % 16);
  for (unsigned r = 0; r < 16; ++r)
    m.cpu.state.gpr[r] = random() % 3 == 0 ? random() % 8 : random() >> (random() % 64);
  m.reg(kRbx) = m.reg(kR13) = kMiddle;
  m.reg(kRsp) = random() % 8 ? BareMachine::kStack : kPages + 4 * kPageSize + random() % 16;
  m.cpu.state.rflags = flag::kFixed | (random() & flag::kArith);
}

}  // namespace

TEST_CASE("jit misc: random instructions -> the interpreter's registers, flags and memory") {
  EnginePair pair;
  for (u32 seed = 1; seed <= 4000; ++seed) {
    const std::vector<u8> code = Programs(seed).next();
    INFO("seed " << seed);
    pair.run(code, [&](BareMachine& m) { prepare(m, seed); });
  }
}

TEST_CASE("jit misc: XCHG EAX, EAX -> clears the upper half of RAX, as NOP does not") {
  EnginePair pair;
  const auto prepare_rax = [](BareMachine& m) {
    prepare(m, 1);
    m.reg(kRax) = ~u64{0};
  };
  pair.run({0x90, 0x87, 0xC0, 0xF4}, prepare_rax);
  CHECK(pair.b.reg(kRax) == 0xFFFFFFFF);
  pair.run({0x66, 0x90, 0x90, 0x90, 0xF4}, prepare_rax);
}

TEST_CASE("jit misc: XCHG EDX, EAX in both encodings -> exchanged, upper halves cleared") {
  EnginePair pair;
  for (const std::vector<u8>& code : {std::vector<u8>{0x87, 0xC2, 0xF4}, {0x92, 0xF4}}) {
    pair.run(code, [](BareMachine& m) {
      prepare(m, 1);
      m.reg(kRax) = 0x1111111122222222;
      m.reg(kRdx) = 0x3333333344444444;
    });
    CHECK(pair.b.reg(kRax) == 0x44444444);
    CHECK(pair.b.reg(kRdx) == 0x22222222);
  }
}

TEST_CASE("jit misc: forms of 32-bit code -> the interpreter's registers, flags and memory") {
  // cmp ecx, edx before and setc before hlt: the flags are kept or set as they should.
  static const std::vector<u8> kForms[] = {
      {0xF7, 0xF1},                    // div ecx
      {0x99, 0xF7, 0xF9},              // cdq; idiv ecx
      {0x66, 0xF7, 0x73, 0x10},        // div word [ebx + 16]
      {0x64, 0xF6, 0x3B},              // idiv byte fs:[ebx]
      {0x0F, 0xAB, 0x0B},              // bts [ebx], ecx
      {0x2E, 0x66, 0x0F, 0xA3, 0x0B},  // bt cs:[ebx], cx
      {0x87, 0xC0},                    // xchg eax, eax
      {0xFF, 0x33},                    // push dword [ebx]
      {0x8F, 0x04, 0x24},              // pop dword [esp]
      {0x66, 0xFF, 0x33},              // push word [ebx]
      {0x66, 0x58},                    // pop ax
      {0x1E, 0x06, 0x0E, 0x0F, 0xA0},  // push ds, es, cs, fs
      {0xC8, 0x20, 0, 0},              // enter 32, 0
      {0xE2, 1, 0x40},                 // loop over inc eax
      {0xE1, 1, 0x40},                 // loope
      {0xE3, 1, 0x40},                 // jecxz
      {0xD7},                          // xlat
      {0x8C, 0xD8, 0x8C, 0x13},        // mov eax, ds; mov [ebx], ss
  };
  EnginePair pair;
  pair.bits32 = true;
  for (u32 seed = 1; seed <= 340; ++seed) {
    std::vector<u8> code = {0x39, 0xD1};
    const std::vector<u8>& form = kForms[seed % std::size(kForms)];
    code.insert(code.end(), form.begin(), form.end());
    code.insert(code.end(), {0x0F, 0x92, 0xC2, 0xF4});
    INFO("seed " << seed);
    pair.run(code, [&](BareMachine& m) {
      prepare(m, seed);
      m.reg(kRcx) = seed % 3 ? m.reg(kRcx) & 0xFFFF : 1;
      m.reg(kRdx) &= 0xFFFFFFFF;
      m.cpu.state.seg[kFs].base = 0x100;
      m.cpu.update_mode();
    });
  }
}

}  // namespace ring3
