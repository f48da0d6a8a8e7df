// SPDX-License-Identifier: MIT
// RING3_CHECK(cond, fmt, ...): our own bug. Prints, runs the dump hook (the machine's state),
// aborts.
#pragma once

#include <fmt/format.h>

#include <string>

namespace ring3 {

/// Called once by a failed check, before abort; the machine installs its readable dump here.
using DumpHook = void (*)(void* context);
void set_dump_hook(DumpHook hook, void* context);

[[noreturn]] void check_failed(const char* file, int line, const char* condition,
                               const std::string& message);

}  // namespace ring3

#define RING3_CHECK(condition, ...)                                                    \
  do {                                                                                 \
    if (!(condition)) [[unlikely]]                                                     \
      ::ring3::check_failed(__FILE__, __LINE__, #condition, fmt::format(__VA_ARGS__)); \
  } while (0)
