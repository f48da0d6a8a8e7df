// SPDX-License-Identifier: MIT
#include "devices/i8042.h"

#include <utility>

#include "base/log.h"

namespace ring3 {
namespace {

enum CommandByte : u8 {
  kKbdInterrupt = 1,
  kAuxInterrupt = 2,
  kSystemFlag = 4,
  kKbdDisabled = 0x10,
  kAuxDisabled = 0x20,
  kTranslate = 0x40,
};
enum Status : u8 {
  kOutputFull = 1,
  kSystem = 4,
  kCommandLast = 8,
  kUnlocked = 0x10,
  kAuxFull = 0x20
};
enum OutputPort : u8 { kNoReset = 1, kA20 = 2, kIrq1 = 0x10, kIrq12 = 0x20, kOutputOnes = 0xC0 };
enum Command : u8 {
  kReadRam = 0x20,
  kWriteRam = 0x60,
  kTestPassword = 0xA4,
  kDisableAux = 0xA7,
  kEnableAux = 0xA8,
  kTestAux = 0xA9,
  kSelfTest = 0xAA,
  kTestKbd = 0xAB,
  kDisableKbd = 0xAD,
  kEnableKbd = 0xAE,
  kReadInputPort = 0xC0,
  kReadOutputPort = 0xD0,
  kWriteOutputPort = 0xD1,
  kWriteKbdOutput = 0xD2,
  kWriteAuxOutput = 0xD3,
  kWriteAux = 0xD4,
  kDisableA20 = 0xDD,
  kEnableA20 = 0xDF,
  kReadTestInputs = 0xE0,
  kPulse = 0xF0,
};
enum Port92 : u8 { kFastReset = 1, kFastA20 = 2 };

}  // namespace

I8042::I8042(EventClock& clock, Pins pins)
    : pins_(std::move(pins)), keyboard_(clock, [this] { update(); }) {}

void I8042::reset() {
  s_ = State{};
  s_.ram[0] = kKbdInterrupt | kAuxInterrupt;
  keyboard_.reset();
  mouse_.reset();
  if (pins_.a20) pins_.a20(true);
  update();
}

void I8042::set_up_as_firmware() {
  s_.ram[0] = kKbdInterrupt | kSystemFlag | kAuxDisabled | kTranslate;
  update();
}

void I8042::key(u16 key, bool pressed) {
  keyboard_.key(key, pressed);
  update();
}

void I8042::mouse(int dx, int dy, int dz, u8 buttons) {
  mouse_.move(dx, dy, dz, buttons);
  update();
}

void I8042::nudge_mouse() {
  mouse_.nudge();
  update();
}

u8 I8042::status() const {
  const bool full = s_.source != Source::None;
  return static_cast<u8>(kUnlocked | (full ? kOutputFull : 0) | (s_.ram[0] & kSystemFlag) |
                         (s_.last_was_command ? kCommandLast : 0) |
                         (full && s_.aux_data ? kAuxFull : 0));
}

u8 I8042::output_port() const {
  const bool full = s_.source != Source::None;
  return static_cast<u8>(kNoReset | (s_.a20 ? kA20 : 0) | kOutputOnes |
                         (full && !s_.aux_data ? kIrq1 : 0) | (full && s_.aux_data ? kIrq12 : 0));
}

/// The interrupts follow the output buffer; a byte that replaces another makes a new edge, since
/// reading empties the buffer first.
void I8042::update() {
  while (s_.source == Source::None) {
    if (s_.reply_waits) {
      s_.output = s_.reply;
      s_.aux_data = s_.reply_aux;
      s_.reply_waits = false;
      s_.source = Source::Controller;
    } else if (!keyboard_.out.empty() && !(s_.ram[0] & kKbdDisabled)) {
      const u8 byte = keyboard_.out.pop();
      keyboard_.send_waiting();
      const bool translate = s_.ram[0] & kTranslate;
      if (translate && byte == 0xF0) {
        s_.break_prefix = true;  // swallowed: it becomes bit 7 of the code that follows
        continue;
      }
      s_.output = translate ? static_cast<u8>(translate_set2(byte) | (s_.break_prefix << 7)) : byte;
      s_.break_prefix = false;
      s_.aux_data = false;
      s_.source = Source::Keyboard;
    } else if (!mouse_.out.empty() && !(s_.ram[0] & kAuxDisabled)) {
      s_.output = mouse_.out.pop();
      if (mouse_.out.empty()) mouse_.report_if_due();
      s_.aux_data = true;
      s_.source = Source::Mouse;
    } else {
      break;
    }
  }
  const bool full = s_.source != Source::None;
  pins_.irq1.set(full && !s_.aux_data && (s_.ram[0] & kKbdInterrupt));
  pins_.irq12.set(full && s_.aux_data && (s_.ram[0] & kAuxInterrupt));
}

u8 I8042::read_data() {
  s_.source = Source::None;
  pins_.irq1.set(false);
  pins_.irq12.set(false);
  const u8 value = s_.output;
  update();
  return value;
}

/// A controller's own answer takes the output buffer before anything else.
void I8042::reply(u8 value, bool aux) {
  if (s_.source == Source::Controller) s_.source = Source::None;
  s_.reply = value;
  s_.reply_aux = aux;
  s_.reply_waits = true;
}

void I8042::set_a20(bool on) {
  if (s_.a20 == on) return;
  s_.a20 = on;
  if (pins_.a20) pins_.a20(on);
}

void I8042::write_output_port(u8 value) {
  set_a20(value & kA20);
  if (!(value & kNoReset) && pins_.reset_machine) pins_.reset_machine();
}

void I8042::write_port92(u8 value) {
  set_a20(value & kFastA20);
  if ((value & kFastReset) && pins_.reset_machine) pins_.reset_machine();
}

/// Bits 3-0 clear: that output line goes low for 6 us. Line 0 is the cpu's reset.
void I8042::pulse_lines(u8 command) {
  if (!(command & kNoReset) && pins_.reset_machine) pins_.reset_machine();
}

void I8042::write_data(u8 value) {
  s_.last_was_command = false;
  const u8 command = std::exchange(s_.pending, 0);
  if (command >= kWriteRam && command < kWriteRam + 32) {
    s_.ram[command - kWriteRam] = value;
  } else {
    switch (command) {
      case kWriteOutputPort:
        write_output_port(value);
        break;
      case kWriteKbdOutput:
        reply(value);
        break;
      case kWriteAuxOutput:
        reply(value, true);
        break;
      case kWriteAux:
        mouse_.command(value);
        break;
      default:
        s_.ram[0] &= ~kKbdDisabled;  // sending to the keyboard enables it
        keyboard_.command(value);
        break;
    }
  }
  update();
}

void I8042::write_command(u8 value) {
  s_.last_was_command = true;
  s_.pending = 0;
  if (value >= kReadRam && value < kReadRam + 32) {
    reply(s_.ram[value - kReadRam]);
  } else if (value >= kWriteRam && value < kWriteRam + 32) {
    s_.pending = value;
  } else if (value >= kPulse) {
    pulse_lines(value);
  } else {
    switch (value) {
      case kTestPassword:
        reply(0xF1);
        break;  // none is installed
      case kDisableAux:
        s_.ram[0] |= kAuxDisabled;
        break;
      case kEnableAux:
        s_.ram[0] &= ~kAuxDisabled;
        break;
      case kTestAux:
      case kTestKbd:
        reply(0);
        break;
      case kSelfTest:
        s_.ram[0] |= kSystemFlag;
        reply(0x55);
        break;
      case kDisableKbd:
        s_.ram[0] |= kKbdDisabled;
        break;
      case kEnableKbd:
        s_.ram[0] &= ~kKbdDisabled;
        break;
      case kReadInputPort:
        reply(0x80);
        break;  // keyboard not locked
      case kReadOutputPort:
        reply(output_port());
        break;
      case kWriteOutputPort:
      case kWriteKbdOutput:
      case kWriteAuxOutput:
      case kWriteAux:
        s_.pending = value;
        break;
      case kDisableA20:
        set_a20(false);
        break;
      case kEnableA20:
        set_a20(true);
        break;
      case kReadTestInputs:
        reply(0);
        break;
      default:
        if (first_times(unknown_commands_))
          RING3_LOG(GuestErrors, "i8042: no command {:#04x}", value);
    }
  }
  update();
}

u32 I8042::read(u32 offset, Width) {
  switch (offset) {
    case kData:
      return read_data();
    case kCommand:
      return status();
    case kPort92:
      return s_.a20 ? kFastA20 : 0;
    default:
      return open_bus(Width::Byte);
  }
}

void I8042::write(u32 offset, Width, u32 value) {
  switch (offset) {
    case kData:
      return write_data(static_cast<u8>(value));
    case kCommand:
      return write_command(static_cast<u8>(value));
    case kPort92:
      return write_port92(static_cast<u8>(value));
    default:
      return;
  }
}

void I8042::fields(FieldVisitor& v) {
  v("ram", s_.ram)("pending", s_.pending)("output", s_.output)("source", s_.source)(
      "aux_data", s_.aux_data)("reply", s_.reply)("reply_waits", s_.reply_waits)(
      "reply_aux", s_.reply_aux)("last_was_command", s_.last_was_command)("a20", s_.a20)(
      "break_prefix", s_.break_prefix);
  keyboard_.fields(v, "keyboard");
  mouse_.fields(v, "mouse");
}

void I8042::restored() {
  keyboard_.restored();
  if (pins_.a20) pins_.a20(s_.a20);
  update();
}

}  // namespace ring3
