// SPDX-License-Identifier: MIT
// The `-d` log: categories as QEMU names them, one sink (stderr or -D FILE), behind spdlog.
#pragma once

#include <spdlog/spdlog.h>

#include <optional>
#include <string>
#include <string_view>

#include "base/types.h"

namespace ring3 {

enum class Log : u32 {
  InAsm = 1,         ///< each block when it is decoded
  Exec = 2,          ///< each block when it is run
  Int = 4,           ///< interrupts and exceptions
  Cpu = 8,           ///< registers before each block
  Mmu = 16,          ///< paging: flushes, faults
  GuestErrors = 32,  ///< what a guest asked for that hardware would ignore or we lack
  Device = 64,       ///< device register traffic
};

/// The enabled categories; set once before the machine runs.
extern u32 g_log_mask;

inline bool log_enabled(Log category) { return g_log_mask & static_cast<u32>(category); }

/// Parses a `-d` list such as "int,exec"; nullopt and the bad name in `bad` if one is unknown.
std::optional<u32> parse_log_mask(std::string_view list, std::string& bad);

/// Sends the log to `path` (empty: stderr). False if it cannot be opened for writing.
bool set_log_file(const std::string& path);

/// One line per category for `-d help`.
std::string log_help();

/// True for the first `limit` calls with this counter: rate limit for guest nonsense.
inline bool first_times(u32& counter, u32 limit = 8) { return counter++ < limit; }

}  // namespace ring3

#define RING3_LOG(category, ...)                                   \
  do {                                                             \
    if (::ring3::log_enabled(::ring3::Log::category)) [[unlikely]] \
      spdlog::info(__VA_ARGS__);                                   \
  } while (0)
