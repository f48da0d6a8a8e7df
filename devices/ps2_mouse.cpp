// SPDX-License-Identifier: MIT
#include "devices/ps2_mouse.h"

#include <algorithm>

namespace ring3 {
namespace {

enum Command : u8 {
  kScaling1 = 0xE6,
  kScaling2 = 0xE7,
  kResolution = 0xE8,
  kStatus = 0xE9,
  kStream = 0xEA,
  kReadData = 0xEB,
  kEndWrap = 0xEC,
  kWrap = 0xEE,
  kRemote = 0xF0,
  kIdentify = 0xF2,
  kRate = 0xF3,
  kEnable = 0xF4,
  kDisable = 0xF5,
  kDefaults = 0xF6,
  kResend = 0xFE,
  kReset = 0xFF,
};
enum Reply : u8 { kAck = 0xFA, kSelfTestPassed = 0xAA, kType = 0x00, kError = 0xFC };

}  // namespace

void Ps2Mouse::reset() {
  s_ = State{};
  out.reset();
}

u8 Ps2Mouse::status() const {
  // The status byte has the buttons as left, middle, right.
  const u8 b = s_.buttons;
  return static_cast<u8>(s_.remote << 6 | s_.reporting << 5 | s_.scaling << 4 |
                         (b & kLeft ? 4 : 0) | (b & kMiddle ? 2 : 0) | (b & kRight ? 1 : 0));
}

void Ps2Mouse::argument(u8 byte) {
  if (s_.pending == kRate) note_rate(byte);
  if (s_.pending == kResolution) s_.resolution = byte & 3;
  s_.pending = 0;
  out.push({kAck});
}

/// 200, 100, 80: a wheel; then 200, 200, 80: five buttons.
void Ps2Mouse::note_rate(u8 rate) {
  s_.rate = rate;
  s_.knock = {s_.knock[1], s_.knock[2], rate};
  if (s_.knock == std::array<u8, 3>{200, 100, 80}) s_.type = 3;
  if (s_.knock == std::array<u8, 3>{200, 200, 80} && s_.type == 3) s_.type = 4;
}

void Ps2Mouse::move(int dx, int dy, int dz, u8 buttons) {
  if (!s_.reporting && !s_.remote) return;
  const auto add = [](i32& sum, int delta) { sum = std::clamp(sum + delta, -4096, 4096); };
  add(s_.dx, dx);
  add(s_.dy, -dy);  // the mouse's y grows upwards
  add(s_.dz, dz);
  s_.buttons = buttons & (s_.type == 4 ? 31 : 7);
  report_if_due();
}

void Ps2Mouse::nudge() {
  if (s_.reporting && !s_.remote && out.room_for(8)) push_report(false);
}

void Ps2Mouse::report_if_due() {
  if (!s_.reporting || s_.remote || s_.wrap) return;
  while ((s_.dx || s_.dy || (s_.dz && s_.type) || s_.buttons != s_.told) && out.room_for(8))
    push_report(false);
}

/// Buttons and signs, x, y and, by type, wheel and side buttons.
void Ps2Mouse::push_report(bool acknowledged) {
  const auto take = [](i32& sum, int limit) {
    const int part = std::clamp(sum, -limit, limit);
    sum -= part;
    return part;
  };
  const int dx = take(s_.dx, 255), dy = take(s_.dy, 255), dz = take(s_.dz, 7);
  s_.told = s_.buttons;
  const u8 head = static_cast<u8>(8 | (s_.buttons & 7) | (dx < 0) << 4 | (dy < 0) << 5);
  if (acknowledged) out.push({kAck});
  out.push({head, static_cast<u8>(dx), static_cast<u8>(dy)});
  if (s_.type == 3) out.push({static_cast<u8>(dz)});
  if (s_.type == 4) out.push({static_cast<u8>((dz & 15) | (s_.buttons >> 3 & 3) << 4)});
}

bool Ps2Mouse::setting(u8 byte) {
  switch (byte) {
    case kScaling1:
      s_.scaling = false;
      return true;
    case kScaling2:
      s_.scaling = true;
      return true;
    case kStream:
      s_.remote = false;
      return true;
    case kRemote:
      s_.remote = true;
      return true;
    case kWrap:
      s_.wrap = true;
      return true;
    case kEndWrap:
      return true;
    case kResolution:
    case kRate:
      s_.pending = byte;
      return true;
    case kEnable:
      s_.reporting = true;
      s_.told = s_.buttons;
      return true;
    case kDisable:
      s_.reporting = false;
      return true;
    case kDefaults: {
      const u8 type = s_.type;
      s_ = State{};
      s_.type = type;
      return true;
    }
    default:
      return false;
  }
}

void Ps2Mouse::command(u8 byte) {
  if (s_.wrap && byte != kEndWrap && byte != kReset) {
    out.push({byte});
    return;
  }
  s_.wrap = false;
  if (s_.pending) return argument(byte);
  if (byte != kResend) out.clear();
  if (setting(byte)) {
    out.push({kAck});
    return;
  }
  switch (byte) {
    case kStatus:
      out.push({kAck, status(), s_.resolution, s_.rate});
      return;
    case kReadData:
      return push_report(true);
    case kIdentify:
      out.push({kAck, s_.type});
      return;
    case kResend:
      out.push({out.last()});
      return;
    case kReset:
      reset();
      out.push({kAck, kSelfTestPassed, kType});
      return;
    default:
      out.push({kError});
      return;
  }
}

void Ps2Mouse::fields(FieldVisitor& v, const std::string& prefix) {
  v(prefix + ".state", s_);
  out.fields(v, prefix);
}

}  // namespace ring3
