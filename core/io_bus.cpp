// SPDX-License-Identifier: MIT
// The I/O space: a table of 65536 indexes into the list of mapped ranges.
#include "core/io_bus.h"

#include <algorithm>

#include "base/bits.h"
#include "base/check.h"
#include "base/log.h"

namespace ring3 {
namespace {

constexpr u32 kPorts = 0x10000;
constexpr size_t kCompactAt = 1024;  // a guest may move a BAR as often as it likes

}  // namespace

IoBus::IoBus() : ranges_(2, Range{0, kPorts, nullptr, 0}), by_port_(kPorts, kNothing) {}

void IoBus::map(u16 base, u32 count, Device& device, u32 offset) {
  RING3_CHECK(count <= kPorts - base, "ports {:#x}+{:#x} of {}", base, count, device.name());
  if (ranges_.size() >= kCompactAt) drop_unused_ranges();
  RING3_CHECK(ranges_.size() < kPorts, "too many port ranges");
  std::fill_n(by_port_.begin() + base, count, static_cast<u16>(ranges_.size()));
  ranges_.push_back({base, count, &device, offset});
}

void IoBus::unmap(u16 base, u32 count) {
  std::fill_n(by_port_.begin() + base, std::min(count, kPorts - base), kNothing);
}

void IoBus::drop_unused_ranges() {
  std::vector<u16> renamed(ranges_.size(), 0);
  std::vector<Range> kept(ranges_.begin(), ranges_.begin() + 2);
  for (u16& index : by_port_) {
    if (index <= kNothingLogged) continue;
    if (renamed[index] == 0) {
      renamed[index] = static_cast<u16>(kept.size());
      kept.push_back(ranges_[index]);
    }
    index = renamed[index];
  }
  ranges_ = std::move(kept);
}

void IoBus::unassigned(u16 port, bool write) {
  constexpr u32 kLogged = 64;
  if (by_port_[port] == kNothingLogged || !first_times(unassigned_, kLogged)) return;
  by_port_[port] = kNothingLogged;
  RING3_LOG(GuestErrors, "io: {} of port {:#06x}, where nothing is", write ? "write" : "read",
            port);
}

/// True if the access must be cut into bytes: it does not lie within one range.
bool IoBus::splits(u16 port, Width width) const {
  const u32 last = port + bytes(width) - 1;
  return last >= kPorts || (by_port_[last] != by_port_[port] &&
                            (by_port_[last] > kNothingLogged || by_port_[port] > kNothingLogged));
}

u32 IoBus::read_whole(u16 port, Width width) {
  const Range& r = range_at(port);
  if (r.device) return r.device->read(port - r.base + r.offset, width) & open_bus(width);
  unassigned(port, false);
  return open_bus(width);
}

void IoBus::write_whole(u16 port, Width width, u32 value) {
  const Range& r = range_at(port);
  if (r.device) return r.device->write(port - r.base + r.offset, width, value & open_bus(width));
  unassigned(port, true);
}

u32 IoBus::read(u16 port, Width width) {
  const Device* device = range_at(port).device;
  const Width piece = splits(port, width) ? Width::Byte
                      : device            ? std::min(width, device->max_width())
                                          : width;
  if (piece == width) return read_whole(port, width);
  u32 value = 0;
  for (u32 i = 0; i < bytes(width); i += bytes(piece)) {
    const u32 part =
        port + i < kPorts ? read_whole(static_cast<u16>(port + i), piece) : open_bus(piece);
    value |= part << (8 * i);
  }
  return value;
}

void IoBus::write(u16 port, Width width, u32 value) {
  const Device* device = range_at(port).device;
  const Width piece = splits(port, width) ? Width::Byte
                      : device            ? std::min(width, device->max_width())
                                          : width;
  if (piece == width) return write_whole(port, width, value);
  for (u32 i = 0; i < bytes(width) && port + i < kPorts; i += bytes(piece))
    write_whole(static_cast<u16>(port + i), piece, value >> (8 * i));
}

}  // namespace ring3
