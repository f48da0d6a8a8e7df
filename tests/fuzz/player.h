// SPDX-License-Identifier: MIT
// Plays a program on a board. It takes the place of an engine, so that the board's own loop runs:
// events at their time, input, resets, HLT.
#pragma once

#include "core/engine.h"
#include "tests/fuzz/board.h"
#include "tests/fuzz/program.h"

namespace ring3::fuzz {

class Player final : public Engine {
 public:
  /// Operations past this number are not played.
  static constexpr size_t kMostOps = 1024;

  Player(Board& board, std::span<const u8> program) : board_(board), program_(program) {}
  void play();

  std::string_view name() const override { return "fuzz"; }
  Exit run(Cpu& cpu, u64 deadline) override;
  void step(Cpu&) override {}

 private:
  bool done() const { return at_ + kOpSize > program_.size() || played_ >= kMostOps; }
  Exit after(Cpu& cpu);
  void do_op(const Op& op);
  void port(const Op& op);
  void memory(const Op& op);
  void ram(const Op& op);
  void descriptor(const Op& op);
  void prd(const Op& op);
  void pci(const Op& op);
  void pass(const Op& op);
  void interrupt(const Op& op);
  void apic_msr(const Op& op);
  void draw();
  void restore();
  void line(const Op& op);
  void pointer(const Op& op);
  void backdoor(const Op& op);

  Board& board_;
  std::span<const u8> program_;
  size_t at_ = 0, played_ = 0;
  unsigned drawn_ = 0, restored_ = 0;
  bool sleep_ = false;
};

}  // namespace ring3::fuzz
