// SPDX-License-Identifier: MIT
// What a monitor shows: pixels, row by row from the top, each 00RRGGBBh.
#pragma once

#include <span>
#include <vector>

#include "base/types.h"

namespace ring3 {

struct Rect {
  int x = 0, y = 0, width = 0, height = 0;
  bool operator==(const Rect&) const = default;
};

struct Picture {
  int width = 0, height = 0;
  std::vector<u32> pixels;

  Picture() = default;
  Picture(int w, int h) : width(w), height(h), pixels(static_cast<size_t>(w) * h) {}
  u32* row(int y) { return pixels.data() + static_cast<size_t>(y) * width; }
  const u32* row(int y) const { return pixels.data() + static_cast<size_t>(y) * width; }
  Rect bounds() const { return {0, 0, width, height}; }
  bool operator==(const Picture&) const = default;
};

}  // namespace ring3
