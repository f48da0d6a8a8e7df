// SPDX-License-Identifier: MIT
#include "core/exit_counters.h"

namespace ring3 {

std::string_view exit_reason_name(ExitReason reason) {
  switch (reason) {
    case ExitReason::Exception:
      return "EXCEPTION";
    case ExitReason::ExternalInterrupt:
      return "EXTERNAL_INTERRUPT";
    case ExitReason::TripleFault:
      return "TRIPLE_FAULT";
    case ExitReason::Init:
      return "INIT";
    case ExitReason::Sipi:
      return "SIPI";
    case ExitReason::InterruptWindow:
      return "INTERRUPT_WINDOW";
    case ExitReason::TaskSwitch:
      return "TASK_SWITCH";
    case ExitReason::Cpuid:
      return "CPUID";
    case ExitReason::Hlt:
      return "HLT";
    case ExitReason::Invd:
      return "INVD";
    case ExitReason::Invlpg:
      return "INVLPG";
    case ExitReason::Rdpmc:
      return "RDPMC";
    case ExitReason::Rdtsc:
      return "RDTSC";
    case ExitReason::CrAccess:
      return "CR_ACCESS";
    case ExitReason::DrAccess:
      return "DR_ACCESS";
    case ExitReason::Io:
      return "IO_INSTRUCTION";
    case ExitReason::Rdmsr:
      return "RDMSR";
    case ExitReason::Wrmsr:
      return "WRMSR";
    case ExitReason::Mwait:
      return "MWAIT";
    case ExitReason::Monitor:
      return "MONITOR";
    case ExitReason::Pause:
      return "PAUSE";
    case ExitReason::Mmio:
      return "EPT_VIOLATION (MMIO)";
    case ExitReason::GdtrIdtr:
      return "GDTR_IDTR";
    case ExitReason::LdtrTr:
      return "LDTR_TR";
    case ExitReason::Rdtscp:
      return "RDTSCP";
    case ExitReason::Invpcid:
      return "INVPCID";
    case ExitReason::Xsetbv:
      return "XSETBV";
    case ExitReason::Wbinvd:
      return "WBINVD";
    case ExitReason::Rdrand:
      return "RDRAND";
    case ExitReason::Rdseed:
      return "RDSEED";
    case ExitReason::Iret:
      return "iret";
    case ExitReason::SyscallSysret:
      return "syscall/sysret";
    case ExitReason::Sysenter:
      return "sysenter/sysexit";
    case ExitReason::SoftwareInterrupt:
      return "int n";
    case ExitReason::FarTransfer:
      return "far transfer";
    case ExitReason::SegmentLoad:
      return "segment load";
    case ExitReason::FlagsIf:
      return "cli/sti";
    case ExitReason::Popf:
      return "pushf/popf";
    case ExitReason::HostExec:
      return "host exec";
    case ExitReason::CodeWrite:
      return "code write";
    case ExitReason::TlbMiss:
      return "TLB miss";
    case ExitReason::OtherSystem:
      return "other system";
    case ExitReason::Count:
      break;
  }
  return {};
}

}  // namespace ring3
