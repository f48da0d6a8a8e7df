// SPDX-License-Identifier: MIT
// How rows find their handlers. Each family has one file that expands its rows of isa.def into a
// FamilyTable; bind() merges them. A Binding holds a handler per width and operand form.
//
// Calling convention of a handler: rip already points past the instruction; a fault is thrown
// before any architectural change, the engine then moves rip back. Handlers never read a clock.
#pragma once

#include <span>

#include "core/cpu.h"
#include "decoder/decoder.h"

namespace ring3 {

/// Picks the handler of one decoded instruction; may set Insn::aux.
struct Binding {
  Handler (*select)(Insn& insn, const Decoded& decoded);
};

struct FamilyRow {
  ZydisMnemonic mnemonic;
  Binding binding;
};
using FamilyTable = std::span<const FamilyRow>;

// One per file decoder/isa/*.def. Defined in core/<family>.cpp.
FamilyTable alu_family();
FamilyTable shift_family();
FamilyTable muldiv_family();
FamilyTable bits_family();
FamilyTable data_family();
FamilyTable decimal_family();
FamilyTable flags_family();
FamilyTable flow_family();
FamilyTable stack_family();
FamilyTable string_family();
FamilyTable io_family();
FamilyTable system_family();
FamilyTable segment_family();
FamilyTable far_family();
FamilyTable x87_family();
FamilyTable mmx_family();
FamilyTable sse_family();
FamilyTable avx_family();
FamilyTable xsave_family();
FamilyTable crypto_family();

/// The Binder that engines give to the block scanner.
void bind(Insn& insn, const Decoded& decoded);

/// One handler for all forms.
template <Handler handler>
inline constexpr Binding one{[](Insn&, const Decoded&) { return handler; }};

/// One handler template per operand width in bytes (Insn::width): F<u16>::run and so on.
template <template <class> class F>
inline constexpr Binding by_width{[](Insn& insn, const Decoded&) -> Handler {
  switch (insn.width) {
    case 1:
      return F<u8>::run;
    case 2:
      return F<u16>::run;
    case 4:
      return F<u32>::run;
    default:
      return F<u64>::run;
  }
}};

/// Takes rip back to the instruction: it shall run again.
inline void step_back(Cpu& cpu, const Insn& insn) {
  cpu.state.rip() = (cpu.state.rip() - insn.length) & cpu.state.linear_mask;
}

// Handlers that raise, for undefined encodings.
void raise_ud(Cpu& cpu, const Insn& insn);
void raise_gp0(Cpu& cpu, const Insn& insn);

}  // namespace ring3
