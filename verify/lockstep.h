// SPDX-License-Identifier: MIT
// Two machines with the same guest and the same inputs, one run by the translator, one by the
// interpreter, moved on together by instruction count and compared.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "devices/pc.h"
#include "jit/jit.h"
#include "verify/reference.h"
#include "verify/state.h"
#include "verify/streams.h"
#include "verify/write_log.h"

namespace ring3::verify {

using Prepare = std::function<Status(Pc&)>;
using MakeJit = std::function<Result<std::unique_ptr<Jit>>(Cpu&)>;

class Lockstep {
 public:
  /// Of the jit's board and the interpreter's; the streams of the first are the host's.
  explicit Lockstep(const std::array<PcConfig, 2>& configs);

  /// Loads the guest into both and powers them on. Error: of `prepare` or `make_jit`.
  Status start(const Prepare& prepare, const MakeJit& make_jit);

  /// Both to the first block boundary at or past this count, or to their end. `several`: that may
  /// be more than one block.
  void run_to(u64 instructions, bool several);
  /// How much of RAM and devices a comparison looks at.
  enum class Depth : u8 {
    Writes,  ///< cpu, output and what the interpreter wrote since the last one
    All,     ///< the cpu, all of RAM, all devices
  };
  /// True if both are in the same state. What may differ (flags.h) is made equal.
  bool agree(Depth depth);
  bool ended() const { return ended_[0] && ended_[1]; }

  u64 instructions() { return interp_board_.cpu().state.instructions; }
  int status() { return jit_board_.status(); }
  /// After agree() said no: both states side by side, memory, devices, output.
  std::string differences();
  u64 flags_made_equal() const { return flags_made_equal_; }

  Pc& jit_board() { return jit_board_; }
  Pc& interp_board() { return interp_board_; }
  Jit& jit() { return *jit_; }
  Reference& reference() { return *reference_; }
  Streams& streams() { return streams_; }

 private:
  static PcConfig config_of(PcConfig config, Streams& streams, unsigned board);
  bool same_cpu();
  bool same_written();
  bool same_ram();
  bool same_devices();
  bool same_bytes(PhysAddr address, u8* jit, u8* interp, u64 size);
  bool flags_only(u8* jit, u8* interp, u64 at, u64 room);
  void note(std::string text);

  Streams streams_;
  Pc jit_board_, interp_board_;
  WriteLog log_;
  std::unique_ptr<Jit> jit_;
  std::unique_ptr<Reference> reference_;
  std::vector<Field> jit_fields_, interp_fields_;
  bool ended_[2] = {};
  u64 flags_made_equal_ = 0;
  std::vector<std::string> notes_;
  u64 more_notes_ = 0;
};

}  // namespace ring3::verify
