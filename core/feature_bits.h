// SPDX-License-Identifier: MIT
// The CPUID feature bits that decide which control bits, MSRs and instructions exist.
#pragma once

#include "core/cpu_model.h"

namespace ring3 {

struct FeatureBit {
  FeatureWord word;
  u8 number;
};

namespace feature {
inline constexpr FeatureBit VME{FeatureWord::L1Edx, 1}, DE{FeatureWord::L1Edx, 2},
    PSE{FeatureWord::L1Edx, 3}, TSC{FeatureWord::L1Edx, 4}, PAE{FeatureWord::L1Edx, 6},
    MCE{FeatureWord::L1Edx, 7}, SEP{FeatureWord::L1Edx, 11}, MTRR{FeatureWord::L1Edx, 12},
    PGE{FeatureWord::L1Edx, 13}, MCA{FeatureWord::L1Edx, 14}, PAT{FeatureWord::L1Edx, 16},
    CLFSH{FeatureWord::L1Edx, 19}, FXSR{FeatureWord::L1Edx, 24}, SSE{FeatureWord::L1Edx, 25};
inline constexpr FeatureBit MONITOR{FeatureWord::L1Ecx, 3}, PCID{FeatureWord::L1Ecx, 17},
    X2APIC{FeatureWord::L1Ecx, 21}, TSC_DEADLINE{FeatureWord::L1Ecx, 24},
    XSAVE{FeatureWord::L1Ecx, 26}, AVX{FeatureWord::L1Ecx, 28}, RDRAND{FeatureWord::L1Ecx, 30};
inline constexpr FeatureBit FSGSBASE{FeatureWord::L7Ebx, 0}, TSC_ADJUST{FeatureWord::L7Ebx, 1},
    SMEP{FeatureWord::L7Ebx, 7}, INVPCID{FeatureWord::L7Ebx, 10}, RDSEED{FeatureWord::L7Ebx, 18},
    SMAP{FeatureWord::L7Ebx, 20};
inline constexpr FeatureBit UMIP{FeatureWord::L7Ecx, 2}, PKU{FeatureWord::L7Ecx, 3},
    RDPID{FeatureWord::L7Ecx, 22};
inline constexpr FeatureBit SERIALIZE{FeatureWord::L7Edx, 14}, IBRS{FeatureWord::L7Edx, 26},
    STIBP{FeatureWord::L7Edx, 27}, L1D_FLUSH{FeatureWord::L7Edx, 28},
    ARCH_CAPABILITIES{FeatureWord::L7Edx, 29}, SSBD{FeatureWord::L7Edx, 31};
inline constexpr FeatureBit SYSCALL{FeatureWord::E1Edx, 11}, NX{FeatureWord::E1Edx, 20},
    RDTSCP{FeatureWord::E1Edx, 27}, LM{FeatureWord::E1Edx, 29};
inline constexpr FeatureBit XSAVES{FeatureWord::D1Eax, 3}, WBNOINVD{FeatureWord::E8Ebx, 9};
}  // namespace feature

inline bool has(const CpuModel& model, FeatureBit f) { return model.has(f.word, f.number); }

}  // namespace ring3
