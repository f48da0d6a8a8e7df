// SPDX-License-Identifier: MIT
// Classifier closure over Zydis's whole mnemonic enumeration (DESIGN "Semantics once"): nothing
// falls through, and nothing sensitive is copied. Sample encodings come from the opcode-space walk.
#include <Zydis/Zydis.h>

#include <algorithm>
#include <catch2/catch.hpp>

#include "decoder/isa.h"
#include "tests/silicon/forms.h"

namespace ring3 {
namespace {

using silicon::Decode;
using silicon::Form;
using silicon::Mode;

template <class F>
void for_each_mnemonic(F&& f) {
  for (int m = 1; m <= ZYDIS_MNEMONIC_MAX_VALUE; ++m) f(static_cast<ZydisMnemonic>(m));
}

/// Each form of each row, both modes, without the feature sets that are refused whole.
template <class F>
void for_each_form(F&& f) {
  for (Mode mode : {Mode::Compat32, Mode::Long64})
    for (const auto& [mnemonic, all] : silicon::forms(mode))
      for (const Form& form : all) {
        Decode d;
        const Row* row = find_row(mnemonic);
        if (row && silicon::decode(mode, form.bytes, d) && !is_unsupported(d.insn.meta.isa_set))
          f(*row, d);
      }
}

bool is_copy(Treatment t) { return t == Treatment::Copy || t == Treatment::CopyMem; }

bool has_register(const Decode& d, std::initializer_list<ZydisRegisterClass> classes) {
  const auto all = d.all();
  return std::any_of(all.begin(), all.end(), [&](const auto& op) {
    return op.type == ZYDIS_OPERAND_TYPE_REGISTER &&
           std::find(classes.begin(), classes.end(), ZydisRegisterGetClass(op.reg.value)) !=
               classes.end();
  });
}

/// MOV, PUSH and POP have forms on segment, control and debug registers: the translator asks for
/// the operand there, so their rows' treatment is that of the plain forms.
bool shares_mnemonic(const Decode& d) {
  return d.insn.mnemonic == ZYDIS_MNEMONIC_MOV || d.insn.mnemonic == ZYDIS_MNEMONIC_PUSH ||
         d.insn.mnemonic == ZYDIS_MNEMONIC_POP;
}

/// Zydis's SYSTEM category also holds instructions that any program may run.
bool is_plain_system(ZydisMnemonic m) {
  return m == ZYDIS_MNEMONIC_RDTSC || m == ZYDIS_MNEMONIC_RDTSCP;
}

bool must_call_out(const Decode& d) {
  if (d.insn.attributes & ZYDIS_ATTRIB_IS_PRIVILEGED) return true;
  switch (d.insn.meta.category) {
    case ZYDIS_CATEGORY_IO:
    case ZYDIS_CATEGORY_IOSTRINGOP:
    case ZYDIS_CATEGORY_INTERRUPT:
    case ZYDIS_CATEGORY_SEGOP:
    case ZYDIS_CATEGORY_SYSTEM:
    case ZYDIS_CATEGORY_SYSCALL:
    case ZYDIS_CATEGORY_SYSRET:
    case ZYDIS_CATEGORY_RDWRFSGS:
    case ZYDIS_CATEGORY_PKU:
      return !is_plain_system(d.insn.mnemonic);
    default:
      return d.insn.meta.branch_type == ZYDIS_BRANCH_TYPE_FAR;
  }
}

std::string describe(const Decode& d, const Row& row) {
  return std::string(ZydisMnemonicGetString(d.insn.mnemonic)) + " (" +
         std::string(name_of(row.treatment)) + ") ";
}

}  // namespace

TEST_CASE("closure: every mnemonic -> a row or a reason, never both") {
  std::string wrong;
  for_each_mnemonic([&](ZydisMnemonic m) {
    const bool row = find_row(m), reason = !unsupported_reason(m).empty();
    if (row == reason) wrong += std::string(ZydisMnemonicGetString(m)) + ' ';
  });
  CHECK(wrong == "");
}

TEST_CASE("closure: privileged, I/O, interrupt, segment, system forms -> callouts or patches") {
  std::string wrong;
  for_each_form([&](const Row& row, const Decode& d) {
    const bool near = d.insn.meta.branch_type != ZYDIS_BRANCH_TYPE_FAR;
    if (!must_call_out(d) || (shares_mnemonic(d) && near)) return;
    const bool shared_branch = row.family == Family::flow;
    if (is_copy(row.treatment) && !shared_branch &&
        wrong.find(describe(d, row)) == std::string::npos)
      wrong += describe(d, row);
  });
  CHECK(wrong == "");
}

TEST_CASE("closure: Copy rows -> no segment, control, debug or table register") {
  std::string wrong;
  for_each_form([&](const Row& row, const Decode& d) {
    if (!is_copy(row.treatment) || shares_mnemonic(d)) return;
    if (has_register(d, {ZYDIS_REGCLASS_SEGMENT, ZYDIS_REGCLASS_CONTROL, ZYDIS_REGCLASS_DEBUG,
                         ZYDIS_REGCLASS_TABLE, ZYDIS_REGCLASS_TEST}))
      wrong += describe(d, row);
  });
  CHECK(wrong == "");
}

TEST_CASE("closure: Copy rows -> neither IF nor IOPL, VM, VIF, VIP") {
  constexpr u32 kSystemFlags = ZYDIS_CPUFLAG_IF | ZYDIS_CPUFLAG_IOPL | ZYDIS_CPUFLAG_VM |
                               ZYDIS_CPUFLAG_VIF | ZYDIS_CPUFLAG_VIP | ZYDIS_CPUFLAG_NT;
  std::string wrong;
  for_each_form([&](const Row& row, const Decode& d) {
    if (!is_copy(row.treatment) || !d.insn.cpu_flags) return;
    const auto& f = *d.insn.cpu_flags;
    if ((f.tested | f.modified | f.set_0 | f.set_1) & kSystemFlags) wrong += describe(d, row);
  });
  CHECK(wrong == "");
}

TEST_CASE("closure: privileged and critical mnemonics -> not copied") {
  std::string wrong;
  for_each_mnemonic([&](ZydisMnemonic m) {
    const Row* row = find_row(m);
    if (row && classify(m) != Class::Innocuous && is_copy(row->treatment))
      wrong += std::string(ZydisMnemonicGetString(m)) + ' ';
  });
  CHECK(wrong == "");
}

TEST_CASE("closure: what Zydis calls privileged -> classified privileged") {
  std::string wrong;
  for_each_form([&](const Row& row, const Decode& d) {
    const bool privileged = d.insn.attributes & ZYDIS_ATTRIB_IS_PRIVILEGED;
    if (privileged && !shares_mnemonic(d) && classify(row.mnemonic) != Class::Privileged &&
        wrong.find(describe(d, row)) == std::string::npos)
      wrong += describe(d, row);
  });
  CHECK(wrong == "");
}

}  // namespace ring3
