// SPDX-License-Identifier: MIT
// SYSCALL and SYSRET between 64-bit user code and ring 0, inline in translated code: the state that
// the interpreter leaves, and the handlers' where one of them has more to do.
#include <cstring>
#include <random>
#include <thread>

#include "jit/profile.h"
#include "one_interrupt.h"
#include "system_pair.h"

namespace ring3 {
namespace {

constexpr u64 kUser = 0x600000, kUserStack = 0x600800, kEntry = 0x11000;
constexpr u64 kStar = u64{0x1B} << 48 | u64{M::kCode0} << 32;

/// User code in a user page, ring 0 elsewhere; SYSRET to kUser + 5 by `mov rcx, imm32; sysret`.
void two_levels(M& m, std::initializer_list<u8> user, std::initializer_list<u8> kernel) {
  m.long_system({}, 3);
  m.memory.write<u64>({M::kTables + 0x2000}, 0x83);  // only kUser and above are user pages
  m.cpu.mmu.flush_all();
  m.put(kUser, user);
  m.put(kEntry, kernel);
  halt_in_handlers(m);
  m.idt64(OneInterrupt::kVector, M::kCode0, M::kHandler + OneInterrupt::kVector * 16);
  m.put(M::kHandler + OneInterrupt::kVector * 16, {0xF4});
  m.cpu.state.rip() = kUser;
  m.cpu.state.star = kStar;
  m.cpu.state.lstar = kEntry;
  m.cpu.state.fmask = flag::IF | flag::TF | flag::AC | flag::DF;
  m.cpu.state.rflags = flag::kFixed | flag::IF;
  for (unsigned r = 0; r < 16; ++r) m.cpu.state.gpr[r] = 0x100 + r;
  m.reg(kRsp) = kUserStack;
  m.reg(kRdx) = 8;
}

void check_segment(const Segment& a, const Segment& b) {
  CHECK(a.selector == b.selector);
  CHECK(a.type == b.type);
  CHECK(a.s == b.s);
  CHECK(a.dpl == b.dpl);
  CHECK(a.present == b.present);
  CHECK(a.avl == b.avl);
  CHECK(a.l == b.l);
  CHECK(a.db == b.db);
  CHECK(a.g == b.g);
  CHECK(a.usable == b.usable);
  CHECK(a.limit == b.limit);
  CHECK(a.base == b.base);
  CHECK(a.access_base == b.access_base);
  CHECK(a.flat_read == b.flat_read);
  CHECK(a.flat_write == b.flat_write);
}

void check_same(M& a, M& b) {
  const CpuState &s = a.cpu.state, &t = b.cpu.state;
  for (unsigned r = 0; r < 18; ++r) {
    INFO("register " << r);
    CHECK(s.gpr[r] == t.gpr[r]);
  }
  CHECK(s.rflags == t.rflags);
  CHECK(s.cpl == t.cpl);
  CHECK(s.mode_key == t.mode_key);
  CHECK(s.instructions == t.instructions);
  CHECK(s.cr2 == t.cr2);
  check_segment(s.seg[kCs], t.seg[kCs]);
  check_segment(s.seg[kSs], t.seg[kSs]);
  CHECK(a.mmu.view() == b.mmu.view());
  CHECK(a.mmu.window_address()->mask == b.mmu.window_address()->mask);
  CHECK(a.cpu.signals == b.cpu.signals);
  CHECK(std::ranges::equal(a.memory.ram().first(1 << 20), b.memory.ram().first(1 << 20)));
  CHECK(std::ranges::equal(a.memory.ram().subspan(kUser, 0x2000),
                           b.memory.ram().subspan(kUser, 0x2000)));
}

/// f(machine) prepares; runs of each length end alike.
template <class F>
void agree(F&& f, std::initializer_list<u64> limits = {10000}) {
  M a, b;
  translate(b);
  OneInterrupt apic_a(a.cpu), apic_b(b.cpu);
  a.cpu.apic = &apic_a;
  b.cpu.apic = &apic_b;
  for (const u64 limit : limits) {
    for (M* m : {&a, &b}) {
      f(*m);
      m->cpu.update_mode();
    }
    INFO("limit " << limit);
    REQUIRE(a.run(limit) == b.run(limit));
    check_same(a, b);
  }
}

class Programs {
 public:
  explicit Programs(u32 seed) : random_(seed) {}

  struct Program {
    std::vector<u8> user, kernel;
    u64 rflags, fmask, star;
    bool smap, sce, amd_segments, aligned;
  };

  Program next() {
    Program p{};
    p.rflags = flag::kFixed | (random_() & (flag::kArith | flag::DF | flag::IF | flag::ID));
    if (pick(8) == 0) p.rflags |= flag::AC;
    if (pick(16) == 0) p.rflags |= flag::TF;
    p.fmask = random_() & flag::kAll;
    if (pick(4) != 0) p.fmask |= flag::AC | flag::TF;
    p.star = pick(4) != 0 ? kStar : u64{random_()} << 32;
    p.smap = pick(2);
    p.sce = pick(16) != 0;
    p.aligned = pick(4) == 0;
    for (unsigned n = pick(4); n > 0; --n) instruction(p.user);
    put(p.user, {0x0F, 0x05});  // syscall
    const u8 back = static_cast<u8>(p.user.size());
    for (unsigned n = pick(4); n > 0; --n) instruction(p.user);
    put(p.user, {0xFF, 0xCA, 0x0F, 0x85});  // dec edx; jnz
    const u32 distance = ~static_cast<u32>(p.user.size() + 4) + 1;
    for (unsigned n = 0; n < 4; ++n) p.user.push_back(static_cast<u8>(distance >> 8 * n));
    p.user.push_back(0xF4);
    for (unsigned n = pick(4); n > 0; --n) instruction(p.kernel);
    if (pick(6) == 0) put(p.kernel, {0x49, 0x0F, 0xBA, 0xFB, u8(pick(22))});   // btc r11, n
    if (pick(12) == 0) put(p.kernel, {0x48, 0x0F, 0xBA, 0xE9, u8(pick(64))});  // bts rcx, n
    if (pick(12) == 0) put(p.kernel, {0xB9, back, 0, 0x60, 0});  // mov ecx, kUser + back
    if (pick(12) == 0) put(p.kernel, {0x0F, 0x07});              // sysretl
    put(p.kernel, {0x48, 0x0F, 0x07});                           // sysretq
    return p;
  }

 private:
  u32 pick(u32 n) { return random_() % n; }
  static void put(std::vector<u8>& code, std::initializer_list<u8> bytes) {
    code.insert(code.end(), bytes);
  }
  void instruction(std::vector<u8>& code) {
    switch (pick(9)) {
      case 0:
        return put(code, {0x9C, 0x58});  // pushf; pop rax
      case 1:
        return put(code, {0x00, 0xC3});  // add bl, al
      case 2:
        return put(code, {0x50, 0x5E});  // push rax; pop rsi
      case 3:
        return put(code, {0x0F, 0x01, 0xF8});  // swapgs
      case 4:
        return put(code, {0x0F, 0x01, u8(0xCA + pick(2))});  // clac, stac
      case 5:
        return put(code, {u8(0xFC + pick(2))});  // cld, std
      case 6:
        return put(code, {0x48, 0x8B, 0x3C, 0x25, 0, 0, 0x60, 0});  // mov rdi, [kUser]
      case 7:
        return put(code, {0x8C, u8(0xC8 + 8 * pick(2))});  // mov eax, ss or cs
      default:
        return put(code, {0x38, 0xC3});  // cmp bl, al
    }
  }

  std::mt19937 random_;
};

void prepare(M& m, const Programs::Program& p) {
  two_levels(m, {}, {});
  m.memory.write(PhysAddr{kUser}, std::span<const u8>(p.user));
  m.memory.write(PhysAddr{kEntry}, std::span<const u8>(p.kernel));
  CpuState& s = m.cpu.state;
  if (p.smap) s.cr4 |= cr4::SMAP;
  if (!p.sce) s.efer &= ~efer::SCE;
  if (p.aligned) s.cr0 |= cr0::AM;
  m.mmu.set_cr4(s.cr4);
  m.mmu.set_efer(s.efer);
  m.mmu.set_cr0(s.cr0);
  s.rflags = p.rflags;
  s.fmask = p.fmask;
  s.star = p.star;
  m.idt64(14, M::kCode0, M::kHandler + 14 * 16, 0x8E, 1);  // a stack of its own
  m.memory.write<u64>({M::kTss + 0x24}, M::kKernelStack);
}

}  // namespace

TEST_CASE("jit level: random calls into ring 0 and back -> the interpreter's state") {
  for (u32 seed = 1; seed <= 250; ++seed) {
    const Programs::Program p = Programs(seed).next();
    INFO("seed " << seed);
    agree([&](M& m) { prepare(m, p); }, {200, 37, 23});
    if (seed % 8 != 0) continue;
    agree([&](M& m) {
      prepare(m, p);
      m.cpu.set_intr(true);
    });
  }
}

TEST_CASE("jit level: a thousand calls -> the handlers run for the first few") {
  M m;
  Profile profile;
  JitOptions options;
  options.threshold = 0;
  options.profile = &profile;
  m.engine.reset();
  m.engine = std::move(*make_jit(m.cpu, options));
  // syscall; dec edx; jnz; hlt
  two_levels(m, {0x0F, 0x05, 0xFF, 0xCA, 0x75, 0xFA, 0xF4}, {0x48, 0x0F, 0x07});
  m.reg(kRdx) = 1000;
  m.cpu.update_mode();
  CHECK(m.run(100000) == Exit::Halted);
  for (const ZydisMnemonic mnemonic : {ZYDIS_MNEMONIC_SYSCALL, ZYDIS_MNEMONIC_SYSRET}) {
    CHECK(profile.callouts[mnemonic] == 0);
    CHECK(profile.cold[mnemonic] > 0);
    CHECK(profile.cold[mnemonic] < 4);
  }
}

TEST_CASE("jit level: the stack stays where it was -> SMAP and U/S hold at the other level") {
  const auto smap = [](M& m, std::initializer_list<u8> user, std::initializer_list<u8> kernel) {
    two_levels(m, user, kernel);
    m.cpu.state.cr4 |= cr4::SMAP;
    m.mmu.set_cr4(m.cpu.state.cr4);
    m.idt64(14, M::kCode0, M::kHandler + 14 * 16, 0x8E, 1);
    m.memory.write<u64>({M::kTss + 0x24}, M::kKernelStack);
  };
  // Ring 0 keeps the user's stack in the last turn. push rax; pop rax; syscall; dec edx; jnz; hlt.
  // mov rsi, rsp; mov edi, stack; cmp edx, 1; cmovne rsp, rdi; push rax; pop rax; mov rsp, rsi;
  // sysretq
  agree([&](M& m) {
    smap(m, {0x50, 0x58, 0x0F, 0x05, 0xFF, 0xCA, 0x75, 0xF8, 0xF4},
         {0x48, 0x89, 0xE6, 0xBF, 0,    0,    2,    0,    0x83, 0xFA, 0x01, 0x48,
          0x0F, 0x45, 0xE7, 0x50, 0x58, 0x48, 0x89, 0xF4, 0x48, 0x0F, 0x07});
  });
  // The user has ring 0's stack in the last turn. syscall; push rax; pop rax; dec edx; jnz; hlt.
  // mov rsi, rsp; mov esp, stack; push rax; pop rax; cmp edx, 1; cmovne rsp, rsi; sysretq
  agree([&](M& m) {
    smap(m, {0x0F, 0x05, 0x50, 0x58, 0xFF, 0xCA, 0x75, 0xF8, 0xF4},
         {0x48, 0x89, 0xE6, 0xBC, 0,    0,    2,    0,    0x50, 0x58,
          0x83, 0xFA, 0x01, 0x48, 0x0F, 0x45, 0xE6, 0x48, 0x0F, 0x07});
  });
}

TEST_CASE("jit level: another space's page at the same address -> its code runs after SYSRET") {
  // mov eax, 1; syscall. In the other space: mov eax, 2; syscall. Ring 0: add ebx, eax; dec edx;
  // jz 2f; test dl, 2; jz 1f; mov rsi, cr3; xor rsi, 0x8001; bts rsi, 63; mov cr3, rsi;
  // 1: mov ecx, kUser; sysretq; 2: hlt
  agree([](M& m) {
    constexpr u64 kOther = 0x8000, kOtherUser = 0xA00000;
    two_levels(m, {0xB8, 1, 0, 0, 0, 0x0F, 0x05},
               {0x01, 0xC3, 0xFF, 0xCA, 0x74, 0x1F, 0xF6, 0xC2, 0x02, 0x74, 0x12, 0x0F, 0x20,
                0xDE, 0x48, 0x81, 0xF6, 0x01, 0x80, 0,    0,    0x48, 0x0F, 0xBA, 0xEE, 0x3F,
                0x0F, 0x22, 0xDE, 0xB9, 0,    0,    0x60, 0,    0x48, 0x0F, 0x07, 0xF4});
    m.put(kOtherUser, {0xB8, 2, 0, 0, 0, 0x0F, 0x05});
    for (u64 table = M::kTables; table < M::kTables + 0x3000; table += 0x1000) {
      for (u64 n = 0; n < kPageSize; n += 8)
        m.memory.write<u64>({(table ^ kOther) + n}, m.memory.read<u64>({table + n}));
    }
    m.memory.write<u64>({M::kTables ^ kOther}, ((M::kTables + 0x1000) ^ kOther) | 7);
    m.memory.write<u64>({(M::kTables + 0x1000) ^ kOther}, ((M::kTables + 0x2000) ^ kOther) | 7);
    m.memory.write<u64>({((M::kTables + 0x2000) ^ kOther) + 8 * (kUser >> 21)}, kOtherUser | 0x87);
    m.cpu.state.cr4 |= cr4::PGE | cr4::PCIDE;
    m.mmu.set_cr4(m.cpu.state.cr4);
    m.reg(kRdx) = 40;
    m.reg(kRbx) = 0;
  });
}

TEST_CASE("jit level: SYSRET sets IF -> an interrupt that comes later is taken") {
  // IF is set in the last turn, and the inner loop does not end then.
  // syscall; mov [kTurn], edx; 1: dec rsi; jnz 1b; dec edx; jmp.
  // Ring 0: xor eax, eax; xor esi, esi; test edx, edx; sete al; setne sil; shl eax, 9;
  // lea esi, [rsi+rsi*2]; or r11, rax; sysretq
  constexpr u64 kTurn = 0x601400;
  M m;
  translate(m);
  OneInterrupt apic(m.cpu);
  m.cpu.apic = &apic;
  two_levels(m,
             {0x0F, 0x05, 0x89, 0x14, 0x25, 0, 0x14, 0x60, 0, 0x48, 0xFF, 0xCE, 0x75, 0xFB, 0xFF,
              0xCA, 0xEB, 0xEE},
             {0x31, 0xC0, 0x31, 0xF6, 0x85, 0xD2, 0x0F, 0x94, 0xC0, 0x40, 0x0F, 0x95, 0xC6,
              0xC1, 0xE0, 0x09, 0x8D, 0x34, 0x76, 0x49, 0x09, 0xC3, 0x48, 0x0F, 0x07});
  m.memory.write<u32>({kTurn}, 99);
  m.cpu.state.rflags = flag::kFixed;
  m.cpu.update_mode();
  std::thread device([&] {
    volatile u8* const turn = m.memory.ram().data() + kTurn;
    while (*turn != 0) std::this_thread::yield();
    m.cpu.set_intr(true);
  });
  CHECK(m.run(u64{1} << 34) == Exit::Halted);
  device.join();
}

TEST_CASE("jit level: SYSRET sets IF while an interrupt waits -> it is taken at once") {
  // syscall; inc ebx; jmp +0; dec edx; jnz; hlt. Ring 0: xor eax, eax; cmp edx, 1; sete al;
  // shl eax, 9; or r11, rax; sysretq
  agree([](M& m) {
    two_levels(m, {0x0F, 0x05, 0xFF, 0xC3, 0xEB, 0, 0xFF, 0xCA, 0x75, 0xF6, 0xF4},
               {0x31, 0xC0, 0x83, 0xFA, 0x01, 0x0F, 0x94, 0xC0, 0xC1, 0xE0, 0x09, 0x49, 0x09, 0xC3,
                0x48, 0x0F, 0x07});
    m.cpu.state.rflags = flag::kFixed;
    m.cpu.set_intr(true);
  });
}

TEST_CASE("jit level: SYSRET sets TF or AC in the last turn -> trap or #AC in user code") {
  for (const u8 shift : {8, 18}) {
    // syscall; mov eax, [rsp+1]; dec edx; jnz; hlt. Ring 0 as before.
    agree([&](M& m) {
      two_levels(m, {0x0F, 0x05, 0x8B, 0x44, 0x24, 1, 0xFF, 0xCA, 0x75, 0xF6, 0xF4},
                 {0x31, 0xC0, 0x83, 0xFA, 0x01, 0x0F, 0x94, 0xC0, 0xC1, 0xE0, shift, 0x49, 0x09,
                  0xC3, 0x48, 0x0F, 0x07});
      m.cpu.state.cr0 |= cr0::AM;
    });
  }
}

TEST_CASE("jit level: EFER.SCE goes away -> #UD for SYSRET, and for SYSCALL") {
  // cmp edx, 1; jne 1f; mov ecx, EFER; rdmsr; and al, 0xFE; wrmsr; mov ecx, kUser + 2; 1: sysretq
  agree([](M& m) {
    two_levels(m, {0x0F, 0x05, 0xFF, 0xCA, 0x75, 0xFA, 0xF4},
               {0x83, 0xFA, 0x01, 0x75, 0x10, 0xB9, 0x80, 0,    0, 0xC0, 0x0F, 0x32,
                0x24, 0xFE, 0x0F, 0x30, 0xB9, 2,    0,    0x60, 0, 0x48, 0x0F, 0x07});
  });
  // The same, but back by push ss, rsp, rflags, cs, kUser; iretq
  agree([](M& m) {
    two_levels(m, {0x0F, 0x05, 0xFF, 0xCA, 0x75, 0xFA, 0xF4},
               {0x83, 0xFA, 0x01, 0x75, 0x20, 0xB9, 0x80, 0,    0,    0xC0, 0x0F, 0x32, 0x24, 0xFE,
                0x0F, 0x30, 0x6A, 0x23, 0x68, 0,    8,    0x60, 0,    0x68, 2,    2,    0,    0,
                0x6A, 0x1B, 0x68, 0,    0,    0x60, 0,    0x48, 0xCF, 0x48, 0x0F, 0x07});
  });
}

TEST_CASE("jit level: selectors at the end of STAR's range -> wrap as the handlers' do") {
  // syscall; mov ebx, ss; mov esi, cs; dec edx; jnz; hlt. Ring 0: cmp edx, 1; jne; hlt; sysretq
  for (const u64 star : {~u64{0}, u64{0xFFF2FFFA} << 32}) {
    agree(
        [&](M& m) {
          two_levels(m, {0x0F, 0x05, 0x8C, 0xD3, 0x8C, 0xCE, 0xFF, 0xCA, 0x75, 0xF6, 0xF4},
                     {0x83, 0xFA, 0x01, 0x75, 0x01, 0xF4, 0x48, 0x0F, 0x07});
          m.cpu.state.star = star;
        },
        {10000, 30, 31, 32, 33, 34, 35, 36, 37});
  }
}

TEST_CASE("jit level: an instruction breakpoint at the entry -> #DB there") {
  agree([](M& m) {
    two_levels(m, {0x0F, 0x05, 0xFF, 0xCA, 0x75, 0xFA, 0xF4}, {0x90, 0x48, 0x0F, 0x07});
    m.cpu.state.dr[0] = kEntry;
    m.cpu.state.dr[7] = 0x402;
  });
}

}  // namespace ring3
