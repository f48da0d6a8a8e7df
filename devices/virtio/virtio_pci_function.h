// SPDX-License-Identifier: MIT
// The configuration space of a virtio function, and its memory windows.
#pragma once

#include "devices/virtio/virtio_pci.h"

namespace ring3 {

/// A memory BAR: passes accesses on as register offsets of the device.
class VirtioPci::Window final : public MmioHandler {
 public:
  Window(VirtioPci& owner, u32 offset, u64 size) : owner_(owner), offset_(offset), size_(size) {}
  u64 mmio_read(u64 offset, unsigned size) override;
  void mmio_write(u64 offset, unsigned size, u64 value) override;
  u64 size() const { return size_; }
  std::optional<u64> base;  ///< where it is mapped

 private:
  VirtioPci& owner_;
  u32 offset_;
  u64 size_;
};

class VirtioPci::Function final : public PciDevice {
 public:
  Function(VirtioPci& owner, const Identity& identity);
  bool interrupts_off() const { return reg16(4) & 0x400; }

 private:
  void add_virtio_capability(u8 type, u32 offset, u32 length, u8 extra);
  void add_msix_capability();
  void config_reads(u8 first, u8 last) override;
  void config_changed(u8 first, u8 last) override;
  /// The window of the PCI configuration access capability; nullopt if it names nothing.
  struct Access {
    u32 offset;
    Width width;
  };
  std::optional<Access> configured_access() const;

  VirtioPci& owner_;
  u8 access_at_ = 0, msix_at_ = 0;
};

}  // namespace ring3
