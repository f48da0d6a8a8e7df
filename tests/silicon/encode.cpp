// SPDX-License-Identifier: MIT
// The sample's prefix and opcode bytes stay; ModRM, SIB, displacement, REX/VEX register bits and
// immediates are drawn anew, and the decoder says whether that is still the form.
#include "tests/silicon/encode.h"

#include <algorithm>
#include <array>

#include "tests/silicon/state.h"

namespace ring3::silicon {
namespace {

constexpr unsigned kAttempts = 40;

/// Bytes drawn so far: prefixes, opcode, ModRM, SIB, displacement and 9 of immediate fit in 40.
class Bytes {
 public:
  void push_back(unsigned byte) { bytes_[size_++] = static_cast<u8>(byte); }
  void add(std::initializer_list<unsigned> all) {
    for (const unsigned byte : all) push_back(byte);
  }
  u8& back() { return bytes_[size_ - 1]; }
  std::vector<u8> instruction() const {
    const size_t n = std::min<size_t>(size_, ZYDIS_MAX_INSTRUCTION_LENGTH);
    return {bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(n)};
  }

 private:
  std::array<u8, 40> bytes_{};
  size_t size_ = 0;
};

/// Displacements that keep base registers near the arena's addresses.
void push_disp(Bytes& out, unsigned bytes, Rng& rng) {
  const i64 value = bytes == 1 ? static_cast<i8>(rng()) : static_cast<i32>(rng()) >> 10;
  for (unsigned i = 0; i < bytes; ++i) out.push_back(static_cast<u8>(value >> (8 * i)));
}

class Variation {
 public:
  Variation(const Form& form, const Decode& sample, Rng& rng)
      : form_(form), raw_(sample.insn.raw), sample_(sample), rng_(rng) {}

  std::vector<u8> draw() {
    legacy_prefixes();
    if (sample_.insn.encoding == ZYDIS_INSTRUCTION_ENCODING_VEX) {
      vex_prefix();
    } else {
      rex_prefix();
    }
    opcode_and_modrm();
    for (unsigned i = 0; i < 9; ++i) out_.push_back(immediate_byte());
    return out_.instruction();
  }

 private:
  bool long64() const { return form_.mode == Mode::Long64; }
  bool has_modrm() const { return sample_.insn.attributes & ZYDIS_ATTRIB_HAS_MODRM; }
  bool memory() const {
    const auto all = sample_.all();
    return std::any_of(all.begin(), all.end(),
                       [](const auto& op) { return op.type == ZYDIS_OPERAND_TYPE_MEMORY; });
  }
  bool vex() const { return sample_.insn.encoding == ZYDIS_INSTRUCTION_ENCODING_VEX; }
  u8 immediate_byte() {
    static constexpr u8 corners[] = {0, 1, 0x7F, 0x80, 0xFF, 0x10};
    return one_in(rng_, 3) ? corners[below(rng_, std::size(corners))] : static_cast<u8>(rng_());
  }

  void legacy_prefixes() {
    if ((sample_.insn.attributes & ZYDIS_ATTRIB_ACCEPTS_LOCK) && one_in(rng_, 4))
      out_.push_back(0xF0);
    if (memory() && long64() && one_in(rng_, 8))
      out_.push_back(one_in(rng_, 2) ? 0x65 : 0x3E);  // GS, or DS: no effect
    if (memory() && long64() && has_modrm() && one_in(rng_, 8)) out_.push_back(0x67);
    for (unsigned i = 0; i < raw_.prefix_count; ++i)
      if ((raw_.prefixes[i].value & 0xF0) != 0x40) out_.push_back(raw_.prefixes[i].value);
  }
  void rex_prefix() {
    const bool w = sample_.insn.attributes & ZYDIS_ATTRIB_HAS_REX && raw_.rex.W;
    if (!long64() || (!w && one_in(rng_, 2))) return;
    out_.push_back(static_cast<u8>(0x40 | w << 3 | below(rng_, 8)));
  }
  void vex_prefix() {
    const u8 rxb = long64() ? static_cast<u8>(below(rng_, 8)) : 7;
    const u8 vvvv = one_in(rng_, 3) ? 15 : static_cast<u8>(below(rng_, 16) | (long64() ? 0 : 8));
    const u8 tail = static_cast<u8>(vvvv << 3 | raw_.vex.L << 2 | raw_.vex.pp);
    if (raw_.vex.m_mmmm == 1 && !raw_.vex.W && (rxb & 3) == 3 && one_in(rng_, 2)) {
      out_.add({0xC5u, (rxb & 4u) << 5 | tail});
      return;
    }
    out_.add({0xC4u, unsigned{rxb} << 5 | raw_.vex.m_mmmm, unsigned{raw_.vex.W} << 7 | tail});
  }
  void opcode_and_modrm() {
    if (!vex()) {
      if (sample_.insn.opcode_map != ZYDIS_OPCODE_MAP_DEFAULT) out_.push_back(0x0F);
      if (sample_.insn.opcode_map == ZYDIS_OPCODE_MAP_0F38) out_.push_back(0x38);
      if (sample_.insn.opcode_map == ZYDIS_OPCODE_MAP_0F3A) out_.push_back(0x3A);
      if (sample_.insn.opcode_map == ZYDIS_OPCODE_MAP_0F0F) out_.push_back(0x0F);
    }
    if (sample_.insn.opcode_map == ZYDIS_OPCODE_MAP_0F0F) return modrm();  // 3DNow!: opcode is last
    out_.push_back(sample_.insn.opcode);
    for (const auto& op : sample_.all())
      if (op.encoding == ZYDIS_OPERAND_ENCODING_OPCODE)
        out_.back() = static_cast<u8>((out_.back() & 0xF8) | below(rng_, 8));
    if (has_modrm()) modrm();
  }
  /// ModRM.reg is drawn where it names a register; else it belongs to the opcode.
  void modrm() {
    const bool keep_reg = one_in(rng_, 4);
    const u8 reg = keep_reg || extends_opcode() ? raw_.modrm.reg : static_cast<u8>(below(rng_, 8));
    if (raw_.modrm.mod == 3) {
      const u8 rm = one_in(rng_, 4) ? raw_.modrm.rm : static_cast<u8>(below(rng_, 8));
      out_.push_back(static_cast<u8>(0xC0 | reg << 3 | rm));
      return;
    }
    const u8 mod = static_cast<u8>(below(rng_, 3));
    const bool vsib = has_vsib();
    const u8 rm = vsib || one_in(rng_, 2) ? 4 : static_cast<u8>(below(rng_, 8));
    out_.push_back(static_cast<u8>(mod << 6 | reg << 3 | rm));
    const u8 sib = static_cast<u8>(rng_());
    if (rm == 4) out_.push_back(sib);
    const bool disp32 = mod == 2 || (mod == 0 && (rm == 5 || (rm == 4 && (sib & 7) == 5)));
    if (mod == 1) push_disp(out_, 1, rng_);
    if (disp32) push_disp(out_, 4, rng_);
  }
  bool extends_opcode() const {
    for (const auto& op : sample_.all())
      if (op.encoding == ZYDIS_OPERAND_ENCODING_MODRM_REG) return false;
    return true;
  }
  bool has_vsib() const {
    for (const auto& op : sample_.all())
      if (op.type == ZYDIS_OPERAND_TYPE_MEMORY && op.mem.type == ZYDIS_MEMOP_TYPE_VSIB) return true;
    return false;
  }

  const Form& form_;
  const ZydisDecodedInstructionRaw_& raw_;
  const Decode& sample_;
  Rng& rng_;
  Bytes out_;
};

void patch(std::vector<u8>& bytes, unsigned offset, unsigned bits, u64 value) {
  for (unsigned i = 0; i < bits / 8; ++i) bytes[offset + i] = static_cast<u8>(value >> (8 * i));
}

/// Operands whose address stands in the bytes get one in the arena.
void aim_absolute(std::vector<u8>& bytes, const Decode& d, Rng& rng) {
  for (const auto& op : d.all()) {
    if (op.type != ZYDIS_OPERAND_TYPE_MEMORY || d.insn.raw.disp.size < 32) continue;
    const bool rip = op.mem.base == ZYDIS_REGISTER_RIP || op.mem.base == ZYDIS_REGISTER_EIP;
    if (!rip && op.mem.base != ZYDIS_REGISTER_NONE) continue;
    u64 address = kData + 0x20 + below(rng, kDataBytes - 0x40);
    if (one_in(rng, 2)) address &= ~u64{31};
    if (op.mem.segment == ZYDIS_REGISTER_GS) address -= kGsBase;
    if (rip) address -= kInsnAt + d.insn.length;
    patch(bytes, d.insn.raw.disp.offset, d.insn.raw.disp.size, address);
  }
}

/// Relative branches stay in the code pages and clear of the instruction itself.
void aim_branch(std::vector<u8>& bytes, const Decode& d, Rng& rng) {
  const auto& imm = d.insn.raw.imm[0];
  if (!imm.is_relative) return;
  i64 target =
      imm.size == 8 ? static_cast<i8>(rng()) : static_cast<i64>(below(rng, 0x1C00)) - 0xE00;
  if (target < 16 && target > -32) target = 16;
  patch(bytes, imm.offset, imm.size, static_cast<u64>(target));
}

}  // namespace

std::vector<u8> vary(const Form& form, Rng& rng) {
  Decode sample;
  if (!decode(form.mode, form.bytes, sample)) return form.bytes;
  for (unsigned attempt = 0; attempt <= kAttempts; ++attempt) {
    std::vector<u8> bytes = attempt < kAttempts ? Variation(form, sample, rng).draw() : form.bytes;
    Decode d;
    if (!decode(form.mode, bytes, d)) continue;
    bytes.resize(d.insn.length);
    aim_absolute(bytes, d, rng);
    aim_branch(bytes, d, rng);
    if (decode(form.mode, bytes, d) && d.insn.length == bytes.size() &&
        signature(d) == form.signature)
      return bytes;
  }
  return form.bytes;
}

}  // namespace ring3::silicon
