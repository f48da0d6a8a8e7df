// SPDX-License-Identifier: MIT
// Guest vector and x87 state in the host's registers while translated code runs.
//
// Frame::resident says what stands in the host's registers; the rest stands in CpuState::fpu. A
// block loads what it needs at its first such instruction, and every way out of translated code
// stores what is resident back. State is resident only if its instructions may run (CR0, CR4, XCR0)
// and no exception of its kind is unmasked, so the host runs with all of them masked.
#pragma once

#include "core/host_exec_stub.h"
#include "decoder/block.h"
#include "jit/registers.h"

namespace ring3::jit {

enum Resident : u8 {
  kXmm = 1,  ///< XMM0 to XMM15 and MXCSR
  kYmm = 2,  ///< the upper halves too; never without kXmm
  kX87 = 4,  ///< x87 and MMX
};
inline constexpr Resident kResidents[] = {kXmm, kYmm, kX87};

/// The SIMD or x87 instruction's host stub, or null: its handler is written by hand, or it is none.
const Stub* host_stub(const Insn& insn);

/// What the instruction needs in the host's registers: Resident bits; 0 for all others.
u8 needed_residents(const Insn& insn);
u8 residents_of(const Block& block);

/// Entry points that make one kind resident. Called; CF set: it must not be. rax to r12 stay.
struct Loaders {
  asmjit::Label xmm, ymm, x87;
};
Loaders emit_loaders(x86::Assembler& a);

/// Stores what is resident and leaves the host's registers as C++ wants them. The frame is
/// `pushed` bytes above rsp. Guest registers are in CpuState already; kScratchA stays.
void emit_spill_residents(x86::Assembler& a, i32 pushed);

}  // namespace ring3::jit
