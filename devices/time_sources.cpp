// SPDX-License-Identifier: MIT
// How the line over the host's ticks is kept: at most every two seconds both clocks are read; the
// rate is the mean since the start, bent so that the line meets the monotonic clock at the next
// time. Not followed: a counter that counts below 1 GHz.
#include "devices/time_sources.h"

#include <algorithm>

namespace ring3 {
namespace {

constexpr u64 kShortest = 10'000'000, kLongest = 2'000'000'000;  ///< ns until the next reading
/// What the line may be off the monotonic clock, in ns, before it jumps (forwards) or is given up.
constexpr u64 kFar = 100'000'000;
/// It is bent by at most this part of the rate: 500 millionths.
constexpr i64 kBend = 2000;

/// ns / ticks in 2^-64; 0 if that is 1 or more.
u64 rate_of(u64 ns, u64 ticks) {
  if (ns >= ticks) return 0;
  return static_cast<u64>((static_cast<u128>(ns) << 64) / ticks);
}

}  // namespace

/// Another process may run between the readings: of a few tries the one that took least counts.
HostTime::Pair HostTime::Pair::read() {
  Pair best;
  u64 least = ~u64{0};
  for (int tries = 0; tries < 4; ++tries) {
    const u64 before = host_ticks();
    const u64 ns = host_monotonic_ns();
    const u64 took = host_ticks() - before;
    if (took < least) best = {before + took / 2, ns};
    least = std::min(least, took);
  }
  return best;
}

Nanos HostTime::measure() {
  const Pair now = Pair::read();
  const Nanos real = now.ns - origin_;
  // The line is good for longer than its limit, but not when the counter was set or stood still.
  const bool known = line_.limit != 0 && now.ticks - line_.ticks < 8 * line_.limit;
  const Nanos by_line = known ? line_.at(now.ticks) : real;
  const bool behind = real > by_line && real - by_line > kFar;
  last_ = std::max(last_, behind ? real : by_line);
  if (steady_) steer(now, static_cast<i64>(real - last_));
  return last_;
}

/// A new line from (`now`, last_) on, which is `off` ns before the monotonic clock.
void HostTime::steer(const Pair& now, i64 off) {
  const u64 span = now.ns - first_.ns, ticks = now.ticks - first_.ticks;
  if (span < kShortest) return;
  const u64 rate = rate_of(span, ticks);
  const u64 change = rate > line_.rate ? rate - line_.rate : line_.rate - rate;
  const bool ahead_far = -off > static_cast<i64>(kFar);
  if (rate == 0 || (line_.limit != 0 && change > rate / 1000) || ahead_far) {
    // The host slept, or the counter was set: from the present time on, by new measurements.
    origin_ = now.ns - last_;
    first_ = now;
    line_ = {};
    return;
  }
  const u64 period = std::clamp(span, kShortest, kLongest);
  const i64 most = static_cast<i64>(period) / kBend;
  const i64 bend = std::clamp(off, -most, most);
  const auto part = static_cast<i128>(rate) * bend / static_cast<i64>(period);
  line_.rate = rate + static_cast<u64>(static_cast<i64>(part));
  const u64 ahead = static_cast<u64>(static_cast<u128>(ticks) * period / span);
  // Another cpu's counter may be a little behind: the line begins before now.
  line_.ticks = now.ticks - ahead;
  line_.nanos = last_ - line_.scaled(ahead);
  line_.limit = 2 * ahead;
}

void HostTime::stop() {
  last_ = now();
  stopped_ = true;
}

void HostTime::go_on() {
  if (!stopped_) return;
  stopped_ = false;
  origin_ = host_monotonic_ns() - last_;
  line_.limit = 0;
}

}  // namespace ring3
