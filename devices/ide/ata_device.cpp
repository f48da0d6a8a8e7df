// SPDX-License-Identifier: MIT
#include "devices/ide/ata_device.h"

#include <algorithm>
#include <utility>

#include "base/bits.h"

namespace ring3 {
namespace {

constexpr u8 kDeviceReset = 0x08;

/// A register with its previous contents behind it.
void push(u8& now, u8& previous, u8 value) {
  previous = now;
  now = value;
}

}  // namespace

AtaDevice::AtaDevice(std::function<void()> interrupt) : interrupt_(std::move(interrupt)) {}

u8 AtaDevice::read(Register reg, bool previous) {
  switch (reg) {
    case kErrorFeatures:
      return previous ? s_.hob_features : s_.error;
    case kCount:
      return previous ? s_.hob_count : s_.count;
    case kLbaLow:
      return previous ? s_.hob_lba_low : s_.lba_low;
    case kLbaMid:
      return previous ? s_.hob_lba_mid : s_.lba_mid;
    case kLbaHigh:
      return previous ? s_.hob_lba_high : s_.lba_high;
    case kDevice:
      return s_.device;
    default:
      return read_status();
  }
}

void AtaDevice::write(Register reg, u8 value) {
  switch (reg) {
    case kErrorFeatures:
      return push(s_.features, s_.hob_features, value);
    case kCount:
      return push(s_.count, s_.hob_count, value);
    case kLbaLow:
      return push(s_.lba_low, s_.hob_lba_low, value);
    case kLbaMid:
      return push(s_.lba_mid, s_.hob_lba_mid, value);
    case kLbaHigh:
      return push(s_.lba_high, s_.hob_lba_high, value);
    case kDevice:
      s_.device = value | 0xA0;
      return;
    default:
      break;
  }
  // A command during a transfer is not taken, but for the one that ends it.
  if (!present() || ((s_.status & (kBsy | kDrq)) && value != kDeviceReset)) return;
  set_intrq(false);
  s_.error = 0;
  s_.dma = Dma::None;
  s_.status = idle_status();
  execute(value);
}

u8 AtaDevice::read_status() {
  set_intrq(false);
  return s_.status;
}

void AtaDevice::set_intrq(bool level) {
  if (std::exchange(s_.intrq, level) != level && interrupt_) interrupt_();
}

/// A command's interrupt is an edge, even if the one before was not acknowledged.
void AtaDevice::raise_interrupt() {
  set_intrq(false);
  set_intrq(true);
}

void AtaDevice::begin_data_in(size_t size, bool interrupt) {
  s_.data_out = false;
  s_.position = 0;
  s_.end = static_cast<u32>(size);
  s_.status = static_cast<u8>((s_.status & ~kBsy) | kDrq);
  if (interrupt) raise_interrupt();
}

void AtaDevice::begin_data_out(size_t size, bool interrupt) {
  begin_data_in(size, interrupt);
  s_.data_out = true;
}

void AtaDevice::begin_dma(Dma direction) {
  s_.dma = direction;
  s_.status = static_cast<u8>(idle_status() | kDrq);
}

bool AtaDevice::run_dma(DmaChannel& channel) {
  s_.dma = Dma::None;
  if (transfer(channel)) return true;
  s_.status = idle_status();
  return false;
}

void AtaDevice::complete() {
  s_.status = idle_status();
  raise_interrupt();
}

void AtaDevice::fail(u8 error) {
  s_.status = static_cast<u8>(idle_status() | kErr);
  s_.error = error;
  raise_interrupt();
}

/// After the last byte of the buffer DRQ falls, and the command goes on.
void AtaDevice::advance() {
  if (s_.position < s_.end) return;
  s_.status &= static_cast<u8>(~kDrq);
  s_.data_out ? data_out_done() : data_in_done();
}

u32 AtaDevice::read_data(Width width) {
  if (!(s_.status & kDrq) || s_.data_out || s_.dma != Dma::None) return 0;
  u32 value = 0;
  const u32 n = std::min<u32>(bytes(width), s_.end - s_.position);
  for (u32 i = 0; i < n; ++i) value |= u32{s_.buffer[s_.position + i]} << (8 * i);
  s_.position += n;
  advance();
  return value;
}

void AtaDevice::write_data(Width width, u32 value) {
  if (!(s_.status & kDrq) || !s_.data_out || s_.dma != Dma::None) return;
  const u32 n = std::min<u32>(bytes(width), s_.end - s_.position);
  for (u32 i = 0; i < n; ++i) s_.buffer[s_.position + i] = static_cast<u8>(value >> (8 * i));
  s_.position += n;
  advance();
}

void AtaDevice::reset() {
  set_intrq(false);
  s_.dma = Dma::None;
  s_.position = s_.end = 0;
  s_.data_out = false;
  s_.error = 1;  // passed
  s_.device = 0xA0;
  s_.status = idle_status();
  write_signature();
}

void AtaDevice::hard_reset() {
  set_intrq(false);
  s_ = State{};
  reset();
}

void AtaDevice::fields(FieldVisitor& v, const std::string& prefix) {
  v(prefix + ".features", s_.features)(prefix + ".error", s_.error)(prefix + ".count", s_.count)(
      prefix + ".lba_low", s_.lba_low)(prefix + ".lba_mid", s_.lba_mid)(
      prefix + ".lba_high", s_.lba_high)(prefix + ".device", s_.device)(
      prefix + ".status", s_.status)(prefix + ".hob_features", s_.hob_features)(
      prefix + ".hob_count", s_.hob_count)(prefix + ".hob_lba_low", s_.hob_lba_low)(
      prefix + ".hob_lba_mid", s_.hob_lba_mid)(prefix + ".hob_lba_high", s_.hob_lba_high)(
      prefix + ".intrq", s_.intrq)(prefix + ".data_out", s_.data_out)(prefix + ".dma", s_.dma)(
      prefix + ".position", s_.position)(prefix + ".end", s_.end)(prefix + ".buffer", s_.buffer);
  more_fields(v, prefix);
}

}  // namespace ring3
