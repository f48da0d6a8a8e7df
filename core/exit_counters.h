// SPDX-License-Identifier: MIT
// Counters per callout or exit reason, numbered as VMX basic exit reasons (SDM 3D Appendix C) where
// one exists, so that histograms of the engines line up.
#pragma once

#include <array>
#include <string_view>

#include "base/types.h"

namespace ring3 {

enum class ExitReason : u8 {
  Exception = 0,
  ExternalInterrupt = 1,
  TripleFault = 2,
  Init = 3,
  Sipi = 4,
  InterruptWindow = 7,
  TaskSwitch = 9,
  Cpuid = 10,
  Hlt = 12,
  Invd = 13,
  Invlpg = 14,
  Rdpmc = 15,
  Rdtsc = 16,
  CrAccess = 28,
  DrAccess = 29,
  Io = 30,
  Rdmsr = 31,
  Wrmsr = 32,
  Mwait = 36,
  Monitor = 39,
  Pause = 40,
  Mmio = 48,
  GdtrIdtr = 46,
  LdtrTr = 47,
  Rdtscp = 51,
  Invpcid = 58,
  Xsetbv = 55,
  Wbinvd = 54,
  Rdrand = 57,
  Rdseed = 61,
  // No VMX reason: the hardware runs these in the guest.
  Iret = 128,
  SyscallSysret,
  Sysenter,
  SoftwareInterrupt,
  FarTransfer,
  SegmentLoad,
  FlagsIf,
  Popf,
  HostExec,
  CodeWrite,
  TlbMiss,
  OtherSystem,
  Count
};

/// The name for reports, e.g. "HLT"; empty if the number is not used.
std::string_view exit_reason_name(ExitReason reason);

struct ExitCounters {
  std::array<u64, static_cast<size_t>(ExitReason::Count)> count{};
  void add(ExitReason reason) { ++count[static_cast<size_t>(reason)]; }
};

}  // namespace ring3
