// SPDX-License-Identifier: MIT
// Pending events in a vector sorted by (time, order of scheduling), the next one at the back. A
// machine has a few dozen events and most reschedules are near the front of time, so that a sorted
// vector costs less than a heap with lazy deletion, and cancelling leaves nothing behind.
#include "core/event_clock.h"

#include <algorithm>

namespace ring3 {

void EventClock::schedule(Event& event, Nanos when) {
  const bool earlier = when < next_deadline();
  cancel(event);
  if (when >= kEndOfTime) return;
  const Entry entry{when, order_++, &event};
  const auto runs_later = [](const Entry& a, const Entry& b) {
    return a.when != b.when ? a.when > b.when : a.order > b.order;
  };
  pending_.insert(std::lower_bound(pending_.begin(), pending_.end(), entry, runs_later), entry);
  event.scheduled_ = true;
  event.when_ = when;
  if (earlier && earlier_) earlier_();
}

void EventClock::cancel(Event& event) {
  if (!event.scheduled_) return;
  const auto it = std::find_if(pending_.rbegin(), pending_.rend(),
                               [&](const Entry& e) { return e.event == &event; });
  pending_.erase(std::next(it).base());
  event.scheduled_ = false;
}

Nanos EventClock::next_deadline() const { return pending_.empty() ? kNever : pending_.back().when; }

void EventClock::run_due() {
  // Time stands still during one call, and the number of runs is bounded: an action that always
  // schedules itself at once cannot hold the machine here.
  constexpr unsigned kMaxRuns = 4096;
  const Nanos now = source_.now();
  for (unsigned runs = 0; runs < kMaxRuns && next_deadline() <= now && !pending_.empty(); ++runs) {
    Event& event = *pending_.back().event;
    pending_.pop_back();
    event.scheduled_ = false;
    event.action_();
  }
}

}  // namespace ring3
