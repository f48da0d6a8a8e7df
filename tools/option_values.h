// SPDX-License-Identifier: MIT
// Parsers for the values of options. An error's message is the reason and the way out; the caller
// puts option and value before it.
#pragma once

#include <functional>
#include <string_view>

#include "tools/options.h"

namespace ring3 {

/// "128M", "1G", "512" (MiB, as QEMU): bytes, checked against kMinRam and kMaxRam.
Result<u64> parse_ram_size(std::string_view text);

/// "64M", "1048576": bytes, or with K, M, G; from `min` to `max`.
Result<u64> parse_bytes(std::string_view text, u64 min, u64 max);

/// An unsigned number, decimal or 0x hexadecimal, up to `max`.
Result<u64> parse_number(std::string_view text, u64 max);

/// "stdio", "mon:stdio", "null", "none", "file:PATH".
Result<CharBackend> parse_char_backend(std::string_view text);

/// "utc", "localtime", "2026-01-31", "2026-01-31T12:34:56".
Result<RtcBase> parse_rtc_base(std::string_view text);

/// "key=value,key=value": calls `set` for each, value empty if there is no '='. Stops at an error.
Status parse_properties(std::string_view text,
                        const std::function<Status(std::string_view, std::string_view)>& set);

}  // namespace ring3
