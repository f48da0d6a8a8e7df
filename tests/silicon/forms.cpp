// SPDX-License-Identifier: MIT
// The walk over the opcode space. Prefixes that do not change the signature are folded away: the
// shortest sample of each form is met first and wins.
#include "tests/silicon/forms.h"

#include <fmt/format.h>

#include <array>
#include <set>

namespace ring3::silicon {
namespace {

using FormMap = std::map<ZydisMnemonic, std::vector<Form>>;

/// Walks encodings of one mode into a FormMap.
class Walk {
 public:
  explicit Walk(Mode mode) : mode_(mode) {}

  void legacy();
  void vex();
  void xop();
  void now3d();
  void evex();
  FormMap take() { return std::move(found_); }

 private:
  void offer(std::vector<u8> bytes);
  bool is_prefix(unsigned opcode) const;
  /// Opcode bytes so far, then every ModRM that matters.
  void with_modrm(const std::vector<u8>& opcode);
  void vex_opcode(u8 escape, u8 map, u8 opcode);

  Mode mode_;
  FormMap found_;
  std::set<std::string> seen_;
};

void Walk::offer(std::vector<u8> bytes) {
  bytes.resize(bytes.size() + 12, 0);
  if (bytes.size() > ZYDIS_MAX_INSTRUCTION_LENGTH) bytes.resize(ZYDIS_MAX_INSTRUCTION_LENGTH);
  Decode d;
  if (!decode(mode_, bytes, d)) return;
  bool opcode_register = false;
  for (const auto& op : d.all()) opcode_register |= op.encoding == ZYDIS_OPERAND_ENCODING_OPCODE;
  const u8 opcode = opcode_register ? d.insn.opcode & 0xF8 : d.insn.opcode;
  const std::string s = signature(d);
  const auto key = fmt::format("{} {} {:x} {}", static_cast<int>(d.insn.encoding),
                               static_cast<int>(d.insn.opcode_map), opcode, s);
  if (!seen_.insert(key).second) return;
  bytes.resize(d.insn.length);
  found_[d.insn.mnemonic].push_back({mode_, d.insn.mnemonic, std::move(bytes), s});
}

/// Opcodes whose ModRM.rm may be part of the opcode when ModRM.mod is 3: x87 and some groups.
bool rm_selects(const std::vector<u8>& opcode) {
  const u8 last = opcode.back();
  const bool two = opcode.size() > 1 && opcode[opcode.size() - 2] == 0x0F;
  if (two) return last == 0x01 || last == 0xAE || last == 0xC7 || last == 0x1E || last == 0xA7;
  return (last >= 0xD8 && last <= 0xDF) || last == 0xC6 || last == 0xC7;
}

void Walk::with_modrm(const std::vector<u8>& opcode) {
  std::vector<u8> bytes = opcode;
  bytes.push_back(0);
  const unsigned step = rm_selects(opcode) ? 1 : 8;
  for (unsigned modrm = 0xC1 - (step == 1); modrm <= 0xFF; modrm += step) {
    bytes.back() = static_cast<u8>(modrm);
    offer(bytes);
  }
  bytes.resize(bytes.size() + 2);
  for (u8 reg = 0; reg < 8; ++reg) {  // [rbx + rsi + 10h], also the one VSIB form
    bytes[bytes.size() - 3] = 0x44 | reg << 3;
    bytes[bytes.size() - 2] = 0x33;
    bytes[bytes.size() - 1] = 0x10;
    offer(bytes);
  }
}

/// First opcode bytes that are prefixes, or escapes that have a walk of their own.
bool Walk::is_prefix(unsigned opcode) const {
  switch (opcode) {
    case 0x26:
    case 0x2E:
    case 0x36:
    case 0x3E:
    case 0x64:
    case 0x65:
    case 0x66:
    case 0x67:
    case 0xF0:
    case 0xF2:
    case 0xF3:
    case 0x0F:
      return true;
    case 0x62:
    case 0xC4:
    case 0xC5:
      return mode_ == Mode::Long64;
    default:
      return mode_ == Mode::Long64 && (opcode & 0xF0) == 0x40;
  }
}

void Walk::legacy() {
  static const std::vector<u8> prefixes[] = {
      {},     {0x66},       {0xF2},       {0xF3},       {0x66, 0xF2},       {0x66, 0xF3},
      {0x67}, {0x67, 0xF2}, {0x67, 0xF3}, {0x67, 0x66}, {0x67, 0x66, 0xF2}, {0x67, 0x66, 0xF3}};
  static const std::vector<u8> maps[] = {{}, {0x0F}, {0x0F, 0x38}, {0x0F, 0x3A}};
  for (const auto& prefix : prefixes)
    for (const int rex : {0, 0x48}) {
      if (rex && mode_ != Mode::Long64) continue;
      for (const auto& map : maps) {
        if (!prefix.empty() && prefix[0] == 0x67 && !map.empty()) continue;
        for (unsigned opcode = 0; opcode < 256; ++opcode) {
          if (map.empty() && is_prefix(opcode)) continue;
          std::vector<u8> bytes = prefix;
          if (rex) bytes.push_back(static_cast<u8>(rex));
          bytes.insert(bytes.end(), map.begin(), map.end());
          bytes.push_back(static_cast<u8>(opcode));
          with_modrm(bytes);
        }
      }
    }
}

void Walk::vex_opcode(u8 escape, u8 map, u8 opcode) {
  for (u8 w = 0; w < 2; ++w)
    for (u8 lpp = 0; lpp < 8; ++lpp)
      with_modrm(
          {escape, static_cast<u8>(0xE0 | map), static_cast<u8>(w << 7 | 0x78 | lpp), opcode});
}

void Walk::vex() {
  for (u8 map = 1; map <= 3; ++map)
    for (unsigned opcode = 0; opcode < 256; ++opcode)
      vex_opcode(0xC4, map, static_cast<u8>(opcode));
}

void Walk::xop() {
  for (u8 map = 8; map <= 10; ++map)
    for (unsigned opcode = 0; opcode < 256; ++opcode)
      vex_opcode(0x8F, map, static_cast<u8>(opcode));
}

void Walk::now3d() {
  for (unsigned opcode = 0; opcode < 256; ++opcode) {
    offer({0x0F, 0x0F, 0xC1, static_cast<u8>(opcode)});
    offer({0x0F, 0x0F, 0x03, static_cast<u8>(opcode)});
  }
}

void Walk::evex() {
  for (u8 map = 1; map <= 6; ++map)
    for (unsigned opcode = 0; opcode < 256; ++opcode)
      for (u8 wpp = 0; wpp < 8; ++wpp)
        for (const u8 tail : {0x08, 0x28, 0x48, 0x09, 0x29, 0x49})
          with_modrm({0x62, static_cast<u8>(0xF0 | map),
                      static_cast<u8>((wpp & 4) << 5 | 0x7C | (wpp & 3)), tail,
                      static_cast<u8>(opcode)});
}

const ZydisDecoder& decoder_of(Mode mode) {
  static const auto decoders = [] {
    std::array<ZydisDecoder, 2> d;
    ZydisDecoderInit(&d[0], ZYDIS_MACHINE_MODE_LONG_COMPAT_32, ZYDIS_STACK_WIDTH_32);
    ZydisDecoderInit(&d[1], ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    for (auto& one : d) {
      ZydisDecoderEnableMode(&one, ZYDIS_DECODER_MODE_MPX, ZYAN_FALSE);
      ZydisDecoderEnableMode(&one, ZYDIS_DECODER_MODE_CET, ZYAN_FALSE);
      ZydisDecoderEnableMode(&one, ZYDIS_DECODER_MODE_CLDEMOTE, ZYAN_FALSE);
      ZydisDecoderEnableMode(&one, ZYDIS_DECODER_MODE_KNC, ZYAN_FALSE);
    }
    return d;
  }();
  return decoders[static_cast<size_t>(mode)];
}

FormMap walk(Mode mode) {
  Walk w(mode);
  w.legacy();
  w.vex();
  w.now3d();
  if (mode == Mode::Long64) w.xop();
  return w.take();
}

}  // namespace

bool decode(Mode mode, std::span<const u8> bytes, Decode& out) {
  if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder_of(mode), bytes.data(), bytes.size(), &out.insn,
                                           out.operands)))
    return false;
  // SIB.base 101 with ModRM.mod 00 is no base, whatever REX.B; Zydis 4.0 says r13d under 67h.
  const auto& raw = out.insn.raw;
  if (raw.modrm.mod == 0 && raw.modrm.rm == 4 && (raw.sib.base & 7) == 5)
    for (auto& op : out.operands)
      if (op.type == ZYDIS_OPERAND_TYPE_MEMORY && op.mem.base == ZYDIS_REGISTER_R13D) {
        op.mem.base = ZYDIS_REGISTER_NONE;
        op.mem.disp.has_displacement = ZYAN_TRUE;
        op.mem.disp.value = raw.disp.value;
      }
  return true;
}

std::string signature(const Decode& d) {
  std::string s = ZydisMnemonicGetString(d.insn.mnemonic);
  const auto rep = ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE | ZYDIS_ATTRIB_HAS_REPNE;
  if (d.insn.attributes & rep) s += d.insn.attributes & ZYDIS_ATTRIB_HAS_REPNE ? " repne" : " rep";
  s += fmt::format(" o{}", d.insn.operand_width);
  if (!(d.insn.attributes & ZYDIS_ATTRIB_HAS_MODRM)) s += fmt::format(" a{}", d.insn.address_width);
  for (const auto& op : d.all()) {
    if (op.visibility == ZYDIS_OPERAND_VISIBILITY_HIDDEN && op.type != ZYDIS_OPERAND_TYPE_MEMORY)
      continue;
    const int kind = op.type == ZYDIS_OPERAND_TYPE_REGISTER
                         ? 10 + static_cast<int>(ZydisRegisterGetClass(op.reg.value))
                         : static_cast<int>(op.type);
    s += fmt::format(" {}:{}:{}", kind, op.size, static_cast<int>(op.encoding));
    if (op.type == ZYDIS_OPERAND_TYPE_MEMORY)
      s += fmt::format("m{}", static_cast<int>(op.mem.type));
  }
  return s;
}

const FormMap& forms(Mode mode) {
  static const FormMap maps[] = {walk(Mode::Compat32), walk(Mode::Long64)};
  return maps[static_cast<size_t>(mode)];
}

const FormMap& evex_forms() {
  static const FormMap map = [] {
    Walk w(Mode::Long64);
    w.evex();
    return w.take();
  }();
  return map;
}

std::string hex(std::span<const u8> bytes) {
  std::string s;
  for (const u8 b : bytes) s += fmt::format("{}{:02x}", s.empty() ? "" : " ", b);
  return s;
}

}  // namespace ring3::silicon
