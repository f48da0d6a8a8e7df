// SPDX-License-Identifier: MIT
// What is particular to a kind of virtio device, and what its transport offers it.
#pragma once

#include <span>
#include <string>

#include "devices/virtio/virtqueue.h"

namespace ring3 {

/// The transport as the device sees it.
class VirtioTransport {
 public:
  virtual ~VirtioTransport() = default;
  virtual Virtqueue& queue(unsigned index) = 0;
  virtual DmaMemory& memory() = 0;
  virtual bool negotiated(unsigned feature) const = 0;
  /// Interrupts if the driver wants it for what was pushed.
  virtual void interrupt(unsigned queue) = 0;
  /// The device's configuration changed by itself.
  virtual void config_interrupt() = 0;
  /// The driver broke the rules: it must reset the device.
  virtual void need_reset() = 0;
};

class VirtioDevice {
 public:
  // Features of every device (Virtio 1.1, 6).
  static constexpr unsigned kAnyLayout = 27, kIndirect = 28, kEventIndex = 29, kVersion1 = 32;

  virtual ~VirtioDevice() = default;
  virtual std::string_view name() const = 0;
  virtual u16 id() const = 0;          ///< virtio device ID: 2 is a block device
  virtual u32 class_code() const = 0;  ///< of the PCI function
  virtual u64 features() const = 0;    ///< its own; the transport adds those of queues
  virtual unsigned queues() const = 0;
  virtual u16 queue_size(unsigned index) const = 0;  ///< at most Virtqueue::kLargest
  virtual u32 config_size() const = 0;
  virtual u8 read_config(u32 offset) const = 0;
  virtual void write_config(u32, u8) {}
  /// Once, before all else: for devices that speak without being asked.
  virtual void attached(VirtioTransport&) {}
  /// The driver made chains available.
  virtual void notified(VirtioTransport& transport, unsigned queue) = 0;
  virtual void reset() {}
  virtual void fields(FieldVisitor&) {}
};

}  // namespace ring3
