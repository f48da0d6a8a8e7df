// SPDX-License-Identifier: MIT
// A random program: up to 16 instructions of every row that a program may use, with branches,
// calls, loops and writes into its own code. Everything follows from the seed.
#pragma once

#include <vector>

#include "core/cpu.h"
#include "decoder/decoder.h"
#include "tests/silicon/encode.h"

namespace ring3::differential {

using silicon::below;
using silicon::one_in;
using silicon::Rng;

enum class Mode : u8 {
  Long64,        ///< CPL 0
  Long64User,    ///< CPL 3
  Compat32User,  ///< 32-bit code segment in long mode, CPL 3
  Protected32,   ///< flat, paging, CPL 0
  Protected32User,
  Segmented32,  ///< bases and limits that matter, CPL 0
  Segmented32User,
  Protected16,
  Real16,
};
inline constexpr unsigned kModes = 9;
const char* name_of(Mode mode);
inline bool is_long64(Mode m) { return m == Mode::Long64 || m == Mode::Long64User; }
inline bool is_16(Mode m) { return m == Mode::Protected16 || m == Mode::Real16; }
inline bool is_segmented(Mode m) { return m >= Mode::Segmented32; }
inline bool is_user(Mode m) {
  return m == Mode::Long64User || m == Mode::Compat32User || m == Mode::Protected32User ||
         m == Mode::Segmented32User;
}
CodeSize code_size(Mode mode);

/// Linear addresses in protected modes; real mode has them at the physical place.
inline constexpr u64 kCode = 0x1000'0000, kData = 0x1002'0000, kStack = 0x1003'0000;
inline constexpr u64 kCodePhysical = 0x10000, kDataPhysical = 0x20000, kStackPhysical = 0x30000;
inline constexpr unsigned kCodePages = 3, kDataPages = 12, kStackPages = 2;
/// Kinds of data pages, in this order.
enum DataPage : u8 {
  kPlain0,
  kPlain1,
  kReadOnly,
  kAbsent,
  kNoExecute,
  kDevice,
  kSupervisor,
  kAliasOfCode,
  kHole,
  kFar0,  ///< physically after the next one
  kFar1,
  kLast
};

/// One step; branches name the step they go to.
struct Item {
  enum class Kind : u8 { Bytes, Jump, Address, Patch } kind = Kind::Bytes;
  std::vector<u8> bytes;    ///< of a jump: all but the displacement
  unsigned target = 0;      ///< of Jump and Address (mov rax, it): a step; of Patch: the step whose
                            ///< last byte is written
  bool short_form = false;  ///< of Jump: 8-bit displacement (LOOP, JCXZ)
  bool through_alias = false;
};

struct Program {
  u64 seed = 0;
  Mode mode = Mode::Long64;
  u64 start = 0;  ///< offset of the first instruction in the code pages
  std::vector<Item> items;
  /// Instructions between two looks; an NMI comes at the looks whose bit is set.
  std::vector<u32> slices;
  u64 nmis = 0;

  /// The bytes, to stand at kCode + start.
  std::vector<u8> assemble() const;
};

Program make_program(u64 seed);
/// Operands near the data, else corner values.
u64 random_value(Rng& rng);
/// An address of the data pages as this mode's code uses it.
u64 data_offset(Mode mode, Rng& rng);
u64 data_base(Mode mode);  ///< of DS

/// False if an instruction may read, or a branch carry on, flags that are undefined.
bool looks_at_defined_flags(const Program& program);

std::string listing(const Program& program);

}  // namespace ring3::differential
