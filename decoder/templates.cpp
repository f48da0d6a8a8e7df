// SPDX-License-Identifier: MIT
#include "decoder/templates.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "base/bits.h"
#include "decoder/decoder.h"

namespace ring3 {
namespace {

constexpr unsigned kMaxKeyBytes = 7;
constexpr u8 kNone = 0xFF;

enum Shape : u8 { Plain, Modrm, Prefix, Escape, Slow };

constexpr Shape shape_of(unsigned opcode) {
  constexpr std::array<u8, 11> prefixes = {0x26, 0x2E, 0x36, 0x3E, 0x64, 0x65,
                                           0x66, 0x67, 0xF0, 0xF2, 0xF3};
  constexpr std::array<u8, 11> slow = {0x62, 0x8F, 0x9A, 0xA0, 0xA1, 0xA2,
                                       0xA3, 0xC4, 0xC5, 0xC8, 0xEA};
  constexpr std::array<u8, 11> modrm = {0x63, 0x69, 0x6B, 0xC0, 0xC1, 0xC6,
                                        0xC7, 0xF6, 0xF7, 0xFE, 0xFF};
  for (const u8 p : prefixes)
    if (opcode == p) return Prefix;
  for (const u8 s : slow)
    if (opcode == s) return Slow;
  for (const u8 m : modrm)
    if (opcode == m) return Modrm;
  if (opcode == 0x0F) return Escape;
  const bool has = (opcode < 0x40 && (opcode & 4) == 0) || (opcode & 0xF0) == 0x80 ||
                   (opcode & 0xFC) == 0xD0 || (opcode & 0xF8) == 0xD8;
  return has ? Modrm : Plain;
}

/// After 0FH.
constexpr Shape escaped_shape_of(unsigned opcode) {
  if (opcode == 0x0F) return Slow;
  if (opcode == 0x38 || opcode == 0x3A) return Escape;
  const bool plain = (opcode >= 0x05 && opcode <= 0x0B) || (opcode & 0xF8) == 0x30 ||
                     opcode == 0x77 || (opcode & 0xF0) == 0x80 || (opcode & 0xF7) == 0xA0 ||
                     (opcode & 0xF7) == 0xA1 || (opcode & 0xF7) == 0xA2 || (opcode & 0xF8) == 0xC8;
  return plain && opcode != 0x0A ? Plain : Modrm;
}

template <Shape (*shape)(unsigned)>
constexpr auto table_of() {
  std::array<Shape, 256> table{};
  for (unsigned n = 0; n < table.size(); ++n) table[n] = shape(n);
  return table;
}
constexpr auto kShapes = table_of<shape_of>(), kEscapedShapes = table_of<escaped_shape_of>();

/// Prefixes, opcode, ModRM and SIB, with their number and the mode; 0: too long, or not kept.
u64 key_of(unsigned mode, std::span<const u8> bytes) {
  if (bytes.size() < sizeof(u64)) return 0;
  const u64 word = load<u64>(bytes.data());
  const auto at = [&](unsigned n) { return static_cast<u8>(word >> 8 * n); };
  unsigned n = 0;
  while (kShapes[at(n)] == Prefix)
    if (++n > 3) return 0;
  const bool bits64 = mode == static_cast<unsigned>(CodeSize::Bits64);
  if (bits64 && (at(n) & 0xF0) == 0x40) ++n;
  Shape shape = kShapes[at(n++)];
  if (shape == Escape) {
    shape = kEscapedShapes[at(n++)];
    if (shape == Escape) {
      ++n;
      shape = Modrm;
    }
  }
  if (shape == Slow || shape == Prefix) return 0;
  if (shape == Modrm) {
    const u8 modrm = at(n++);
    if (modrm < 0xC0 && (modrm & 7) == 4) ++n;
  }
  if (n > kMaxKeyBytes) return 0;
  return (word & low_mask(8 * n)) | u64{n << 2 | mode} << 56;
}

i64 read_value(const u8* bytes, unsigned size, bool is_signed) {
  switch (size) {
    case 1:
      return is_signed ? load<i8>(bytes) : load<u8>(bytes);
    case 2:
      return is_signed ? load<i16>(bytes) : load<u16>(bytes);
    case 4:
      return is_signed ? i64{load<i32>(bytes)} : i64{load<u32>(bytes)};
    default:
      return load<i64>(bytes);
  }
}

}  // namespace

size_t Templates::slot_of(u64 key) {
  return (key * 0x9E3779B97F4A7C15) >> (64 - std::bit_width(kEntries - 1));
}

bool Templates::find(unsigned mode, std::span<const u8> bytes, Decoded& out) const {
  const u64 key = key_of(mode, bytes);
  const size_t slot = slot_of(key);
  if (key == 0 || keys_[slot] != key) return false;
  const Entry& e = entries_[slot];
  if (bytes.size() < e.insn.length) return false;
  // Not by assignment, which compilers make a repeated string instruction: that takes as long as
  // decoding.
  const unsigned count = e.insn.operand_count;
  static_assert(offsetof(Entry, operands) == offsetof(Decoded, operands));
  std::memcpy(static_cast<void*>(&out), &e,
              offsetof(Entry, operands) + count * sizeof out.operands[0]);
  for (unsigned n = count; n < std::size(out.operands); ++n)
    out.operands[n].type = ZYDIS_OPERAND_TYPE_UNUSED;
  if (auto& disp = out.insn.raw.disp; disp.size != 0) {
    disp.value = read_value(bytes.data() + disp.offset, disp.size / 8, true);
    if (e.memory != kNone) out.operands[e.memory].mem.disp.value = disp.value;
  }
  if (auto& imm = out.insn.raw.imm[0]; imm.size != 0) {
    imm.value.s = read_value(bytes.data() + imm.offset, imm.size / 8, imm.is_signed);
    if (e.immediate != kNone) out.operands[e.immediate].imm.value.s = imm.value.s;
  }
  return true;
}

void Templates::keep(unsigned mode, std::span<const u8> bytes, const Decoded& d) {
  const u64 key = key_of(mode, bytes);
  const auto& raw = d.insn.raw;
  if (key == 0 || d.insn.encoding != ZYDIS_INSTRUCTION_ENCODING_LEGACY ||
      d.insn.operand_count > std::tuple_size_v<decltype(Entry::operands)> || raw.imm[1].size != 0)
    return;
  // What the key does not name are displacement and immediate.
  const unsigned behind_displacement =
      raw.imm[0].size != 0 ? raw.imm[0].offset : unsigned{d.insn.length};
  const unsigned named = raw.disp.size != 0 ? raw.disp.offset : behind_displacement;
  if (named > (key >> 58)) return;
  u8 memory = kNone, immediate = kNone;
  for (u8 n = 0; n < d.insn.operand_count; ++n) {
    const ZydisDecodedOperand& op = d.operands[n];
    if (op.type == ZYDIS_OPERAND_TYPE_POINTER) return;
    if (op.type == ZYDIS_OPERAND_TYPE_MEMORY && op.mem.disp.has_displacement) memory = n;
    if (op.type == ZYDIS_OPERAND_TYPE_IMMEDIATE && op.encoding != ZYDIS_OPERAND_ENCODING_NONE)
      immediate = n;
  }
  if (!entries_) entries_ = std::make_unique_for_overwrite<Entry[]>(kEntries);
  const size_t slot = slot_of(key);
  keys_[slot] = key;
  Entry& e = entries_[slot];
  e.insn = d.insn;
  std::copy_n(d.operands, d.insn.operand_count, e.operands.begin());
  e.memory = memory;
  e.immediate = immediate;
}

}  // namespace ring3
