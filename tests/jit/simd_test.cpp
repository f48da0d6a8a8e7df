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

  void run_case(const Case& c, u64 cr0_bits) {
    CpuState& s = cpu.state;
    const u64 instructions = s.instructions;
    s = system_;
    s.instructions = instructions;
    s.cr0 |= cr0_bits;
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
  if (!row || row->treatment >= Treatment::Emit) return false;
  return row->family == Family::x87 ||
         (row->family >= Family::mmx && row->family != Family::xsave) ||
         m == ZYDIS_MNEMONIC_MOVSD || m == ZYDIS_MNEMONIC_CMPSD;
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

u64 cr0_bits(Rng& rng) {
  static constexpr u64 kChoices[] = {cr0::TS, cr0::EM, cr0::TS | cr0::MP, cr0::EM | cr0::TS};
  return one_in(rng, 24) ? kChoices[below(rng, 4)] : 0;
}

void run_forms(Mode mode, unsigned rounds) {
  ArenaMachine interp;
  JitArena jit;
  const Forms forms(mode);
  Rng rng(7);
  for (unsigned round = 0; round < rounds; ++round) {
    for (const Form* form : forms.all) {
      const Sequence sequence(*form, forms, rng);
      interp.place(sequence.code);
      jit.place(sequence.code);
      for (u64 n = 0; n < kCasesPerBlock; ++n) {
        const Case c = make_case(mode, sequence.main, rng());
        const u64 bits = cr0_bits(rng);
        interp.run_case(c, bits);
        jit.run_case(c, bits);
        const std::string report = difference(interp, jit);
        if (report.empty()) continue;
        FAIL_CHECK(ZydisMnemonicGetString(form->mnemonic)
                   << " " << hex(sequence.main) << " in " << hex(sequence.code) << " seed "
                   << c.seed << " mxcsr " << std::hex << load<u32>(c.regs.fpu + silicon::kMxcsr)
                   << std::dec << " cr0 " << bits << " run " << n << ": " << report);
        break;
      }
    }
  }
}

}  // namespace

TEST_CASE("jit: SIMD and x87 forms in 64-bit code -> the interpreter's state, memory and faults") {
  run_forms(Mode::Long64, 1);
}

}  // namespace ring3
