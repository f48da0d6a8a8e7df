// SPDX-License-Identifier: MIT
#include "devices/rtc146818.h"

#include <algorithm>
#include <chrono>

#include "base/log.h"
#include "devices/ticks.h"

namespace ring3 {
namespace {

enum Register : u8 {
  kSeconds,
  kSecondsAlarm,
  kMinutes,
  kMinutesAlarm,
  kHours,
  kHoursAlarm,
  kDayOfWeek,
  kDay,
  kMonth,
  kYear,
  kA,
  kB,
  kC,
  kD,
  kCentury = 0x32,
};

constexpr u8 kUip = 0x80;  // register A
constexpr u8 kSet = 0x80, kPie = 0x40, kAie = 0x20, kUie = 0x10, kSqwe = 0x08, kBinary = 0x04,
             k24Hour = 0x02, kDse = 0x01;                                      // register B
constexpr u8 kIrqf = 0x80, kPf = 0x40, kAf = 0x20, kUf = 0x10, kFlags = 0x70;  // register C
constexpr u8 kVrt = 0x80;                                                      // register D
constexpr u8 kPm = 0x80;
constexpr u8 kDontCare = 0xC0;

constexpr u64 kTimeBaseHz = 32'768;
// UIP rises 244 us before the update cycle, which takes 1984 us.
constexpr Nanos kUpdateWindow = 244'000 + 1'984'000;
constexpr i64 kHalfSecond = kNanosPerSecond / 2;

/// Ticks of the time base in one period of rate RS, 0: none.
constexpr u64 period_ticks(u8 rate) {
  return rate == 0 ? 0 : rate <= 2 ? u64{64} << rate : u64{1} << (rate - 1);
}

constexpr u8 days_in(unsigned month, unsigned year) {
  if (month == 2) return year % 4 == 0 ? 29 : 28;
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

}  // namespace

Rtc146818::Rtc146818(EventClock& clock, IrqLine irq8, i64 start)
    : clock_(clock), irq8_(std::move(irq8)), event_(clock, [this] { catch_up(); }) {
  a() = 0x26;
  b() = k24Hour;
  s_.cmos[kD] = kVrt;
  set_time(start);
  s_.divider_start = static_cast<i64>(clock_.now()) - kHalfSecond;
  s_.next_update = clock_.now() + kNanosPerSecond;
  s_.periodic_seen = periods();
  schedule();
}

u8 Rtc146818::decode(u8 v) const {
  return s_.cmos[kB] & kBinary ? v : static_cast<u8>((v >> 4) * 10 + (v & 15));
}

u8 Rtc146818::encode(u8 v) const {
  return s_.cmos[kB] & kBinary ? v : static_cast<u8>(v / 10 % 10 << 4 | v % 10);
}

u8 Rtc146818::hour() const {
  const u8 raw = s_.cmos[kHours];
  if (s_.cmos[kB] & k24Hour) return decode(raw);
  return static_cast<u8>(decode(raw & ~kPm) % 12 + (raw & kPm ? 12 : 0));
}

void Rtc146818::set_hour(u8 h) {
  u8 raw = encode(h);
  if (!(s_.cmos[kB] & k24Hour))
    raw = static_cast<u8>(encode(h % 12 == 0 ? 12 : h % 12) | (h >= 12 ? kPm : 0));
  s_.cmos[kHours] = raw;
}

void Rtc146818::set_time(i64 seconds) {
  using namespace std::chrono;
  const sys_seconds time{std::chrono::seconds{seconds}};
  const sys_days today = floor<days>(time);
  const year_month_day date{today};
  const hh_mm_ss clock{time - today};
  const int year = static_cast<int>(date.year());
  auto put = [this](u8 index, auto value) { s_.cmos[index] = encode(static_cast<u8>(value)); };
  put(kSeconds, clock.seconds().count());
  put(kMinutes, clock.minutes().count());
  set_hour(static_cast<u8>(clock.hours().count()));
  put(kDayOfWeek, weekday{today}.c_encoding() + 1);
  put(kDay, static_cast<unsigned>(date.day()));
  put(kMonth, static_cast<unsigned>(date.month()));
  put(kYear, (year % 100 + 100) % 100);
  put(kCentury, year / 100);
}

/// One update cycle, carried from register to register as the chip does.
void Rtc146818::count_second() {
  auto carry = [this](u8 index, unsigned last, u8 first) {
    const u8 value = decode(s_.cmos[index]);
    const bool over = value >= last;
    s_.cmos[index] = encode(over ? first : static_cast<u8>(value + 1));
    return over;
  };
  if (!carry(kSeconds, 59, 0) || !carry(kMinutes, 59, 0)) return;
  const u8 h = hour();
  set_hour(h >= 23 ? 0 : static_cast<u8>(h + 1));
  if (h < 23) return;
  carry(kDayOfWeek, 7, 1);
  const u8 month = decode(s_.cmos[kMonth]);
  if (!carry(kDay, days_in(month, decode(s_.cmos[kYear])), 1)) return;
  if (!carry(kMonth, 12, 1) || !carry(kYear, 99, 0)) return;
  carry(kCentury, 99, 0);
}

bool Rtc146818::alarm_matches() const {
  auto match = [this](u8 alarm, u8 time) {
    return (s_.cmos[alarm] & kDontCare) == kDontCare || s_.cmos[alarm] == s_.cmos[time];
  };
  return match(kSecondsAlarm, kSeconds) && match(kMinutesAlarm, kMinutes) &&
         match(kHoursAlarm, kHours);
}

u64 Rtc146818::periods() {
  const u64 ticks = period_ticks(a() & 0x0F);
  if (!ticks || !divider_runs()) return 0;
  const i64 elapsed = static_cast<i64>(clock_.now()) - s_.divider_start;
  return ticks_at(static_cast<u64>(elapsed), kTimeBaseHz) / ticks;
}

/// Does what time has done since the last look: update cycles, alarm, periodic flag.
void Rtc146818::catch_up() {
  const Nanos now = clock_.now();
  while (divider_runs() && s_.next_update <= now) {
    s_.next_update += kNanosPerSecond;
    if (b() & kSet) continue;
    count_second();
    c() |= kUf | (alarm_matches() ? kAf : 0);
  }
  const u64 passed = periods();
  if (passed > s_.periodic_seen) c() |= kPf;
  s_.periodic_seen = passed;
  update_irq();
  schedule();
}

void Rtc146818::update_irq() {
  const bool request = b() & c() & kFlags;
  c() = static_cast<u8>((c() & ~kIrqf) | (request ? kIrqf : 0));
  irq8_.set(request);
}

void Rtc146818::schedule() {
  if (!divider_runs()) return event_.cancel();
  Nanos due = s_.next_update;
  const u64 ticks = period_ticks(a() & 0x0F);
  // With PF already up, the next period changes nothing.
  if (ticks && (b() & kPie) && !(c() & kPf)) {
    const Nanos next = time_of_tick((s_.periodic_seen + 1) * ticks, kTimeBaseHz);
    due = std::min(due, static_cast<Nanos>(static_cast<i64>(next) + s_.divider_start));
  }
  event_.schedule_at(due);
}

u8 Rtc146818::read_register(u8 index) {
  switch (index) {
    case kA: {
      const bool updating =
          divider_runs() && !(b() & kSet) && s_.next_update - clock_.now() <= kUpdateWindow;
      return static_cast<u8>(a() | (updating ? kUip : 0));
    }
    case kC: {
      const u8 value = c();
      c() = 0;
      update_irq();
      schedule();
      return value;
    }
    default:
      return s_.cmos[index];
  }
}

/// The divider chain starts again when it leaves reset: the first update comes half a second later.
void Rtc146818::write_a(u8 value) {
  const bool ran = divider_runs();
  a() = value & 0x7F;
  if (divider_runs() && !ran) {
    s_.divider_start = static_cast<i64>(clock_.now());
    s_.next_update = clock_.now() + kHalfSecond;
  }
  const bool other_base = !divider_runs() && (a() & 0x60) != 0x60;
  if ((other_base || (divider_runs() && (a() & 0x70) != 0x20)) && first_times(logged_))
    RING3_LOG(GuestErrors, "rtc: time base {} is not emulated", a() >> 4 & 7);
  s_.periodic_seen = periods();
}

void Rtc146818::write_b(u8 value) {
  if (value & kSet) value &= ~kUie;
  if ((value & (kDse | kSqwe)) && first_times(logged_))
    RING3_LOG(GuestErrors, "rtc: daylight saving and square wave are not emulated");
  b() = value;
}

void Rtc146818::write_register(u8 index, u8 value) {
  switch (index) {
    case kA:
      write_a(value);
      break;
    case kB:
      write_b(value);
      break;
    case kC:
    case kD:
      return;
    default:
      s_.cmos[index] = value;
      return;
  }
  update_irq();
  schedule();
}

u32 Rtc146818::read(u32 offset, Width width) {
  if (offset != 1) return open_bus(width);  // the index is write-only
  catch_up();
  return read_register(s_.index & 0x7F);
}

void Rtc146818::write(u32 offset, Width, u32 value) {
  if (offset == 0) s_.index = static_cast<u8>(value);
  if (offset != 1) return;
  catch_up();
  write_register(s_.index & 0x7F, static_cast<u8>(value));
}

void Rtc146818::set_cmos(u8 index, u8 value) {
  if (index > kD && index < s_.cmos.size()) s_.cmos[index] = value;
}

void Rtc146818::reset() {
  catch_up();
  s_.index = 0;
  b() &= ~(kPie | kAie | kUie | kSqwe);
  c() = 0;
  update_irq();
  schedule();
}

void Rtc146818::fields(FieldVisitor& v) {
  v("cmos", s_.cmos)("index", s_.index)("divider_start", s_.divider_start);
  v("next_update", s_.next_update)("periodic_seen", s_.periodic_seen);
}

void Rtc146818::restored() { catch_up(); }

}  // namespace ring3
