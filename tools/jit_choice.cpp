// SPDX-License-Identifier: MIT
#include "tools/jit_choice.h"

#include <fmt/format.h>

namespace ring3 {

Result<JitOptions> jit_options(const Options& options, Profile& profile) {
  JitOptions jit;
  jit.profile = &profile;
  jit.perf_map = options.perf_map;
  if (options.jit_cache) jit.cache_bytes = *options.jit_cache;
  profile.blocks = !options.blocks_file.empty() || options.report.wanted;
  for (const std::string& name : options.callouts)
    if (!jit.call_out(name)) return Error{fmt::format("-treat {}=callout: no such mnemonic", name)};
  return jit;
}

}  // namespace ring3
