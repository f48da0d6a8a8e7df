// SPDX-License-Identifier: MIT
// The registers of modern drivers (Virtio 1.1, 4.1.4.3) and of legacy ones (4.1.4.8).
#include "base/bits.h"
#include "base/log.h"
#include "devices/virtio/virtio_pci.h"

namespace ring3 {
namespace {

// Blocks of BAR 4.
constexpr u32 kRegion = 0x1000, kIsr = 1, kDeviceConfig = 2, kNotify = 3;

// The common configuration structure.
enum Common : u32 {
  kDeviceFeatureSelect = 0,
  kDeviceFeature = 4,
  kDriverFeatureSelect = 8,
  kDriverFeature = 12,
  kConfigVector = 16,
  kNumQueues = 18,
  kStatus = 20,
  kGeneration = 21,
  kQueueSelect = 22,
  kQueueSize = 24,
  kQueueVector = 26,
  kQueueEnable = 28,
  kQueueNotifyOffset = 30,
  kQueueDescriptors = 32,
  kQueueDriver = 40,
  kQueueDevice = 48,
  kCommonEnd = 56,
};
enum LegacyRegister : u32 {
  kLegacyDeviceFeatures = 0,
  kLegacyDriverFeatures = 4,
  kLegacyQueuePage = 8,
  kLegacyQueueSize = 12,
  kLegacyQueueSelect = 14,
  kLegacyNotify = 16,
  kLegacyStatus = 18,
  kLegacyIsr = 19,
  kLegacyConfigVector = 20,
  kLegacyQueueVector = 22,
};
constexpr u8 kFeaturesOk = 8;
constexpr u16 kNoVector = 0xFFFF;
constexpr u64 kLegacyAlign = 4096;

/// A vector that the table has not is none.
u16 checked_vector(u32 value) {
  return value < Msix::kVectors ? static_cast<u16>(value) : kNoVector;
}

void set_half(u64& field, bool high, u32 value) {
  field = high ? (field & low_mask(32)) | u64{value} << 32 : (field & ~low_mask(32)) | value;
}

}  // namespace

u32 VirtioPci::read_modern(u32 offset, Width width) {
  switch (offset / kRegion) {
    case kIsr:
      return offset % kRegion == 0 ? read_isr() : 0;
    case kDeviceConfig:
      return read_config(offset % kRegion, width);
    case kNotify:
      return 0;
    default:
      return read_common(offset, width);
  }
}

void VirtioPci::write_modern(u32 offset, Width width, u32 value) {
  switch (offset / kRegion) {
    case kIsr:
      return;
    case kDeviceConfig:
      return write_config(offset % kRegion, width, value);
    case kNotify:
      return notify(offset % kRegion / 4);
    default:
      return write_common(offset, width, value);
  }
}

/// Any width at any offset: as bytes of the structure.
u32 VirtioPci::read_common(u32 offset, Width width) {
  const Virtqueue* q = selected();
  const Virtqueue::State none;
  const Virtqueue::State& s = q ? q->s : none;
  std::array<u8, kCommonEnd + 8> image{};
  store(&image[kDeviceFeatureSelect], s_.device_feature_select);
  if (s_.device_feature_select < 2)
    store(&image[kDeviceFeature], static_cast<u32>(offered() >> (32 * s_.device_feature_select)));
  store(&image[kDriverFeatureSelect], s_.driver_feature_select);
  if (s_.driver_feature_select < 2)
    store(&image[kDriverFeature],
          static_cast<u32>(s_.driver_features >> (32 * s_.driver_feature_select)));
  store(&image[kConfigVector], s_.config_vector);
  store(&image[kNumQueues], static_cast<u16>(device_.queues()));
  image[kStatus] = s_.status;
  image[kGeneration] = s_.generation;
  store(&image[kQueueSelect], s_.queue_select);
  store(&image[kQueueSize], s.size);
  store(&image[kQueueVector], s.vector);
  store(&image[kQueueEnable], static_cast<u16>(s.enabled));
  store(&image[kQueueNotifyOffset], static_cast<u16>(q ? s_.queue_select : 0));
  store(&image[kQueueDescriptors], s.descriptors);
  store(&image[kQueueDriver], s.available);
  store(&image[kQueueDevice], s.used);
  u32 value = 0;
  for (u32 i = 0; i < bytes(width) && offset + i < kCommonEnd; ++i)
    value |= u32{image[offset + i]} << (8 * i);
  return value;
}

void VirtioPci::write_common(u32 offset, Width width, u32 value) {
  switch (offset) {
    case kDeviceFeatureSelect:
      s_.device_feature_select = value;
      return;
    case kDriverFeatureSelect:
      s_.driver_feature_select = value;
      return;
    case kDriverFeature:
      if (s_.driver_feature_select < 2 && !(s_.status & kFeaturesOk))
        set_half(s_.driver_features, s_.driver_feature_select, value);
      return;
    case kConfigVector:
      s_.config_vector = checked_vector(value);
      return;
    case kStatus:
      return set_status(static_cast<u8>(value));
    case kQueueSelect:
      s_.queue_select = static_cast<u16>(value);
      return;
    default:
      if (Virtqueue* q = selected()) write_queue(*q, offset, width, value);
  }
}

void VirtioPci::write_queue(Virtqueue& q, u32 offset, Width width, u32 value) {
  if (offset == kQueueVector) {
    q.s.vector = checked_vector(value);
    return;
  }
  // Once enabled, a queue stays as it is until a reset.
  if (q.s.enabled) return;
  if (offset == kQueueSize) {
    const bool power_of_two = value && (value & (value - 1)) == 0;
    if (power_of_two && value <= device_.queue_size(s_.queue_select))
      q.s.size = static_cast<u16>(value);
    return;
  }
  if (offset == kQueueEnable) {
    q.s.enabled = value == 1;
    return;
  }
  if (width != Width::Dword || offset < kQueueDescriptors || offset >= kCommonEnd) return;
  u64& address = offset < kQueueDriver   ? q.s.descriptors
                 : offset < kQueueDevice ? q.s.available
                                         : q.s.used;
  set_half(address, offset % 8 == 4, value);
}

/// The whole register that begins at `offset`.
u32 VirtioPci::legacy_register(u32 offset) {
  const Virtqueue* q = selected();
  switch (offset) {
    case kLegacyDeviceFeatures:
      return static_cast<u32>(offered());
    case kLegacyDriverFeatures:
      return static_cast<u32>(s_.driver_features);
    case kLegacyQueuePage:
      return q ? legacy_pages_[s_.queue_select] : 0;
    case kLegacyQueueSize:
      return q ? q->s.size : 0;
    case kLegacyQueueSelect:
      return s_.queue_select;
    case kLegacyStatus:
      return s_.status;
    case kLegacyIsr:
      return read_isr();
    case kLegacyConfigVector:
      return s_.config_vector;
    case kLegacyQueueVector:
      return q ? q->s.vector : kNoVector;
    default:
      return 0;
  }
}

u32 VirtioPci::read_legacy(u32 offset, Width width) {
  if (!legacy_) return open_bus(width);
  if (offset >= legacy_header()) return read_config(offset - legacy_header(), width);
  return legacy_register(offset) & open_bus(width);
}

void VirtioPci::write_legacy(u32 offset, Width width, u32 value) {
  if (!legacy_) return;
  if (offset >= legacy_header()) return write_config(offset - legacy_header(), width, value);
  Virtqueue* q = selected();
  switch (offset) {
    case kLegacyDriverFeatures:
      s_.driver_features = value & offered();
      return;
    case kLegacyQueuePage:
      return place_legacy_queue(value);
    case kLegacyQueueSelect:
      s_.queue_select = static_cast<u16>(value);
      return;
    case kLegacyNotify:
      return notify(value & 0xFFFF);
    case kLegacyStatus:
      return set_status(static_cast<u8>(value & ~kFeaturesOk));
    case kLegacyConfigVector:
      s_.config_vector = checked_vector(value);
      return;
    case kLegacyQueueVector:
      if (q) q->s.vector = checked_vector(value);
      return;
    default:
      return;
  }
}

/// A legacy queue is one block of pages: descriptors, available ring, and the used ring from the
/// next page on. Page 0 takes the queue away.
void VirtioPci::place_legacy_queue(u32 page) {
  Virtqueue* q = selected();
  if (!q) return;
  const u16 size = device_.queue_size(s_.queue_select), vector = q->s.vector;
  legacy_pages_[s_.queue_select] = page;
  q->s = {};
  q->s.size = size;
  q->s.vector = vector;
  if (page == 0) return;
  q->s.enabled = true;
  q->s.descriptors = u64{page} * kLegacyAlign;
  q->s.available = q->s.descriptors + 16u * size;
  const u64 end = q->s.available + 6 + 2u * size;
  q->s.used = (end + kLegacyAlign - 1) & ~(kLegacyAlign - 1);
}

}  // namespace ring3
