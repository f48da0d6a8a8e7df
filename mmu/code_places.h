// SPDX-License-Identifier: MIT
// Which code stands where in the selected address space. A place is a number for "this physical
// page at this linear one", and a slot that holds the number while that is known to be so: whoever
// relies on it compares the two. What one space found out is kept for when it comes back, by its
// generation (generations.h), and a new space with the same pages, as fork and exec make them, has
// to find out each page once, whatever number of links there are between them.
#pragma once

#include <array>
#include <unordered_map>
#include <vector>

#include "base/types.h"

namespace ring3 {

class CodePlaces {
 public:
  struct Place {
    u32 slot = 0;
    u32 number = kNone;
  };
  static constexpr u32 kSlots = 1 << 14;
  static constexpr u32 kNone = 0;            ///< in slots: nothing is known
  static constexpr u32 kNever = 0x7FFFFFFF;  ///< in no slot

  /// Of a page, by page numbers.
  Place of_page(u64 linear, u64 physical);
  /// Of something else, each time another one.
  Place next();

  /// That is the space from now on.
  void select(u64 generation) {
    if (generation != generation_) [[unlikely]]
      change(generation);
  }
  /// True from now on, in this space.
  void note(Place place);
  bool holds(Place place) const { return numbers_[place.slot] == place.number; }
  const u32* numbers() const { return numbers_.data(); }

 private:
  struct Page {
    u64 linear, physical;
    bool operator==(const Page&) const = default;
  };
  struct Hash {
    size_t operator()(const Page& p) const {
      return (p.linear + (p.physical << 32 | p.physical >> 32)) * 0x9E3779B97F4A7C15 >> 16;
    }
  };
  struct Space {
    u64 generation = 0;
    std::vector<Place> held;
  };
  static constexpr size_t kSpaces = 16, kMaxPages = 1 << 16;

  void change(u64 generation);
  void forget();

  std::array<u32, kSlots> numbers_{};
  u64 generation_ = 0;
  u32 last_ = kNone;
  size_t space_ = 0;  ///< the selected one
  size_t oldest_ = 0;
  std::array<Space, kSpaces> spaces_;
  std::unordered_map<Page, Place, Hash> pages_;
};

}  // namespace ring3
