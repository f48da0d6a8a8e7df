// SPDX-License-Identifier: MIT
// A virtio input device (Virtio 1.1, 5.8): keyboard, mouse or tablet, whose events are those of
// Linux' evdev ("input-event-codes.h"). Not emulated: multitouch, sounds, force feedback.
#pragma once

#include <array>
#include <optional>
#include <span>

#include "devices/virtio/virtio_device.h"

namespace ring3 {

class VirtioInput final : public VirtioDevice {
 public:
  enum class Kind : u8 { Keyboard, Mouse, Tablet };
  enum Button : u8 { kLeft = 1, kRight = 2, kMiddle = 4 };
  static constexpr u32 kMostAbsolute = 0x7FFF;
  static constexpr u32 kConfigSize = 136;

  explicit VirtioInput(Kind kind) : kind_(kind) {}

  /// The driver takes events.
  bool ready() const { return transport_ && transport_->queue(kEvents).s.enabled; }
  /// Of a keyboard, by the key's set 1 code as for Ps2Keyboard::key. The guest's driver repeats.
  void key(u16 code, bool pressed);
  /// Of a tablet: a place from 0 to kMostAbsolute; the wheel's notches, towards the user positive.
  void point(u32 x, u32 y, int wheel, u8 buttons);
  /// Of a mouse: movement, right and down positive.
  void move(int dx, int dy, int wheel, u8 buttons);
  u8 leds() const { return s_.leds; }  ///< bits 0 to 2: num lock, caps lock, scroll lock

  std::string_view name() const override;
  u16 id() const override { return 18; }
  u32 class_code() const override;
  u64 features() const override { return 0; }
  unsigned queues() const override { return 2; }
  u16 queue_size(unsigned) const override { return 64; }
  u32 config_size() const override { return kConfigSize; }
  u8 read_config(u32 offset) const override;
  void write_config(u32 offset, u8 value) override;
  void attached(VirtioTransport& transport) override { transport_ = &transport; }
  void notified(VirtioTransport& transport, unsigned queue) override;
  void reset() override { s_ = State{}; }
  void fields(FieldVisitor& v) override { v("input", s_); }

 private:
  static constexpr unsigned kEvents = 0, kStatus = 1;
  static constexpr u32 kWaiting = 256, kUnion = 128;
  struct InputEvent {
    u16 type = 0, code = 0;
    u32 value = 0;
  };
  /// Without padding: it is saved and hashed as bytes.
  struct State {
    std::array<InputEvent, kWaiting> waiting{};  ///< for buffers of the driver
    u16 head = 0, count = 0;
    u8 select = 0, subselect = 0;
    u8 leds = 0, buttons = 0;
    u32 x = 0, y = 0;
    std::array<bool, 256> down{};
  };
  struct Answer {
    u8 size = 0;
    std::array<u8, kUnion> bytes{};
  };
  Answer answer() const;
  Answer event_bits() const;
  Answer axis_range() const;
  void push(u16 type, u16 code, u32 value);
  void push_buttons(u8 buttons);
  bool room(u32 events) const { return s_.count + events <= kWaiting; }
  void report();
  void send_waiting();
  void take_status();

  const Kind kind_;
  VirtioTransport* transport_ = nullptr;
  State s_;
};

/// Linux' key code of a key named by its set 1 code; 0: it has none.
u16 linux_key(u16 code);

}  // namespace ring3
