// SPDX-License-Identifier: MIT
// Numbers under which users keep facts "this linear page is that physical page" about code: block
// lookup, chains of translations. Each address space (PCID) has one and gets it back when it is
// selected again; global pages have one that outlives CR3 loads. Every number is used once only, so
// a fact is right while its number is the current one of either kind.
//
// INVLPG makes new numbers only if code was fetched from that page: most are for data.
#pragma once

#include <array>
#include <bitset>
#include <vector>

#include "base/types.h"

namespace ring3 {

class Generations {
 public:
  Generations() { renew_all(); }

  u64 current() const { return current_; }
  u64 global() const { return global_; }
  /// The largest so far. Two that are in use at once differ modulo kRound.
  u64 last() const { return counter_; }
  static constexpr u64 kRound = u64{1} << 28;
  /// Where translated code reads them.
  const u64* current_address() const { return &current_; }
  const u64* global_address() const { return &global_; }

  void select(u16 pcid) {
    pcid_ = pcid;
    if (numbers_[pcid] <= floor_) numbers_[pcid] = ++counter_;
    current_ = numbers_[pcid];
    if (counter_ - global_ >= kRound / 2) renew_all();
  }
  void renew_space(u16 pcid) {
    numbers_[pcid] = 0;
    select(pcid_);
  }
  void renew_spaces() {
    floor_ = ++counter_;
    select(pcid_);
  }
  void renew_all() {
    global_ = ++counter_;
    fetched_.reset();
    renew_spaces();
  }
  void note_fetch(u64 linear, unsigned page_shift) { fetched_.set(slot_of(linear, page_shift)); }
  void invalidate(u64 linear) {
    for (unsigned shift : {12u, 21u, 22u, 30u})
      if (fetched_[slot_of(linear, shift)]) return renew_all();
  }

 private:
  static constexpr size_t kSlots = 1 << 16, kPcids = 4096;
  static size_t slot_of(u64 linear, unsigned shift) {
    const u64 page = linear >> shift;
    return (page ^ page >> 16 ^ shift * 0x9E5) & (kSlots - 1);
  }

  u64 current_ = 0, global_ = 0, counter_ = 0, floor_ = 0;
  u16 pcid_ = 0;
  std::vector<u64> numbers_ = std::vector<u64>(kPcids);  ///< by PCID; valid if above floor_
  std::bitset<kSlots> fetched_;
};

}  // namespace ring3
