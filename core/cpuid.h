// SPDX-License-Identifier: MIT
// The CPUID instruction's answer: the model's, with what depends on live state.
#pragma once

#include "core/cpu.h"

namespace ring3 {

/// OSXSAVE, OSPKE, APIC enable and XSAVE area sizes as CR4, IA32_APIC_BASE, XCR0 and IA32_XSS say.
CpuidResult cpuid(const Cpu& cpu, u32 leaf, u32 subleaf);

}  // namespace ring3
