// SPDX-License-Identifier: MIT
// National PC16550D serial port. A character leaves and arrives in no time, so the transmitter is
// always empty and a FIFO below its trigger level times out at once. OUT2 does not gate the
// interrupt, as on QEMU. Not emulated: baud and frame timing, parity and framing errors, DMA pins.
#pragma once

#include <array>
#include <deque>

#include "core/device.h"
#include "core/irq.h"
#include "host/byte_io.h"

namespace ring3 {

class Uart16550 final : public Device {
 public:
  static constexpr u32 kPorts = 8;

  Uart16550(IrqLine irq, ByteSink& tx);

  /// A character from the line. It waits in a backlog until the receiver has room.
  void receive(u8 byte);
  void receive_break();
  /// Characters that the guest has not been shown yet; a caller should stop feeding above some.
  size_t backlog() const { return backlog_.size(); }
  size_t room() const { return loopback() ? 0 : capacity() - s_.rx_count; }  ///< in the receiver

  std::string_view name() const override { return "uart16550"; }
  u32 read(u32 offset, Width) override;
  void write(u32 offset, Width, u32 value) override;
  Width max_width() const override { return Width::Byte; }
  void reset() override;
  void fields(FieldVisitor& v) override;
  void restored() override { update_irq(); }

 private:
  static constexpr size_t kFifo = 16;
  struct State {
    u8 ier = 0, fcr = 0, lcr = 0, mcr = 0, lsr_errors = 0, msr_delta = 0, scr = 0;
    u16 divisor = 1;
    bool thr_empty_pending = false;
    u8 rx_count = 0, rx_head = 0;
    std::array<u8, kFifo> rx_data{};
    std::array<u8, kFifo> rx_break{};  ///< 1: the character is a break
  };
  struct Received {
    u8 byte;
    bool is_break;
  };

  bool fifo_enabled() const { return s_.fcr & 1; }
  size_t capacity() const { return fifo_enabled() ? kFifo : 1; }
  bool loopback() const { return s_.mcr & 0x10; }
  bool dlab() const { return s_.lcr & 0x80; }
  u8 trigger_level() const;
  u8 interrupt_id() const;  ///< IIR bits 3-0
  u8 modem_lines() const;   ///< MSR bits 7-4
  u8 read_rbr();
  u8 read_iir();
  u8 read_lsr();
  u8 read_msr();
  void write_thr(u8 value);
  void write_ier(u8 value);
  void write_fcr(u8 value);
  void write_mcr(u8 value);
  void push(Received c);  ///< into the receiver; overrun if it is full
  void clear_receiver();
  void refill();  ///< the receiver from the backlog
  void update_irq();

  State s_;
  IrqLine irq_;
  ByteSink& tx_;
  std::deque<Received> backlog_;
};

}  // namespace ring3
