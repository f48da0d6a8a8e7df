// SPDX-License-Identifier: MIT
// An IBM PS/2 (MF-II) keyboard, scan code sets 1, 2 and 3. Keys are named by their set 1 code, with
// E0xxh for the extended ones; the controller's translation is in i8042.
// Not emulated: the shift states around Print Screen and the arrows; set 3's keys that only make by
// default (all but the modifiers are typematic).
#pragma once

#include <functional>
#include <utility>

#include "core/event_clock.h"
#include "devices/ps2_port.h"

namespace ring3 {

class Ps2Keyboard final : public Ps2Device {
 public:
  static constexpr u16 kPause = 0xE11D;
  /// `repeated`: the key that is held has something to send.
  Ps2Keyboard(EventClock& clock, std::function<void()> repeated);
  /// `key`: set 1 make code, 01h-7Fh or E001h-E07Fh, or kPause. Keys wait until the guest has taken
  /// those before; a press is dropped when too many wait, and while scanning is off. A key that is
  /// down stays so until it is released: it repeats by itself.
  void key(u16 key, bool pressed);
  /// Moves the next key that waits into `out`, if that is empty.
  void send_waiting();
  void restored();
  u8 leds() const { return s_.leds; }

  void command(u8 byte) override;
  void reset() override;
  void fields(FieldVisitor& v, const std::string& prefix) override;

 private:
  static constexpr u16 kUp = 0x80;  ///< in a key that waits: it goes up
  static constexpr u16 kTyped = 1024;
  /// Without padding: it is saved and hashed as bytes.
  struct State {
    Nanos repeat_at = 0;
    std::array<u16, kTyped> typed{};  ///< keys that wait
    u16 typed_head = 0, typed_count = 0;
    u16 held = 0;    ///< the key that repeats, 0: none
    u16 downs = 0;   ///< how many keys are down
    u8 pending = 0;  ///< the command that waits for its argument, 0: none
    u8 set = 2;
    u8 leds = 0, rate = 0x2B;
    bool scanning = true;
    bool key_list = false;  ///< set 3: the codes that follow get these:
    bool break_too = false, repeat_too = false;
    std::array<bool, 256> breaks{};   ///< set 3: the key sends a code when it goes up, too
    std::array<bool, 256> repeats{};  ///< set 3: it is typematic
    std::array<bool, 256> down{};     ///< by the low 7 bits, 80h: extended
  };
  bool set3_command(u8 byte);
  void argument(u8 byte);
  void defaults();
  void forget_keys();
  bool is_down(u16 key) const { return s_.down[index_of(key)]; }
  static size_t index_of(u16 key) { return (key & 0x7Fu) | (key >> 8 ? 0x80u : 0u); }
  void press(u16 key);
  void release(u16 key);
  void wait_to_send(u16 key);
  void send(u16 key, bool pressed);
  void send_set3(u16 key, bool pressed);
  void send_pause();
  void schedule_repeat(Nanos delay);
  void repeat();

  State s_;
  EventClock& clock_;
  std::function<void()> repeated_;
  Event repeat_event_;
  u32 unknown_sets_ = 0;  ///< rate limit of the log
};

/// The set 3 code of a key named by its set 1 code; 0: it has none.
u8 set3_code(u16 key);

/// The controller's translation of one set 2 byte to set 1.
u8 translate_set2(u8 code);

}  // namespace ring3
