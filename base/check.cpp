// SPDX-License-Identifier: MIT
#include "base/check.h"

#include <cstdio>
#include <cstdlib>
#include <utility>

namespace ring3 {
namespace {
// One dump hook per thread: a thread runs at most one machine.
thread_local DumpHook g_hook = nullptr;
thread_local void* g_context = nullptr;
}  // namespace

void set_dump_hook(DumpHook hook, void* context) {
  g_hook = hook;
  g_context = context;
}

void check_failed(const char* file, int line, const char* condition, const std::string& message) {
  std::fprintf(stderr, "ring3: internal error: %s:%d: %s: %s\n", file, line, condition,
               message.c_str());
  if (DumpHook hook = std::exchange(g_hook, nullptr)) hook(g_context);
  std::abort();
}

}  // namespace ring3
