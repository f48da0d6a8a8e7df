// SPDX-License-Identifier: MIT
// The stub generator: SDM 2A "Instruction Format" for the prefixes, REX, VEX and ModRM it rewrites.
#include "core/host_exec_stub.h"

#include <cstring>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/check.h"
#include "core/cpu_model.h"
#include "host/code_memory.h"

namespace ring3 {
namespace {

/// Host registers of a stub's arguments (System V), as ModRM.rm encodes them.
enum Arg : u8 { kReg = 7, kMem = 6, kRm = 2, kVvvv = 1, kExtra = 8 };

/// The vector register that stands in for each operand position. Implicit XMM0 stays what it is.
enum Stand : u8 { kStandImplicit = 0, kStandReg = 1, kStandRm = 2, kStandVvvv = 3, kStandIs4 = 4 };

struct VectorOperand {
  Stand stand;
  Arg pointer;
  bool load = false, store = false;
};

/// What the generator found out about an instruction.
struct Plan {
  Stub stub;
  std::vector<VectorOperand> vectors;
  u8 reg = 0, rm = 0;  ///< register numbers to encode; rm counts if it is no memory operand
  bool vex = false, wide = false;
  bool has_vvvv = false, has_is4 = false;
  bool reads_general = false, writes_general = false;
  bool length_registers = false;  ///< reads EAX and EDX: PCMPESTRI, PCMPESTRM
  bool writes_ecx = false;        ///< PCMPxSTRI
  bool reads_flags = false;
  bool clear_w = false;
};

bool is_class(const ZydisDecodedOperand& op, std::initializer_list<ZydisRegisterClass> classes) {
  if (op.type != ZYDIS_OPERAND_TYPE_REGISTER) return false;
  for (ZydisRegisterClass c : classes)
    if (ZydisRegisterGetClass(op.reg.value) == c) return true;
  return false;
}
bool is_vector(const ZydisDecodedOperand& op) {
  return is_class(op, {ZYDIS_REGCLASS_XMM, ZYDIS_REGCLASS_YMM});
}
bool is_mmx(const ZydisDecodedOperand& op) { return is_class(op, {ZYDIS_REGCLASS_MMX}); }
bool is_general(const ZydisDecodedOperand& op) {
  return is_class(
      op, {ZYDIS_REGCLASS_GPR8, ZYDIS_REGCLASS_GPR16, ZYDIS_REGCLASS_GPR32, ZYDIS_REGCLASS_GPR64});
}
bool reads(const ZydisDecodedOperand& op) { return op.actions & ZYDIS_OPERAND_ACTION_MASK_READ; }
bool writes(const ZydisDecodedOperand& op) { return op.actions & ZYDIS_OPERAND_ACTION_MASK_WRITE; }
u8 number(const ZydisDecodedOperand& op) {
  return static_cast<u8>(ZydisRegisterGetId(op.reg.value)) & 15;
}

/// By the escape opcodes D8 to DF: Zydis counts FISTTP m32 to SSE3, not to SSE3X87.
bool is_x87(const Decoded& d) {
  return d.insn.opcode_map == ZYDIS_OPCODE_MAP_DEFAULT && (d.insn.opcode & 0xF8) == 0xD8;
}

bool has_operand(const Decoded& d, bool (*is)(const ZydisDecodedOperand&)) {
  for (unsigned n = 0; n < d.insn.operand_count; ++n)
    if (is(d.operands[n])) return true;
  return false;
}

/// CVTPI2PS, CVTTPD2PI and their like, which have no exception class in Zydis.
bool is_mmx_convert(const Decoded& d) {
  return d.insn.meta.category == ZYDIS_CATEGORY_CONVERT &&
         d.insn.meta.exception_class == ZYDIS_EXCEPTION_CLASS_NONE;
}

/// Classes whose manual entry lists SIMD floating-point exceptions.
bool uses_mxcsr(const Decoded& d) {
  switch (d.insn.meta.exception_class) {
    case ZYDIS_EXCEPTION_CLASS_SSE2:
    case ZYDIS_EXCEPTION_CLASS_SSE3:
    case ZYDIS_EXCEPTION_CLASS_AVX2:
    case ZYDIS_EXCEPTION_CLASS_AVX3:
    case ZYDIS_EXCEPTION_CLASS_AVX11:
      return true;
    default:
      return is_mmx_convert(d);
  }
}

/// Legacy SSE wants 16-byte operands aligned unless the instruction says otherwise; VEX only in
/// the aligned moves (SDM 2A "Exceptions Type 1, 2 and 4").
u8 alignment_mask(const Decoded& d, unsigned bytes) {
  switch (d.insn.mnemonic) {
    case ZYDIS_MNEMONIC_VMOVAPS:
    case ZYDIS_MNEMONIC_VMOVAPD:
    case ZYDIS_MNEMONIC_VMOVDQA:
    case ZYDIS_MNEMONIC_VMOVNTPS:
    case ZYDIS_MNEMONIC_VMOVNTPD:
    case ZYDIS_MNEMONIC_VMOVNTDQ:
    case ZYDIS_MNEMONIC_VMOVNTDQA:
      return static_cast<u8>(bytes - 1);
    case ZYDIS_MNEMONIC_MOVUPS:
    case ZYDIS_MNEMONIC_MOVUPD:
    case ZYDIS_MNEMONIC_MOVDQU:
    case ZYDIS_MNEMONIC_LDDQU:
    case ZYDIS_MNEMONIC_PCMPESTRI:
    case ZYDIS_MNEMONIC_PCMPESTRM:
    case ZYDIS_MNEMONIC_PCMPISTRI:
    case ZYDIS_MNEMONIC_PCMPISTRM:
      return 0;
    default:
      break;
  }
  const bool legacy = d.insn.encoding == ZYDIS_INSTRUCTION_ENCODING_LEGACY;
  return legacy && bytes == 16 ? 15 : 0;
}

u8 enable_of(const Decoded& d) {
  if (is_x87(d)) return kEnableX87;
  if (d.insn.mnemonic == ZYDIS_MNEMONIC_MOVNTI) return kEnableNone;
  if (d.insn.encoding == ZYDIS_INSTRUCTION_ENCODING_VEX) return kEnableAvx;
  u8 enable = 0;
  // CVTTSS2SI of memory names no vector register.
  if (has_operand(d, is_vector) || uses_mxcsr(d)) enable |= kEnableSse;
  if (has_operand(d, is_mmx) || enable == 0) enable |= kEnableMmx;  // EMMS has no operand
  return enable;
}

void plan_vector(const ZydisDecodedOperand& op, Plan& plan) {
  const bool keep = plan.stub.whole_image;
  VectorOperand v{};
  switch (op.encoding) {
    case ZYDIS_OPERAND_ENCODING_MODRM_REG:
      v = {kStandReg, kReg};
      plan.reg = keep ? number(op) : u8{kStandReg};
      break;
    case ZYDIS_OPERAND_ENCODING_MODRM_RM:
      v = {kStandRm, kRm};
      plan.rm = keep ? number(op) : u8{kStandRm};
      break;
    case ZYDIS_OPERAND_ENCODING_NDSNDD:
      v = {kStandVvvv, kVvvv};
      plan.has_vvvv = true;
      break;
    case ZYDIS_OPERAND_ENCODING_IS4:
      v = {kStandIs4, kExtra};
      plan.has_is4 = true;
      break;
    default:
      v = {kStandImplicit, kVvvv};
      break;
  }
  // Legacy instructions leave the rest of their destination as it was.
  v.load = reads(op) || !plan.vex;
  v.store = writes(op);
  plan.wide |= is_class(op, {ZYDIS_REGCLASS_YMM});
  if (!keep) plan.vectors.push_back(v);
}

void plan_general(const ZydisDecodedOperand& op, Plan& plan) {
  plan.stub.general = true;
  if (op.encoding == ZYDIS_OPERAND_ENCODING_NONE) {
    plan.length_registers |= reads(op);
    plan.writes_ecx |= writes(op);
    return;
  }
  plan.reads_general |= reads(op);
  plan.writes_general |= writes(op);
  u8& field = op.encoding == ZYDIS_OPERAND_ENCODING_MODRM_REG ? plan.reg : plan.rm;
  field = 0;  // rax
}

void plan_memory(const Decoded& d, const ZydisDecodedOperand& op, Stub& stub) {
  stub.mem_bytes = static_cast<u8>(op.size / 8);
  stub.mem_read |= reads(op);
  stub.mem_write |= writes(op);
  stub.align_mask = alignment_mask(d, stub.mem_bytes);
}

/// Outside 64-bit mode VEX.W is ignored where it selects a 64-bit general register.
bool ignores_w(const ZydisDecodedInstruction& insn) {
  if (insn.machine_mode == ZYDIS_MACHINE_MODE_LONG_64) return false;
  if (insn.opcode_map == ZYDIS_OPCODE_MAP_0F)
    return insn.opcode == 0x6E || insn.opcode == 0x7E || insn.opcode == 0x2A ||
           insn.opcode == 0x2C || insn.opcode == 0x2D;
  return insn.opcode_map == ZYDIS_OPCODE_MAP_0F3A && (insn.opcode == 0x16 || insn.opcode == 0x22);
}

Plan make_plan(const Decoded& d) {
  Plan plan;
  Stub& stub = plan.stub;
  plan.vex = d.insn.encoding == ZYDIS_INSTRUCTION_ENCODING_VEX;
  plan.clear_w = ignores_w(d.insn);
  plan.reg = d.insn.raw.modrm.reg & 7;
  plan.rm = d.insn.raw.modrm.rm & 7;
  stub.enable = enable_of(d);
  stub.whole_image = stub.enable & (kEnableX87 | kEnableMmx);
  stub.mxcsr = uses_mxcsr(d);
  const ZydisAccessedFlags* flags = d.insn.cpu_flags;
  stub.writes_flags = (flags->modified | flags->set_0 | flags->set_1) & flag::kArith;
  plan.reads_flags = flags->tested & flag::kArith;
  for (unsigned n = 0; n < d.insn.operand_count; ++n) {
    const ZydisDecodedOperand& op = d.operands[n];
    if (op.type == ZYDIS_OPERAND_TYPE_MEMORY) plan_memory(d, op, stub);
    if (is_vector(op)) plan_vector(op, plan);
    if (is_general(op)) plan_general(op, plan);
  }
  return plan;
}

class Assembler {
 public:
  void bytes(std::initializer_list<int> list) {
    for (int b : list) code_.push_back(static_cast<char>(b));
  }
  const std::string& code() const { return code_; }

  /// (v)movups xmm, [pointer] or back; the upper half of a YMM register with it if `wide`.
  void move(const VectorOperand& v, bool store, bool vex, bool wide) {
    const int b = v.pointer == kExtra ? 1 : 0;
    const int rm = v.pointer & 7;
    const int modrm = v.stand << 3 | rm;
    if (!vex) {
      if (b) bytes({0x41});
      return bytes({0x0F, store ? 0x11 : 0x10, modrm});
    }
    bytes({0xC4, 0xE1 - 0x20 * b, 0x78, store ? 0x11 : 0x10, modrm});
    if (!wide) return;
    // vextractf128 [pointer + high], ymm, 1; vinsertf128 ymm, ymm, [pointer + high], 1.
    const int vvvv = store ? 15 : ~v.stand & 15;
    bytes({0xC4, 0xE3 - 0x20 * b, vvvv << 3 | 5, store ? 0x19 : 0x18, 0x80 | modrm});
    bytes({fpu::kHighHalf & 0xFF, fpu::kHighHalf >> 8, 0, 0, 1});
  }

  void instruction(const Decoded& d, const Plan& plan);

 private:
  void legacy_prefixes(const Decoded& d, const Plan& plan, bool memory);
  void vex_prefix(const Decoded& d, const Plan& plan);
  void immediate(const Decoded& d, const Plan& plan);

  std::string code_;
};

void Assembler::legacy_prefixes(const Decoded& d, const Plan& plan, bool memory) {
  const auto& raw = d.insn.raw;
  for (unsigned n = 0; n < raw.prefix_count; ++n) {
    const int value = raw.prefixes[n].value;
    const bool selects = value == 0x66 || value == 0xF2 || value == 0xF3;
    if (selects && raw.prefixes[n].type == ZYDIS_PREFIX_TYPE_MANDATORY) bytes({value});
  }
  const int w = d.insn.machine_mode == ZYDIS_MACHINE_MODE_LONG_64 ? raw.rex.W : 0;
  const int rex = w << 3 | (plan.reg >> 3) << 2 | (memory ? 0 : plan.rm >> 3);
  if (rex) bytes({0x40 | rex});
  switch (d.insn.opcode_map) {
    case ZYDIS_OPCODE_MAP_0F:
      return bytes({0x0F});
    case ZYDIS_OPCODE_MAP_0F38:
      return bytes({0x0F, 0x38});
    case ZYDIS_OPCODE_MAP_0F3A:
      return bytes({0x0F, 0x3A});
    default:
      return;
  }
}

void Assembler::vex_prefix(const Decoded& d, const Plan& plan) {
  const auto& vex = d.insn.raw.vex;
  const int w = plan.clear_w ? 0 : vex.W;
  const int vvvv = plan.has_vvvv ? ~kStandVvvv & 15 : 15;
  bytes({0xC4, 0xE0 | vex.m_mmmm, w << 7 | vvvv << 3 | vex.L << 2 | vex.pp});
}

void Assembler::immediate(const Decoded& d, const Plan& plan) {
  if (!plan.has_is4 && d.insn.raw.imm[0].size == 0) return;
  const int imm = d.bytes[d.insn.length - 1];
  bytes({plan.has_is4 ? kStandIs4 << 4 | (imm & 15) : imm});
}

void Assembler::instruction(const Decoded& d, const Plan& plan) {
  const bool has_modrm = d.insn.attributes & ZYDIS_ATTRIB_HAS_MODRM;
  const bool memory = has_modrm && d.insn.raw.modrm.mod != 3;
  plan.vex ? vex_prefix(d, plan) : legacy_prefixes(d, plan, memory);
  bytes({d.insn.opcode});
  if (has_modrm)
    bytes({(memory ? 0 : 0xC0) | (plan.reg & 7) << 3 | (memory ? u8{kMem} : plan.rm & 7)});
  immediate(d, plan);
}

std::string generate(const Decoded& d, const Plan& plan) {
  const Stub& stub = plan.stub;
  Assembler a;
  if (stub.whole_image) a.bytes({0x48, 0x0F, 0xAE, 0x0F});  // fxrstor64 [rdi]
  for (const VectorOperand& v : plan.vectors)
    if (v.load) a.move(v, false, plan.vex, plan.wide);
  if (stub.mxcsr) a.bytes({0x41, 0x0F, 0xAE, 0x51, offsetof(StubContext, mxcsr)});  // ldmxcsr
  if (plan.reads_flags) a.bytes({0x89, 0xC8, 0x88, 0xC4, 0x9E});  // mov eax, ecx; mov ah, al; sahf
  if (plan.reads_general || plan.length_registers) a.bytes({0x49, 0x8B, 0x00});  // mov rax, [r8]
  if (plan.length_registers) a.bytes({0x49, 0x8B, 0x50, 16});                    // mov rdx, [r8+16]
  a.instruction(d, plan);
  if (stub.writes_flags)  // pushfq; pop [r9 + flags]
    a.bytes({0x9C, 0x41, 0x8F, 0x41, offsetof(StubContext, flags)});
  if (stub.mxcsr) a.bytes({0x41, 0x0F, 0xAE, 0x59, offsetof(StubContext, mxcsr)});  // stmxcsr
  for (const VectorOperand& v : plan.vectors)
    if (v.store) a.move(v, true, plan.vex, plan.vex);    // VEX cleared what it did not write
  if (plan.writes_general) a.bytes({0x49, 0x89, 0x00});  // mov [r8], rax
  if (plan.writes_ecx) a.bytes({0x49, 0x89, 0x48, 8});   // mov [r8+8], rcx
  if (stub.whole_image) a.bytes({0x48, 0x0F, 0xAE, 0x07, 0xDB, 0xE3});  // fxsave64 [rdi]; fninit
  if (plan.vex) a.bytes({0xC5, 0xF8, 0x77});                            // vzeroupper
  if (stub.mxcsr || stub.whole_image)
    a.bytes({0x41, 0x0F, 0xAE, 0x51, offsetof(StubContext, host_mxcsr)});
  a.bytes({0xC3});
  return a.code();
}
static_assert(offsetof(StubContext, flags) < 128);

/// Code and descriptions, by code and by what a handler must know. Grows; nothing is ever freed.
class StubCache {
 public:
  const Stub* find(const Stub& description, const std::string& code) {
    const unsigned uses = description.mem_read | description.mem_write << 1;
    std::string key;
    for (unsigned part : {unsigned{description.feature.word}, description.feature.mask,
                          unsigned{description.enable}, unsigned{description.mem_bytes},
                          unsigned{description.align_mask}, uses})
      key += std::to_string(part) + ' ';
    key += code;
    std::lock_guard lock(mutex_);
    std::unique_ptr<Stub>& stub = stubs_[key];
    if (!stub) {
      stub = std::make_unique<Stub>(description);
      stub->entry = reinterpret_cast<Stub::Entry>(reinterpret_cast<uintptr_t>(place(code)));
    }
    return stub.get();
  }
  size_t count() {
    std::lock_guard lock(mutex_);
    return stubs_.size();
  }

 private:
  static constexpr size_t kChunk = 1 << 20, kAlign = 16;

  const u8* place(const std::string& code) {
    if (chunks_.empty() || used_ + code.size() > kChunk) {
      Result<std::unique_ptr<CodeMemory>> chunk = CodeMemory::create(kChunk);
      RING3_CHECK(chunk.ok(), "{}", chunk.error());
      chunks_.push_back(std::move(*chunk));
      used_ = 0;
    }
    const size_t at = used_;
    std::memcpy(chunks_.back()->writable(at), code.data(), code.size());
    used_ = (used_ + code.size() + kAlign - 1) & ~(kAlign - 1);
    return chunks_.back()->executable(at);
  }

  std::mutex mutex_;
  std::unordered_map<std::string, std::unique_ptr<Stub>> stubs_;
  std::vector<std::unique_ptr<CodeMemory>> chunks_;
  size_t used_ = 0;
};

StubCache& cache() {
  static StubCache stubs;
  return stubs;
}

/// Zydis files the 128-bit VPCLMULQDQ under AVX alone.
IsaFeature feature_for(const Decoded& d) {
  const bool carryless =
      d.insn.mnemonic == ZYDIS_MNEMONIC_VPCLMULQDQ && d.insn.meta.isa_set == ZYDIS_ISA_SET_AVX;
  return feature_of(carryless ? ZYDIS_ISA_SET_PCLMULQDQ : d.insn.meta.isa_set);
}

bool host_can_run(const IsaFeature& f) {
  return f.known && (host_feature_words()[f.feature.word] & f.feature.mask) != 0;
}

}  // namespace

const Stub* find_stub(const Decoded& decoded) {
  const IsaFeature feature = feature_for(decoded);
  if (!host_can_run(feature)) return nullptr;
  Plan plan = make_plan(decoded);
  plan.stub.feature = feature.feature;
  return cache().find(plan.stub, generate(decoded, plan));
}

u16 operand_registers(const Decoded& d) {
  unsigned packed = 0;
  for (unsigned n = 0; n < d.insn.operand_count; ++n) {
    const ZydisDecodedOperand& op = d.operands[n];
    if (!is_vector(op) && !is_general(op)) continue;
    const bool general = is_general(op);
    if (general && op.encoding == ZYDIS_OPERAND_ENCODING_NONE) continue;
    unsigned shift = 8;
    if (op.encoding == ZYDIS_OPERAND_ENCODING_MODRM_REG) shift = 0;
    if (op.encoding == ZYDIS_OPERAND_ENCODING_MODRM_RM) shift = 4;
    if (op.encoding == ZYDIS_OPERAND_ENCODING_IS4 || general) shift = 12;
    packed |= unsigned{number(op)} << shift;
  }
  return static_cast<u16>(packed);
}

size_t stub_count() { return cache().count(); }

}  // namespace ring3
