// SPDX-License-Identifier: MIT
// Block -> NativeBlock. One Translator per block; cold paths are gathered and put after the block.
//
// Where the guest's arithmetic flags stand is tracked through the block: in the host's flags, in
// Frame::flags, or in both. At a block's entry, at exits and at callouts they stand in the frame.
#pragma once

#include "jit/forms.h"
#include "jit/profile.h"
#include "jit/registers.h"
#include "jit/stubs.h"
#include "jit/treatment.h"

namespace ring3::jit {

/// What translations of one engine share.
struct Context {
  Cpu& cpu;
  const JitOptions& options;
  Decoder decoder;
  CodeCache& cache;
  Stubs stubs;
  // Byte offsets from CpuState.
  i32 signals = 0, window = 0, generation = 0;
};

class Translator {
 public:
  Translator(Context& context, Block& block, u64 rip);
  /// Null: something could not be assembled.
  std::unique_ptr<NativeBlock> translate(std::span<const u8> bytes);

 private:
  enum Where : u8 { kHost = 1, kFrame = 2 };
  struct Cold {
    asmjit::Label label, back;
    u32 index;
    u8 flags_after;
    bool returns;
  };

  void instruction(std::span<const u8> bytes);
  // record.cpp: nothing unless a profile keeps records
  void begin_record();
  void mark(u8 insn, bool cold);
  void note_treatment(Treatment treatment);
  void note_site(CalloutSite& site);
  void end_record();
  void callout(bool last);
  void call_handler(u32 index, bool last);
  // flags
  void save_flags();  ///< makes the frame's copy right; keeps the host's
  void restore_flags(x86::Gp scratch);
  void note_flags(const FlagUse& use) {
    if (use.writes) flags_ = kHost;
  }
  // emit_copy.cpp
  bool copy(bool memory);
  bool place_spilled(std::array<u8, 16>& places, bool memory);
  void load_places(const std::array<u8, 16>& places);
  void store_places(const std::array<u8, 16>& places);
  // emit_memory.cpp
  void effective_address(const ZydisDecodedOperand& op);
  asmjit::Label probe(Access access, unsigned size);
  asmjit::Label cold_path(bool returns);
  void finish_cold(asmjit::Label cold);
  void emit_cold();
  x86::Gp guest_in(unsigned guest, x86::Gp scratch);
  // emit_string.cpp; each of these says whether the instruction is one of its own
  bool emit_string();
  void emit_single(const StringForm& form);
  void emit_repeated(const StringForm& form);
  void add_segment(u8 segment);
  void string_address(Gpr guest, u8 segment);
  void advance(Gpr guest, unsigned size);
  void step(Gpr guest, unsigned size);
  void chunk(const StringForm& form);
  void after_chunk(const StringForm& form, asmjit::Label finish);
  // emit_stack.cpp
  bool emit_stack();
  void emit_push_sized();
  void emit_pop_memory();
  void emit_pop_word();
  void emit_enter();
  void emit_loop();
  // emit_misc.cpp
  bool emit_misc();
  void need_flags(x86::Gp scratch);
  void load_register(x86::Gp to, RegSlot slot);
  void check_unsigned(unsigned width, asmjit::Label overflow);
  void check_signed(unsigned width, asmjit::Label overflow);
  void emit_divide(bool is_signed);
  void bit_string_words();
  void emit_bit_string();
  void refuse_misaligned(unsigned size, asmjit::Label cold);
  void emit_xlat();
  void emit_mov_from_segment();
  // emit_flow.cpp
  void emit();
  void emit_jcc();
  void emit_jmp();
  void emit_call();
  void emit_ret();
  void emit_push();
  void emit_pop();
  void emit_leave();
  void indirect_target();
  void push_value(x86::Gp value);
  void check_canonical(asmjit::Label cold);
  void count_and_poll(asmjit::Label leave);
  void exit_to(u64 target);
  void exit_indirect();

  Context& c_;
  Block& block_;
  asmjit::CodeHolder code_;
  x86::Assembler a_;
  std::unique_ptr<NativeBlock> t_;
  std::vector<Cold> cold_;
  Decoded d_{};
  const Insn* insn_ = nullptr;
  u32 index_ = 0;
  u64 rip_, at_ = 0;  ///< of the block, of the instruction
  u8 flags_ = kFrame;
  bool ended_ = false, in_cold_ = false;
  BlockRecord* record_ = nullptr;
  std::vector<HostPart> parts_;
};

}  // namespace ring3::jit
