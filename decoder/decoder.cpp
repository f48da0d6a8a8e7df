// SPDX-License-Identifier: MIT
#include "decoder/decoder.h"

#include <algorithm>
#include <array>

namespace ring3 {
namespace {

/// The byte offset of a general register in the cpu's file, or the number of any other register.
RegSlot slot_of(ZydisRegister reg) {
  const u8 id = static_cast<u8>(std::max<i8>(ZydisRegisterGetId(reg), 0));
  switch (ZydisRegisterGetClass(reg)) {
    case ZYDIS_REGCLASS_GPR8:
      if (reg >= ZYDIS_REGISTER_AH && reg <= ZYDIS_REGISTER_BH)
        return static_cast<RegSlot>(8 * (reg - ZYDIS_REGISTER_AH) + 1);
      if (reg >= ZYDIS_REGISTER_SPL)
        return static_cast<RegSlot>(8 * (reg - ZYDIS_REGISTER_SPL + 4));
      return static_cast<RegSlot>(8 * (reg - ZYDIS_REGISTER_AL));
    case ZYDIS_REGCLASS_GPR16:
    case ZYDIS_REGCLASS_GPR32:
    case ZYDIS_REGCLASS_GPR64:
      return static_cast<RegSlot>(8 * id);
    default:
      return id;
  }
}

constexpr u8 kZeroSlot = 16, kRipSlot = 17;  // CpuState's general register file

u8 address_register(ZydisRegister reg) {
  if (reg == ZYDIS_REGISTER_NONE) return kZeroSlot;
  if (reg == ZYDIS_REGISTER_RIP || reg == ZYDIS_REGISTER_EIP || reg == ZYDIS_REGISTER_IP)
    return kRipSlot;
  if (ZydisRegisterGetClass(reg) > ZYDIS_REGCLASS_GPR64) return kZeroSlot;  // VSIB index
  return static_cast<u8>(ZydisRegisterGetId(reg));
}

u8 segment_number(ZydisRegister reg) {
  return reg == ZYDIS_REGISTER_NONE ? 3 : static_cast<u8>(reg - ZYDIS_REGISTER_ES);
}

void lower_memory(const ZydisDecodedOperandMem& mem, Insn& insn) {
  insn.base = address_register(mem.base);
  insn.index = address_register(mem.index);
  insn.scale = mem.scale == 8 ? 3 : mem.scale == 4 ? 2 : mem.scale == 2 ? 1 : 0;
  insn.disp = mem.disp.has_displacement ? mem.disp.value : 0;
  insn.segment = segment_number(mem.segment);
}

void lower_operand(const ZydisDecodedOperand& op, unsigned n, Insn& insn) {
  RegSlot* const regs[] = {&insn.dst, &insn.src, &insn.src2};
  switch (op.type) {
    case ZYDIS_OPERAND_TYPE_REGISTER:
      insn.kinds[n] = Kind::Reg;
      *regs[n] = slot_of(op.reg.value);
      break;
    case ZYDIS_OPERAND_TYPE_MEMORY:
      insn.kinds[n] = Kind::Mem;
      lower_memory(op.mem, insn);
      break;
    case ZYDIS_OPERAND_TYPE_POINTER:
      insn.kinds[n] = Kind::Imm;
      insn.imm = op.ptr.offset;
      insn.imm2 = op.ptr.segment;
      break;
    case ZYDIS_OPERAND_TYPE_IMMEDIATE:
      insn.kinds[n] = Kind::Imm;
      if (n > 0 && insn.kinds[n - 1] == Kind::Imm) {
        insn.imm2 = static_cast<u16>(op.imm.value.u);
      } else {
        insn.imm = op.imm.value.u;
      }
      break;
    default:
      break;
  }
}

/// String instructions hide their operands: the source segment is what a prefix may change.
void lower_hidden_source(const Decoded& d, Insn& insn) {
  for (unsigned n = 0; n < d.insn.operand_count; ++n) {
    const ZydisDecodedOperand& op = d.operands[n];
    if (op.type == ZYDIS_OPERAND_TYPE_MEMORY && op.visibility == ZYDIS_OPERAND_VISIBILITY_HIDDEN &&
        op.mem.base != ZYDIS_REGISTER_NONE && ZydisRegisterGetId(op.mem.base) != 7)
      insn.segment = segment_number(op.mem.segment);
  }
}

u8 lower_prefixes(const ZydisDecodedInstruction& insn) {
  u8 p = 0;
  if (insn.attributes & ZYDIS_ATTRIB_HAS_LOCK) p |= kLock;
  if (insn.attributes & (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE)) p |= kRep;
  if (insn.attributes & ZYDIS_ATTRIB_HAS_REPNE) p |= kRepne;
  if (insn.attributes & ZYDIS_ATTRIB_HAS_SEGMENT) p |= kSegOverride;
  if (insn.raw.rex.W) p |= kRexW;
  return p;
}

/// Bytes of operand n, or the effective operand size for immediates and absent operands.
u8 width_of(const Decoded& d, unsigned n) {
  if (n < d.insn.operand_count_visible) {
    const ZydisDecodedOperand& op = d.operands[n];
    if (op.type == ZYDIS_OPERAND_TYPE_REGISTER || op.type == ZYDIS_OPERAND_TYPE_MEMORY)
      return static_cast<u8>(op.size / 8);
  }
  return d.insn.operand_width / 8;
}

/// SIB.base 101 with ModRM.mod 00 is "no base", whatever REX.B (SDM 2A table 2-3); with 32-bit
/// addresses Zydis 4.0 takes REX.B into account and loses the displacement.
void correct_sib(Decoded& d) {
  const auto& raw = d.insn.raw;
  if (raw.modrm.mod != 0 || raw.modrm.rm != 4 || (raw.sib.base & 7) != 5) return;
  for (ZydisDecodedOperand& op : d.operands) {
    if (op.type != ZYDIS_OPERAND_TYPE_MEMORY || op.mem.base != ZYDIS_REGISTER_R13D) continue;
    op.mem.base = ZYDIS_REGISTER_NONE;
    op.mem.disp.has_displacement = ZYAN_TRUE;
    op.mem.disp.value = raw.disp.value;
  }
}

/// F3 90 is PAUSE only without REX.B: F3 41 90 exchanges R8 and RAX, F3 does nothing.
bool is_exchange(const ZydisDecodedInstruction& insn) {
  return insn.mnemonic == ZYDIS_MNEMONIC_PAUSE && insn.raw.rex.B;
}

DecodeStatus decode_exchange(const ZydisDecoder& decoder, std::span<const u8> bytes, Decoded& out) {
  std::array<u8, ZYDIS_MAX_INSTRUCTION_LENGTH> plain{};
  size_t n = 0;
  const size_t length = out.insn.length;
  for (const u8 byte : bytes.first(length))
    if (byte != 0xF3) plain[n++] = byte;
  ZydisDecoderDecodeFull(&decoder, plain.data(), n, &out.insn, out.operands);
  out.insn.length = static_cast<u8>(length);
  return DecodeStatus::Ok;
}

}  // namespace

Decoder::Decoder() {
  ZydisDecoderInit(&decoders_[0], ZYDIS_MACHINE_MODE_LEGACY_16, ZYDIS_STACK_WIDTH_16);
  ZydisDecoderInit(&decoders_[1], ZYDIS_MACHINE_MODE_LEGACY_32, ZYDIS_STACK_WIDTH_32);
  ZydisDecoderInit(&decoders_[2], ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
  // Features that the guest cpu lacks: their encodings are the NOPs that they were before.
  for (ZydisDecoder& d : decoders_)
    for (auto mode : {ZYDIS_DECODER_MODE_MPX, ZYDIS_DECODER_MODE_CET, ZYDIS_DECODER_MODE_CLDEMOTE,
                      ZYDIS_DECODER_MODE_KNC})
      ZydisDecoderEnableMode(&d, mode, ZYAN_FALSE);
}

DecodeStatus Decoder::decode(CodeSize size, std::span<const u8> bytes, Decoded& out) const {
  out.bytes = bytes.data();
  const auto mode = static_cast<unsigned>(size);
  if (templates_.find(mode, bytes, out)) return DecodeStatus::Ok;
  const DecodeStatus status = decode_anew(size, bytes, out);
  if (status == DecodeStatus::Ok) templates_.keep(mode, bytes, out);
  return status;
}

DecodeStatus Decoder::decode_anew(CodeSize size, std::span<const u8> bytes, Decoded& out) const {
  const ZydisDecoder& decoder = decoders_[static_cast<size_t>(size)];
  const ZyanStatus status =
      ZydisDecoderDecodeFull(&decoder, bytes.data(), bytes.size(), &out.insn, out.operands);
  if (ZYAN_SUCCESS(status)) {
    if (is_unsupported(out.insn.meta.isa_set)) return DecodeStatus::Invalid;
    if (is_exchange(out.insn)) return decode_exchange(decoder, bytes, out);
    correct_sib(out);
    return DecodeStatus::Ok;
  }
  if (status == ZYDIS_STATUS_NO_MORE_DATA)
    return bytes.size() >= ZYDIS_MAX_INSTRUCTION_LENGTH ? DecodeStatus::TooLong
                                                        : DecodeStatus::Truncated;
  return status == ZYDIS_STATUS_INSTRUCTION_TOO_LONG ? DecodeStatus::TooLong
                                                     : DecodeStatus::Invalid;
}

void Decoder::lower(const Decoded& d, Insn& insn) {
  insn = Insn{};
  insn.mnemonic = static_cast<u16>(d.insn.mnemonic);
  insn.length = d.insn.length;
  insn.opcode = d.insn.opcode;
  insn.prefixes = lower_prefixes(d.insn);
  insn.address_width = d.insn.address_width / 8;
  insn.operand_width = d.insn.operand_width / 8;
  const unsigned visible = std::min<unsigned>(d.insn.operand_count_visible, 3);
  for (unsigned n = 0; n < visible; ++n) lower_operand(d.operands[n], n, insn);
  if (visible == 0) lower_hidden_source(d, insn);
  insn.width = width_of(d, 0);
  insn.src_width = width_of(d, 1);
}

std::string Decoder::format(const Decoded& d, u64 address) {
  ZydisFormatter formatter;
  ZydisFormatterInit(&formatter, ZYDIS_FORMATTER_STYLE_INTEL);
  char text[160];
  if (ZYAN_FAILED(ZydisFormatterFormatInstruction(&formatter, &d.insn, d.operands,
                                                  d.insn.operand_count_visible, text, sizeof text,
                                                  address, nullptr)))
    return "(bad)";
  return text;
}

}  // namespace ring3
