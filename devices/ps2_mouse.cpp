// SPDX-License-Identifier: MIT
#include "devices/ps2_mouse.h"

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
  return static_cast<u8>(s_.remote << 6 | s_.reporting << 5 | s_.scaling << 4);
}

void Ps2Mouse::argument(u8 byte) {
  if (s_.pending == kRate) s_.rate = byte;
  if (s_.pending == kResolution) s_.resolution = byte & 3;
  s_.pending = 0;
  out.push({kAck});
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
      return true;
    case kDisable:
      s_.reporting = false;
      return true;
    case kDefaults:
      s_ = State{};
      return true;
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
      out.push({kAck, 0x08, 0, 0});
      return;  // no buttons, no movement
    case kIdentify:
      out.push({kAck, kType});
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
  v(prefix + ".pending", s_.pending)(prefix + ".rate", s_.rate)(
      prefix + ".resolution", s_.resolution)(prefix + ".reporting", s_.reporting)(
      "remote", s_.remote)(prefix + ".scaling", s_.scaling)(prefix + ".wrap", s_.wrap);
  out.fields(v, prefix);
}

}  // namespace ring3
