// SPDX-License-Identifier: MIT
// The scan-and-patch translator (DESIGN "Translator") for x86-64 hosts: hot blocks of 64-bit guest
// code run as host code, everything else is interpreted. See README.md for what is not built.
#pragma once

#include <bitset>
#include <memory>
#include <span>
#include <string_view>

#include "base/result.h"
#include "core/engine_base.h"
#include "decoder/decoder.h"

namespace ring3 {

class Profile;

struct JitOptions {
  /// Displacements in code reach as far as kMaxCache; kMinCache has a few hundred blocks.
  static constexpr size_t kMinCache = size_t{1} << 20, kMaxCache = size_t{1} << 30;
  size_t cache_bytes = size_t{64} << 20;  ///< memory for translated code
  u32 threshold = 12;                     ///< executions of a block before it is translated
  /// Executions of a block that follows one to be translated, before it is translated with it. 0:
  /// none is needed.
  u32 extend_after = 6;
  std::bitset<ZYDIS_MNEMONIC_MAX_VALUE + 1> callouts;  ///< mnemonics demoted to Callout
  bool perf_map = false;       ///< /tmp/perf-PID.map names translations for Linux' perf
  Profile* profile = nullptr;  ///< gets the counters; lives longer than the engine

  /// Demotes a mnemonic, by its name in any case. False: there is none.
  bool call_out(std::string_view mnemonic);
};

/// What make_jit makes: an engine whose translations can be looked at and changed. Not during
/// run().
class Jit : public BlockEngine {
 public:
  using BlockEngine::BlockEngine;
  /// The mnemonic is a callout from now on.
  virtual void demote(ZydisMnemonic mnemonic) = 0;
  /// Blocks that start at this rip are interpreted from now on.
  virtual void interpret_at(u64 rip) = 0;
  /// The host code that a block which starts at this rip has in this mode; empty: none.
  virtual std::span<const u8> translation(u64 rip, u32 mode_key) const = 0;
  /// In a copy of the process: code memory of its own. False: the host refused it.
  virtual bool own_memory() = 0;
};

/// False: x87 and MMX instructions run by their handlers, since only XSAVE moves x87 state alone.
bool host_saves_x87();

/// Error: the host refuses memory for code, or cannot run translated code.
Result<std::unique_ptr<Jit>> make_jit(Cpu& cpu, JitOptions options = {});

}  // namespace ring3
