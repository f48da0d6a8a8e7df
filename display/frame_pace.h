// SPDX-License-Identifier: MIT
// When a display draws: as soon as something changed, but not too often; never while nothing does.
#pragma once

#include <algorithm>

#include "devices/vga.h"
#include "display/vga_screen.h"
#include "host/waiter.h"

namespace ring3 {

class FramePace {
 public:
  FramePace(Vga& vga, VgaScreen& screen) : vga_(vga), screen_(screen) {}

  /// There is something to draw, and it may be drawn now: then call drawn().
  bool due() { return screen_.stale() && host_monotonic_ns() >= next_; }
  void drawn() { next_ = host_monotonic_ns() + kFrame; }
  /// It could not be drawn now.
  void postpone() { next_ = host_monotonic_ns() + kRetry; }
  /// Host nanoseconds until due() turns true by itself.
  u64 wait() {
    if (screen_.stale()) {
      const u64 now = host_monotonic_ns();
      return next_ - std::min(next_, now);
    }
    const Nanos blink = screen_.next_blink();
    return blink == kNever ? Waiter::kForever : blink - std::min(blink, vga_.time());
  }

 private:
  static constexpr u64 kFrame = 33'000'000, kRetry = 3'000'000;
  Vga& vga_;
  VgaScreen& screen_;
  u64 next_ = 0;
};

}  // namespace ring3
