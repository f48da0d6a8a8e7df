// SPDX-License-Identifier: MIT
// May this x87, MMX, SSE or AVX instruction run at all? CPUID feature, then the enable bits of
// CR0, CR4 and XCR0 (SDM 2A "Exceptions" of each class, SDM 3A "System Programming for SSE").
#pragma once

#include "core/cpu.h"
#include "core/fpu_image.h"
#include "decoder/decoder.h"

namespace ring3 {

/// What state an instruction works on: bits, since CVTPI2PS and its like need two.
enum Enable : u8 {
  kEnableNone = 0,
  kEnableX87 = 1,
  kEnableMmx = 2,
  kEnableSse = 4,
  kEnableAvx = 8
};

/// A CPUID bit in its word; an empty mask asks for nothing.
struct FeatureMask {
  u8 word = 0;
  u32 mask = 0;
};

/// The CPUID feature of an ISA set; `known` is false if ring3 never offers it.
struct IsaFeature {
  FeatureMask feature;
  bool known = false;
};
IsaFeature feature_of(ZydisISASet isa_set);

inline bool has_feature(const CpuModel& model, FeatureMask f) {
  return f.mask == 0 || (model.words[f.word] & f.mask) != 0;
}

/// CR0.EM and CR0.TS, then a pending x87 exception: for waiting x87 instructions.
void check_x87(const Cpu& cpu);
/// As check_x87, for non-waiting ones (FNSTSW, FNCLEX, ...).
void check_x87_no_wait(const Cpu& cpu);
/// #MF if an unmasked exception is pending.
void check_x87_pending(const Cpu& cpu);
void check_mmx(const Cpu& cpu);
void check_sse(const Cpu& cpu);
void check_avx(const Cpu& cpu);

inline void check_enabled(const Cpu& cpu, u8 enable, FeatureMask feature) {
  require(has_feature(cpu.model, feature), UD());
  if (enable & kEnableSse) check_sse(cpu);
  if (enable & kEnableAvx) check_avx(cpu);
  if (enable & kEnableMmx) check_mmx(cpu);
  if (enable & kEnableX87) check_x87(cpu);
}

}  // namespace ring3
