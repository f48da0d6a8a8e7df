// SPDX-License-Identifier: MIT
// Where a debugger outside the guest (gdb stub, monitor) wants the machine to stop. The guest sees
// nothing of it: no INT3 in its memory, no debug register taken.
#pragma once

#include <optional>
#include <vector>

#include "core/cpu.h"

namespace ring3 {

class DebugStops {
 public:
  struct Watch {
    u64 address = 0, size = 1;  ///< linear
    bool reads = false, writes = false;
    bool operator==(const Watch&) const = default;
  };
  struct Hit {
    u64 address = 0;
    std::optional<Watch> watch;  ///< none: a breakpoint
  };

  explicit DebugStops(Cpu& cpu) : cpu_(cpu) { cpu.stops = this; }
  ~DebugStops() { cpu_.stops = nullptr; }
  DebugStops(const DebugStops&) = delete;

  // While the engine does not run. False: there is none such.
  void add_breakpoint(u64 linear);
  bool remove_breakpoint(u64 linear);
  void add_watch(const Watch& watch);
  bool remove_watch(const Watch& watch);
  void clear();

  bool any() const { return !breakpoints_.empty() || watching(); }
  bool watching() const { return !watches_.empty(); }
  template <class F>
  void for_each_watch(F&& f) const {
    for (const Watch& w : watches_) f(w);
  }
  /// A breakpoint at the present instruction.
  bool at_breakpoint() const;
  /// A breakpoint at this offset of some page: blocks end and begin there, whatever their address.
  bool breaks_at_offset(u64 offset) const;

  /// Engines, before they run what may be broken at: true, and kSignalDebug, if they must stop.
  bool check_breakpoint();
  void note_access(u64 linear, unsigned size, Access access);
  /// What the last stop was for, once.
  std::optional<Hit> take_hit();

 private:
  void changed();
  u64 instruction_address() const;

  Cpu& cpu_;
  std::vector<u64> breakpoints_;
  std::vector<Watch> watches_;
  std::optional<Hit> hit_;
};

}  // namespace ring3
