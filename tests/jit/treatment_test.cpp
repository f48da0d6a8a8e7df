// SPDX-License-Identifier: MIT
// Forms that must not fall back to callouts, by encoding.
#include "jit/treatment.h"

#include <catch2/catch.hpp>

#include "core/handlers.h"

namespace ring3::jit {
namespace {

Treatment treatment(std::initializer_list<u8> bytes) {
  Decoded d;
  REQUIRE(Decoder().decode(CodeSize::Bits64, {bytes.begin(), bytes.size()}, d) == DecodeStatus::Ok);
  Insn insn;
  Decoder::lower(d, insn);
  bind(insn, d);
  return treatment_of(d, insn, {});
}

}  // namespace

TEST_CASE("treatment: integer instructions of user programs -> none is a callout") {
  using enum Treatment;
  CHECK(treatment({0xF3, 0xA4}) == Emit);                          // rep movsb
  CHECK(treatment({0x67, 0xF2, 0x66, 0xAF}) == Emit);              // repne scasw, 32-bit addresses
  CHECK(treatment({0x48, 0xA5}) == Emit);                          // movsq
  CHECK(treatment({0x49, 0xF7, 0xF4}) == Emit);                    // div r12
  CHECK(treatment({0xF6, 0x7B, 8}) == Emit);                       // idiv byte [rbx + 8]
  CHECK(treatment({0x4C, 0x0F, 0xAB, 0x23}) == Emit);              // bts [rbx], r12
  CHECK(treatment({0xFF, 0x33}) == Emit);                          // push qword [rbx]
  CHECK(treatment({0x0F, 0xA0}) == Emit);                          // push fs
  CHECK(treatment({0x8F, 0x04, 0x24}) == Emit);                    // pop qword [rsp]
  CHECK(treatment({0xC8, 16, 0, 0}) == Emit);                      // enter 16, 0
  CHECK(treatment({0xE2, 0xFE}) == Emit);                          // loop
  CHECK(treatment({0xE3, 0xFE}) == Emit);                          // jrcxz
  CHECK(treatment({0xD7}) == Emit);                                // xlat
  CHECK(treatment({0x8C, 0xD8}) == Emit);                          // mov eax, ds
  CHECK(treatment({0x9F}) == Copy);                                // lahf
  CHECK(treatment({0xF3, 0x49, 0x0F, 0xBC, 0xC4}) == Copy);        // tzcnt rax, r12
  CHECK(treatment({0xC4, 0xE2, 0xFB, 0xF6, 0xC2}) == Copy);        // mulx rax, rax, rdx
  CHECK(treatment({0x0F, 0x38, 0xF0, 0x03}) == CopyMem);           // movbe eax, [rbx]
  CHECK(treatment({0xF0, 0x48, 0x0F, 0xC7, 0x0B}) == CopyMem);     // lock cmpxchg16b [rbx]
  CHECK(treatment({0xF2, 0x48, 0x0F, 0x38, 0xF1, 3}) == CopyMem);  // crc32 rax, [rbx]
}

TEST_CASE("treatment: what a program must not do unseen -> callouts") {
  CHECK(treatment({0x8E, 0xD8}) == Treatment::CalloutEnd);     // mov ds, eax
  CHECK(treatment({0x0F, 0xA1}) == Treatment::CalloutEnd);     // pop fs
  CHECK(treatment({0xC8, 16, 0, 1}) == Treatment::Callout);    // enter 16, 1
  CHECK(treatment({0x0F, 0x20, 0xC0}) == Treatment::Callout);  // mov rax, cr0
}

TEST_CASE(
    "treatment: bit strings without an emitter -> never copied: they reach past the operand") {
  Decoded d;
  const u8 code[] = {0x66, 0x0F, 0xB3, 0x04, 0x33};  // btr [ebx + esi], ax
  REQUIRE(Decoder().decode(CodeSize::Bits32, code, d) == DecodeStatus::Ok);
  Insn insn;
  Decoder::lower(d, insn);
  bind(insn, d);
  const Treatment t = treatment_of(d, insn, {});
  CHECK(t != Treatment::Copy);
  CHECK(t != Treatment::CopyMem);
}

}  // namespace ring3::jit
