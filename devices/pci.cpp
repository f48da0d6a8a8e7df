// SPDX-License-Identifier: MIT
#include "devices/pci.h"

#include <fmt/format.h>

#include <utility>

#include "base/bits.h"
#include "base/check.h"

namespace ring3 {
namespace {

// Type 0 header ("Configuration Space Header").
enum Register : u8 {
  kVendor = 0x00,
  kDevice = 0x02,
  kCommand = 0x04,
  kStatus = 0x06,
  kRevision = 0x08,
  kClass = 0x09,
  kCacheLine = 0x0C,
  kHeaderType = 0x0E,
  kBar0 = 0x10,
  kSubsystemVendor = 0x2C,
  kSubsystem = 0x2E,
  kCapabilities = 0x34,
  kInterruptLine = 0x3C,
  kInterruptPin = 0x3D,
};
constexpr u16 kSubsystemVendorId = 0x1AF4, kSubsystemId = 0x1100;  // as QEMU's machines
constexpr u8 kHasCapabilities = 0x10;
constexpr u32 kEnable = 0x8000'0000;
enum ResetControl : u8 { kSystemReset = 2, kResetCpu = 4 };

}  // namespace

PciDevice::PciDevice(const Identity& id) {
  set_reset(kVendor, Width::Word, id.vendor);
  set_reset(kDevice, Width::Word, id.device);
  set_reset(kRevision, Width::Dword, id.class_code << 8 | id.revision);
  set_reset(kHeaderType, Width::Byte, id.header_type);
  set_reset(kSubsystemVendor, Width::Word, kSubsystemVendorId);
  set_reset(kSubsystem, Width::Word, kSubsystemId);
  set_reset(kInterruptPin, Width::Byte, id.interrupt_pin);
  set_writable(kCommand, kCommand, 0x07);          // I/O, memory, bus master
  set_writable(kCommand + 1, kCommand + 1, 0x05);  // SERR#, INTx disable
  set_writable(kCacheLine, kCacheLine);
  set_writable(kInterruptLine, kInterruptLine);
}

void PciDevice::set_reset(u8 reg, Width width, u32 value) {
  for (unsigned i = 0; i < bytes(width); ++i) reset_[reg + i] = static_cast<u8>(value >> (8 * i));
  config_ = reset_;
}

void PciDevice::set_writable(u8 first, u8 last, u8 mask) {
  for (unsigned reg = first; reg <= last; ++reg) write_mask_[reg] = mask;
}

void PciDevice::add_bar(unsigned index, BarKind kind, u64 size) {
  const bool wide = kind == BarKind::Memory64 || kind == BarKind::Prefetch64;
  RING3_CHECK(index + wide < 6 && (size & (size - 1)) == 0, "BAR {} of {:#x}", index, size);
  const u8 reg = static_cast<u8>(kBar0 + 4 * index);
  set_reset(reg, Width::Dword, static_cast<u32>(kind));
  const u64 mask = ~(size - 1);
  for (unsigned i = 0; i < (wide ? 8 : 4); ++i)
    write_mask_[reg + i] = static_cast<u8>(mask >> (8 * i));
}

u64 PciDevice::bar_address(unsigned index) const {
  const u8 reg = static_cast<u8>(kBar0 + 4 * index);
  const u32 low = reg32(reg);
  if (low & 1) return low & ~3u;
  const u64 high = (low & 6) == 4 ? reg32(static_cast<u8>(reg + 4)) : 0;
  return high << 32 | (low & ~15u);
}

u16 PciDevice::reg16(u8 reg) const {
  return static_cast<u16>(config_[reg] | config_[reg + 1] << 8);
}

u32 PciDevice::reg32(u8 reg) const { return load<u32>(&config_[reg]); }

void PciDevice::set_reg32(u8 reg, u32 value) { store(&config_[reg], value); }

u8 PciDevice::add_capability(u8 id, u8 size) {
  const u8 at = next_capability_;
  RING3_CHECK(at + size <= 256, "no room for capability {:#x}", id);
  next_capability_ = static_cast<u8>((at + size + 3) & ~3);
  set_reset(last_capability_ ? static_cast<u8>(last_capability_ + 1) : u8{kCapabilities},
            Width::Byte, at);
  set_reset(kStatus, Width::Byte, reset_[kStatus] | kHasCapabilities);
  set_reset(at, Width::Byte, id);
  last_capability_ = at;
  return at;
}

u32 PciDevice::config_read(u8 reg, Width width) {
  config_reads(reg, static_cast<u8>(reg + bytes(width) - 1));
  u32 value = 0;
  for (unsigned i = 0; i < bytes(width); ++i) value |= u32{config_[reg + i]} << (8 * i);
  return value;
}

void PciDevice::config_write(u8 reg, Width width, u32 value) {
  for (unsigned i = 0; i < bytes(width); ++i) {
    const u8 mask = write_mask_[reg + i];
    u8& byte = config_[reg + i];
    byte = static_cast<u8>((byte & ~mask) | (value >> (8 * i) & mask));
  }
  config_changed(reg, static_cast<u8>(reg + bytes(width) - 1));
}

void PciDevice::reset() {
  config_ = reset_;
  config_changed(0, 255);
}

void PciDevice::config_changed(u8, u8) {}

void PciDevice::fields(FieldVisitor& v, const std::string& prefix) {
  v(prefix + ".config", config_);
}

PciHost::PciHost(std::function<void()> reset_machine) : reset_machine_(std::move(reset_machine)) {}

void PciHost::attach(unsigned device, unsigned function, PciDevice& target) {
  PciDevice*& slot = functions_[device << 3 | function];
  RING3_CHECK(!slot, "PCI {}.{} is taken", device, function);
  slot = &target;
}

void PciHost::for_each(const std::function<void(unsigned, unsigned, PciDevice&)>& visit) {
  for (unsigned i = 0; i < functions_.size(); ++i)
    if (functions_[i]) visit(i >> 3, i & 7, *functions_[i]);
}

/// Bus 0 only; nullptr: master abort.
PciDevice* PciHost::selected() const {
  const bool bus0 = (s_.address & kEnable) && bits(s_.address, 23, 16) == 0;
  return bus0 ? functions_[bits(s_.address, 15, 8)] : nullptr;
}

u32 PciHost::read_data(u8 reg, Width width) const {
  PciDevice* device = selected();
  return device ? device->config_read(reg, width) : open_bus(width);
}

void PciHost::write_data(u8 reg, Width width, u32 value) {
  if (PciDevice* device = selected()) device->config_write(reg, width, value);
}

/// Bit 2 going to 1 resets; bit 1 chooses hard or soft, which are one reset here.
void PciHost::write_reset_control(u8 value) {
  const bool rises = value & ~s_.reset_control & kResetCpu;
  s_.reset_control = value & kSystemReset;
  if (rises && reset_machine_) reset_machine_();
}

// CONFADD is reached by dwords only; smaller accesses go to the ISA bus, where CF9h is.
u32 PciHost::read(u32 offset, Width width) {
  if (offset == 0 && width == Width::Dword) return s_.address;
  if (offset == 1 && width == Width::Byte) return s_.reset_control;
  if (offset < 4 || (offset & 3) + bytes(width) > 4) return open_bus(width);
  return read_data(static_cast<u8>((s_.address & 0xFC) | (offset & 3)), width);
}

void PciHost::write(u32 offset, Width width, u32 value) {
  if (offset == 0 && width == Width::Dword) {
    s_.address = value & 0x80FF'FFFC;
  } else if (offset == 1 && width == Width::Byte) {
    write_reset_control(static_cast<u8>(value));
  } else if (offset >= 4 && (offset & 3) + bytes(width) <= 4) {
    write_data(static_cast<u8>((s_.address & 0xFC) | (offset & 3)), width, value);
  }
}

void PciHost::reset() {
  s_ = State{};
  for (PciDevice* device : functions_) {
    if (device) device->reset();
  }
}

void PciHost::fields(FieldVisitor& v) {
  v("address", s_.address)("reset_control", s_.reset_control);
  for (size_t i = 0; i < functions_.size(); ++i) {
    if (functions_[i]) functions_[i]->fields(v, fmt::format("{:02x}.{}", i >> 3, i & 7));
  }
}

void PciHost::restored() {
  for (PciDevice* device : functions_) {
    if (device) device->restored();
  }
}

}  // namespace ring3
