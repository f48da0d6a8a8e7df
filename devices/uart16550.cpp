// SPDX-License-Identifier: MIT
#include "devices/uart16550.h"

#include <utility>

#include "base/bits.h"

namespace ring3 {
namespace {

enum Register : u32 { kRbrThr, kIer, kIirFcr, kLcr, kMcr, kLsr, kMsr, kScr };
enum Ier : u8 { kErbfi = 1, kEtbei = 2, kElsi = 4, kEdssi = 8 };
enum Lsr : u8 { kDr = 1, kOe = 2, kBi = 0x10, kThre = 0x20, kTemt = 0x40, kFifoError = 0x80 };
enum Mcr : u8 { kDtr = 1, kRts = 2, kOut1 = 4, kOut2 = 8, kMcrWritable = 0x1F };
enum Msr : u8 { kTeri = 4, kCts = 0x10, kDsr = 0x20, kRi = 0x40, kDcd = 0x80 };
enum Fcr : u8 { kFifoEnable = 1, kResetRx = 2, kFcrKept = 0xC9 };

// IIR bits 3-0, in order of priority ("Interrupt Identification Register").
enum InterruptId : u8 {
  kLineStatus = 6,
  kDataAvailable = 4,
  kTimeout = 0xC,
  kThrEmpty = 2,
  kModemStatus = 0,
  kNone = 1
};

}  // namespace

Uart16550::Uart16550(IrqLine irq, ByteSink& tx) : irq_(std::move(irq)), tx_(tx) {}

void Uart16550::reset() {
  s_ = State{};
  s_.thr_empty_pending = true;
  update_irq();
}

void Uart16550::receive(u8 byte) {
  backlog_.push_back({byte, false});
  refill();
}

void Uart16550::receive_break() {
  backlog_.push_back({0, true});
  refill();
}

/// In loopback mode the receiver is cut off from the line.
void Uart16550::refill() {
  while (!loopback() && !backlog_.empty() && s_.rx_count < capacity()) {
    push(backlog_.front());
    backlog_.pop_front();
  }
  update_irq();
}

void Uart16550::push(Received c) {
  if (s_.rx_count == capacity()) {
    s_.lsr_errors |= kOe;
    // Without the FIFO the new character destroys the old one; with it, the new one is lost.
    if (fifo_enabled()) return;
    s_.rx_count = 0;
  }
  const size_t tail = (s_.rx_head + s_.rx_count) % kFifo;
  s_.rx_data[tail] = c.byte;
  s_.rx_break[tail] = c.is_break;
  // The error of a character shows when it is the next to be read.
  if (s_.rx_count++ == 0 && c.is_break) s_.lsr_errors |= kBi;
}

void Uart16550::clear_receiver() {
  s_.rx_count = s_.rx_head = 0;
  s_.rx_break = {};
  s_.lsr_errors &= kOe;
}

u8 Uart16550::trigger_level() const {
  static constexpr u8 kLevels[] = {1, 4, 8, 14};
  return fifo_enabled() ? kLevels[s_.fcr >> 6] : 1;
}

u8 Uart16550::interrupt_id() const {
  if ((s_.ier & kElsi) && s_.lsr_errors) return kLineStatus;
  if ((s_.ier & kErbfi) && s_.rx_count >= trigger_level()) return kDataAvailable;
  if ((s_.ier & kErbfi) && s_.rx_count) return kTimeout;
  if ((s_.ier & kEtbei) && s_.thr_empty_pending) return kThrEmpty;
  if ((s_.ier & kEdssi) && s_.msr_delta) return kModemStatus;
  return kNone;
}

void Uart16550::update_irq() { irq_.set(interrupt_id() != kNone); }

u8 Uart16550::modem_lines() const {
  if (!loopback()) return kCts | kDsr | kDcd;  // the other side is always ready
  const u8 m = s_.mcr;
  return static_cast<u8>((m & kRts ? kCts : 0) | (m & kDtr ? kDsr : 0) | (m & kOut1 ? kRi : 0) |
                         (m & kOut2 ? kDcd : 0));
}

u8 Uart16550::read_rbr() {
  const u8 value = s_.rx_data[s_.rx_head];  // an empty receiver shows its last character
  if (s_.rx_count == 0) return value;
  if (--s_.rx_count) {
    s_.rx_head = static_cast<u8>((s_.rx_head + 1) % kFifo);
    if (s_.rx_break[s_.rx_head]) s_.lsr_errors |= kBi;
  }
  refill();
  return value;
}

u8 Uart16550::read_iir() {
  const u8 id = interrupt_id();
  if (id == kThrEmpty) s_.thr_empty_pending = false;
  update_irq();
  return static_cast<u8>(id | (fifo_enabled() ? 0xC0 : 0));
}

u8 Uart16550::read_lsr() {
  u8 value = static_cast<u8>(kThre | kTemt | s_.lsr_errors | (s_.rx_count ? kDr : 0));
  for (size_t i = 0; fifo_enabled() && i < s_.rx_count; ++i) {
    if (s_.rx_break[(s_.rx_head + i) % kFifo]) value |= kFifoError;
  }
  s_.lsr_errors = 0;
  if (s_.rx_count) s_.rx_break[s_.rx_head] = 0;
  update_irq();
  return value;
}

u8 Uart16550::read_msr() {
  const u8 value = static_cast<u8>(modem_lines() | s_.msr_delta);
  s_.msr_delta = 0;
  update_irq();
  return value;
}

u32 Uart16550::read(u32 offset, Width) {
  switch (offset) {
    case kRbrThr:
      return dlab() ? s_.divisor & 0xFF : read_rbr();
    case kIer:
      return dlab() ? s_.divisor >> 8 : s_.ier;
    case kIirFcr:
      return read_iir();
    case kLcr:
      return s_.lcr;
    case kMcr:
      return s_.mcr;
    case kLsr:
      return read_lsr();
    case kMsr:
      return read_msr();
    case kScr:
      return s_.scr;
    default:
      return open_bus(Width::Byte);
  }
}

void Uart16550::write_thr(u8 value) {
  s_.thr_empty_pending = false;
  update_irq();
  if (loopback()) {
    push({value, false});
  } else {
    tx_.put(value);
  }
  s_.thr_empty_pending = true;
  update_irq();
}

/// Enabling the THR interrupt while THR is empty raises it again.
void Uart16550::write_ier(u8 value) {
  const u8 enabled = static_cast<u8>(value & ~s_.ier);
  s_.ier = value & (kErbfi | kEtbei | kElsi | kEdssi);
  if (enabled & kEtbei) s_.thr_empty_pending = true;
  update_irq();
}

void Uart16550::write_fcr(u8 value) {
  const bool toggled = (s_.fcr ^ value) & kFifoEnable;
  // The other bits can only be programmed while bit 0 is written as 1.
  s_.fcr = value & kFifoEnable ? value & kFcrKept : 0;
  if (toggled || (value & kFifoEnable && value & kResetRx)) clear_receiver();
  refill();
}

void Uart16550::write_mcr(u8 value) {
  const u8 before = modem_lines();
  s_.mcr = value & kMcrWritable;
  const u8 after = modem_lines();
  const u8 changed = before ^ after;
  s_.msr_delta |= (changed & (kCts | kDsr | kDcd)) >> 4;
  if (before & ~after & kRi) s_.msr_delta |= kTeri;  // trailing edge only
  refill();
}

void Uart16550::write(u32 offset, Width, u32 value) {
  const u8 byte = static_cast<u8>(value);
  switch (offset) {
    case kRbrThr:
      if (!dlab()) return write_thr(byte);
      s_.divisor = static_cast<u16>((s_.divisor & 0xFF00) | byte);
      return;
    case kIer:
      if (!dlab()) return write_ier(byte);
      s_.divisor = static_cast<u16>((s_.divisor & 0xFF) | byte << 8);
      return;
    case kIirFcr:
      return write_fcr(byte);
    case kLcr:
      s_.lcr = byte;
      return;
    case kMcr:
      return write_mcr(byte);
    case kScr:
      s_.scr = byte;
      return;
    default:
      return;  // LSR and MSR are read-only
  }
}

void Uart16550::fields(FieldVisitor& v) {
  v("ier", s_.ier)("fcr", s_.fcr)("lcr", s_.lcr)("mcr", s_.mcr)("lsr_errors", s_.lsr_errors)(
      "msr_delta", s_.msr_delta)("scr", s_.scr)("divisor", s_.divisor)(
      "thr_empty_pending", s_.thr_empty_pending)("rx_count", s_.rx_count)("rx_head", s_.rx_head)(
      "rx_data", s_.rx_data)("rx_break", s_.rx_break);
}

}  // namespace ring3
