// SPDX-License-Identifier: MIT
#include "devices/dma8237.h"

#include <algorithm>

namespace ring3 {
namespace {

enum Register : u32 {
  kStatusCommand = 8,
  kRequest,
  kSingleMask,
  kMode,
  kClearFlipFlop,
  kMasterClear,
  kClearMask,
  kAllMask
};
enum Mode : u8 { kAutoInit = 0x10, kDecrement = 0x20 };
enum Kind : unsigned { kVerify = 0, kWriteMemory = 1, kReadMemory = 2 };
constexpr u8 kDisabled = 4;  // in the command register

}  // namespace

/// The page registers stand at 87h, 83h, 81h, 82h and 8Fh, 8Bh, 89h, 8Ah.
u8 Dma8237::page(unsigned channel) const {
  static constexpr u8 kAt[kChannels] = {7, 3, 1, 2, 15, 11, 9, 10};
  return s_.pages[kAt[channel]];
}

/// Moves bytes until the count passes zero. The address stays within its 64 KiB.
template <class Piece>
Dma8237::Moved Dma8237::move(unsigned channel, unsigned kind, size_t size, Piece&& piece) {
  const unsigned controller = channel / 4, bit = 1u << (channel % 4);
  const unsigned wanted = s_.mode[channel] >> 2 & 3;
  if ((s_.mask[controller] & bit) || (s_.command[controller] & kDisabled)) return {0, false};
  if (wanted != kind && wanted != kVerify) return {0, false};
  u16& address = s_.address[channel];
  u16& count = s_.count[channel];
  size_t done = 0;
  while (done < size) {
    if (wanted != kVerify) piece(u64{page(channel)} << 16 | address, done);
    address = static_cast<u16>(s_.mode[channel] & kDecrement ? address - 1 : address + 1);
    ++done;
    if (count-- != 0) continue;
    s_.terminal[controller] |= static_cast<u8>(bit);
    if (s_.mode[channel] & kAutoInit) {
      address = s_.base_address[channel];
      count = s_.base_count[channel];
    } else {
      s_.mask[controller] |= static_cast<u8>(bit);
    }
    return {done, true};
  }
  return {done, false};
}

Dma8237::Moved Dma8237::to_memory(unsigned channel, std::span<const u8> in) {
  return move(channel, kWriteMemory, in.size(),
              [&](u64 address, size_t at) { memory_.write(address, in.subspan(at, 1)); });
}

Dma8237::Moved Dma8237::from_memory(unsigned channel, std::span<u8> out) {
  return move(channel, kReadMemory, out.size(),
              [&](u64 address, size_t at) { memory_.read(address, out.subspan(at, 1)); });
}

u8 Dma8237::read_register(unsigned controller, u32 reg) {
  if (reg == kStatusCommand) {
    const u8 status = s_.terminal[controller];
    s_.terminal[controller] = 0;
    return status;
  }
  if (reg == kAllMask) return static_cast<u8>(s_.mask[controller] | 0xF0);
  if (reg > 7) return 0;
  const unsigned channel = controller * 4 + reg / 2;
  const u16 value = reg % 2 ? s_.count[channel] : s_.address[channel];
  const bool high = s_.high_byte[controller];
  s_.high_byte[controller] = !high;
  return static_cast<u8>(high ? value >> 8 : value);
}

/// Address and count, low byte first; base and current together.
void Dma8237::write_channel(unsigned controller, u32 reg, u8 value) {
  const unsigned channel = controller * 4 + reg / 2;
  u16& base = reg % 2 ? s_.base_count[channel] : s_.base_address[channel];
  const bool high = s_.high_byte[controller];
  s_.high_byte[controller] = !high;
  base = static_cast<u16>(high ? (base & 0xFF) | value << 8 : (base & 0xFF00) | value);
  (reg % 2 ? s_.count[channel] : s_.address[channel]) = base;
}

void Dma8237::write_register(unsigned controller, u32 reg, u8 value) {
  const u8 bit = static_cast<u8>(1u << (value & 3));
  u8& mask = s_.mask[controller];
  switch (reg) {
    case kStatusCommand:
      s_.command[controller] = value;
      return;
    case kRequest:
      return;
    case kSingleMask:
      mask = static_cast<u8>(value & 4 ? mask | bit : mask & ~bit);
      return;
    case kMode:
      s_.mode[controller * 4 + (value & 3)] = value;
      return;
    case kClearFlipFlop:
      s_.high_byte[controller] = false;
      return;
    case kMasterClear:
      s_.high_byte[controller] = false;
      s_.command[controller] = s_.terminal[controller] = 0;
      mask = 15;
      return;
    case kClearMask:
      mask = 0;
      return;
    case kAllMask:
      mask = value & 15;
      return;
    default:
      return write_channel(controller, reg, value);
  }
}

u32 Dma8237::read(u32 offset, Width) {
  if (offset < kPages) return read_register(0, offset);
  if (offset < kSecond) return s_.pages[offset - kPages];
  return offset < kSecond + 32 ? read_register(1, (offset - kSecond) / 2) : 0xFF;
}

void Dma8237::write(u32 offset, Width, u32 value) {
  const u8 byte = static_cast<u8>(value);
  if (offset < kPages) return write_register(0, offset, byte);
  if (offset < kSecond) {
    s_.pages[offset - kPages] = byte;
  } else if (offset < kSecond + 32) {
    write_register(1, (offset - kSecond) / 2, byte);
  }
}

void Dma8237::reset() {
  s_ = State{};
  s_.mask = {15, 15};
}

void Dma8237::fields(FieldVisitor& v) {
  v("base_address", s_.base_address)("base_count", s_.base_count)("address", s_.address)(
      "count", s_.count)("mode", s_.mode)("pages", s_.pages)("command", s_.command)(
      "mask", s_.mask)("terminal", s_.terminal)("high_byte", s_.high_byte);
}

}  // namespace ring3
