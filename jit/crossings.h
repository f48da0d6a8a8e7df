// SPDX-License-Identifier: MIT
// Direct exits to code in other pages. What stands there may change with the address space, so that
// such an exit compares the generation under which it was linked (mmu/generations.h) with the
// present one:
//
//   check:  cmp dword [generation], number
//           jne leave
//           jmp to
//
// Exits of user code compare the number of the target's place instead (mmu/code_places.h), which
// holds in each space that has the page there:
//
//   check:  cmp dword [places + slot], number
//
// Where the code is the same in all spaces, as in most of a kernel, the exit is open: the check is
// overwritten by a jump to the target, until the generation of global pages changes.
#pragma once

#include <vector>

#include "jit/code_cache.h"
#include "jit/translation.h"

namespace ring3::jit {

class Crossings {
 public:
  Crossings(CodeCache& cache, const i32& places) : cache_(cache), places_(places) {}

  /// Before an exit is linked. A number that takes four bytes.
  static constexpr i32 kNoNumber = 0x7FFFFFFF;

  /// The exit goes on to its link while this is the generation. Two in use at once must differ in
  /// their low half.
  void check(ExitSite& site, u64 generation);
  void check(ExitSite& site, CodePlaces::Place place);
  void open(ExitSite& site, const u8* to);
  /// An open exit has its check back.
  void close(ExitSite& site);

  /// One that is open, or null.
  ExitSite* any_open() const { return open_.empty() ? nullptr : open_.back(); }
  /// When all code was dropped.
  void forget() { open_.clear(); }

 private:
  CodeCache& cache_;
  const i32& places_;  ///< of slots, from CpuState
  std::vector<ExitSite*> open_;
};

}  // namespace ring3::jit
