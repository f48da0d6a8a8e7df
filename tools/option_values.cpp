// SPDX-License-Identifier: MIT
// Parsers for the values of options.
#include "tools/option_values.h"

#include <fmt/format.h>

#include <cctype>
#include <charconv>
#include <chrono>
#include <cstdio>

namespace ring3 {

namespace {

/// Digits only, all of `text`; nullopt if empty, malformed or over 64 bits.
std::optional<u64> digits(std::string_view text, int base = 10) {
  u64 value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value, base);
  if (text.empty() || error != std::errc{} || stop != end) return std::nullopt;
  return value;
}

/// log2 of the unit that a size suffix stands for; nullopt if it is none.
std::optional<unsigned> unit_shift(char suffix) {
  switch (std::toupper(static_cast<unsigned char>(suffix))) {
    case 'K':
      return 10;
    case 'M':
      return 20;
    case 'G':
      return 30;
    case 'T':
      return 40;
    default:
      return std::nullopt;
  }
}

Error not_a_size() {
  return {"not a memory size; give a number of MiB, or one with K, M, G or T, as in 512M"};
}

}  // namespace

Result<u64> parse_ram_size(std::string_view text) {
  if (text.starts_with("size=")) text.remove_prefix(5);
  if (text.empty()) return not_a_size();
  unsigned shift = 20;
  if (const auto suffix = unit_shift(text.back())) {
    shift = *suffix;
    text.remove_suffix(1);
  }
  const auto count = digits(text);
  if (!count) return not_a_size();
  if (*count > kMaxRam >> shift)
    return Error{fmt::format("too large; a guest has at most {}G", kMaxRam >> 30)};
  const u64 size = *count << shift;
  if (size < kMinRam) return Error{"too small; give at least 1M (Linux wants 64M or more)"};
  if (size & kPageMask) return Error{"not a multiple of 4K"};
  return size;
}

Result<u64> parse_bytes(std::string_view text, u64 min, u64 max) {
  unsigned shift = 0;
  if (const auto suffix = text.empty() ? std::nullopt : unit_shift(text.back())) {
    shift = *suffix;
    text.remove_suffix(1);
  }
  const auto count = digits(text);
  if (!count) return Error{"not a size; give bytes, or a number with K, M or G, as in 64M"};
  if (*count > max >> shift) return Error{fmt::format("too large; give at most {}M", max >> 20)};
  if (*count << shift < min) return Error{fmt::format("too small; give at least {}M", min >> 20)};
  return *count << shift;
}

Result<u64> parse_number(std::string_view text, u64 max) {
  const bool hex = text.starts_with("0x") || text.starts_with("0X");
  const auto value = hex ? digits(text.substr(2), 16) : digits(text);
  if (!value || *value > max)
    return Error{fmt::format("'{}' is not a number from 0 to {:#x}", text, max)};
  return *value;
}

Result<CharBackend> parse_char_backend(std::string_view text) {
  using Kind = CharBackend::Kind;
  if (text == "stdio" || text == "mon:stdio") return CharBackend{Kind::Stdio, ""};
  if (text == "none") return CharBackend{Kind::None, ""};
  if (text == "null") return CharBackend{Kind::Null, ""};
  if (text.starts_with("file:") && text.size() > 5)
    return CharBackend{Kind::File, std::string(text.substr(5))};
  return Error{"no such backend; there are stdio, null, none and file:PATH"};
}

Result<RtcBase> parse_rtc_base(std::string_view text) {
  using namespace std::chrono;
  if (text == "utc") return RtcBase{RtcBase::Kind::Utc, 0};
  if (text == "localtime") return RtcBase{RtcBase::Kind::LocalTime, 0};

  const std::string date(text);
  int y = 0;
  unsigned mon = 0, d = 0, h = 0, min = 0, s = 0;
  int date_end = 0, end = 0;
  std::sscanf(date.c_str(), "%4d-%2u-%2u%nT%2u:%2u:%2u%n", &y, &mon, &d, &date_end, &h, &min, &s,
              &end);
  const bool complete = static_cast<size_t>(end ? end : date_end) == date.size() && date_end;
  const year_month_day day{year{y}, month{mon}, std::chrono::day{d}};
  if (!complete || !day.ok() || h > 23 || min > 59 || s > 59)
    return Error{"base is utc, localtime or a date as in 2026-01-31 or 2026-01-31T12:34:56"};
  const i64 days = sys_days{day}.time_since_epoch().count();
  return RtcBase{RtcBase::Kind::Fixed, days * 86400 + h * 3600 + min * 60 + s};
}

Status parse_properties(std::string_view text,
                        const std::function<Status(std::string_view, std::string_view)>& set) {
  while (!text.empty()) {
    const std::string_view item = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), item.size() + 1));
    const size_t equals = item.find('=');
    const bool has_value = equals != std::string_view::npos;
    if (Status status = set(item.substr(0, equals), has_value ? item.substr(equals + 1) : "");
        !status)
      return status;
  }
  return success();
}

}  // namespace ring3
