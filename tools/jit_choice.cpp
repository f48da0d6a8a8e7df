// SPDX-License-Identifier: MIT
#include "tools/jit_choice.h"

#include <fmt/format.h>

#include "tools/block_file.h"

namespace ring3 {

Result<JitOptions> jit_options(const Options& options, Profile& profile) {
  if (const Status writable = check_blocks_file(options); !writable) return Error{writable.error()};
  JitOptions jit;
  jit.perf_map = options.perf_map;
  if (options.jit_cache) jit.cache_bytes = *options.jit_cache;
  profile.blocks = !options.blocks_file.empty() || options.report.wanted;
  if (profile.blocks || options.stats != StatsFormat::None) jit.profile = &profile;
  for (const std::string& name : options.callouts)
    if (!jit.call_out(name)) return Error{fmt::format("-treat {}=callout: no such mnemonic", name)};
  return jit;
}

}  // namespace ring3
