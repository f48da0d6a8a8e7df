// SPDX-License-Identifier: MIT
#include "devices/virtio/virtio_pci_function.h"

namespace ring3 {
namespace {

constexpr u8 kVendorSpecific = 0x09, kMsixId = 0x11;
constexpr unsigned kLegacyBar = 0, kMsixBar = 1, kModernBar = 4;
enum CapabilityType : u8 { kCommon = 1, kNotify = 2, kIsr = 3, kDevice = 4, kPciAccess = 5 };
constexpr u32 kRegion = 0x1000;
constexpr u16 kMsixEnable = 0x8000, kMsixMask = 0x4000;

}  // namespace

u64 VirtioPci::Window::mmio_read(u64 offset, unsigned size) {
  const u32 at = offset_ + static_cast<u32>(offset);
  if (size != 8) return owner_.read(at, static_cast<Width>(size));
  const u64 low = owner_.read(at, Width::Dword);
  return low | u64{owner_.read(at + 4, Width::Dword)} << 32;
}

void VirtioPci::Window::mmio_write(u64 offset, unsigned size, u64 value) {
  const u32 at = offset_ + static_cast<u32>(offset);
  if (size != 8) return owner_.write(at, static_cast<Width>(size), static_cast<u32>(value));
  owner_.write(at, Width::Dword, static_cast<u32>(value));
  owner_.write(at + 4, Width::Dword, static_cast<u32>(value >> 32));
}

VirtioPci::Function::Function(VirtioPci& owner, const Identity& identity)
    : PciDevice(identity), owner_(owner) {
  if (owner.legacy_) {
    add_bar(kLegacyBar, BarKind::Io, kLegacySize);
    set_reset(0x2E, Width::Word, owner.device_.id());
  }
  add_bar(kMsixBar, BarKind::Memory32, Msix::kSize);
  add_bar(kModernBar, BarKind::Prefetch64, kModernSize);
  add_virtio_capability(kCommon, 0, kRegion, 0);
  add_virtio_capability(kIsr, kRegion, kRegion, 0);
  add_virtio_capability(kDevice, 2 * kRegion, kRegion, 0);
  add_virtio_capability(kNotify, 3 * kRegion, kRegion, 4);
  add_virtio_capability(kPciAccess, 0, 0, 4);
  add_msix_capability();
}

/// cfg_type, BAR, offset, length; then the notification multiplier, or the data of PCI access.
void VirtioPci::Function::add_virtio_capability(u8 type, u32 offset, u32 length, u8 extra) {
  const u8 size = static_cast<u8>(16 + extra);
  const u8 at = add_capability(kVendorSpecific, size);
  set_reset(static_cast<u8>(at + 2), Width::Byte, size);
  set_reset(static_cast<u8>(at + 3), Width::Byte, type);
  set_reset(static_cast<u8>(at + 4), Width::Byte, type == kPciAccess ? 0 : kModernBar);
  set_reset(static_cast<u8>(at + 8), Width::Dword, offset);
  set_reset(static_cast<u8>(at + 12), Width::Dword, length);
  if (type == kNotify) set_reset(static_cast<u8>(at + 16), Width::Dword, 4);
  if (type != kPciAccess) return;
  access_at_ = at;
  set_writable(static_cast<u8>(at + 4), static_cast<u8>(at + 4));
  set_writable(static_cast<u8>(at + 8), static_cast<u8>(at + 19));
}

void VirtioPci::Function::add_msix_capability() {
  msix_at_ = add_capability(kMsixId, 12);
  set_reset(static_cast<u8>(msix_at_ + 2), Width::Word, Msix::kVectors - 1);
  set_writable(static_cast<u8>(msix_at_ + 3), static_cast<u8>(msix_at_ + 3), 0xC0);
  set_reset(static_cast<u8>(msix_at_ + 4), Width::Dword, kMsixBar);
  set_reset(static_cast<u8>(msix_at_ + 8), Width::Dword, Msix::kPendingOffset | kMsixBar);
}

std::optional<VirtioPci::Function::Access> VirtioPci::Function::configured_access() const {
  const u8 bar = reg8(static_cast<u8>(access_at_ + 4));
  const u32 offset = reg32(static_cast<u8>(access_at_ + 8)),
            length = reg32(static_cast<u8>(access_at_ + 12));
  const bool width = length == 1 || length == 2 || length == 4;
  if (bar != kModernBar || !width || offset >= kModernSize || offset % length) return std::nullopt;
  return Access{kModern + offset, static_cast<Width>(length)};
}

/// pci_cfg_data is read: what the capability names is fetched first.
void VirtioPci::Function::config_reads(u8 first, u8 last) {
  const u8 data = static_cast<u8>(access_at_ + 16);
  if (first > data + 3 || last < data) return;
  const auto access = configured_access();
  if (access) set_reg32(data, owner_.read(access->offset, access->width));
}

void VirtioPci::Function::config_changed(u8 first, u8 last) {
  const u8 data = static_cast<u8>(access_at_ + 16);
  const bool whole = first == 0 && last == 255;
  if (!whole && first <= data + 3 && last >= data) {
    if (const auto access = configured_access())
      owner_.write(access->offset, access->width, reg32(data) & open_bus(access->width));
  }
  const u16 control = reg16(static_cast<u8>(msix_at_ + 2));
  owner_.msix_.set_control(control & kMsixEnable, control & kMsixMask);
  const auto if_placed = [](bool enabled, u64 address) {
    return enabled && address ? std::optional<u64>(address) : std::nullopt;
  };
  if (owner_.legacy_) {
    const auto ports = if_placed(io_enabled(), bar_address(kLegacyBar) & 0xFFFF);
    owner_.place_ports(ports ? std::optional<u16>(static_cast<u16>(*ports)) : std::nullopt);
  }
  owner_.place_window(*owner_.msix_window_, if_placed(memory_enabled(), bar_address(kMsixBar)));
  owner_.place_window(*owner_.modern_window_, if_placed(memory_enabled(), bar_address(kModernBar)));
  owner_.update_intx();
}

}  // namespace ring3
