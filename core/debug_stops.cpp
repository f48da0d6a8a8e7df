// SPDX-License-Identifier: MIT
#include "core/debug_stops.h"

#include <algorithm>
#include <utility>

#include "core/block_cache.h"

namespace ring3 {

u64 DebugStops::instruction_address() const {
  const CpuState& s = cpu_.state;
  return (s.seg[kCs].access_base + s.rip()) & s.linear_mask;
}

void DebugStops::add_breakpoint(u64 linear) {
  breakpoints_.push_back(linear);
  changed();
}

bool DebugStops::remove_breakpoint(u64 linear) {
  const auto it = std::find(breakpoints_.begin(), breakpoints_.end(), linear);
  if (it == breakpoints_.end()) return false;
  breakpoints_.erase(it);
  changed();
  return true;
}

void DebugStops::add_watch(const Watch& watch) {
  watches_.push_back(watch);
  cpu_.update_mode();
}

bool DebugStops::remove_watch(const Watch& watch) {
  const auto it = std::find(watches_.begin(), watches_.end(), watch);
  if (it == watches_.end()) return false;
  watches_.erase(it);
  cpu_.update_mode();
  return true;
}

void DebugStops::clear() {
  breakpoints_.clear();
  watches_.clear();
  hit_.reset();
  changed();
  cpu_.update_mode();
}

/// Blocks are cut at breakpoints, so they are scanned anew.
void DebugStops::changed() {
  if (cpu_.blocks) cpu_.blocks->clear();
}

bool DebugStops::at_breakpoint() const {
  const u64 linear = instruction_address();
  return std::find(breakpoints_.begin(), breakpoints_.end(), linear) != breakpoints_.end();
}

bool DebugStops::breaks_at_offset(u64 offset) const {
  return std::any_of(breakpoints_.begin(), breakpoints_.end(),
                     [offset](u64 b) { return (b & kPageMask) == offset; });
}

bool DebugStops::check_breakpoint() {
  if (!at_breakpoint()) return false;
  hit_ = Hit{instruction_address(), std::nullopt};
  cpu_.signals |= kSignalDebug;
  return true;
}

void DebugStops::note_access(u64 linear, unsigned size, Access access) {
  for (const Watch& w : watches_) {
    if (!(access == Access::Write ? w.writes : w.reads)) continue;
    if (w.address - linear >= size && linear - w.address >= w.size) continue;  // modulo 2^64
    hit_ = Hit{w.address, w};
    cpu_.signals |= kSignalDebug;
    if (cpu_.blocks) cpu_.blocks->stop_running();
    return;
  }
}

std::optional<DebugStops::Hit> DebugStops::take_hit() { return std::exchange(hit_, std::nullopt); }

}  // namespace ring3
