// SPDX-License-Identifier: MIT
// Numbers under which users keep facts "this linear page is that physical page" about code: block
// lookup, chains of translations. Each address space (PCID) has one and gets it back when it is
// selected again; global pages have one that outlives CR3 loads. Every number is used once only, so
// a fact is right while its number is the current one of either kind.
//
// INVLPG makes new numbers only if code was fetched from that page: most are for data. It is a
// matter of the space alone unless the page was global, so that what one process does with its
// pages leaves the facts about the kernel's code alone.
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
  /// Where translated code reads it.
  const u64* current_address() const { return &current_; }

  void select(u16 pcid) {
    pcid_ = pcid;
    if (numbers_[pcid] <= floor_) numbers_[pcid] = ++counter_;
    current_ = numbers_[pcid];
    if (counter_ - global_ >= kRound / 2) renew_all();
  }
  void renew_space(u16 pcid) {
    numbers_[pcid] = 0;
    if (Fetched& f = own_[pcid % kOwn]; f.pcid == pcid) f.clear();
    select(pcid_);
  }
  void renew_spaces() {
    floor_ = ++counter_;
    for (Fetched& f : own_) f.clear();
    select(pcid_);
  }
  void renew_all() {
    global_ = ++counter_;
    all_.clear();
    renew_spaces();
  }
  /// In the selected space.
  void note_fetch(u64 linear, unsigned page_shift, bool global) {
    if (global) return all_.note(linear, page_shift);
    Fetched& f = own_[pcid_ % kOwn];
    if (f.pcid != pcid_) {
      // The space that it was for is not looked after any longer: its facts end.
      numbers_[f.pcid] = 0;
      f.clear();
      f.pcid = pcid_;
    }
    f.note(linear, page_shift);
  }
  /// INVLPG: of the selected space and of global pages.
  void invalidate(u64 linear) {
    if (all_.holds(linear)) return renew_all();
    invalidate_in(pcid_, linear);
  }
  /// Of one space, not of global pages.
  void invalidate_in(u16 pcid, u64 linear) {
    const Fetched& f = own_[pcid % kOwn];
    if (f.pcid == pcid && f.holds(linear)) renew_space(pcid);
  }

 private:
  static constexpr size_t kPcids = 4096, kOwn = 16;
  static constexpr std::array<unsigned, 4> kShifts{12, 21, 22, 30};

  /// Pages that code was fetched from; may say so of others too.
  struct Fetched {
    static constexpr size_t kSlots = 1 << 15;
    std::bitset<kSlots> slots;
    u32 shifts = 0;  ///< bit n: pages of 2^n bytes
    u16 pcid = 0;
    static size_t slot_of(u64 linear, unsigned shift) {
      const u64 page = linear >> shift;
      return (page ^ page >> 15 ^ shift * 0x9E5) & (kSlots - 1);
    }
    void note(u64 linear, unsigned shift) {
      slots.set(slot_of(linear, shift));
      shifts |= u32{1} << shift;
    }
    bool holds(u64 linear) const {
      for (unsigned shift : kShifts)
        if ((shifts >> shift & 1) && slots[slot_of(linear, shift)]) return true;
      return false;
    }
    void clear() {
      if (shifts) slots.reset();
      shifts = 0;
    }
  };

  u64 current_ = 0, global_ = 0, counter_ = 0, floor_ = 0;
  u16 pcid_ = 0;
  std::vector<u64> numbers_ = std::vector<u64>(kPcids);  ///< by PCID; valid if above floor_
  Fetched all_;                                          ///< global pages
  std::array<Fetched, kOwn> own_;  ///< by PCID; each at its number modulo kOwn
};

}  // namespace ring3
