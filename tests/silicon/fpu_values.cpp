// SPDX-License-Identifier: MIT
// Values of the XSAVE image. Exceptions are mostly masked: an unmasked one ends most instructions.
#include "tests/silicon/fpu_values.h"

#include "tests/silicon/operands.h"

namespace ring3::silicon {
namespace {

u32 interesting_float(Rng& rng) {
  static constexpr u32 corners[] = {0,          0x80000000, 0x3F800000, 0xBF800000, 0x7F800000,
                                    0xFF800000, 0x7FC00000, 0x7F800001, 0xFFC12345, 1,
                                    0x807FFFFF, 0x00800000, 0x7F7FFFFF, 0x4F000000, 0xCF000000,
                                    0x3F000000, 0x5F000000};
  if (one_in(rng, 2)) return corners[below(rng, std::size(corners))];
  const u32 exponent = one_in(rng, 2) ? static_cast<u32>(100 + below(rng, 60)) : rng() & 0xFF;
  return static_cast<u32>((rng() & 0x807FFFFF) | exponent << 23);
}

u64 interesting_double(Rng& rng) {
  static constexpr u64 corners[] = {0,
                                    0x8000000000000000,
                                    0x3FF0000000000000,
                                    0xBFF0000000000000,
                                    0x7FF0000000000000,
                                    0xFFF0000000000000,
                                    0x7FF8000000000000,
                                    0x7FF0000000000001,
                                    0xFFF8123456789ABC,
                                    1,
                                    0x800FFFFFFFFFFFFF,
                                    0x0010000000000000,
                                    0x7FEFFFFFFFFFFFFF,
                                    0x41E0000000000000,
                                    0xC1E0000000000000,
                                    0x43E0000000000000,
                                    0x3FE0000000000000};
  if (one_in(rng, 2)) return corners[below(rng, std::size(corners))];
  const u64 exponent = one_in(rng, 2) ? 1000 + below(rng, 60) : rng() & 0x7FF;
  return (rng() & 0x800FFFFFFFFFFFFF) | exponent << 52;
}

/// An x87 register: normal, special, denormal, or one of the unsupported encodings.
void put_extended(u8* at, Rng& rng) {
  static constexpr u16 exponents[] = {0, 1, 0x3FFE, 0x3FFF, 0x4000, 0x403E, 0x7FFE, 0x7FFF};
  static constexpr u64 mantissas[] = {
      0, 0x8000000000000000, 0xC000000000000000, 0x8000000000000001, ~u64{0},
      1, 0xA000000000000000};
  const u16 sign = one_in(rng, 2) ? 0x8000 : 0;
  const u16 exponent = one_in(rng, 3) ? exponents[below(rng, std::size(exponents))]
                                      : static_cast<u16>(0x3FFF - 40 + below(rng, 80));
  u64 mantissa =
      one_in(rng, 4) ? mantissas[below(rng, std::size(mantissas))] : rng() | u64{1} << 63;
  if (exponent && !one_in(rng, 16)) mantissa |= u64{1} << 63;
  store<u64>(at, mantissa);
  store<u16>(at + 8, sign | exponent);
}

void fill_x87(u8* image, Rng& rng) {
  const u16 masks = one_in(rng, 8) ? static_cast<u16>(rng() & 0x3F) : 0x3F;
  const u16 precision = one_in(rng, 3) ? static_cast<u16>(2 * below(rng, 2)) : 3;
  store<u16>(image + kFcw, static_cast<u16>(0x40 | masks | precision << 8 | below(rng, 4) << 10));
  // TOP and condition codes; sticky exceptions only masked ones, so that none is pending.
  const u16 sticky = one_in(rng, 4) ? static_cast<u16>(rng() & masks) : 0;
  store<u16>(image + kFsw, static_cast<u16>((rng() & 0x7F00) | sticky));
  image[kFtw] = one_in(rng, 3) ? static_cast<u8>(rng()) : 0xFF;
  for (size_t i = 0; i < 8; ++i) put_extended(image + kSt + 16 * i, rng);
}

}  // namespace

u64 interesting_lane(Rng& rng) {
  switch (below(rng, 5)) {
    case 0:
      return interesting_float(rng) | u64{interesting_float(rng)} << 32;
    case 1:
      return interesting_double(rng);
    case 2: {
      u64 value = 0;
      for (unsigned i = 0; i < 8; ++i) value = value << 8 | (one_in(rng, 2) ? rng() & 0xFF : 0x80);
      return value;
    }
    default:
      return interesting(rng);
  }
}

void fill_fpu(u8* image, const Decode& d, Rng& rng) {
  if (d.insn.meta.isa_ext == ZYDIS_ISA_EXT_X87 || d.insn.meta.isa_ext == ZYDIS_ISA_EXT_MMX ||
      one_in(rng, 4)) {
    fill_x87(image, rng);
  } else {
    store<u16>(image + kFcw, 0x37F);
  }
  const u32 masks = one_in(rng, 8) ? static_cast<u32>(rng() & 0x1F80) : 0x1F80;
  const u32 control = one_in(rng, 2) ? static_cast<u32>(rng() & 0xE040) : 0;
  store<u32>(image + kMxcsr, masks | control | static_cast<u32>(rng() & 0x3F & (masks >> 7)));
  for (size_t n = 0; n < 16; ++n)
    for (size_t half = 0; half < 2; ++half) {
      store<u64>(image + kXmm + 16 * n + 8 * half, interesting_lane(rng));
      store<u64>(image + kYmmHigh + 16 * n + 8 * half, interesting_lane(rng));
    }
  if (d.insn.machine_mode != ZYDIS_MACHINE_MODE_LONG_64) {
    std::memset(image + kXmm + 128, 0, 128);
    std::memset(image + kYmmHigh + 128, 0, 128);
  }
  store<u64>(image + kXstateBv, 7);
}

}  // namespace ring3::silicon
