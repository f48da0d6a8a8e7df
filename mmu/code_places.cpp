// SPDX-License-Identifier: MIT
#include "mmu/code_places.h"

#include <algorithm>

namespace ring3 {

CodePlaces::Place CodePlaces::next() {
  last_ = last_ + 1 == kNever ? kNone + 1 : last_ + 1;
  return {last_ % kSlots, last_};
}

CodePlaces::Place CodePlaces::of_page(u64 linear, u64 physical) {
  if (pages_.size() >= kMaxPages) pages_.clear();  // later ones get other numbers
  const auto [it, is_new] = pages_.try_emplace(Page{linear, physical});
  if (is_new) it->second = next();
  return it->second;
}

void CodePlaces::note(Place place) {
  if (holds(place)) return;
  Space& space = spaces_[space_];
  if (space.held.size() >= kSlots) forget();
  space.held.push_back(place);
  numbers_[place.slot] = place.number;
}

/// All that is known of the selected space.
void CodePlaces::forget() {
  for (const Place& place : spaces_[space_].held) numbers_[place.slot] = kNone;
  spaces_[space_].held.clear();
}

void CodePlaces::change(u64 generation) {
  for (const Place& place : spaces_[space_].held) numbers_[place.slot] = kNone;
  generation_ = generation;
  const auto known = std::ranges::find(spaces_, generation, &Space::generation);
  if (known == spaces_.end()) {
    space_ = oldest_;
    oldest_ = (oldest_ + 1) % kSpaces;
    spaces_[space_].generation = generation;
    spaces_[space_].held.clear();
    return;
  }
  space_ = static_cast<size_t>(known - spaces_.begin());
  for (const Place& place : known->held) numbers_[place.slot] = place.number;
}

}  // namespace ring3
