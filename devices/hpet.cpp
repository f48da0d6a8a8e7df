// SPDX-License-Identifier: MIT
#include "devices/hpet.h"

#include <algorithm>

#include "base/bits.h"

namespace ring3 {
namespace {

// Registers, in steps of 8 bytes.
constexpr u32 kCapabilities = 0x00, kConfig = 0x10, kStatus = 0x20, kCounter = 0xF0;
constexpr u32 kTimerBase = 0x100, kTimerStride = 0x20, kTimerConfig = 0x00, kTimerComparator = 0x08;
constexpr u64 kCapabilityBits = Hpet::kPeriodFs << 32 | 0x8086'A001 | (Hpet::kTimers - 1) << 8;

// Timer configuration: Tn_INT_TYPE, INT_ENB, TYPE, PER_INT_CAP, SIZE_CAP, VAL_SET, 32MODE.
constexpr u64 kLevel = 1 << 1, kIntEnable = 1 << 2, kPeriodic = 1 << 3, kPeriodicCap = 1 << 4,
              kSizeCap = 1 << 5, kValueSet = 1 << 6, k32Bit = 1 << 8, kRoute = 0x1F << 9;
constexpr u64 kTimerWritable = kLevel | kIntEnable | kPeriodic | kValueSet | k32Bit | kRoute;
constexpr unsigned kPitGsi = 0, kRtcGsi = 8;
// A guest may ask for a period of one tick; events come no faster than this.
constexpr Nanos kShortestPeriod = 10'000;

constexpr u64 width_mask(u64 config) { return config & k32Bit ? low_mask(32) : ~u64{0}; }
constexpr u64 merge(u64 old, u64 value, u64 mask) { return (old & ~mask) | (value & mask); }

}  // namespace

Hpet::Hpet(EventClock& clock, std::function<void(unsigned, bool)> route, u32 route_caps)
    : clock_(clock),
      route_(std::move(route)),
      route_caps_(route_caps),
      event_{{clock, [this] { expire(0); }}, {clock, [this] { expire(1); }}, {clock, [this] {
                                                                                expire(2);
                                                                              }}} {
  reset();
}

Hpet::~Hpet() = default;

u64 Hpet::counter() { return running() ? s_.counter + clock_.now() / kTickNanos : s_.counter; }

IrqLine Hpet::pit_input() {
  return IrqLine([this](bool level) {
    s_.pit = level;
    if (!legacy()) route_(kPitGsi, level);
  });
}

IrqLine Hpet::rtc_input() {
  return IrqLine([this](bool level) {
    s_.rtc = level;
    if (!legacy()) route_(kRtcGsi, level);
  });
}

unsigned Hpet::gsi_of(u32 index) const {
  if (legacy() && index == 0) return kPitGsi;
  if (legacy() && index == 1) return kRtcGsi;
  return static_cast<unsigned>(bits(s_.timer[index].config, 13, 9));
}

void Hpet::drive(u32 index, bool level) {
  s_.timer[index].line = level;
  const unsigned gsi = gsi_of(index);
  const bool legacy_place = legacy() && index < 2;
  if (legacy_place || (route_caps_ >> gsi & 1)) route_(gsi, level);
}

/// Level mode: the line is the status bit.
void Hpet::update_line(u32 index) {
  const Timer& t = s_.timer[index];
  const bool wanted = (t.config & kLevel) && (t.config & kIntEnable) && (s_.status >> index & 1);
  if (wanted != t.line && (wanted || (t.config & kLevel) || !(t.config & kIntEnable)))
    drive(index, wanted);
}

/// Steps from the one after `looked_at` to the comparator, modulo the timer's width.
u64 Hpet::Timer::distance() const { return (comparator - looked_at - 1) & width_mask(config); }

void Hpet::arm(u32 index) {
  const Timer& t = s_.timer[index];
  Event& event = event_[index];
  if (!running()) return event.cancel();
  const u64 passed = counter() - t.looked_at, distance = t.distance();
  const Nanos time = clock_.now() / kTickNanos * kTickNanos;
  if (passed > distance) return event.schedule_at(time);
  const u64 left = distance - passed;
  if (left >= (kNever - time) / kTickNanos) return event.cancel();
  event.schedule_at(time + (left + 1) * kTickNanos);
}

/// Moves on to `now`; true if the comparator was met on the way.
bool Hpet::match(Timer& t, u64 now) {
  const u64 passed = now - t.looked_at, distance = t.distance();
  t.looked_at = now;
  if (passed <= distance) return false;
  if ((t.config & kPeriodic) && t.period) {
    const u64 late = passed - distance - 1;
    t.comparator = (t.comparator + (late / t.period + 1) * t.period) & width_mask(t.config);
  }
  return true;
}

void Hpet::expire(u32 index) {
  Timer& t = s_.timer[index];
  const bool met = match(t, counter());
  if (met && (t.config & kLevel)) {
    s_.status |= bit(index);
    update_line(index);
  } else if (met && (t.config & kIntEnable)) {
    drive(index, false);
    drive(index, true);
  }
  arm(index);
  const Nanos earliest = clock_.now() + kShortestPeriod;
  Event& event = event_[index];
  if (met && event.scheduled() && event.when() < earliest) event.schedule_at(earliest);
}

u64 Hpet::read_register(u32 reg) {
  switch (reg) {
    case kCapabilities:
      return kCapabilityBits;
    case kConfig:
      return s_.config;
    case kStatus:
      return s_.status;
    case kCounter:
      return counter();
    default:
      break;
  }
  const u32 index = (reg - kTimerBase) / kTimerStride;
  if (reg < kTimerBase || index >= kTimers) return 0;
  const Timer& t = s_.timer[index];
  switch ((reg - kTimerBase) % kTimerStride) {
    case kTimerConfig:
      return t.config | kPeriodicCap | kSizeCap | u64{route_caps_} << 32;
    case kTimerComparator:
      return t.comparator & width_mask(t.config);
    default:
      return 0;
  }
}

/// `mask`: the bytes that are written.
void Hpet::write_register(u32 reg, u64 value, u64 mask) {
  if (reg >= kTimerBase) {
    const u32 index = (reg - kTimerBase) / kTimerStride;
    if (index < kTimers) write_timer(index, (reg - kTimerBase) % kTimerStride, value, mask);
    return;
  }
  switch (reg) {
    case kConfig:
      return write_config(merge(s_.config, value, mask) & 3);
    case kStatus:
      s_.status &= ~(value & mask);
      for (u32 i = 0; i < kTimers; ++i) update_line(i);
      return;
    case kCounter:
      if (running()) return;  // writable only while halted
      s_.counter = merge(s_.counter, value, mask);
      for (Timer& t : s_.timer) t.looked_at = s_.counter - 1;
      return;
    default:
      return;
  }
}

void Hpet::write_config(u64 value) {
  const bool was_running = running(), was_legacy = legacy();
  for (u32 i = 0; was_running && i < kTimers; ++i) expire(i);
  const u64 now = counter();
  if (was_legacy != bool(value & 2)) {
    for (u32 i = 0; i < kTimers; ++i)
      if (s_.timer[i].line) drive(i, false);
  }
  s_.config = value;
  if (was_running != running()) {
    s_.counter = running() ? now - clock_.now() / kTickNanos : now;
    for (u32 i = 0; i < kTimers; ++i) {
      if (!was_running) s_.timer[i].looked_at = now - 1;
      arm(i);
    }
  }
  if (was_legacy != legacy()) {
    update_inputs();
    for (u32 i = 0; i < kTimers; ++i) update_line(i);
  }
}

/// IRQ0 and IRQ8 change hands.
void Hpet::update_inputs() {
  route_(kPitGsi, !legacy() && s_.pit);
  route_(kRtcGsi, !legacy() && s_.rtc);
}

void Hpet::write_timer_config(u32 index, u64 value) {
  Timer& t = s_.timer[index];
  const u64 route = bits(value, 13, 9);
  // A route that the timer cannot take is not kept, by which software finds out.
  if (!(route_caps_ >> route & 1)) value = merge(value, t.config, kRoute);
  if (t.line && bits(value, 13, 9) != bits(t.config, 13, 9)) drive(index, false);
  if (t.line && (value & kLevel) != (t.config & kLevel)) drive(index, false);
  t.config = value;
  if (t.config & k32Bit) {
    t.comparator &= low_mask(32);
    t.period &= low_mask(32);
  }
  update_line(index);
}

/// Periodic timers: every write sets the period, and with VAL_SET also the comparator. One 64-bit
/// write or the write of the low half uses VAL_SET up.
void Hpet::write_comparator(Timer& t, u64 value, u64 mask) {
  const u64 width = width_mask(t.config);
  if (t.config & kPeriodic) t.period = merge(t.period, value, mask) & width;
  if (!(t.config & kPeriodic) || (t.config & kValueSet))
    t.comparator = merge(t.comparator, value, mask) & width;
  if (mask & low_mask(32)) t.config &= ~kValueSet;
}

void Hpet::write_timer(u32 index, u32 reg, u64 value, u64 mask) {
  Timer& t = s_.timer[index];
  if (running()) expire(index);  // what was due under the old setting
  if (reg == kTimerConfig) {
    write_timer_config(index, merge(t.config, value, mask) & kTimerWritable);
  } else if (reg == kTimerComparator) {
    write_comparator(t, value, mask);
    t.looked_at = counter() - 1;
  }
  arm(index);
}

u32 Hpet::read(u32 offset, Width width) {
  if (offset >= kWindow) return open_bus(width);
  const u64 value = read_register(offset & ~7u) >> (8 * (offset & 7));
  return static_cast<u32>(value) & open_bus(width);
}

void Hpet::write(u32 offset, Width width, u32 value) {
  // The specification has 32-bit and 64-bit accesses only.
  if (offset >= kWindow || width != Width::Dword || (offset & 3)) return;
  const unsigned shift = 8 * (offset & 4);
  write_register(offset & ~7u, u64{value} << shift, low_mask(32) << shift);
}

void Hpet::mmio_write(u64 offset, unsigned size, u64 value) {
  if (size != 8 || offset >= kWindow || (offset & 7))
    return MmioDevice::mmio_write(offset, size, value);
  write_register(static_cast<u32>(offset), value, ~u64{0});
}

void Hpet::reset() {
  for (u32 i = 0; i < kTimers; ++i) {
    event_[i].cancel();
    if (s_.timer[i].line) drive(i, false);
  }
  const bool pit = s_.pit, rtc = s_.rtc;
  s_ = State{};
  s_.pit = pit;
  s_.rtc = rtc;
  update_inputs();
}

void Hpet::fields(FieldVisitor& v) {
  v("config", s_.config)("status", s_.status)("counter", s_.counter)("pit", s_.pit)("rtc", s_.rtc);
  for (u32 i = 0; i < kTimers; ++i) {
    const std::string p = "timer" + std::to_string(i) + ".";
    Timer& t = s_.timer[i];
    v(p + "config", t.config)(p + "comparator", t.comparator)(p + "period", t.period);
    v(p + "looked_at", t.looked_at)(p + "line", t.line);
  }
}

void Hpet::restored() {
  update_inputs();
  for (u32 i = 0; i < kTimers; ++i) {
    if (s_.timer[i].line) drive(i, true);
    arm(i);
  }
}

}  // namespace ring3
