// SPDX-License-Identifier: MIT
// Rows of a comparison. Not compared: FOP, FIP and FDP (AMD saves them only when an exception is
// pending) and RF (set in the image that a fault pushes).
#include "tests/silicon/compare.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/cpu_state.h"

namespace ring3::silicon {
namespace {

struct Row {
  std::string name, silicon, interp;
  bool differs() const { return silicon != interp; }
};

constexpr const char* kNames[] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                  "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};

u64 flag_mask(const Undefined& u) { return (flag::kArith | flag::DF | flag::AC) & ~u.flags; }

int destination_gpr(const Decode& d, const Undefined& u) {
  if (!u.destination || d.operands[0].type != ZYDIS_OPERAND_TYPE_REGISTER) return -1;
  return ZydisRegisterGetId(
      ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, d.operands[0].reg.value));
}

/// An undefined memory destination: those bytes cannot be told apart, so none are compared.
bool memory_undefined(const Decode& d, const Undefined& u) {
  return u.destination && d.operands[0].type == ZYDIS_OPERAND_TYPE_MEMORY;
}

bool same_x87(const u8* a, const u8* b) {
  if (load<u32>(a) != load<u32>(b) || a[kFtw] != b[kFtw]) return false;
  for (size_t i = 0; i < 8; ++i)
    if (std::memcmp(a + kSt + 16 * i, b + kSt + 16 * i, 10) != 0) return false;
  return true;
}

bool same_fpu(const u8* a, const u8* b, const Undefined& u) {
  const u32 control = u.relax & kRelaxMxcsrFlags ? ~0x3Fu : ~0u;
  if ((load<u32>(a + kMxcsr) ^ load<u32>(b + kMxcsr)) & control) return false;
  if (!(u.relax & kRelaxX87) && !same_x87(a, b)) return false;
  if (u.relax & kRelaxVectors) return true;
  return std::memcmp(a + kXmm, b + kXmm, 256) == 0 &&
         std::memcmp(a + kYmmHigh, b + kYmmHigh, 256) == 0;
}

u32 comparable_error(const Outcome& o, const Undefined& u) {
  return u.relax & kRelaxPresentBit ? o.error & ~1u : o.error;
}

u64 comparable_cr2(const Outcome& o, const Undefined& u) { return u.relax & kRelaxCr2 ? 0 : o.cr2; }

/// The byte of MXCSR_MASK that holds MM.
bool is_mxcsr_mask(u64 address, const Undefined& u) {
  return (u.relax & kRelaxMxcsrMask) && address == u.address + 30;
}

bool same_memory(const u8* a, const u8* b, const Undefined& u) {
  if (std::memcmp(a, b, kDataBytes) == 0) return true;
  for (u64 i = 0; i < kDataBytes; ++i)
    if (a[i] != b[i] && !is_mxcsr_mask(kData + i, u)) return false;
  return true;
}

bool same_gprs(const Registers& a, const Registers& b, int skip) {
  for (int i = 0; i < 16; ++i)
    if (i != skip && a.gpr[i] != b.gpr[i]) return false;
  return true;
}

std::string flag_names(u64 flags) {
  constexpr std::pair<u64, const char*> names[] = {
      {flag::OF, "OF"}, {flag::DF, "DF"}, {flag::SF, "SF"}, {flag::ZF, "ZF"},
      {flag::AF, "AF"}, {flag::PF, "PF"}, {flag::CF, "CF"}, {flag::AC, "AC"}};
  std::string s;
  for (const auto& [bits, name] : names) s += flags & bits ? fmt::format("{} ", name) : "-- ";
  return s;
}

std::string ending(const Outcome& o) {
  if (o.vector == Outcome::kNoFault) return "completed";
  if (o.vector >= Outcome::kHostSignal)
    return fmt::format("CRASHED, host signal {}", o.vector - Outcome::kHostSignal);
  return fmt::format("#{} error {:x} cr2 {:x}", o.vector, o.error, o.cr2);
}

std::string lane(const u8* image, size_t offset, size_t bytes) {
  std::string s;
  for (size_t i = bytes; i-- > 0;) s += fmt::format("{:02x}", image[offset + i]);
  return s;
}

class Table {
 public:
  Table(const Pair& pair, const Decode& d, const Undefined& u) : pair_(pair), d_(d), u_(u) {
    add("end", ending(pair.silicon), ending(pair.interp));
    general();
    fpu();
    memory();
  }
  std::string text() const {
    std::string s = fmt::format("  {:8} {:50} {}\n", "", "silicon", "interp");
    for (const Row& r : rows_)
      s += fmt::format("{} {:8} {:50} {}\n", r.differs() ? '*' : ' ', r.name, r.silicon, r.interp);
    return s;
  }

 private:
  void add(std::string name, std::string a, std::string b) {
    rows_.push_back({std::move(name), std::move(a), std::move(b)});
  }
  void general() {
    const Registers &a = pair_.silicon.regs, &b = pair_.interp.regs;
    for (int i = 0; i < 16; ++i) {
      if (i == destination_gpr(d_, u_)) continue;
      add(kNames[i], fmt::format("{:016x}", a.gpr[i]), fmt::format("{:016x}", b.gpr[i]));
    }
    add("rip", fmt::format("{:x}", a.rip), fmt::format("{:x}", b.rip));
    add("rflags", flag_names(a.rflags & flag_mask(u_)), flag_names(b.rflags & flag_mask(u_)));
  }
  void lanes(const std::string& name, size_t offset, size_t bytes) {
    const u8 *a = pair_.silicon.regs.fpu, *b = pair_.interp.regs.fpu;
    if (std::memcmp(a + offset, b + offset, bytes) != 0)
      add(name, lane(a, offset, bytes), lane(b, offset, bytes));
  }
  void fpu() {
    lanes("fcw", kFcw, 2);
    lanes("fsw", kFsw, 2);
    lanes("ftw", kFtw, 1);
    lanes("mxcsr", kMxcsr, 4);
    for (size_t i = 0; i < 8; ++i) lanes(fmt::format("st{}", i), kSt + 16 * i, 10);
    for (size_t i = 0; i < 16; ++i) lanes(fmt::format("xmm{}", i), kXmm + 16 * i, 16);
    for (size_t i = 0; i < 16; ++i) lanes(fmt::format("ymmh{}", i), kYmmHigh + 16 * i, 16);
  }
  void memory() {
    if (memory_undefined(d_, u_)) return;
    unsigned shown = 0;
    for (u64 i = 0; i < kDataBytes && shown < 8; i += 16) {
      const u8 *a = pair_.silicon_data + i, *b = pair_.interp_data + i;
      if (std::memcmp(a, b, 16) == 0) continue;
      add(fmt::format("{:x}", kData + i), hex({a, 16}), hex({b, 16}));
      ++shown;
    }
  }

  const Pair& pair_;
  const Decode& d_;
  const Undefined& u_;
  std::vector<Row> rows_;
};

std::string disassemble(const Case& c, const Decode& d) {
  ZydisFormatter formatter;
  ZydisFormatterInit(&formatter, ZYDIS_FORMATTER_STYLE_INTEL);
  char text[96] = "";
  ZydisFormatterFormatInstruction(&formatter, &d.insn, d.operands, d.insn.operand_count_visible,
                                  text, sizeof text, c.regs.rip, nullptr);
  return text;
}

}  // namespace

bool same(const Pair& pair, const Decode& d, const Undefined& u) {
  const Outcome &a = pair.silicon, &b = pair.interp;
  if (u.relax & kRelaxCase) return true;
  if (a.vector != b.vector || comparable_error(a, u) != comparable_error(b, u) ||
      comparable_cr2(a, u) != comparable_cr2(b, u))
    return false;
  if (a.regs.rip != b.regs.rip || ((a.regs.rflags ^ b.regs.rflags) & flag_mask(u))) return false;
  if (!(u.relax & kRelaxGprs) && !same_gprs(a.regs, b.regs, destination_gpr(d, u))) return false;
  return same_fpu(a.regs.fpu, b.regs.fpu, u) &&
         (memory_undefined(d, u) || same_memory(pair.silicon_data, pair.interp_data, u));
}

std::string report(const Case& c, const Decode& d, const Pair& pair, const Undefined& u) {
  return fmt::format("{}   ({})\n  silicon --mode {} --bytes \"{}\" --seed {:#x}\n{}",
                     ZydisMnemonicGetString(d.insn.mnemonic), disassemble(c, d), bits_of(c.mode),
                     hex(c.bytes), c.seed, Table(pair, d, u).text());
}

}  // namespace ring3::silicon
