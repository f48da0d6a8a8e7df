// SPDX-License-Identifier: MIT
// The cpu says whether its counter is invariant, the kernel whether it caught it at not being so:
// it then keeps time by another clock.
#ifdef __x86_64__
#include <cpuid.h>
#endif

#include <algorithm>
#include <array>
#include <fstream>
#include <string>

#include "host/ticks.h"

namespace ring3 {
namespace {

/// CPUID.80000007H:EDX[8], invariant TSC.
bool invariant() {
#ifdef __x86_64__
  u32 eax = 0, ebx = 0, ecx = 0, edx = 0;
  return __get_cpuid(0x8000'0007, &eax, &ebx, &ecx, &edx) && (edx >> 8 & 1);
#else
  return false;
#endif
}

}  // namespace

bool host_ticks_steady() {
  constexpr std::array<const char*, 4> kFallbacks{"hpet", "acpi_pm", "jiffies", "refined-jiffies"};
  std::ifstream file("/sys/devices/system/clocksource/clocksource0/current_clocksource");
  std::string source;
  file >> source;
  return invariant() && std::ranges::find(kFallbacks, source) == kFallbacks.end();
}

}  // namespace ring3
