// SPDX-License-Identifier: MIT
// One decoded instruction, in the form that engines run: operands resolved to register slots, the
// memory operand to base + index * scale + disp. 64 bytes: a cache line.
#pragma once

#include <Zydis/Mnemonic.h>

#include "base/types.h"

namespace ring3 {

struct Cpu;
struct Insn;
using Handler = void (*)(Cpu&, const Insn&);

/// What stands in an operand position.
enum class Kind : u8 { Reg, Mem, Imm, None };

/// General registers are named by their byte offset in CpuState::gpr: AL 0, AH 1, RAX 0, RCX 8, ...
/// Segment, control and debug registers by their architectural number; vector registers by theirs.
using RegSlot = u8;

enum Prefix : u8 { kLock = 1, kRep = 2, kRepne = 4, kSegOverride = 8, kRexW = 16 };

struct alignas(64) Insn {
  Handler handler = nullptr;
  u64 imm = 0;  ///< immediate, sign-extended to 64 bits; branch target displacement;
                ///< moffs address; far pointer offset
  i64 disp = 0;
  RegSlot dst = 0, src = 0, src2 = 0;  ///< explicit register operands in Intel order
  u8 base = 16, index = 16;            ///< gpr indices; CpuState::kZeroSlot if absent
  u8 scale = 0;                        ///< shift count 0 to 3
  u8 segment = 3;                      ///< Seg of the memory operand
  u8 length = 0;
  u16 mnemonic = 0;      ///< ZydisMnemonic
  u16 imm2 = 0;          ///< second immediate: far selector, ENTER's level
  u8 width = 4;          ///< bytes of the (first) operand; for stack and flow rows
                         ///< the effective operand size
  u8 address_width = 4;  ///< bytes
  Kind kinds[3] = {Kind::None, Kind::None, Kind::None};
  u8 prefixes = 0;
  u8 src_width = 4;           ///< bytes of the second operand (MOVZX, CRC32, ...)
  u8 flags_dead = 0;          ///< 1: no arithmetic flag this writes is read before it is
                              ///< written again, with no fault or exit in between
  u8 operand_width = 4;       ///< effective operand size by prefixes and mode: 2, 4, 8
  u8 opcode = 0;              ///< last opcode byte
  u8 joined = 0;              ///< 1: STI, and the next instruction is in its block and ends it
  const void* aux = nullptr;  ///< the handler's own: a host_exec stub

  bool locked() const { return prefixes & kLock; }
  bool has_mem() const {
    return kinds[0] == Kind::Mem || kinds[1] == Kind::Mem || kinds[2] == Kind::Mem;
  }
};
static_assert(sizeof(Insn) == 64);

}  // namespace ring3
