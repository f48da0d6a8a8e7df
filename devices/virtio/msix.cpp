// SPDX-License-Identifier: MIT
#include "devices/virtio/msix.h"

#include "base/bits.h"

namespace ring3 {
namespace {

constexpr u32 kEntry = 16, kMasked = 1;

}  // namespace

u8 Msix::byte_at(u32 offset) const {
  if (offset >= kPendingOffset && offset < kPendingOffset + 8) {
    const u32 shift = 8 * (offset - kPendingOffset);
    return shift < 16 ? static_cast<u8>(pending_ >> shift) : u8{0};
  }
  if (offset >= kVectors * kEntry) return 0;
  const Entry& e = table_[offset / kEntry];
  const u32 at = offset % kEntry;
  if (at < 8) return static_cast<u8>(e.address >> (8 * at));
  if (at < 12) return static_cast<u8>(e.data >> (8 * (at - 8)));
  return static_cast<u8>(e.control >> (8 * (at - 12)));
}

u32 Msix::read(u32 offset, Width width) const {
  u32 value = 0;
  for (u32 i = 0; i < bytes(width); ++i) value |= u32{byte_at(offset + i)} << (8 * i);
  return value;
}

/// The table takes aligned dwords; the pending bits are read-only.
void Msix::write(u32 offset, Width width, u32 value) {
  if (width != Width::Dword || offset % 4 || offset >= kVectors * kEntry) return;
  Entry& e = table_[offset / kEntry];
  switch (offset % kEntry) {
    case 0:
      e.address = (e.address & ~low_mask(32)) | (value & ~3u);
      break;
    case 4:
      e.address = (e.address & low_mask(32)) | u64{value} << 32;
      break;
    case 8:
      e.data = value;
      break;
    default:
      e.control = value & kMasked;
      break;
  }
  send_pending();
}

void Msix::set_control(bool enabled, bool masked) {
  enabled_ = enabled;
  masked_ = masked;
  send_pending();
}

void Msix::signal(unsigned vector) {
  if (vector >= kVectors || !enabled_) return;
  pending_ |= static_cast<u16>(1u << vector);
  send_pending();
}

void Msix::send_pending() {
  if (!enabled_ || masked_ || !pending_) return;
  for (unsigned vector = 0; vector < kVectors; ++vector) {
    const Entry& e = table_[vector];
    if (!(pending_ >> vector & 1) || (e.control & kMasked)) continue;
    pending_ &= static_cast<u16>(~(1u << vector));
    send_(e.address, e.data);
  }
}

void Msix::reset() {
  table_.fill(Entry{});
  pending_ = 0;
}

void Msix::fields(FieldVisitor& v) { v("msix.table", table_)("msix.pending", pending_); }

}  // namespace ring3
