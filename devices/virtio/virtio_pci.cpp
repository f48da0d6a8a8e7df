// SPDX-License-Identifier: MIT
// The parts that modern and legacy drivers share: features, status, interrupts, windows.
#include "devices/virtio/virtio_pci.h"

#include <fmt/format.h>

#include <utility>

#include "base/bits.h"
#include "base/check.h"
#include "base/log.h"
#include "devices/virtio/virtio_pci_function.h"

namespace ring3 {
namespace {

constexpr u16 kVendor = 0x1AF4, kModernIds = 0x1040;
enum Status : u8 { kDriverOk = 4, kFeaturesOk = 8, kNeedsReset = 0x40 };
enum Isr : u8 { kQueueIsr = 1, kConfigIsr = 2 };
constexpr u16 kNoVector = 0xFFFF;

/// Transitional devices have IDs of their own (Virtio 1.1, 4.1.2.1).
u16 transitional_id(u16 id) {
  constexpr std::pair<u16, u16> kIds[] = {{1, 0x1000}, {2, 0x1001}, {3, 0x1003},
                                          {4, 0x1005}, {5, 0x1002}, {8, 0x1004}};
  for (const auto& [kind, pci] : kIds)
    if (kind == id) return pci;
  return 0;
}

PciDevice::Identity identity_of(const VirtioDevice& device, bool legacy) {
  PciDevice::Identity id{.vendor = kVendor, .device = 0, .class_code = device.class_code()};
  id.device = legacy ? transitional_id(device.id()) : static_cast<u16>(kModernIds + device.id());
  RING3_CHECK(id.device, "virtio device {} has no transitional form", device.id());
  id.revision = legacy ? 0 : 1;
  id.interrupt_pin = 1;
  return id;
}

}  // namespace

VirtioPci::VirtioPci(VirtioDevice& device, Wiring wiring)
    : device_(device),
      physical_(wiring.memory),
      io_(wiring.io),
      dma_(wiring.memory),
      intx_(std::move(wiring.intx)),
      legacy_(wiring.legacy),
      msix_(std::move(wiring.send)),
      modern_window_(std::make_unique<Window>(*this, kModern, kModernSize)),
      msix_window_(std::make_unique<Window>(*this, kMsix, Msix::kSize)),
      function_(std::make_unique<Function>(*this, identity_of(device, wiring.legacy))) {
  RING3_CHECK(device.queues() <= kMaxQueues, "{} queues", device.queues());
  device.attached(*this);
  reset_device();
}

VirtioPci::~VirtioPci() {
  place_window(*modern_window_, std::nullopt);
  place_window(*msix_window_, std::nullopt);
}

PciDevice& VirtioPci::function() { return *function_; }

u64 VirtioPci::offered() const {
  u64 common =
      bit(VirtioDevice::kIndirect) | bit(VirtioDevice::kEventIndex) | bit(VirtioDevice::kVersion1);
  if (legacy_) common |= bit(VirtioDevice::kAnyLayout);
  return device_.features() | common;
}

Virtqueue* VirtioPci::selected() {
  return s_.queue_select < device_.queues() ? &queues_[s_.queue_select] : nullptr;
}

void VirtioPci::reset_device() {
  s_ = State{};
  queues_ = {};
  legacy_pages_ = {};
  for (unsigned i = 0; i < device_.queues(); ++i) queues_[i].s.size = device_.queue_size(i);
  device_.reset();
  update_intx();
}

void VirtioPci::reset() {
  msix_.reset();
  reset_device();
}

/// Writing 0 resets; FEATURES_OK sticks only if the features are ours.
void VirtioPci::set_status(u8 value) {
  if (value == 0) return reset_device();
  if (value & ~s_.status & kFeaturesOk) {
    const bool good = !(s_.driver_features & ~offered()) && negotiated(VirtioDevice::kVersion1);
    if (!good) value &= static_cast<u8>(~kFeaturesOk);
  }
  s_.status = static_cast<u8>(value | (s_.status & kNeedsReset));
}

void VirtioPci::notify(u32 index) {
  if (index >= device_.queues() || !(s_.status & kDriverOk) || (s_.status & kNeedsReset)) return;
  device_.notified(*this, index);
  if (queues_[index].s.broken) need_reset();
}

void VirtioPci::interrupt(unsigned index) {
  if (queues_[index].wants_interrupt(dma_, negotiated(VirtioDevice::kEventIndex)))
    signal(queues_[index].s.vector, kQueueIsr);
}

void VirtioPci::config_interrupt() {
  ++s_.generation;
  signal(s_.config_vector, kConfigIsr);
}

void VirtioPci::need_reset() {
  s_.status |= kNeedsReset;
  if (s_.status & kDriverOk) config_interrupt();
}

void VirtioPci::signal(u16 vector, u8 isr_bit) {
  if (msix_.enabled()) {
    if (vector != kNoVector) msix_.signal(vector);
    return;
  }
  s_.isr |= isr_bit;
  update_intx();
}

/// INTA is high while the ISR register holds something, unless messages take its place.
void VirtioPci::update_intx() {
  intx_.set(s_.isr && !msix_.enabled() && !(function_ && function_->interrupts_off()));
}

u8 VirtioPci::read_isr() {
  const u8 value = std::exchange(s_.isr, u8{0});
  update_intx();
  return value;
}

u32 VirtioPci::read_config(u32 offset, Width width) const {
  u32 value = 0;
  for (u32 i = 0; i < bytes(width); ++i) {
    const u32 byte = offset + i < device_.config_size() ? device_.read_config(offset + i) : 0xFF;
    value |= byte << (8 * i);
  }
  return value;
}

void VirtioPci::write_config(u32 offset, Width width, u32 value) {
  for (u32 i = 0; i < bytes(width); ++i)
    if (offset + i < device_.config_size())
      device_.write_config(offset + i, static_cast<u8>(value >> (8 * i)));
}

u32 VirtioPci::read(u32 offset, Width width) {
  if (offset >= kMsix) return msix_.read(offset - kMsix, width);
  return offset >= kModern ? read_modern(offset - kModern, width)
                           : read_legacy(offset - kLegacy, width);
}

void VirtioPci::write(u32 offset, Width width, u32 value) {
  if (offset >= kMsix) return msix_.write(offset - kMsix, width, value);
  offset >= kModern ? write_modern(offset - kModern, width, value)
                    : write_legacy(offset - kLegacy, width, value);
}

void VirtioPci::place_ports(std::optional<u16> base) {
  if (base == port_base_) return;
  if (port_base_) io_.unmap(*port_base_, kLegacySize);
  port_base_ = base;
  if (base) io_.map(*base, kLegacySize, *this, kLegacy);
}

void VirtioPci::place_window(Window& window, std::optional<u64> base) {
  if (base == window.base) return;
  if (window.base) physical_.remove_mmio(window);
  window.base = base;
  if (base) physical_.add_mmio(PhysAddr{*base}, window.size(), window);
}

void VirtioPci::fields(FieldVisitor& v) {
  v("device_feature_select", s_.device_feature_select)(
      "driver_feature_select", s_.driver_feature_select)("driver_features", s_.driver_features)(
      "config_vector", s_.config_vector)("queue_select", s_.queue_select)("status", s_.status)(
      "isr", s_.isr)("generation", s_.generation)("legacy_pages", legacy_pages_);
  for (unsigned i = 0; i < device_.queues(); ++i) {
    Virtqueue::State& q = queues_[i].s;
    const std::string p = fmt::format("queue{}", i);
    v(p + ".size", q.size)(p + ".enabled", q.enabled)(p + ".broken", q.broken)(
        p + ".descriptors", q.descriptors)(p + ".available", q.available)(p + ".used", q.used)(
        p + ".next_available", q.next_available)(p + ".next_used", q.next_used)(
        p + ".signalled", q.signalled)(p + ".vector", q.vector);
  }
  msix_.fields(v);
  device_.fields(v);
}

}  // namespace ring3
