// SPDX-License-Identifier: MIT
#include "devices/pit8254.h"

#include <algorithm>

#include "devices/ticks.h"

namespace ring3 {
namespace {

constexpr u8 kGate2 = 0x01, kSpeaker = 0x02, kRefresh = 0x10, kOut2 = 0x20, kPort61Writable = 0x0F;
constexpr i64 kRefreshTicks = 18;  // a DRAM refresh each 15.085 us

u32 from_bcd(u32 v) {
  return (v & 15) + 10 * (v >> 4 & 15) + 100 * (v >> 8 & 15) + 1000 * (v >> 12 & 15);
}
u16 to_bcd(u32 v) {
  return static_cast<u16>(v % 10 | (v / 10 % 10) << 4 | (v / 100 % 10) << 8 |
                          (v / 1000 % 10) << 12);
}

}  // namespace

/// The OUT pin, by 8254 datasheet "Mode Definitions". elapsed() counts from the load of the
/// counting element, one clock after the write.
bool Pit8254::Channel::out(Tick now) const {
  const Tick e = elapsed(now), n = count;
  switch (mode) {
    case 0:
      return loaded && e >= n;
    case 1:
      return !(loaded && triggered && e >= 0 && e < n);
    case 2:
      return !running() || e < 0 || n < 2 || e % n != n - 1;
    case 3:
      return !running() || e < 0 || e % n < high_ticks();
    default:
      return !(running() && e == n);
  }
}

u16 Pit8254::Channel::value(Tick now) const {
  const Tick e = std::max<Tick>(loaded ? elapsed(now) : 0, 0), n = count;
  const Tick modulus = bcd ? 10000 : 0x10000;
  Tick v = n;
  if (mode == 2) {
    v = n - e % n;
  } else if (mode == 3) {
    // By two, from the even part of the count, once per half cycle.
    const Tick phase = e % n;
    v = (n & ~Tick{1}) - 2 * (phase < high_ticks() ? phase : phase - high_ticks());
  } else if (triggered || (mode != 1 && mode != 5)) {
    v = ((n - e) % modulus + modulus) % modulus;
  }
  v %= modulus;
  return bcd ? to_bcd(static_cast<u32>(v)) : static_cast<u16>(v);
}

/// The first tick after `now` at which OUT rises.
Pit8254::Tick Pit8254::Channel::next_rise(Tick now) const {
  if (!running()) return kNoTick;
  const Tick e = elapsed(now), n = count;
  Tick rise = 0;
  if (mode == 2 || mode == 3) {
    rise = n < 2 ? kNoTick : start + (e < 0 ? n : (e / n + 1) * n);
    if (has_next && rise > next_at) {
      Channel later = *this;
      later.settle(next_at);
      return later.next_rise(next_at);
    }
    return rise;
  }
  const Tick at = mode <= 1 ? n : n + 1;
  return e < at ? start + at : kNoTick;
}

/// When IRQ0 has to be looked at again. Short low pulses need no event at their beginning.
Pit8254::Tick Pit8254::Channel::next_event(Tick now) const {
  const Tick rise = next_rise(now);
  if (mode != 3 || !running() || rise == kNoTick) return rise;
  const Tick cycle = std::max<Tick>(elapsed(now), 0) / count * count;
  const Tick fall = start + cycle + high_ticks();
  return fall > now ? std::min(fall, rise) : rise;
}

void Pit8254::Channel::load(u32 n, Tick now) {
  count = n;
  has_next = false;
  loaded = true;
  start = now + 1;
  held = 0;
  paused = !gate && mode != 1 && mode != 5;
}

void Pit8254::Channel::load_next(Tick now) { load(has_next ? next_count : count, now); }

/// Modes 2 and 3: takes a waiting count at the end of the cycle or half cycle that was running.
void Pit8254::Channel::settle(Tick now) {
  if (!has_next || !running() || (mode != 2 && mode != 3) || now < next_at) return;
  const bool was_high = mode == 3 && (next_at - start) % count != 0;
  count = next_count;
  has_next = false;
  // After a high half cycle the new count begins with its low one.
  start = next_at - (was_high ? high_ticks() : 0);
}

void Pit8254::Channel::set_gate(bool level, Tick now) {
  if (level == gate) return;
  settle(now);
  const Tick e = std::max<Tick>(elapsed(now), 0);
  gate = level;
  if (!loaded) return;
  if (mode == 1 || mode == 5) {
    if (level) {
      load_next(now);
      triggered = true;
    }
  } else if (!level) {
    held = e;
    paused = true;
  } else if (mode == 2 || mode == 3) {
    load_next(now);
  } else {
    start = now - held;
    paused = false;
  }
}

void Pit8254::Channel::write_control(u8 control) {
  const bool level = gate;
  const u32 last = count;
  *this = Channel{};
  gate = level;
  count = last;
  access = control >> 4 & 3;
  mode = control >> 1 & 7;
  if (mode > 5) mode -= 4;
  bcd = control & 1;
}

void Pit8254::Channel::write_count(u32 n, Tick now) {
  n = bcd ? from_bcd(n) : n;
  if (n == 0) n = bcd ? 10000 : 0x10000;
  const bool periodic = mode == 2 || mode == 3;
  const bool one_shot = mode == 1 || mode == 5;
  const bool cycling = periodic && loaded && (paused || elapsed(now) >= 0);
  if (!cycling && !one_shot) return load(n, now);
  settle(now);
  next_count = n;
  has_next = loaded = true;
  if (cycling && !paused) {
    const Tick phase = elapsed(now) % count;
    const Tick left = mode == 3 && phase < high_ticks() ? high_ticks() - phase : count - phase;
    next_at = now + left;
  }
}

void Pit8254::Channel::write_byte(u8 byte, Tick now) {
  if (access == 1) return write_count(byte, now);
  if (access == 2) return write_count(u32{byte} << 8, now);
  if (write_high) {
    write_high = false;
    return write_count(low_byte | u32{byte} << 8, now);
  }
  write_high = true;
  low_byte = byte;
  if (mode == 0) loaded = false;  // the first byte stops the count and lowers OUT
}

void Pit8254::Channel::latch_count(Tick now) {
  if (latch_bytes) return;
  latch = value(now);
  latch_bytes = access == 3 ? 2 : 1;
}

void Pit8254::Channel::latch_status(Tick now) {
  if (status_latched) return;
  status_latched = true;
  status = static_cast<u8>(out(now) << 7 | null_count(now) << 6 | access << 4 | mode << 1 | bcd);
}

u8 Pit8254::Channel::read_byte(Tick now) {
  if (status_latched) {
    status_latched = false;
    return status;
  }
  const bool latched = latch_bytes != 0;
  const u16 v = latched ? latch : value(now);
  bool high = access == 2;
  if (access == 3) {
    high = read_high;
    read_high = !read_high;
  }
  if (latched) --latch_bytes;
  return static_cast<u8>(high ? v >> 8 : v);
}

void Pit8254::Channel::fields(FieldVisitor& v, const std::string& p) {
  v(p + "mode", mode)(p + "access", access)(p + "bcd", bcd)(p + "gate", gate);
  v(p + "loaded", loaded)(p + "triggered", triggered)(p + "paused", paused);
  v(p + "has_next", has_next)(p + "count", count)(p + "next_count", next_count);
  v(p + "start", start)(p + "held", held)(p + "next_at", next_at)(p + "low_byte", low_byte);
  v(p + "write_high", write_high)(p + "read_high", read_high)(p + "latch", latch);
  v(p + "latch_bytes", latch_bytes)(p + "status", status)(p + "status_latched", status_latched);
}

Pit8254::Pit8254(EventClock& clock, IrqLine irq0)
    : clock_(clock), irq0_(std::move(irq0)), event_(clock, [this] { sync(); }) {
  reset();
}

u64 Pit8254::ticks_now() { return ticks_at(clock_.now(), kHz); }

bool Pit8254::out(unsigned channel) {
  const Tick now = tick();
  s_.channel[channel].settle(now);
  return s_.channel[channel].out(now);
}

bool Pit8254::speaker() { return (s_.port61 & kSpeaker) && out(2); }

/// Drives IRQ0 to OUT0. A low pulse that passed since the last call still makes its edge.
void Pit8254::sync() {
  const Tick now = tick();
  Channel& c = s_.channel[0];
  const bool rose = c.next_rise(s_.synced) <= now;
  for (Channel& channel : s_.channel) channel.settle(now);
  s_.synced = now;
  if (rose) irq0_.set(false);
  irq0_.set(c.out(now));
  const Tick next = c.next_event(now);
  if (next == kNoTick) return event_.cancel();
  event_.schedule_at(time_of_tick(static_cast<u64>(next), kHz));
}

void Pit8254::read_back(u8 command, Tick now) {
  for (unsigned i = 0; i < 3; ++i) {
    if (!(command >> (i + 1) & 1)) continue;
    if (!(command & 0x20)) s_.channel[i].latch_count(now);
    if (!(command & 0x10)) s_.channel[i].latch_status(now);
  }
}

u8 Pit8254::read_port61(Tick now) {
  const u8 refresh = now / kRefreshTicks & 1 ? kRefresh : 0;
  return static_cast<u8>(s_.port61 | refresh | (s_.channel[2].out(now) ? kOut2 : 0));
}

u32 Pit8254::read(u32 offset, Width width) {
  const Tick now = tick();
  for (Channel& channel : s_.channel) channel.settle(now);
  if (offset < 3) return s_.channel[offset].read_byte(now);
  if (offset == kPort61) return read_port61(now);
  return open_bus(width);  // the control register is write-only
}

void Pit8254::write(u32 offset, Width, u32 value) {
  if (offset > kPort61) return;
  sync();
  const Tick now = s_.synced;
  const u8 byte = static_cast<u8>(value);
  if (offset < 3) {
    s_.channel[offset].write_byte(byte, now);
  } else if (offset == kPort61) {
    s_.port61 = byte & kPort61Writable;
    s_.channel[2].set_gate(byte & kGate2, now);
  } else if (byte >= 0xC0) {
    read_back(byte, now);
  } else if ((byte & 0x30) == 0) {
    s_.channel[byte >> 6].latch_count(now);
  } else {
    s_.channel[byte >> 6].write_control(byte);
  }
  sync();
}

/// The datasheet leaves the state open until it is programmed: as a PC's firmware leaves it, all
/// channels count 65536 in mode 3.
void Pit8254::reset() {
  s_ = State{};
  s_.synced = tick();
  s_.channel[2].gate = false;
  for (Channel& channel : s_.channel) channel.load(0x10000, s_.synced);
  sync();
}

void Pit8254::fields(FieldVisitor& v) {
  for (unsigned i = 0; i < 3; ++i) s_.channel[i].fields(v, "channel" + std::to_string(i) + ".");
  v("synced", s_.synced)("port61", s_.port61);
}

void Pit8254::restored() { sync(); }

}  // namespace ring3
