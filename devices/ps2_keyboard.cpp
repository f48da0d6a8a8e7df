// SPDX-License-Identifier: MIT
#include "devices/ps2_keyboard.h"

#include <algorithm>

#include "base/log.h"

namespace ring3 {
namespace {

enum Command : u8 {
  kSetLeds = 0xED,
  kEcho = 0xEE,
  kScanSet = 0xF0,
  kIdentify = 0xF2,
  kRate = 0xF3,
  kEnable = 0xF4,
  kDisable = 0xF5,
  kDefaults = 0xF6,
  kAllTypematic = 0xF7,
  kAllMakeBreak = 0xF8,
  kAllEverything = 0xFA,
  kListTypematic = 0xFB,
  kListMakeBreak = 0xFC,
  kListMakeOnly = 0xFD,
  kResend = 0xFE,
  kReset = 0xFF,
};
enum Reply : u8 { kAck = 0xFA, kSelfTestPassed = 0xAA, kResendReply = 0xFE };
constexpr u8 kExtended = 0xE0, kBreak = 0xF0, kPausePrefix = 0xE1;
constexpr u16 kControl = 0x1D, kRightControl = 0xE01D, kBreakKey = 0xE046;
constexpr u8 kDefaultRate = 0x2B;

// Set 2 codes 00h-7Fh to set 1, as the 8042's ROM has them; 83h and 84h stand apart.
constexpr u8 kTranslation[128] = {
    0xFF, 0x43, 0x41, 0x3F, 0x3D, 0x3B, 0x3C, 0x58, 0x64, 0x44, 0x42, 0x40, 0x3E, 0x0F, 0x29, 0x59,
    0x65, 0x38, 0x2A, 0x70, 0x1D, 0x10, 0x02, 0x5A, 0x66, 0x71, 0x2C, 0x1F, 0x1E, 0x11, 0x03, 0x5B,
    0x67, 0x2E, 0x2D, 0x20, 0x12, 0x05, 0x04, 0x5C, 0x68, 0x39, 0x2F, 0x21, 0x14, 0x13, 0x06, 0x5D,
    0x69, 0x31, 0x30, 0x23, 0x22, 0x15, 0x07, 0x5E, 0x6A, 0x72, 0x32, 0x24, 0x16, 0x08, 0x09, 0x5F,
    0x6B, 0x33, 0x25, 0x17, 0x18, 0x0B, 0x0A, 0x60, 0x6C, 0x34, 0x35, 0x26, 0x27, 0x19, 0x0C, 0x61,
    0x6D, 0x73, 0x28, 0x74, 0x1A, 0x0D, 0x62, 0x6E, 0x3A, 0x36, 0x1C, 0x1B, 0x75, 0x2B, 0x63, 0x76,
    0x55, 0x56, 0x77, 0x78, 0x79, 0x7A, 0x0E, 0x7B, 0x7C, 0x4F, 0x7D, 0x4B, 0x47, 0x7E, 0x7F, 0x6F,
    0x52, 0x53, 0x50, 0x4C, 0x4D, 0x48, 0x01, 0x45, 0x57, 0x4E, 0x51, 0x4A, 0x37, 0x49, 0x46, 0x54,
};

/// The set 2 code of a key named by its set 1 code; 0 if there is none.
u8 set2_code(u8 set1) {
  if (set1 == 0x41) return 0x83;  // F7
  if (set1 == 0x54) return 0x84;  // Alt + Print Screen
  for (u8 code = 1; code < 128; ++code) {
    if (kTranslation[code] == set1) return code;
  }
  return 0;
}

struct Set3 {
  u16 key;  ///< set 1
  u8 code;
};
// Where set 3 differs from set 2 (IBM PS/2 Technical Reference "Keyboard", set 3).
constexpr Set3 kSet3[] = {
    {0x01, 0x08},   {0x1D, 0x11},   {0x2B, 0x5C},   {0x38, 0x19},   {0x3A, 0x14},   {0x3B, 0x07},
    {0x3C, 0x0F},   {0x3D, 0x17},   {0x3E, 0x1F},   {0x3F, 0x27},   {0x40, 0x2F},   {0x41, 0x37},
    {0x42, 0x3F},   {0x43, 0x47},   {0x44, 0x4F},   {0x45, 0x76},   {0x46, 0x5F},   {0x37, 0x7E},
    {0x4A, 0x84},   {0x4E, 0x7C},   {0x56, 0x13},   {0x57, 0x56},   {0x58, 0x5E},   {0xE01C, 0x79},
    {0xE01D, 0x58}, {0xE035, 0x4A}, {0xE037, 0x57}, {0xE038, 0x39}, {0xE046, 0x62}, {0xE047, 0x6E},
    {0xE048, 0x63}, {0xE049, 0x6F}, {0xE04B, 0x61}, {0xE04D, 0x6A}, {0xE04F, 0x65}, {0xE050, 0x60},
    {0xE051, 0x6D}, {0xE052, 0x67}, {0xE053, 0x64}, {0xE05B, 0x8B}, {0xE05C, 0x8C}, {0xE05D, 0x8D},
    {0xE11D, 0x62},
};
constexpr u16 kModifiers[] = {0x1D, 0x2A, 0x36, 0x38, 0x3A, 0xE01D, 0xE038};

// The argument of F3h: bits 5-6 the delay, 0-2 and 3-4 mantissa and exponent of the period.
Nanos typematic_delay(u8 rate) { return (1 + (rate >> 5 & 3)) * Nanos{250'000'000}; }
Nanos typematic_period(u8 rate) { return (Nanos{8} + (rate & 7)) * 4'170'000 << (rate >> 3 & 3); }

}  // namespace

u8 set3_code(u16 key) {
  for (const Set3& entry : kSet3)
    if (entry.key == key) return entry.code;
  return key >> 8 ? u8{0} : set2_code(static_cast<u8>(key));
}

u8 translate_set2(u8 code) {
  if (code == 0x83) return 0x41;
  if (code == 0x84) return 0x54;
  return code < 128 ? kTranslation[code] : code;
}

Ps2Keyboard::Ps2Keyboard(EventClock& clock, std::function<void()> repeated)
    : clock_(clock), repeated_(std::move(repeated)), repeat_event_(clock, [this] { repeat(); }) {
  defaults();
}

void Ps2Keyboard::defaults() {
  s_.set = 2;
  s_.rate = kDefaultRate;
  s_.pending = 0;
  s_.scanning = true;
  s_.key_list = false;
  s_.breaks = {};
  s_.repeats.fill(true);
  for (const u16 key : kModifiers) {
    s_.breaks[set3_code(key)] = true;
    s_.repeats[set3_code(key)] = false;
  }
}

void Ps2Keyboard::reset() {
  s_ = State{};
  defaults();
  out.reset();
  repeat_event_.cancel();
}

void Ps2Keyboard::forget_keys() {
  out.clear();
  s_.typed_count = 0;
  s_.down = {};
  s_.downs = 0;
  s_.held = 0;
  repeat_event_.cancel();
}

void Ps2Keyboard::key(u16 key, bool pressed) {
  if (!s_.scanning) return;
  if (key != kPause) return pressed ? press(key) : release(key);
  if (!pressed || s_.typed_count + s_.downs + 2 > kTyped) return;
  // With Control down the key is Break.
  const bool is_break = is_down(kControl) || is_down(kRightControl);
  wait_to_send(is_break ? kBreakKey : kPause);
  if (is_break) wait_to_send(kBreakKey | kUp);
}

/// Room is kept for the release of each key that is down.
void Ps2Keyboard::press(u16 key) {
  if (is_down(key) || s_.typed_count + s_.downs + 2 > kTyped) return;
  s_.down[index_of(key)] = true;
  ++s_.downs;
  wait_to_send(key);
  s_.held = s_.set == 3 && !s_.repeats[set3_code(key)] ? u16{0} : key;
  if (s_.held) schedule_repeat(typematic_delay(s_.rate));
}

void Ps2Keyboard::release(u16 key) {
  if (!is_down(key)) return;
  s_.down[index_of(key)] = false;
  --s_.downs;
  wait_to_send(key | kUp);
  if (s_.held == key) s_.held = 0;
}

void Ps2Keyboard::schedule_repeat(Nanos delay) {
  s_.repeat_at = clock_.now() + delay;
  repeat_event_.schedule_at(s_.repeat_at);
}

/// A guest that does not take its keys gets no repeats on top.
void Ps2Keyboard::repeat() {
  if (!s_.held) return;
  schedule_repeat(typematic_period(s_.rate));
  if (s_.typed_count || !out.empty()) return;
  wait_to_send(s_.held);
  repeated_();
}

void Ps2Keyboard::wait_to_send(u16 key) {
  s_.typed[(s_.typed_head + s_.typed_count++) % kTyped] = key;
  send_waiting();
}

void Ps2Keyboard::send_waiting() {
  while (out.empty() && s_.typed_count) {
    const u16 key = s_.typed[s_.typed_head];
    s_.typed_head = static_cast<u16>((s_.typed_head + 1) % kTyped);
    --s_.typed_count;
    send(key & ~kUp, !(key & kUp));
  }
}

void Ps2Keyboard::send(u16 key, bool pressed) {
  if (s_.set == 3) return send_set3(key, pressed);
  if (key == kPause) return send_pause();
  const u8 set1 = key & 0x7F;
  const u8 make = s_.set == 1 ? set1 : set2_code(set1);
  if (!make) return;
  if (key >> 8 == kExtended) out.push({kExtended});
  if (s_.set == 1) {
    out.push({static_cast<u8>(pressed ? make : make | 0x80)});
  } else {
    if (!pressed) out.push({kBreak});
    out.push({make});
  }
}

void Ps2Keyboard::send_set3(u16 key, bool pressed) {
  const u8 code = set3_code(key);
  if (!code || (!pressed && !s_.breaks[code])) return;
  if (!pressed) out.push({kBreak});
  out.push({code});
}

/// Pause goes down and up at once.
void Ps2Keyboard::send_pause() {
  if (s_.set == 1) {
    out.push({kPausePrefix, 0x1D, 0x45, kPausePrefix, 0x9D, 0xC5});
  } else {
    out.push({kPausePrefix, 0x14, 0x77, kPausePrefix, kBreak, 0x14, kBreak, 0x77});
  }
}

void Ps2Keyboard::argument(u8 byte) {
  const u8 command = s_.pending;
  s_.pending = 0;
  out.push({kAck});
  switch (command) {
    case kSetLeds:
      s_.leds = byte & 7;
      return;
    case kRate:
      s_.rate = byte & 0x7F;
      return;
    default:
      break;
  }
  if (byte == 0) out.push({s_.set});
  if (byte >= 1 && byte <= 3) s_.set = byte;
  if (byte > 3 && first_times(unknown_sets_))
    RING3_LOG(GuestErrors, "keyboard: no scan set {}", byte);
}

/// F7h-FDh choose which keys repeat and which tell when they go up: all, or those in the list that
/// follows. True if `byte` is such a command, or a code of the list.
bool Ps2Keyboard::set3_command(u8 byte) {
  if (s_.key_list && byte < kSetLeds) {
    s_.breaks[byte] = s_.break_too;
    s_.repeats[byte] = s_.repeat_too;
    return true;
  }
  s_.key_list = false;
  if (byte < kAllTypematic || byte > kListMakeOnly) return false;
  s_.break_too = byte == kAllMakeBreak || byte == kAllEverything || byte == kListMakeBreak;
  s_.repeat_too = byte == kAllTypematic || byte == kAllEverything || byte == kListTypematic;
  if (byte >= kListTypematic) {
    s_.key_list = true;
  } else {
    s_.breaks.fill(s_.break_too);
    s_.repeats.fill(s_.repeat_too);
  }
  return true;
}

void Ps2Keyboard::command(u8 byte) {
  if (!s_.pending && set3_command(byte)) {
    out.push({kAck});
    return;
  }
  // A command in place of an argument is a command.
  if (s_.pending && byte < kSetLeds) return argument(byte);
  s_.pending = 0;
  switch (byte) {
    case kEcho:
      out.push({kEcho});
      return;
    case kIdentify:
      out.push({kAck, 0xAB, 0x83});
      return;
    case kResend:
      out.push({out.last()});
      return;
    case kSetLeds:
    case kScanSet:
    case kRate:
      s_.pending = byte;
      break;
    case kEnable:
      forget_keys();
      s_.scanning = true;
      break;
    case kDisable:
    case kDefaults:
      forget_keys();
      defaults();
      s_.scanning = byte == kDefaults;
      break;
    case kReset:
      reset();
      out.push({kAck, kSelfTestPassed});
      return;
    default:
      out.push({kResendReply});
      return;
  }
  out.push({kAck});
}

void Ps2Keyboard::fields(FieldVisitor& v, const std::string& prefix) {
  v(prefix + ".state", s_);
  out.fields(v, prefix);
}

void Ps2Keyboard::restored() {
  s_.typed_head %= kTyped;
  s_.held ? repeat_event_.schedule_at(s_.repeat_at) : repeat_event_.cancel();
}

}  // namespace ring3
