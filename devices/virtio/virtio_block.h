// SPDX-License-Identifier: MIT
// A virtio block device (Virtio 1.1, 5.2): read, write, flush, identity, discard, write zeroes; one
// queue. Not emulated: secure erase, lifetime, zoned devices, SCSI commands of legacy drivers.
#pragma once

#include <array>
#include <string>

#include "devices/block/block_device.h"
#include "devices/virtio/virtio_device.h"

namespace ring3 {

class VirtioBlock final : public VirtioDevice {
 public:
  VirtioBlock(BlockDevice& medium, std::string serial);

  std::string_view name() const override { return "virtio-blk"; }
  u16 id() const override { return 2; }
  u32 class_code() const override { return 0x010000; }
  u64 features() const override;
  unsigned queues() const override { return 1; }
  u16 queue_size(unsigned) const override { return 256; }
  u32 config_size() const override { return kConfigSize; }
  u8 read_config(u32 offset) const override { return config_[offset]; }
  void write_config(u32 offset, u8 value) override;
  void notified(VirtioTransport& transport, unsigned queue) override;
  void reset() override;
  void fields(FieldVisitor& v) override { v("writeback", config_[kWriteback]); }

 private:
  static constexpr u32 kConfigSize = 60, kWriteback = 32;
  struct Request;

  u8 run(VirtioTransport& transport, Request& request);
  u8 transfer(Request& request, bool write);
  u8 identify(Request& request);
  u8 discard_or_zero(Request& request, bool zero);
  bool write_zeroes(u64 offset, u64 length);
  bool write_through(const VirtioTransport& transport) const;

  BlockDevice& medium_;
  const std::string serial_;
  std::array<u8, kConfigSize> config_{};
};

}  // namespace ring3
