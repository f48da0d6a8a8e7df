// SPDX-License-Identifier: MIT
// SDM 2A chapter 2 "Instruction Format".
#include "jit/repatch.h"

#include <algorithm>
#include <cstring>

namespace ring3::jit {
namespace {

constexpr u8 kNoIndex = 4, kNoBase = 5;  ///< in ModRM and SIB

/// The numbers of registers in an encoding, and what REX they ask for.
struct Fields {
  u8 reg, rm, opcode;
  bool low_byte = false;   ///< SPL, BPL, SIL, DIL and r8 up: any REX
  bool high_byte = false;  ///< AH, CH, DH, BH: none
};

bool move_register(const ZydisDecodedOperand& op, const std::array<u8, 16>& places, Fields& f) {
  const ZydisRegister reg = op.reg.value;
  const u8 guest = guest_register(reg);
  if (guest == kNoGuest) return true;
  const u8 place = places[guest];
  if (reg >= ZYDIS_REGISTER_AH && reg <= ZYDIS_REGISTER_BH) {
    f.high_byte = true;
    return place == guest;
  }
  f.low_byte |= op.size == 8 && place >= 4;
  switch (op.encoding) {
    case ZYDIS_OPERAND_ENCODING_MODRM_REG:
      f.reg = place;
      return true;
    case ZYDIS_OPERAND_ENCODING_MODRM_RM:
      f.rm = place;
      return true;
    case ZYDIS_OPERAND_ENCODING_OPCODE:
      f.opcode = place;
      return true;
    default:
      return place == guest;
  }
}

bool is_dropped(u8 prefix) {
  constexpr u8 segments[] = {0x26, 0x2E, 0x36, 0x3E, 0x64, 0x65};
  return (prefix & 0xF0) == 0x40 || std::ranges::find(segments, prefix) != std::end(segments);
}

/// Bytes that are put down one after the other; too many are none.
struct Writer {
  HostCode& out;
  bool fits = true;

  void operator()(u8 byte) {
    fits &= out.length < sizeof out.bytes;
    if (fits) out.bytes[out.length++] = byte;
  }
  void copy(std::span<const u8> bytes) {
    for (const u8 byte : bytes) (*this)(byte);
  }
};

void write_address(Writer& write, u8 reg, const HostAddress& at) {
  const bool index = at.index != kNoGuest, base = at.base != kNoGuest;
  const u8 low = base ? at.base & 7 : kNoBase;
  const bool sib = index || !base || low == kNoIndex;
  const bool small = at.offset == static_cast<i8>(at.offset);
  const bool none = !base || (at.offset == 0 && low != kNoBase);
  const u8 mod = none ? 0x00 : small ? 0x40 : 0x80;
  write(static_cast<u8>(mod | (reg & 7) << 3 | (sib ? 4 : low)));
  if (sib) write(static_cast<u8>(at.scale << 6 | (index ? at.index & 7 : kNoIndex) << 3 | low));
  const unsigned bytes = !base || mod == 0x80 ? 4 : mod == 0 ? 0 : 1;
  for (unsigned n = 0; n < bytes; ++n) write(static_cast<u8>(at.offset >> 8 * n));
}

bool takes(const Decoded& d, bool memory) {
  const ZydisDecodedInstruction& i = d.insn;
  constexpr u64 kElision = ZYDIS_ATTRIB_HAS_XACQUIRE | ZYDIS_ATTRIB_HAS_XRELEASE;
  if (i.machine_mode != ZYDIS_MACHINE_MODE_LONG_64 || i.address_width != 64 ||
      i.encoding != ZYDIS_INSTRUCTION_ENCODING_LEGACY || (i.attributes & kElision) ||
      i.opcode_map == ZYDIS_OPCODE_MAP_0F0F)
    return false;
  // 90H with REX.B is no NOP, and Zydis is asked without its other prefixes.
  if (!(i.attributes & ZYDIS_ATTRIB_HAS_MODRM))
    return !memory && i.mnemonic != ZYDIS_MNEMONIC_XCHG && i.raw.disp.size == 0;
  return memory == (i.raw.modrm.mod != 3);
}

}  // namespace

HostCode repatch(const Decoded& d, const std::array<u8, 16>& places, bool memory,
                 const HostAddress& at) {
  if (!takes(d, memory) || at.index == kNoIndex) return {};
  const auto& raw = d.insn.raw;
  const bool modrm = d.insn.attributes & ZYDIS_ATTRIB_HAS_MODRM;
  Fields f{.reg = static_cast<u8>(raw.modrm.reg | raw.rex.R << 3),
           .rm = static_cast<u8>(raw.modrm.rm | raw.rex.B << 3),
           .opcode = static_cast<u8>((d.insn.opcode & 7) | raw.rex.B << 3)};
  for (unsigned n = 0; n < d.insn.operand_count_visible; ++n)
    if (d.operands[n].type == ZYDIS_OPERAND_TYPE_REGISTER &&
        !move_register(d.operands[n], places, f))
      return {};
  const u8 base = at.base == kNoGuest ? u8{0} : at.base;
  const u8 b = memory ? base : modrm ? f.rm : f.opcode;
  const bool x = memory && at.index != kNoGuest && at.index >= 8;
  const u8 rex = static_cast<u8>(raw.rex.W << 3 | (modrm && f.reg >= 8) << 2 | x << 1 | (b >= 8));
  const bool has_rex = rex != 0 || f.low_byte;
  if (has_rex && f.high_byte) return {};
  const std::span<const u8> bytes{d.bytes, d.insn.length};
  const size_t prefixes = raw.prefix_count;
  const size_t end = modrm                  ? raw.modrm.offset
                     : raw.imm[0].size != 0 ? raw.imm[0].offset
                                            : d.insn.length;
  HostCode out;
  Writer write{out};
  for (const u8 prefix : bytes.first(prefixes))
    if (!is_dropped(prefix)) write(prefix);
  if (has_rex) write(static_cast<u8>(0x40 | rex));
  write.copy(bytes.subspan(prefixes, end - prefixes));
  if (!modrm) {
    const bool named = f.opcode != static_cast<u8>((d.insn.opcode & 7) | raw.rex.B << 3);
    if (named) out.bytes[out.length - 1] = static_cast<u8>((d.insn.opcode & 0xF8) | (f.opcode & 7));
  } else if (memory) {
    write_address(write, f.reg, at);
  } else {
    write(static_cast<u8>(0xC0 | (f.reg & 7) << 3 | (f.rm & 7)));
  }
  if (raw.imm[0].size != 0) write.copy(bytes.subspan(raw.imm[0].offset));
  if (!write.fits) return {};
  return out;
}

}  // namespace ring3::jit
