// SPDX-License-Identifier: MIT
// SIMD and x87, jit vs interp: every form of every row in short blocks, from the states that
// tests/silicon makes (special values, unmasked exceptions, misaligned, split, read-only and
// missing operands), now and then with CR0.TS or CR0.EM set. Faults go through an IDT to HLT.
#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "../core/bare_machine.h"
#include "core/fpu_image.h"
#include "decoder/isa.h"
#include "jit/jit.h"
#include "tests/silicon/operands.h"

namespace ring3 {
namespace {

using namespace silicon;

constexpr u64 kCasesPerBlock = 3;

/// What keeps SIMD and x87 instructions from running.
struct Controls {
  u64 cr0 = 0, no_cr4 = 0, xcr0 = 7;
  explicit Controls(Rng& rng) {
    static constexpr u64 kCr0[] = {cr0::TS, cr0::EM, cr0::TS | cr0::MP, cr0::EM | cr0::TS};
    if (one_in(rng, 24)) cr0 = kCr0[below(rng, 4)];
    if (one_in(rng, 40)) no_cr4 = one_in(rng, 2) ? cr4::OSFXSR : cr4::OSXSAVE;
    if (one_in(rng, 40)) no_cr4 |= cr4::OSXMMEXCPT;
    if (one_in(rng, 40)) xcr0 = one_in(rng, 2) ? 1 : 3;
  }
  std::string text() const { return fmt::format("cr0 +{:x} cr4 -{:x} xcr0 {}", cr0, no_cr4, xcr0); }
};

/// The arena of tests/silicon in supervisor pages, and an IDT whose gates end in HLT.
class ArenaMachine : public BareMachine {
 public:
  static constexpr u64 kPageTable = 0x105000, kIdt = 0x106000, kGdt = 0x108000, kTss = 0x109000,
                       kFaultStack = 0x10B000, kHandlers = 0x8000;
  static constexpr u64 kCodeAt = 0x200000, kDataAt = 0x210000;

  ArenaMachine() {
    long_mode({});
    memory.write<u64>({kTables + 0x2000 + (silicon::kCode >> 21) * 8}, kPageTable | 7);
    for (u64 n = 0; n < kCodeBytes; n += kPageSize) map(silicon::kCode + n, kCodeAt + n, true);
    for (u64 n = 0; n < kDataBytes; n += kPageSize)
      map(kData + n, kDataAt + n, kData + n < kReadOnly);
    for (u64 vector = 0; vector < 256; ++vector) gate(vector);
    memory.write<u64>({kGdt + 8}, 0x00AF9B000000FFFF);
    memory.write<u64>({kTss + 0x24}, kFaultStack);
    CpuState& s = cpu.state;
    s.idtr = {kIdt, 0xFFF};
    s.gdtr = {kGdt, 0xF};
    s.seg[kTr].base = kTss, s.seg[kTr].limit = 0x67, s.seg[kTr].type = 11;
    s.seg[kTr].present = s.seg[kTr].usable = true;
    s.seg[kGs].base = kGsBase;
    system_ = s;
  }

  void place(std::span<const u8> code) { memory.write(PhysAddr{kCodeAt + 0xF00}, code); }

  void set_mode(Mode mode) {
    const bool long64 = mode == Mode::Long64;
    for (Seg seg : {kEs, kCs, kSs, kDs, kFs, kGs}) system_.seg[seg].db = seg != kCs || !long64;
    system_.seg[kCs].l = long64;
  }

  void run_case(const Case& c, const Controls& controls) {
    CpuState& s = cpu.state;
    const u64 instructions = s.instructions;
    s = system_;
    s.instructions = instructions;
    s.cr0 |= controls.cr0;
    s.cr4 &= ~controls.no_cr4;
    s.xcr0 = controls.xcr0;
    std::ranges::copy(c.regs.gpr, s.gpr);
    std::ranges::copy(c.regs.fpu, s.fpu.image);
    s.rip() = c.regs.rip;
    s.rflags = c.regs.rflags;
    cpu.update_mode();
    std::ranges::copy(c.data, memory.ram().begin() + kDataAt);
    std::ranges::fill(stack(), 0);
    engine->run(cpu, instructions + 100);
    ran = s.instructions - instructions;
  }
  std::span<u8> data() { return memory.ram().subspan(kDataAt, kDataBytes); }
  std::span<u8> stack() { return memory.ram().subspan(kFaultStack - 0x100, 0x100); }
  u64 ran = 0;

 private:
  void map(u64 linear, u64 physical, bool writable) {
    memory.write<u64>({kPageTable + (linear >> 12 & 511) * 8}, physical | (writable ? 3 : 1));
  }
  void gate(u64 vector) {
    const u64 at = kHandlers + vector;
    memory.write<u8>({at}, 0xF4);
    memory.write<u64>({kIdt + 16 * vector}, (at & 0xFFFF) | 8 << 16 | u64{0x8E01} << 32);
  }
  CpuState system_;
};

class JitArena final : public ArenaMachine {
 public:
  JitArena() {
    JitOptions options;
    options.threshold = 1;
    options.cache_bytes = 1 << 20;
    engine.reset();
    auto jit = make_jit(cpu, options);
    REQUIRE(jit);
    engine = std::move(*jit);
  }
};

bool is_simd_row(ZydisMnemonic m) {
  const Row* row = find_row(m);
  if (!row || classify(m) != Class::Innocuous) return false;
  return row->family == Family::x87 || row->family >= Family::mmx || m == ZYDIS_MNEMONIC_MOVSD ||
         m == ZYDIS_MNEMONIC_CMPSD;
}

/// The forms of a mode, and those without memory operand, which others stand between.
struct Forms {
  std::vector<const Form*> all, registers;
  explicit Forms(Mode mode) {
    for (const auto& [mnemonic, list] : forms(mode)) {
      if (!is_simd_row(mnemonic)) continue;
      for (const Form& form : list) {
        Decode d;
        if (!decode(mode, form.bytes, d)) continue;
        all.push_back(&form);
        const bool memory = std::ranges::any_of(
            d.all(), [](const auto& op) { return op.type == ZYDIS_OPERAND_TYPE_MEMORY; });
        if (!memory) registers.push_back(&form);
      }
    }
  }
};

/// All but MXCSR_MASK and the header, which nobody keeps.
bool same_fpu(const FpuState& a, const FpuState& b) {
  const auto equal = [&](unsigned from, unsigned to) {
    return std::equal(a.image + from, a.image + to, b.image + from);
  };
  return equal(0, fpu::kMxcsrMaskField) && equal(fpu::kSt, fpu::kXmm + 256) &&
         equal(fpu::kYmmHigh, fpu::kYmmHigh + 256);
}

/// What differs, or empty.
std::string difference(ArenaMachine& interp, ArenaMachine& jit) {
  const CpuState &a = interp.cpu.state, &b = jit.cpu.state;
  for (unsigned r = 0; r < 18; ++r)
    if (a.gpr[r] != b.gpr[r])
      return fmt::format("register {}: interp {:#x} jit {:#x}", r, a.gpr[r], b.gpr[r]);
  if (a.rflags != b.rflags) return fmt::format("rflags: {:#x} {:#x}", a.rflags, b.rflags);
  if (a.cr2 != b.cr2) return fmt::format("cr2: {:#x} {:#x}", a.cr2, b.cr2);
  if (interp.ran != jit.ran) return fmt::format("instructions: {} {}", interp.ran, jit.ran);
  if (!std::ranges::equal(interp.stack(), jit.stack())) return "fault frame";
  if (!std::ranges::equal(interp.data(), jit.data())) return "data";
  if (same_fpu(a.fpu, b.fpu)) return "";
  std::string text = "fpu:";
  for (unsigned n = 0; n < 832; ++n)
    if (a.fpu.image[n] != b.fpu.image[n])
      text += fmt::format(" [{}] {:02x} {:02x}", n, a.fpu.image[n], b.fpu.image[n]);
  return text;
}

/// A block around one form: up to three others on each side, then HLT.
struct Sequence {
  std::vector<u8> code;
  std::vector<u8> main;
  Sequence(const Form& form, const Forms& forms, Rng& rng) {
    add_others(form.mode, forms, rng);
    main = vary(form, rng);
    code.insert(code.end(), main.begin(), main.end());
    add_others(form.mode, forms, rng);
    code.push_back(0xF4);
  }

 private:
  void add_others(Mode, const Forms& forms, Rng& rng) {
    for (u64 n = below(rng, 4); n > 0; --n) {
      const std::vector<u8> other = vary(*forms.registers[below(rng, forms.registers.size())], rng);
      code.insert(code.end(), other.begin(), other.end());
    }
  }
};

void run_forms(Mode mode, unsigned rounds) {
  ArenaMachine interp;
  JitArena jit;
  interp.set_mode(mode);
  jit.set_mode(mode);
  const Forms forms(mode);
  Rng rng(7);
  for (unsigned round = 0; round < rounds; ++round) {
    for (const Form* form : forms.all) {
      const Sequence sequence(*form, forms, rng);
      interp.place(sequence.code);
      jit.place(sequence.code);
      for (u64 n = 0; n < kCasesPerBlock; ++n) {
        const Case c = make_case(mode, sequence.main, rng());
        const Controls controls(rng);
        interp.run_case(c, controls);
        jit.run_case(c, controls);
        const std::string report = difference(interp, jit);
        if (report.empty()) continue;
        FAIL_CHECK(ZydisMnemonicGetString(form->mnemonic)
                   << " " << hex(sequence.main) << " in " << hex(sequence.code) << " seed "
                   << c.seed << " " << controls.text() << " run " << n << ": " << report);
        break;
      }
    }
  }
}

/// Blocks in a loop: register forms, operands at fixed addresses, jumps between blocks, and
/// instructions that read or write the state as a whole.
class Loop {
 public:
  static constexpr u64 kCounter = kData + 0x1F00, kImage = kData + 0x1000;
  static constexpr unsigned kRounds = 6;

  Loop(const Forms& forms, Rng& rng) : rng_(rng) {
    for (u64 n = 1 + below(rng, 10); n > 0; --n) piece(forms);
    put({0xFF, 0x0C, 0x25});  // dec dword [counter]
    address(kCounter);
    const u32 back = static_cast<u32>(-static_cast<i32>(code.size() + 6));
    put({0x0F, 0x85, back & 0xFF, back >> 8 & 0xFF, back >> 16 & 0xFF, back >> 24, 0xF4});  // jnz
  }

  /// The state to start from.
  Case start() const {
    Case c = make_case(Mode::Long64, sample_, rng_());
    store<u32>(c.data.data() + (kCounter - kData), kRounds);
    std::memcpy(c.data.data() + (kImage - kData), c.regs.fpu, 416);
    store<u32>(c.data.data() + (kImage - kData) + 28, 0);
    c.regs.gpr[kRsp] = BareMachine::kStack;
    return c;
  }

  std::vector<u8> code;

 private:
  void put(std::initializer_list<u32> bytes) {
    for (u32 b : bytes) code.push_back(static_cast<u8>(b));
  }
  void address(u64 linear) {
    for (unsigned n = 0; n < 4; ++n) code.push_back(static_cast<u8>(linear >> 8 * n));
  }
  /// `opcode` with the operand [linear].
  void at(std::initializer_list<u32> opcode, u32 reg, u64 linear) {
    put(opcode);
    put({0x04 | reg << 3, 0x25});
    address(linear);
  }
  void piece(const Forms& forms) {
    const u64 operand = kData + 0x20 + below(rng_, 0xE0) * 16;
    const u32 reg = static_cast<u32>(below(rng_, 8));
    switch (below(rng_, 16)) {
      case 0:
        return at({0x0F, 0x28}, reg, operand + (one_in(rng_, 8) ? 8 : 0));  // movaps
      case 1:
        return at({0x0F, 0x11}, reg, operand + below(rng_, 16));  // movups, store
      case 2:
        return at({0xC5, 0xFC, 0x10}, reg, operand);  // vmovups
      case 3:
        return at({0xDD}, 2 * static_cast<u32>(below(rng_, 2)), operand);  // fld, fst
      case 4:
        return at({0xDB}, 7, operand);  // fstp m80
      case 5:
        return at({0xD9}, 5 + 2 * static_cast<u32>(below(rng_, 2)), kImage);  // fldcw, fnstcw
      case 6:
        return at({0x0F, 0xAE}, static_cast<u32>(below(rng_, 2)), kImage);  // fxsave, fxrstor
      case 7:
        return at({0x0F, 0xAE}, 2, kImage + 24);  // ldmxcsr
      case 8:
        return at({0x0F, 0xAE}, 3, operand);  // stmxcsr
      case 9:
        return at({0xD9}, 6, kData + 0x40);  // fnstenv
      case 10:
        return put({0x9C, 0x9D});  // pushf, popf
      case 11:
        return put({0xEB, 0});  // jmp
      case 12:
        return put({0x72, 0});  // jc
      default:
        sample_ = vary(*forms.registers[below(rng_, forms.registers.size())], rng_);
        code.insert(code.end(), sample_.begin(), sample_.end());
    }
  }

  Rng& rng_;
  std::vector<u8> sample_ = {0x0F, 0x58, 0xC1};
};

void run_loops(unsigned count) {
  ArenaMachine interp;
  JitArena jit;
  const Forms forms(Mode::Long64);
  Rng rng(11);
  for (unsigned n = 0; n < count; ++n) {
    const Loop loop(forms, rng);
    const Case c = loop.start();
    const Controls controls(rng);
    for (ArenaMachine* m :
         {static_cast<ArenaMachine*>(&interp), static_cast<ArenaMachine*>(&jit)}) {
      m->place(loop.code);
      m->run_case(c, controls);
    }
    INFO("loop " << n << ": " << hex(loop.code) << " seed " << c.seed << " " << controls.text());
    REQUIRE(difference(interp, jit) == "");
  }
}

}  // namespace

TEST_CASE("jit: SIMD and x87 forms in 64-bit code -> the interpreter's state, memory and faults") {
  run_forms(Mode::Long64, 1);
}

TEST_CASE("jit: SIMD and x87 forms in 32-bit code -> the interpreter's state, memory and faults") {
  run_forms(Mode::Compat32, 1);
}

TEST_CASE("jit: SIMD and x87 in loops of blocks -> the interpreter's state and memory") {
  run_loops(600);
}

}  // namespace ring3
