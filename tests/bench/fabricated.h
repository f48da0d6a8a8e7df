// SPDX-License-Identifier: MIT
// Results that nobody measured.
#pragma once

#include "bench/result.h"

namespace ring3::bench {

/// ring0/cpuid and program/fib; times in nanoseconds, a value a round.
inline Results fabricated(const std::vector<double>& qemu, const std::vector<double>& jit) {
  Results results;
  results.date = "2026-01-02T03:04:05Z";
  results.host = {{"cpu", "fabricated"},
                  {"processors", "2"},
                  {"kernel", "Linux 6.1"},
                  {"load", "0.10"},
                  {"virtualization", "none seen"}};
  results.baselines = {"native", "qemu-tcg"};
  results.engines = {{"native", "the host", ""},
                     {"jit", "ring3 0.1.0", ""},
                     {"qemu-tcg", "QEMU 7.2", ""},
                     {"kvm", "", "no /dev/kvm"}};
  Row row;
  row.workload = {"ring0", "", "cpuid", "CPUID leaf 0", 1, 1000};
  for (size_t n = 0; n < qemu.size(); ++n)
    row.cells["qemu-tcg"].samples.push_back({n + 1, 1000, qemu[n], qemu[n], 2});
  for (size_t n = 0; n < jit.size(); ++n)
    row.cells["jit"].samples.push_back({n + 1, 2000, jit[n], jit[n], 3});
  row.cells["jit"].hash = row.cells["qemu-tcg"].hash = "0123456789ABCDEF";
  row.cells["jit"].exits = {{10, "CPUID", 1.0}, {128, "iret", 0.01}};
  results.rows.push_back(row);
  row.workload = {"program", "integer", "fib", "a turn of the program", 1, 1};
  row.cells["native"] = row.cells["qemu-tcg"];
  row.cells["jit"].exits.clear();
  results.rows.push_back(row);
  return results;
}

}  // namespace ring3::bench
