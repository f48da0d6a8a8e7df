// SPDX-License-Identifier: MIT
#include "bench/console.h"

#include <fmt/format.h>

#include "host/waiter.h"

namespace ring3::bench {

namespace {

constexpr double kNanosecondsPerSecond = 1e9;
constexpr u64 kPatience = 100'000'000;  // ns, between two looks at Ctrl-C
constexpr size_t kLastBytes = 300;

u64 deadline_in(double seconds) {
  return host_monotonic_ns() + static_cast<u64>(seconds * kNanosecondsPerSecond);
}

}  // namespace

std::string Console::last_lines() const {
  std::string text = last_ + rest_;
  if (text.size() > kLastBytes) text = text.substr(text.size() - kLastBytes);
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  std::string one_line;
  for (const char c : text)
    if (c == '\n')
      one_line += " | ";
    else if (c >= ' ')
      one_line += c;
  return one_line.empty() ? "it said nothing" : one_line;
}

Status Console::read_more(u64 deadline, std::string_view wanted) {
  for (;;) {
    if (InterruptWatch::asked()) return Error{std::string(kInterrupted)};
    const u64 now = host_monotonic_ns();
    if (now >= deadline)
      return Error{fmt::format("no '{}' in time; last: {}", wanted, last_lines())};
    const auto got = process_->receive(rest_, std::min(kPatience, deadline - now));
    if (got == ChildProcess::Got::Data) return success();
    if (got == ChildProcess::Got::End)
      return Error{fmt::format("it ended, saying: {}", last_lines())};
  }
}

Result<std::string> Console::find(std::string_view text, double seconds, std::string_view other) {
  const u64 deadline = deadline_in(seconds);
  for (;;) {
    size_t end = rest_.find('\n');
    while (end == std::string::npos) {
      if (Status more = read_more(deadline, text); !more) return Error{more.error()};
      end = rest_.find('\n');
    }
    std::string line = rest_.substr(0, end);
    rest_.erase(0, end + 1);
    while (line.ends_with('\r')) line.pop_back();
    if (line.find(text) != std::string::npos) return line;
    if (!other.empty() && line.find(other) != std::string::npos) return line;
    for (const std::string_view bad : {"bench: error", "bench: unexpected"})
      if (line.find(bad) != std::string::npos) return Error{line};
    last_ = (last_ + line + "\n");
    if (last_.size() > 2 * kLastBytes) last_.erase(0, last_.size() - kLastBytes);
  }
}

Result<std::string> Console::read_to(std::string_view text, double seconds) {
  const u64 deadline = deadline_in(seconds);
  for (;;) {
    if (const size_t at = rest_.find(text); at != std::string::npos) {
      std::string before = rest_.substr(0, at + text.size());
      rest_.erase(0, before.size());
      return before;
    }
    if (Status more = read_more(deadline, text); !more) return Error{more.error()};
  }
}

std::string output_of(const std::vector<std::string>& command) {
  constexpr u64 kLongest = 10'000'000'000;
  auto child = ChildProcess::start(command, {});
  if (!child) return {};
  std::string text;
  const u64 end = host_monotonic_ns() + kLongest;
  while (host_monotonic_ns() < end && !InterruptWatch::asked())
    if ((*child)->receive(text, kPatience) == ChildProcess::Got::End) break;
  return (*child)->wait(kPatience).value_or(1) == 0 ? text : std::string();
}

}  // namespace ring3::bench
