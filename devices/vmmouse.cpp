// SPDX-License-Identifier: MIT
#include "devices/vmmouse.h"

#include "devices/ps2_mouse.h"

namespace ring3 {
namespace {

constexpr u32 kMagic = 0x564D'5868, kVersion = 6;
enum Register { kEax, kEbx, kEcx, kEdx, kEsi, kEdi };
enum Command : u16 { kGetVersion = 10, kData = 39, kStatus = 40, kControl = 41 };
enum Control : u32 {
  kReadId = 0x4541'4552,
  kDisable = 0x0000'00F5,
  kRequestRelative = 0x4C45'5252,
  kRequestAbsolute = 0x5342'4152
};
constexpr u32 kId = 0x3442'554A, kOff = 0xFFFF'0000;
enum Buttons : u32 { kLeft = 0x20, kRight = 0x10, kMiddle = 0x08 };

}  // namespace

void VmMouse::push(u32 word) {
  s_.queue[(s_.head + s_.count) % kQueue] = word;
  ++s_.count;
}

void VmMouse::move(u32 x, u32 y, u8 buttons, int wheel) {
  if (!enabled() || s_.count + kPacket > kQueue) return;
  push((buttons & Ps2Mouse::kLeft ? kLeft : 0u) | (buttons & Ps2Mouse::kRight ? kRight : 0u) |
       (buttons & Ps2Mouse::kMiddle ? kMiddle : 0u));
  push(x);
  push(y);
  push(static_cast<u32>(wheel));
  if (wires_.kick) wires_.kick();
}

u32 VmMouse::status() const { return s_.active ? s_.count : kOff; }

void VmMouse::command(u32 argument) {
  switch (argument) {
    case kReadId:
      s_.head = s_.count = 0;
      s_.active = true;
      push(kId);
      return;
    case kDisable:
      s_ = State{};
      return;
    case kRequestAbsolute:
      s_.absolute = s_.active;
      return;
    case kRequestRelative:
      s_.absolute = false;
      return;
    default:
      return;
  }
}

// A backdoor call is a read of the port with the magic number in EAX and the command in CX; EBX is
// its argument.
u32 VmMouse::read(u32, Width width) {
  BackdoorRegisters r = wires_.get();
  if (r[kEax] != kMagic || width != Width::Dword) return open_bus(width);
  switch (r[kEcx] & 0xFFFF) {
    case kGetVersion:
      r[kEbx] = kMagic;
      wires_.set(r);
      return kVersion;
    case kControl:
      command(r[kEbx]);
      return r[kEax];
    case kStatus:
      return status();
    case kData: {
      const u32 words = r[kEbx];
      if (words == 0 || words > 6 || words > s_.count) {
        s_ = State{};  // out of step: off, as the driver expects
        return kOff;
      }
      for (u32 i = 0; i < words; ++i) {
        r[i] = s_.queue[s_.head];
        s_.head = (s_.head + 1) % kQueue;
        --s_.count;
      }
      wires_.set(r);
      return r[kEax];
    }
    default:
      return open_bus(width);
  }
}

}  // namespace ring3
