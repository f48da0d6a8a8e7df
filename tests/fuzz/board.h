// SPDX-License-Identifier: MIT
// The board that programs run on: everything that Pc builds, with media in memory. It is built
// anew before a program, so that a program's course depends on the program alone, or only reset.
#pragma once

#include <array>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "devices/pc.h"
#include "display/vga_screen.h"
#include "tests/fuzz/medium.h"

namespace ring3::fuzz {

/// The state of every device: name and bytes of each field, in order.
using Fields = std::vector<std::pair<std::string, std::vector<u8>>>;

class Board {
 public:
  Board();
  /// As it was built.
  void renew();
  /// The reset button, and empty media and RAM: almost the same, and much cheaper. Time goes on.
  void reset();
  Pc& pc() { return *pc_; }
  VgaScreen& screen() { return *screen_; }
  void type(unsigned port, u8 byte) { typed_[port].bytes.push_back(byte); }
  void set_media_broken(u32 which);  ///< bit n: medium n
  Fields save();
  void restore(const Fields& fields);
  u64 hash() { return pc_->state_hash(); }

 private:
  struct Sink final : ByteSink {
    void put(u8) override {}
  };
  struct Source final : ByteSource {
    std::deque<u8> bytes;
    size_t take(std::span<u8> out) override;
    bool ended() const override { return false; }
    int handle() const override { return -1; }
  };
  PcConfig config();

  std::array<Medium, 6> media_;
  Sink sink_;
  std::array<Source, 4> typed_;
  std::unique_ptr<Pc> pc_;
  std::unique_ptr<VgaScreen> screen_;
};

}  // namespace ring3::fuzz
