// SPDX-License-Identifier: MIT
// Guards of the tests that need /dev/kvm.
#pragma once

#include <catch2/catch.hpp>
#include <cstdio>
#include <memory>

#include "kvm/kvm.h"

namespace ring3::test {

/// Null, after the reason on standard output, which ctest takes for a skip: no /dev/kvm here.
inline std::unique_ptr<Kvm> kvm_or_skip(Cpu& cpu, KvmOptions options = {.interpret = false}) {
  auto kvm = make_kvm(cpu, options);
  if (kvm) return std::move(*kvm);
  std::printf("skipped: %s\n", kvm.error().c_str());
  return nullptr;
}

/// Runs until the guest halts or something else than time ends it.
inline Exit run_until_exit(Engine& engine, Cpu& cpu) {
  constexpr int kMostRuns = 2500;  // of 4 ms
  Exit exit = Exit::Deadline;
  for (int n = 0; n < kMostRuns && exit == Exit::Deadline; ++n) exit = engine.run(cpu, ~u64{0});
  return exit;
}

}  // namespace ring3::test
