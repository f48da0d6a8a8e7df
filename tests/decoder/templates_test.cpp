// SPDX-License-Identifier: MIT
#include "decoder/templates.h"

#include <catch2/catch.hpp>
#include <cstring>
#include <random>

#include "decoder/decoder.h"

using namespace ring3;

namespace {

using Bytes = std::array<u8, 16>;

/// Prefixes and escapes more often than chance has them.
Bytes random_code(std::mt19937& random) {
  constexpr u8 kLikely[] = {0x66, 0xF2, 0xF3, 0xF0, 0x65, 0x67, 0x48, 0x4C, 0x41, 0x0F, 0x0F, 0x0F};
  Bytes code;
  for (u8& byte : code) byte = static_cast<u8>(random());
  for (size_t n = 0; n < 4 && random() % 3 == 0; ++n)
    code[n] = kLikely[random() % std::size(kLikely)];
  return code;
}

/// The same but for displacement and immediate.
void change_values(const ZydisDecodedInstruction& insn, Bytes& code, std::mt19937& random) {
  const auto change = [&](u8 offset, u8 bits) {
    for (unsigned n = 0; n < bits / 8u; ++n) code[offset + n] = static_cast<u8>(random());
  };
  change(insn.raw.disp.offset, insn.raw.disp.size);
  for (const auto& imm : insn.raw.imm) change(imm.offset, imm.size);
}

bool same(const Decoded& a, const Decoded& b) {
  if (std::memcmp(&a.insn, &b.insn, sizeof a.insn) != 0) return false;
  for (unsigned n = 0; n < std::size(a.operands); ++n) {
    if (a.operands[n].type != b.operands[n].type) return false;
    if (n < a.insn.operand_count &&
        std::memcmp(&a.operands[n], &b.operands[n], sizeof a.operands[n]) != 0)
      return false;
  }
  return true;
}

std::string hex(const Bytes& code) {
  std::string text;
  for (u8 byte : code) text += "0123456789ABCDEF"[byte >> 4], text += "0123456789ABCDEF"[byte & 15];
  return text;
}

}  // namespace

TEST_CASE("Templates: decoded again with other values -> as if for the first time") {
  std::mt19937 random{1};
  const Decoder practised;
  for (unsigned n = 0; n < 6000; ++n) {
    const auto size = static_cast<CodeSize>(n % 3);
    Bytes code = random_code(random);
    Decoded first, again, anew;
    if (practised.decode(size, code, first) != DecodeStatus::Ok) continue;
    change_values(first.insn, code, random);
    std::memset(&again, 0x55, sizeof again);
    std::memset(&anew, 0, sizeof anew);
    REQUIRE(practised.decode(size, code, again) == DecodeStatus::Ok);
    REQUIRE(Decoder().decode(size, code, anew) == DecodeStatus::Ok);
    INFO(n % 3 << ' ' << hex(code));
    REQUIRE(same(again, anew));
  }
}

TEST_CASE("Templates: bytes that end inside a known instruction -> truncated") {
  const u8 code[] = {0x48, 0x81, 0x84, 0x24, 1, 2, 3, 4, 5, 6, 7, 8};  // ADD [RSP+disp], imm
  const Decoder decoder;
  Decoded d;
  REQUIRE(decoder.decode(CodeSize::Bits64, code, d) == DecodeStatus::Ok);
  for (size_t bytes = 1; bytes < sizeof code; ++bytes)
    CHECK(decoder.decode(CodeSize::Bits64, std::span(code, bytes), d) == DecodeStatus::Truncated);
}
