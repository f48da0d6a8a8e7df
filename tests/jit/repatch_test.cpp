// SPDX-License-Identifier: MIT
#include "jit/repatch.h"

#include <catch2/catch.hpp>
#include <random>

#include "jit/treatment.h"

using namespace ring3;
using namespace ring3::jit;

namespace {

/// As the translator has them: r8 to r11 in scratch registers, r12 to r15 and RSP elsewhere.
constexpr std::array<u8, 16> kPlaces = {0, 1, 2, 3, 12, 5, 6, 7, 14, 13, 14, 13, 8, 9, 10, 11};

constexpr u8 kIndices[] = {kNoGuest, 13, 13, 1, 5, 8, 12},
             kBases[] = {kNoGuest, 14, 14, 0, 5, 8, 12, 13};

std::array<u8, 16> random_code(std::mt19937& random) {
  constexpr u8 kLikely[] = {0x66, 0xF2, 0xF3, 0xF0, 0x65};
  std::array<u8, 16> code;
  for (u8& byte : code) byte = static_cast<u8>(random());
  size_t n = 0;
  if (random() % 3 == 0) code[n++] = kLikely[random() % std::size(kLikely)];
  if (random() % 2 == 0) code[n++] = static_cast<u8>(0x40 | (random() & 15));
  if (random() % 2 == 0) code[n] = 0x0F;
  return code;
}

std::string text_of(const Decoder& decoder, const HostCode& code) {
  std::array<u8, 16> bytes{};
  std::copy_n(code.bytes, code.length, bytes.begin());
  Decoded d;
  if (decoder.decode(CodeSize::Bits64, bytes, d) != DecodeStatus::Ok) return "invalid";
  if (d.insn.length != code.length) return "of another length";
  return Decoder::format(d, 0) + (d.insn.attributes & ZYDIS_ATTRIB_HAS_LOCK ? " locked" : "");
}

}  // namespace

TEST_CASE("repatch: random instructions that are copied -> what the encoder makes of them") {
  std::mt19937 random{7};
  const Decoder decoder;
  const JitOptions options;
  unsigned done = 0;
  for (unsigned n = 0; n < 60000; ++n) {
    const std::array<u8, 16> code = random_code(random);
    Decoded d;
    Insn insn;
    if (decoder.decode(CodeSize::Bits64, code, d) != DecodeStatus::Ok) continue;
    Decoder::lower(d, insn);
    const Treatment treatment = treatment_of(d, insn, options);
    if (treatment != Treatment::Copy && treatment != Treatment::CopyMem) continue;
    const bool memory = treatment == Treatment::CopyMem;
    const HostAddress at{.offset = static_cast<i32>(random()) >> (random() % 32),
                         .index = kIndices[random() % std::size(kIndices)],
                         .scale = static_cast<u8>(random() % 4),
                         .base = kBases[random() % std::size(kBases)]};
    const HostCode fast = repatch(d, kPlaces, memory, at);
    if (fast.length == 0) continue;
    const HostCode slow = encode_anew(d, kPlaces, memory, at);
    INFO(Decoder::format(d, 0));
    REQUIRE(text_of(decoder, fast) == text_of(decoder, slow));
    ++done;
  }
  CHECK(done > 10000);
}
