// SPDX-License-Identifier: MIT
#include "devices/virtio/virtio_input.h"

#include <algorithm>
#include <utility>

#include "base/bits.h"
#include "devices/ps2_keyboard.h"

namespace ring3 {
namespace {

// "input-event-codes.h".
enum EventType : u16 { kSyn = 0, kKey = 1, kRel = 2, kAbs = 3, kLed = 0x11, kRep = 0x14 };
enum Axis : u16 { kX = 0, kY = 1, kWheel = 8 };
constexpr u16 kButtonCodes[] = {0x110, 0x111, 0x112};  // left, right, middle
constexpr u16 kLastKey = 127, kLeds = 3;

enum Select : u8 {
  kIdName = 1,
  kIdSerial = 2,
  kIdDevices = 3,
  kEventBits = 0x11,
  kAxisInfo = 0x12,
};
// Vendor and products as QEMU's devices have them.
constexpr u16 kBusVirtual = 6, kVendor = 0x0627, kVersion = 1;
constexpr u32 kEventSize = 8;

struct KeyName {
  u16 code, linux;
};
// The others have their set 1 code.
constexpr KeyName kExtended[] = {
    {0x54, 99},    {0xE01C, 96},  {0xE01D, 97},
    {0xE035, 98},  {0xE037, 99},  {0xE038, 100},
    {0xE046, 119}, {0xE047, 102}, {0xE048, 103},
    {0xE049, 104}, {0xE04B, 105}, {0xE04D, 106},
    {0xE04F, 107}, {0xE050, 108}, {0xE051, 109},
    {0xE052, 110}, {0xE053, 111}, {0xE05B, 125},
    {0xE05C, 126}, {0xE05D, 127}, {Ps2Keyboard::kPause, 119},
};

void set_bit(std::array<u8, 128>& bytes, u16 at) {
  bytes[at / 8] = static_cast<u8>(bytes[at / 8] | 1 << (at % 8));
}

}  // namespace

u16 linux_key(u16 code) {
  for (const KeyName& key : kExtended)
    if (key.code == code) return key.linux;
  return code <= 0x58 ? code : u16{0};
}

std::string_view VirtioInput::name() const {
  constexpr std::string_view kNames[] = {"virtio-keyboard", "virtio-mouse", "virtio-tablet"};
  return kNames[static_cast<size_t>(kind_)];
}

u32 VirtioInput::class_code() const {
  constexpr u32 kClasses[] = {0x090000, 0x090200, 0x098000};
  return kClasses[static_cast<size_t>(kind_)];
}

// --- Configuration: the driver selects, then reads size and bytes.

u8 VirtioInput::read_config(u32 offset) const {
  if (offset == 0) return s_.select;
  if (offset == 1) return s_.subselect;
  if (offset == 2) return answer().size;
  return offset < 8 ? u8{0} : answer().bytes[offset - 8];
}

void VirtioInput::write_config(u32 offset, u8 value) {
  if (offset == 0) s_.select = value;
  if (offset == 1) s_.subselect = value;
}

VirtioInput::Answer VirtioInput::answer() const {
  Answer a;
  switch (s_.select) {
    case kIdName:
    case kIdSerial: {
      const std::string_view text = s_.select == kIdName ? name() : "ring3";
      a.size = static_cast<u8>(text.size());
      std::ranges::copy(text, a.bytes.begin());
      return a;
    }
    case kIdDevices:
      a.size = 8;
      store(&a.bytes[0], kBusVirtual);
      store(&a.bytes[2], kVendor);
      store(&a.bytes[4], static_cast<u16>(static_cast<u16>(kind_) + 1));
      store(&a.bytes[6], kVersion);
      return a;
    case kEventBits:
      return event_bits();
    case kAxisInfo:
      return axis_range();
    default:
      return a;  // size 0: there is none
  }
}

/// The codes of the type of events that is selected, as a bitmap.
VirtioInput::Answer VirtioInput::event_bits() const {
  Answer a;
  const auto add = [&a](u16 code) {
    set_bit(a.bytes, code);
    a.size = std::max<u8>(a.size, static_cast<u8>(code / 8 + 1));
  };
  const bool keyboard = kind_ == Kind::Keyboard;
  if (s_.subselect == kKey && keyboard)
    for (u16 code = 1; code <= kLastKey; ++code) {
      const bool extended =
          std::ranges::any_of(kExtended, [code](const KeyName& key) { return key.linux == code; });
      if (extended || linux_key(code) == code) add(code);
    }
  if (s_.subselect == kKey && !keyboard) std::ranges::for_each(kButtonCodes, add);
  if (s_.subselect == kLed && keyboard)
    for (u16 led = 0; led < kLeds; ++led) add(led);
  if (s_.subselect == kRep && keyboard) a.size = 1;
  if (s_.subselect == kRel && !keyboard) add(kWheel);
  const u8 axes = kind_ == Kind::Mouse ? kRel : kAbs;
  if (s_.subselect == axes && !keyboard) {
    add(kX);
    add(kY);
  }
  return a;
}

/// min, max, fuzz, flat, resolution.
VirtioInput::Answer VirtioInput::axis_range() const {
  Answer a;
  if (kind_ != Kind::Tablet || s_.subselect > kY) return a;
  a.size = 20;
  store(&a.bytes[4], kMostAbsolute);
  return a;
}

// --- Events.

void VirtioInput::push(u16 type, u16 code, u32 value) {
  s_.waiting[(s_.head + s_.count++) % kWaiting] = {type, code, value};
}

void VirtioInput::report() {
  push(kSyn, 0, 0);
  send_waiting();
}

/// A release has room: a press leaves it.
void VirtioInput::key(u16 code, bool pressed) {
  const u16 key = linux_key(code);
  if (!ready() || !key || s_.down[key] == pressed) return;
  const auto downs = static_cast<u32>(std::ranges::count(s_.down, true));
  if (pressed && !room(2 * downs + 4)) return;
  s_.down[key] = pressed;
  push(kKey, key, pressed);
  report();
}

void VirtioInput::push_buttons(u8 buttons) {
  const u8 changed = s_.buttons ^ buttons;
  for (unsigned i = 0; i < std::size(kButtonCodes); ++i)
    if (changed >> i & 1) push(kKey, kButtonCodes[i], buttons >> i & 1);
  s_.buttons = buttons;
}

constexpr u32 kMostOfPointer = 7;  ///< events in one report

void VirtioInput::point(u32 x, u32 y, int wheel, u8 buttons) {
  if (!ready() || !room(kMostOfPointer)) return;
  x = std::min(x, kMostAbsolute);
  y = std::min(y, kMostAbsolute);
  if (std::exchange(s_.x, x) != x) push(kAbs, kX, x);
  if (std::exchange(s_.y, y) != y) push(kAbs, kY, y);
  if (wheel) push(kRel, kWheel, static_cast<u32>(-wheel));
  push_buttons(buttons & 7);
  report();
}

void VirtioInput::move(int dx, int dy, int wheel, u8 buttons) {
  if (!ready() || !room(kMostOfPointer)) return;
  if (dx) push(kRel, kX, static_cast<u32>(dx));
  if (dy) push(kRel, kY, static_cast<u32>(dy));
  if (wheel) push(kRel, kWheel, static_cast<u32>(-wheel));
  push_buttons(buttons & 7);
  report();
}

/// One buffer holds one event.
void VirtioInput::send_waiting() {
  Virtqueue& queue = transport_->queue(kEvents);
  const bool event_index = transport_->negotiated(kEventIndex);
  VirtioChain chain;
  while (s_.count && queue.pop(transport_->memory(), event_index, chain)) {
    const InputEvent& event = s_.waiting[s_.head];
    std::array<u8, kEventSize> bytes;
    store(&bytes[0], event.type);
    store(&bytes[2], event.code);
    store(&bytes[4], event.value);
    const u32 written = static_cast<u32>(std::min<u64>(chain.writable_size(), kEventSize));
    write_segments(transport_->memory(), chain.writable, 0, std::span(bytes).first(written));
    queue.push(transport_->memory(), chain.head, written);
    s_.head = static_cast<u16>((s_.head + 1) % kWaiting);
    --s_.count;
  }
  if (queue.s.broken) return transport_->need_reset();
  transport_->interrupt(kEvents);
}

void VirtioInput::notified(VirtioTransport&, unsigned queue) {
  queue == kEvents ? send_waiting() : take_status();
}

/// The driver's own events: LEDs.
void VirtioInput::take_status() {
  Virtqueue& queue = transport_->queue(kStatus);
  const bool event_index = transport_->negotiated(kEventIndex);
  VirtioChain chain;
  for (u32 n = 0; n < queue.s.size && queue.pop(transport_->memory(), event_index, chain); ++n) {
    std::array<u8, kEventSize> bytes{};
    const u64 size = std::min<u64>(chain.readable_size(), kEventSize);
    read_segments(transport_->memory(), chain.readable, 0, std::span(bytes).first(size));
    queue.push(transport_->memory(), chain.head, 0);
    const u16 code = load<u16>(&bytes[2]);
    if (load<u16>(&bytes[0]) != kLed || code >= kLeds) continue;
    const u8 bit = static_cast<u8>(1 << code);
    s_.leds = static_cast<u8>(load<u32>(&bytes[4]) ? s_.leds | bit : s_.leds & ~bit);
  }
  transport_->interrupt(kStatus);
}

}  // namespace ring3
