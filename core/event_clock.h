// SPDX-License-Identifier: MIT
// The one source of time for devices and TSC. Time is in nanoseconds since power-on and comes from
// a TimeSource: the host's monotonic clock, or the cpu's instruction count (-icount).
#pragma once

#include <functional>
#include <utility>
#include <vector>

#include "base/types.h"
#include "core/tick_line.h"

namespace ring3 {

using Nanos = u64;
inline constexpr Nanos kNever = ~u64{0};
/// 146 years. A guest that sleeps until a later time sleeps for good: idle time that is skipped
/// must not lead the clock to its overflow.
inline constexpr Nanos kEndOfTime = u64{1} << 62;
inline constexpr Nanos kNanosPerSecond = 1'000'000'000;

class TimeSource {
 public:
  virtual ~TimeSource() = default;
  virtual Nanos now() = 0;
  /// What now() goes by while it holds, or null. It stays where it is and changes in now() only.
  virtual const TickLine* line() const { return nullptr; }
};

/// One pending action of a device. Lives as a member of the device; unscheduled when destroyed.
class Event;

class EventClock {
 public:
  explicit EventClock(TimeSource& source) : source_(source) {}

  Nanos now() { return source_.now(); }
  /// The guest's time-stamp counter: kTscHz ticks a second of this clock.
  u64 tsc() { return now_to_tsc(now()); }
  /// What tsc() goes by while it holds, or null: that a tick is a nanosecond is known there.
  const TickLine* tsc_line() const { return source_.line(); }
  static constexpr u64 kTscHz = 1'000'000'000;
  static constexpr u64 now_to_tsc(Nanos t) { return t; }
  static constexpr Nanos tsc_to_now(u64 tsc) { return tsc; }

  /// Replaces an earlier schedule of the same event. What is due past kEndOfTime never runs.
  void schedule(Event& event, Nanos when);
  void cancel(Event& event);
  Nanos next_deadline() const;  ///< kNever if nothing is scheduled
  /// Runs what is due at the time of the call, in order of time, then of scheduling. An action may
  /// schedule or cancel any event; one that is due by then runs in the same call.
  void run_due();

  /// Called when an earlier deadline than before was scheduled, so that a running engine looks up.
  void on_earlier(std::function<void()> hook) { earlier_ = std::move(hook); }

 private:
  struct Entry {
    Nanos when;
    u64 order;
    Event* event;
  };
  TimeSource& source_;
  std::vector<Entry> pending_;  ///< latest first: the next to run is at the back
  u64 order_ = 0;
  std::function<void()> earlier_;
};

class Event {
 public:
  Event(EventClock& clock, std::function<void()> action)
      : clock_(clock), action_(std::move(action)) {}
  ~Event() { cancel(); }
  Event(const Event&) = delete;

  void schedule_at(Nanos when) { clock_.schedule(*this, when); }
  void schedule_in(Nanos delay) { clock_.schedule(*this, clock_.now() + delay); }
  void cancel() {
    if (scheduled_) clock_.cancel(*this);
  }
  bool scheduled() const { return scheduled_; }
  Nanos when() const { return when_; }

 private:
  friend class EventClock;
  EventClock& clock_;
  std::function<void()> action_;
  bool scheduled_ = false;
  Nanos when_ = 0;
};

}  // namespace ring3
