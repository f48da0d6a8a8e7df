// SPDX-License-Identifier: MIT
// The host's ends of two boards that must see the same host: what is typed is kept until both have
// taken it, at the same place of their course; what both wrote is compared and passed on once.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "devices/pc.h"
#include "host/process.h"

namespace ring3::verify {

class Streams {
 public:
  static constexpr size_t kPorts = 4, kSinks = kPorts + 1;

  /// `host`: the real ends.
  explicit Streams(const PcConfig& host);
  ~Streams();

  /// Puts the ends of board 0 or 1 into its configuration.
  void connect(PcConfig& config, unsigned board);
  /// Ctrl-A X was typed: the board that takes input now leaves, the other at the same place.
  void quit();
  void on_quit(unsigned board, std::function<void()> leave);

  /// False if the boards wrote different bytes. What both wrote goes to the host.
  bool pass_on();
  /// At the end of the run: nothing that was written stays behind.
  void finish();

  /// From here on: what a copy of this process does not know.
  void mark();
  /// What happened since mark(), for copies that were made then.
  std::vector<u8> since_mark() const;
  /// In such a copy: what was typed since is taken again, what was written is not written again.
  bool replay(std::span<const u8> since_mark);
  /// In a copy that only tries something: nothing is written, nothing new is typed.
  void cut_off() { cut_off_ = true; }

 private:
  class Tap;
  class Replay;
  /// One take() of a board, for the other.
  struct Take {
    std::vector<u8> bytes;
    bool ended = false, quit = false;
  };
  struct Port {
    ByteSource* host = nullptr;
    std::vector<Take> takes;
    size_t taken[2] = {}, marked = 0;
  };
  struct Sink {
    ByteSink* host = nullptr;
    std::string pending[2];
    bool flush = false;
    u64 written = 0, marked = 0;
    u64 skip = 0;  ///< bytes that the host has seen already
  };
  const Take& take(Port& port, unsigned board, size_t most);
  void write(Sink& sink, const std::string& text);

  std::array<Port, kPorts> ports_;
  std::array<Sink, kSinks> sinks_;
  std::vector<std::unique_ptr<ByteSink>> taps_;
  std::vector<std::unique_ptr<ByteSource>> replays_;
  std::function<void()> leave_[2];
  Pipe ready_;  ///< always has input: for a board whose input is known already
  bool cut_off_ = false, quit_ = false;
};

}  // namespace ring3::verify
