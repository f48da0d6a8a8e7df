// SPDX-License-Identifier: MIT
// The KVM engine: the same cpu and board, run by /dev/kvm, for comparison (DESIGN "Engines").
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/engine.h"

namespace ring3 {

struct KvmOptions {
  /// An instruction that KVM cannot emulate is interpreted, and counted. Off: it ends the run with
  /// Exit::Shutdown, and failure() says why.
  bool interpret = true;
};

struct KvmCounter {
  std::string name;
  u64 value = 0;
};

class Kvm : public Engine {
 public:
  /// What was measured before the guest's first instruction: ring 0 code is emulated by KVM's
  /// software, instruction by instruction (KVM-PVM), not run by the processor.
  virtual bool emulates_kernel() const = 0;
  /// Features of the cpu model that this host's KVM does not have; the guest's CPUID is without.
  virtual const std::vector<std::string>& missing_features() const = 0;
  /// KVM's own counters of this cpu (exits, emulated instructions, ...), and ours.
  virtual std::vector<KvmCounter> counters() const = 0;
  /// Why run() gave up, with KvmOptions::interpret off; empty: it did not.
  virtual const std::string& failure() const = 0;
};

/// One line with reason and way out if /dev/kvm is not there, may not be opened or lacks something.
Result<std::unique_ptr<Kvm>> make_kvm(Cpu& cpu, KvmOptions options = {});

}  // namespace ring3
