// SPDX-License-Identifier: MIT
#include "devices/ioapic.h"

#include "base/bits.h"

namespace ring3 {
namespace {

constexpr u32 kIoRegSel = 0x00, kIoWin = 0x10, kEoi = 0x40;
constexpr u8 kId = 0, kVersion = 1, kArbitration = 2, kRedirection = 0x10;
constexpr u32 kVersionValue = 0x20 | (IoApic::kPins - 1) << 16;

// Redirection table entry.
constexpr u64 kRemoteIrr = 1 << 14, kLevel = 1 << 15, kMasked = 1 << 16;
constexpr u32 kWritableLow = 0x0001'AFFF, kWritableHigh = 0xFF00'0000;

}  // namespace

IoApic::IoApic(ApicBus& bus) : bus_(bus) {
  bus_.on_eoi([this](u8 vector) { end_of_interrupt(vector); });
  reset();
}

IrqLine IoApic::line(unsigned pin) {
  return IrqLine([this, pin](bool level) { set_pin(pin, level); });
}

void IoApic::set_pin(unsigned pin, bool level) {
  if (pin >= kPins) return;
  const u32 mask = u32{1} << pin;
  const bool rises = level && !(s_.lines & mask);
  s_.lines = level ? s_.lines | mask : s_.lines & ~mask;
  const u64 entry = s_.redirection[pin];
  if (entry & kLevel) {
    serve_level(pin);
  } else if (rises && !(entry & kMasked)) {
    send(entry);  // an edge at a masked pin is lost
  }
}

bool IoApic::send(u64 entry) {
  ApicMessage m;
  m.destination = static_cast<u32>(entry >> 56);
  m.logical = entry >> 11 & 1;
  m.mode = static_cast<DeliveryMode>(bits(entry, 10, 8));
  m.vector = static_cast<u8>(entry);
  m.level = entry & kLevel;
  return bus_.deliver(m);
}

/// A level is sent again only after the EOI of its vector.
void IoApic::serve_level(unsigned pin) {
  u64& entry = s_.redirection[pin];
  if (!(s_.lines >> pin & 1) || (entry & (kMasked | kRemoteIrr)) || !(entry & kLevel)) return;
  if (send(entry)) entry |= kRemoteIrr;
}

void IoApic::end_of_interrupt(u8 vector) {
  for (unsigned pin = 0; pin < kPins; ++pin) {
    u64& entry = s_.redirection[pin];
    if (!(entry & kRemoteIrr) || static_cast<u8>(entry) != vector) continue;
    entry &= ~kRemoteIrr;
    serve_level(pin);
  }
}

u32 IoApic::read_register(u8 index) const {
  if (index == kId || index == kArbitration) return u32{s_.id} << 24;
  if (index == kVersion) return kVersionValue;
  const unsigned pin = (index - kRedirection) / 2u;
  if (index < kRedirection || pin >= kPins) return 0;
  return static_cast<u32>(s_.redirection[pin] >> (index & 1 ? 32 : 0));
}

void IoApic::write_redirection(u8 index, u32 value) {
  const unsigned pin = (index - kRedirection) / 2u;
  if (pin >= kPins) return;
  u64& entry = s_.redirection[pin];
  if (index & 1) {
    entry = (entry & low_mask(32)) | u64{value & kWritableHigh} << 32;
  } else {
    const u64 kept = entry & ~u64{kWritableLow};
    entry = kept | (value & kWritableLow);
    if (!(entry & kLevel)) entry &= ~kRemoteIrr;  // how software without the EOI register ends one
  }
  serve_level(pin);
}

void IoApic::write_register(u8 index, u32 value) {
  if (index == kId) {
    s_.id = value >> 24 & 0xF;
  } else if (index >= kRedirection) {
    write_redirection(index, value);
  }
}

u32 IoApic::read(u32 offset, Width width) {
  switch (offset & ~3u) {
    case kIoRegSel:
      return offset & 3 ? 0 : s_.select;
    case kIoWin:
      return (read_register(s_.select) >> (8 * (offset & 3))) & open_bus(width);
    default:
      return 0;
  }
}

void IoApic::write(u32 offset, Width width, u32 value) {
  if (offset == kIoRegSel) {
    s_.select = static_cast<u8>(value);
  } else if (offset == kIoWin && width == Width::Dword) {
    write_register(s_.select, value);
  } else if (offset == kEoi) {
    end_of_interrupt(static_cast<u8>(value));
  }
}

void IoApic::reset() {
  const u32 lines = s_.lines;  // driven by the devices
  s_ = State{};
  s_.lines = lines;
  s_.redirection.fill(kMasked);
}

void IoApic::fields(FieldVisitor& v) {
  v("select", s_.select)("id", s_.id)("lines", s_.lines)("redirection", s_.redirection);
}

}  // namespace ring3
