// SPDX-License-Identifier: MIT
// Runs one instruction on the host CPU. Entry and exit are signal returns: the handler swaps the
// interrupted context for the case's and, at the next trap, back; so no register has to be free
// and faults need no other path. A far return to selector 23h gives 32-bit code.
#pragma once

#include <functional>

#include "tests/silicon/state.h"

namespace ring3::silicon {

/// One per process at a time. x86-64 Linux.
class Native {
 public:
  Native();
  ~Native();
  Native(const Native&) = delete;

  /// Puts the instruction at kInsnAt, INT3 everywhere else.
  void place(std::span<const u8> bytes);
  /// The writable pages as both sides start from; the read-only one as well.
  void set_data(const DataImage& data);
  const u8* data() const { return reinterpret_cast<const u8*>(kData); }

  Outcome run(Mode mode, const Registers& in);

  /// Runs `f`; a host signal in it (our own bug) ends it. Returns that signal's number, or 0.
  static int guarded(const std::function<void()>& f);

 private:
  u8* code_alias_ = nullptr;  ///< the code pages, writable
  u8* data_alias_ = nullptr;  ///< the data pages, all writable
};

}  // namespace ring3::silicon
