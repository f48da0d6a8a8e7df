// SPDX-License-Identifier: MIT
#include "jit/crossings.h"

#include <algorithm>

namespace ring3::jit {

namespace {
constexpr u8 kJump = 0xE9;
}

void Crossings::check(ExitSite& site, u64 generation) {
  cache_.patch(site.from->code + site.number, static_cast<i32>(generation));
}

/// The displacement stands before the number.
void Crossings::check(ExitSite& site, CodePlaces::Place place) {
  const u8* const number = site.from->code + site.number;
  cache_.patch(number - 4, places_ + static_cast<i32>(place.slot * sizeof(u32)));
  cache_.patch(number, static_cast<i32>(place.number));
}

void Crossings::open(ExitSite& site, const u8* to) {
  const u8* const at = site.from->code + site.check;
  std::copy_n(at, site.checked.size(), site.checked.begin());
  cache_.write(at, std::span(&kJump, 1));
  cache_.patch(at + 1, to);
  site.open = true;
  site.open_at = static_cast<u32>(open_.size());
  open_.push_back(&site);
}

void Crossings::close(ExitSite& site) {
  cache_.write(site.from->code + site.check, site.checked);
  site.open = false;
  open_[site.open_at] = open_.back();
  open_[site.open_at]->open_at = site.open_at;
  open_.pop_back();
}

}  // namespace ring3::jit
