// SPDX-License-Identifier: MIT
// Two IDE channels with two devices each, at the PC's compatible ports, and the bus master of the
// Intel PIIX3 ("Programming Interface for Bus Master IDE Controller", rev. 1.0).
// The registers are of one Device: command block of a channel at 0 and 10h, its control block at 8
// and 18h, the bus master's registers of both from 20h on.
// Not emulated: timing, and the decode enable bits of IDETIM (the ports always answer, as in QEMU).
#pragma once

#include <array>
#include <memory>

#include "core/device.h"
#include "core/irq.h"
#include "devices/dma_memory.h"
#include "devices/ide/ata_device.h"

namespace ring3 {

class IdeController final : public Device {
 public:
  static constexpr unsigned kChannels = 2, kPerChannel = 2;
  static constexpr u32 kCommandBlock[] = {0x00, 0x10}, kControlBlock[] = {0x08, 0x18};
  static constexpr u32 kBusMaster = 0x20, kBusMasterSize = 16;

  /// `irq`: 14 and 15.
  IdeController(PhysicalMemory& memory, std::array<IrqLine, kChannels> irq);

  /// Puts a device on the cable; `make` gets the callback that tells of its INTRQ.
  template <class T, class... Args>
  T& connect(unsigned channel, unsigned unit, Args&&... args) {
    auto device = std::make_unique<T>(std::forward<Args>(args)..., changed(channel));
    T& result = *device;
    place(channel, unit, std::move(device));
    return result;
  }
  /// The bus master bit of the function's command register.
  void set_bus_master(bool enabled) { bus_master_ = enabled; }

  std::string_view name() const override { return "ide"; }
  u32 read(u32 offset, Width width) override;
  void write(u32 offset, Width width, u32 value) override;
  void reset() override;
  void fields(FieldVisitor& v) override;
  void restored() override;

 private:
  struct State {
    u8 control = 0;  ///< device control: nIEN, SRST, HOB
    bool line = false;
    u8 command = 0, status = 0;  ///< of the bus master
    u32 table = 0;               ///< of physical region descriptors
  };
  struct Channel {
    State s;
    std::array<std::unique_ptr<AtaDevice>, kPerChannel> devices;
  };
  class Descriptors;

  std::function<void()> changed(unsigned channel) {
    return [this, channel] { update_irq(channel); };
  }
  void place(unsigned channel, unsigned unit, std::unique_ptr<AtaDevice> device);
  AtaDevice& selected(Channel& c);
  void update_irq(unsigned channel);
  u32 read_command_block(Channel& c, u32 reg, Width width);
  void write_command_block(unsigned channel, u32 reg, Width width, u32 value);
  void write_control(unsigned channel, u8 value);
  u8 read_bus_master(const Channel& c, u32 reg) const;
  void write_bus_master(unsigned channel, u32 reg, u8 value);
  void run_dma(unsigned channel);

  DmaMemory memory_;
  std::array<IrqLine, kChannels> irq_;
  std::array<Channel, kChannels> channels_;
  bool bus_master_ = false;
};

}  // namespace ring3
