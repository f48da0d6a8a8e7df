// SPDX-License-Identifier: MIT
// Virtio over PCI (Virtio 1.1, 4.1): modern registers in BAR 4, MSI-X in BAR 1, and for a
// transitional device the legacy registers in the ports of BAR 0.
// Not emulated: packed queues, shared memory regions, notification data, resizing of queues below
// what a legacy driver finds.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>

#include "core/io_bus.h"
#include "core/irq.h"
#include "devices/pci.h"
#include "devices/virtio/msix.h"
#include "devices/virtio/virtio_device.h"

namespace ring3 {

class VirtioPci final : public Device, private VirtioTransport {
 public:
  static constexpr unsigned kMaxQueues = 8;
  // Where the register blocks are as offsets of this Device.
  static constexpr u32 kLegacy = 0x0000, kModern = 0x4000, kMsix = 0x8000;
  static constexpr u32 kLegacySize = 0x80, kModernSize = 0x4000;

  struct Wiring {
    PhysicalMemory& memory;
    IoBus& io;
    IrqLine intx;        ///< INTA
    Msix::Send send;     ///< message signalled interrupts
    bool legacy = true;  ///< transitional, else modern only
  };
  VirtioPci(VirtioDevice& device, Wiring wiring);
  ~VirtioPci() override;

  PciDevice& function();

  std::string_view name() const override { return device_.name(); }
  u32 read(u32 offset, Width width) override;
  void write(u32 offset, Width width, u32 value) override;
  void reset() override;
  void fields(FieldVisitor& v) override;
  void restored() override { update_intx(); }

 private:
  struct State {
    u32 device_feature_select = 0, driver_feature_select = 0;
    u64 driver_features = 0;
    u16 config_vector = 0xFFFF, queue_select = 0;
    u8 status = 0, isr = 0, generation = 0;
  };
  class Function;
  class Window;

  // VirtioTransport.
  Virtqueue& queue(unsigned index) override { return queues_[index]; }
  DmaMemory& memory() override { return dma_; }
  bool negotiated(unsigned feature) const override { return s_.driver_features >> feature & 1; }
  void interrupt(unsigned queue) override;
  void config_interrupt() override;
  void need_reset() override;

  u64 offered() const;
  u8 queue_count() const;
  Virtqueue* selected();
  void signal(u16 vector, u8 isr_bit);
  void update_intx();
  void set_status(u8 value);
  void reset_device();
  void notify(u32 queue);
  u8 read_isr();

  // Modern registers.
  u32 read_modern(u32 offset, Width width);
  void write_modern(u32 offset, Width width, u32 value);
  u32 read_common(u32 offset, Width width);
  void write_common(u32 offset, Width width, u32 value);
  void write_queue(Virtqueue& q, u32 offset, Width width, u32 value);
  u32 read_config(u32 offset, Width width) const;
  void write_config(u32 offset, Width width, u32 value);

  // Legacy registers.
  u32 read_legacy(u32 offset, Width width);
  void write_legacy(u32 offset, Width width, u32 value);
  u32 legacy_register(u32 offset);
  void place_legacy_queue(u32 page);
  u32 legacy_header() const { return msix_.enabled() ? 24 : 20; }

  // Of the function.
  void place_ports(std::optional<u16> base);
  void place_window(Window& window, std::optional<u64> base);

  VirtioDevice& device_;
  PhysicalMemory& physical_;
  IoBus& io_;
  DmaMemory dma_;
  IrqLine intx_;
  const bool legacy_;
  State s_;
  std::array<Virtqueue, kMaxQueues> queues_;
  std::array<u32, kMaxQueues> legacy_pages_{};
  Msix msix_;
  std::unique_ptr<Window> modern_window_, msix_window_;
  std::unique_ptr<Function> function_;
  std::optional<u16> port_base_;
};

}  // namespace ring3
