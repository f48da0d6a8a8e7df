// SPDX-License-Identifier: MIT
#include "core/event_clock.h"

#include <catch2/catch.hpp>
#include <memory>
#include <string>

using namespace ring3;

namespace {

struct Fixture {
  struct Time final : TimeSource {
    Nanos time = 0;
    Nanos now() override { return time; }
  } time;
  EventClock clock{time};
  std::string log;
  Event a{clock, [this] { log += 'a'; }};
  Event b{clock, [this] { log += 'b'; }};
  Event c{clock, [this] { log += 'c'; }};
  void run_at(Nanos t) {
    time.time = t;
    clock.run_due();
  }
};

}  // namespace

TEST_CASE("EventClock: events run in order of time, then of scheduling") {
  Fixture f;
  f.b.schedule_at(20);
  f.c.schedule_at(10);
  f.a.schedule_at(20);
  f.run_at(30);
  CHECK(f.log == "cba");
  CHECK(f.clock.next_deadline() == kNever);
}

TEST_CASE("EventClock: no event runs before its time") {
  Fixture f;
  f.a.schedule_at(10);
  f.b.schedule_at(11);
  f.run_at(9);
  CHECK(f.log.empty());
  f.run_at(10);
  CHECK(f.log == "a");
  CHECK(f.b.scheduled());
  CHECK(f.clock.next_deadline() == 11);
}

TEST_CASE("EventClock: scheduling again replaces, cancelling removes, destroying cancels") {
  Fixture f;
  f.a.schedule_at(10);
  f.a.schedule_at(50);
  f.b.schedule_at(20);
  f.b.cancel();
  f.b.cancel();
  auto gone = std::make_unique<Event>(f.clock, [&] { f.log += 'x'; });
  gone->schedule_at(5);
  gone.reset();
  CHECK(f.clock.next_deadline() == 50);
  f.run_at(40);
  CHECK(f.log.empty());
  f.run_at(50);
  CHECK(f.log == "a");
}

TEST_CASE("EventClock: an action may schedule and cancel others of the same call") {
  Fixture f;
  Event first(f.clock, [&] {
    f.b.cancel();
    f.c.schedule_at(15);
    f.log += '1';
  });
  first.schedule_at(10);
  f.b.schedule_at(12);
  f.a.schedule_at(20);
  f.run_at(20);
  CHECK(f.log == "1ca");
}

TEST_CASE("EventClock: an action that schedules itself at once does not hold run_due") {
  Fixture f;
  Event busy(f.clock, [&] { busy.schedule_in(0); });
  busy.schedule_at(1);
  f.run_at(2);
  CHECK(busy.scheduled());
}

TEST_CASE("EventClock: an earlier deadline calls the hook, a later one does not") {
  Fixture f;
  int calls = 0;
  f.clock.on_earlier([&] { ++calls; });
  f.a.schedule_at(100);
  f.b.schedule_at(200);
  CHECK(calls == 1);
  f.b.schedule_at(50);
  CHECK(calls == 2);
}

TEST_CASE("EventClock: a time past the end of time -> never, and an earlier schedule is gone") {
  Fixture f;
  f.a.schedule_at(10);
  f.a.schedule_at(kEndOfTime);
  CHECK_FALSE(f.a.scheduled());
  CHECK(f.clock.next_deadline() == kNever);
}
