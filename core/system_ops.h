// SPDX-License-Identifier: MIT
// The handlers of the system family, by file.
#pragma once

#include "core/cpu.h"

namespace ring3 {

// --- system_flags.cpp
void cli(Cpu& cpu, const Insn& i);
void sti(Cpu& cpu, const Insn& i);
void pushf(Cpu& cpu, const Insn& i);
void popf(Cpu& cpu, const Insn& i);
void clac(Cpu& cpu, const Insn& i);
void stac(Cpu& cpu, const Insn& i);

// --- system_tables.cpp
void lgdt(Cpu& cpu, const Insn& i);
void lidt(Cpu& cpu, const Insn& i);
void lldt(Cpu& cpu, const Insn& i);
void ltr(Cpu& cpu, const Insn& i);
void sgdt(Cpu& cpu, const Insn& i);
void sidt(Cpu& cpu, const Insn& i);
void sldt(Cpu& cpu, const Insn& i);
void str(Cpu& cpu, const Insn& i);
void smsw(Cpu& cpu, const Insn& i);
void lmsw(Cpu& cpu, const Insn& i);

// --- identification.cpp
void cpuid(Cpu& cpu, const Insn& i);
void rdtsc(Cpu& cpu, const Insn& i);
void rdtscp(Cpu& cpu, const Insn& i);
void rdpmc(Cpu& cpu, const Insn& i);
void rdpid(Cpu& cpu, const Insn& i);
void rdrand(Cpu& cpu, const Insn& i);
void rdseed(Cpu& cpu, const Insn& i);

}  // namespace ring3
