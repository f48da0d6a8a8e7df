// SPDX-License-Identifier: MIT
// One device on an IDE cable (ATA/ATAPI-6): the task file, the data port, and the phases of a
// command. Kinds of devices derive from it and give the commands their meaning. Commands run at
// once: BSY is never seen.
// Not emulated: the order in which two real devices release the bus, 8-bit PIO, overlapped
// commands.
#pragma once

#include <array>
#include <functional>
#include <span>
#include <string>

#include "core/device.h"

namespace ring3 {

/// The bus master's end of a DMA transfer: where the bytes of the drive go, piece by piece.
class DmaChannel {
 public:
  virtual ~DmaChannel() = default;
  // False: the descriptors hold no more room; as much as fitted has moved.
  virtual bool to_memory(std::span<const u8> in) = 0;
  virtual bool from_memory(std::span<u8> out) = 0;
};

class AtaDevice {
 public:
  enum Status : u8 { kErr = 1, kDrq = 8, kDsc = 0x10, kDf = 0x20, kDrdy = 0x40, kBsy = 0x80 };
  enum Error : u8 { kAbrt = 4, kIdnf = 0x10, kUnc = 0x40 };
  /// Offsets in the command block.
  enum Register : u8 {
    kData,
    kErrorFeatures,
    kCount,
    kLbaLow,
    kLbaMid,
    kLbaHigh,
    kDevice,
    kCommand
  };
  enum class Dma : u8 { None, ToMemory, FromMemory };

  /// `interrupt`: INTRQ may have changed.
  explicit AtaDevice(std::function<void()> interrupt);
  virtual ~AtaDevice() = default;

  /// False: nothing is connected here; the registers are only latched.
  virtual bool present() const { return true; }
  u8 read(Register reg, bool previous);
  void write(Register reg, u8 value);
  u8 status() const { return s_.status; }  ///< as the alternate status register: no side effect
  u8 read_status();                        ///< withdraws the interrupt
  u32 read_data(Width width);
  void write_data(Width width, u32 value);
  bool intrq() const { return s_.intrq; }

  void reset();               ///< SRST, and EXECUTE DEVICE DIAGNOSTIC
  virtual void hard_reset();  ///< power-on, and the board's reset line
  void fields(FieldVisitor& v, const std::string& prefix);

  Dma dma() const { return s_.dma; }  ///< what the drive waits for
  /// The bus master is started and the drive waits for it. False: the descriptors were too short.
  bool run_dma(DmaChannel& channel);

 protected:
  static constexpr size_t kBufferSize = 64 << 10;
  /// The device's own part of the state.
  virtual void more_fields(FieldVisitor&, const std::string&) {}
  virtual void execute(u8 command) = 0;
  virtual void write_signature() = 0;
  virtual u8 idle_status() const { return kDrdy | kDsc; }
  /// The host took the data that begin_data_in() offered.
  virtual void data_in_done() {}
  /// The host gave the data that begin_data_out() asked for.
  virtual void data_out_done() {}
  /// Moves all of the command's data. False if the channel ended early.
  virtual bool transfer(DmaChannel&) { return true; }

  // How a command goes on. Sizes are even and at most kBufferSize.
  void begin_data_in(size_t size, bool interrupt = true);
  void begin_data_out(size_t size, bool interrupt);
  void begin_dma(Dma direction);
  void complete();      ///< good end, with interrupt
  void fail(u8 error);  ///< ERR and the error register, with interrupt
  void raise_interrupt();
  std::span<u8> buffer() { return s_.buffer; }

  struct State {
    u8 features = 0, error = 0, count = 0, lba_low = 0, lba_mid = 0, lba_high = 0, device = 0;
    u8 status = 0;
    // What the registers held before their last write: the high halves of 48-bit commands.
    u8 hob_features = 0, hob_count = 0, hob_lba_low = 0, hob_lba_mid = 0, hob_lba_high = 0;
    bool intrq = false;
    bool data_out = false;  ///< while DRQ: the host writes
    Dma dma = Dma::None;
    u32 position = 0, end = 0;  ///< of the data port in the buffer
    std::array<u8, kBufferSize> buffer{};
  };
  State s_;

 private:
  void set_intrq(bool level);
  void advance();

  std::function<void()> interrupt_;
};

/// An empty place on the cable.
class NoAtaDevice final : public AtaDevice {
 public:
  using AtaDevice::AtaDevice;
  bool present() const override { return false; }

 protected:
  void execute(u8) override {}
  void write_signature() override {}
  u8 idle_status() const override { return 0; }
};

}  // namespace ring3
