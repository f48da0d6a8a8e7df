// SPDX-License-Identifier: MIT
// Which page faults are found before the handler runs, and with what error code and address; that
// the handlers' are the same is what the tests of engines and tests/differential say.
#include "jit/foresight.h"

#include <catch2/catch.hpp>
#include <optional>

#include "core/handlers.h"
#include "jit/treatment.h"
#include "tests/core/bare_machine.h"

namespace ring3 {
namespace {

constexpr u64 kAbsent = 0x800000, kReadOnly = 0xA00000;

class Machine : public BareMachine {
 public:
  Machine() {
    long_mode({});
    memory.write<u64>({kTables + 0x2000 + 8 * (kAbsent >> 21)}, 0);
    memory.write<u64>({kTables + 0x2000 + 8 * (kReadOnly >> 21)}, kReadOnly | 0x81);
    for (Gpr r : {kRbx, kRsp, kRbp, kRsi}) reg(r) = kAbsent + 0x100;
    reg(kRdi) = kReadOnly + 0x200;
    reg(kRcx) = 3;
  }
  std::optional<Fault> ahead(std::vector<u8> code, bool cold = true) {
    Decoded d;
    Block block;
    code.resize(code.size() + 16, 0x90);
    REQUIRE(decoder.decode(CodeSize::Bits64, code, d) == DecodeStatus::Ok);
    scan(decoder, {CodeSize::Bits64, cpu.state.mode_key}, code, bind, block, 1);
    const Insn& insn = block.insns[0];
    const Treatment treatment = jit::treatment_of(d, insn, {});
    Fault fault;
    const jit::Foresight f = jit::foresight_of(d, insn, treatment, cold);
    if (!jit::page_fault_ahead(cpu, insn, f, fault)) return {};
    return fault;
  }
  Decoder decoder;
};

void check(const std::optional<Fault>& fault, u64 address, u32 error) {
  REQUIRE(fault);
  CHECK(fault->vector == Vector::PF);
  CHECK(fault->cr2 == address);
  CHECK(fault->error == error);
}

}  // namespace

TEST_CASE("foresight: first access to an absent page -> its fault and address") {
  Machine m;
  check(m.ahead({0x8B, 0x43, 0x08}), kAbsent + 0x108, 0);  // mov eax, [rbx+8]
  check(m.ahead({0x01, 0x03}), kAbsent + 0x100, 2);        // add [rbx], eax
  check(m.ahead({0x50}), kAbsent + 0xF8, 2);               // push rax
  check(m.ahead({0x58}), kAbsent + 0x100, 0);              // pop rax
  check(m.ahead({0xC3}), kAbsent + 0x100, 0);              // ret
  check(m.ahead({0xC9}), kAbsent + 0x100, 0);              // leave
  check(m.ahead({0xE8, 0, 0, 0, 0}), kAbsent + 0xF8, 2);   // call
  check(m.ahead({0xFF, 0x33}), kAbsent + 0x100, 0);        // push [rbx]
  check(m.ahead({0x0F, 0x29, 0x03}), kAbsent + 0x100, 2);  // movaps [rbx], xmm0
  check(m.ahead({0xF3, 0xA4}), kAbsent + 0x100, 0);        // rep movsb: the source
}

TEST_CASE("foresight: a write to a read-only page -> its fault, a read -> none") {
  Machine m;
  m.reg(kRbx) = kReadOnly;
  check(m.ahead({0x89, 0x03}), kReadOnly, 3);          // mov [rbx], eax
  check(m.ahead({0xF3, 0xAA}), kReadOnly + 0x200, 3);  // rep stosb
  CHECK_FALSE(m.ahead({0x8B, 0x03}));
}

TEST_CASE("foresight: another fault may come first, or none -> left to the handler") {
  Machine m;
  CHECK_FALSE(m.ahead({0x0F, 0x29, 0x43, 0x08}));  // movaps [rbx+8], xmm0: #GP
  CHECK_FALSE(m.ahead({0xD3, 0x23}));              // shl dword [rbx], cl: the count may be 0
  CHECK_FALSE(m.ahead({0x8F, 0x03}));              // pop [rbx]: the stack first
  CHECK_FALSE(m.ahead({0x50}, false));             // a callout without a fast path
  m.reg(kRbx) = kAbsent + 0xFFE;
  CHECK_FALSE(m.ahead({0x8B, 0x03}));  // across pages
  m.reg(kRbx) = u64{1} << 63;
  CHECK_FALSE(m.ahead({0x8B, 0x03}));  // not canonical: #GP
  m.reg(kRcx) = 0;
  CHECK_FALSE(m.ahead({0xF3, 0xA4}));  // nothing to repeat
}

TEST_CASE("foresight: a string's source that is not known -> its destination is not asked") {
  Machine m;
  m.reg(kRdi) = kAbsent + 0x100;
  m.reg(kRsi) = kAbsent - 4;
  CHECK_FALSE(m.ahead({0x48, 0xA5}));        // movsq from across pages: the second is absent
  CHECK_FALSE(m.ahead({0xF3, 0x48, 0xA5}));  // rep movsq
  CHECK_FALSE(m.ahead({0x48, 0xA7}));        // cmpsq
  m.reg(kRsi) = u64{1} << 63;
  CHECK_FALSE(m.ahead({0xA4}));  // not canonical: #GP
  m.reg(kRsi) = kAbsent - 8;
  check(m.ahead({0x48, 0xA5}), kAbsent + 0x100, 2);  // within a page that is there
  m.reg(kRsi) = 32 << 20;
  CHECK_FALSE(m.ahead({0x48, 0xA5}));  // no memory there: a device may see the read first
}

}  // namespace ring3
