// SPDX-License-Identifier: MIT
#include "devices/virtio/virtqueue.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/log.h"

namespace ring3 {
namespace {

enum Flag : u16 { kNext = 1, kWrite = 2, kIndirect = 4 };
constexpr u16 kNoInterrupt = 1;
constexpr u32 kDescriptorSize = 16;

template <class Piece>
void for_segments(std::span<const VirtioChain::Segment> segments, u64 offset, size_t size,
                  Piece&& piece) {
  size_t done = 0;
  for (const auto& segment : segments) {
    if (done == size) return;
    if (offset >= segment.length) {
      offset -= segment.length;
      continue;
    }
    const size_t n = std::min<u64>(segment.length - offset, size - done);
    piece(segment.address + offset, done, n);
    done += n;
    offset = 0;
  }
}

}  // namespace

u64 VirtioChain::total(const std::vector<Segment>& segments) {
  u64 sum = 0;
  for (const Segment& s : segments) sum += s.length;
  return sum;
}

void read_segments(DmaMemory& memory, std::span<const VirtioChain::Segment> segments, u64 offset,
                   std::span<u8> out) {
  for_segments(segments, offset, out.size(),
               [&](u64 address, size_t at, size_t n) { memory.read(address, out.subspan(at, n)); });
}

void write_segments(DmaMemory& memory, std::span<const VirtioChain::Segment> segments, u64 offset,
                    std::span<const u8> in) {
  for_segments(segments, offset, in.size(),
               [&](u64 address, size_t at, size_t n) { memory.write(address, in.subspan(at, n)); });
}

bool Virtqueue::fail(const char* why) {
  s.broken = true;
  RING3_LOG(GuestErrors, "virtio: {}; the queue stops until a reset", why);
  return false;
}

Virtqueue::Descriptor Virtqueue::descriptor(DmaMemory& memory, u64 table, u32 index) {
  std::array<u8, kDescriptorSize> raw;
  memory.read(table + u64{index} * kDescriptorSize, raw);
  return {load<u64>(&raw[0]), load<u32>(&raw[8]), load<u16>(&raw[12]), load<u16>(&raw[14])};
}

bool Virtqueue::pop(DmaMemory& memory, bool event_index, VirtioChain& chain) {
  if (!s.enabled || s.broken || s.size == 0) return false;
  const u16 waiting = static_cast<u16>(memory.read<u16>(s.available + 2) - s.next_available);
  if (waiting == 0) return false;
  if (waiting > s.size) return fail("more available than the queue holds");
  chain.head = memory.read<u16>(s.available + 4 + 2u * (s.next_available % s.size));
  chain.readable.clear();
  chain.writable.clear();
  if (chain.head >= s.size) return fail("available index out of range");
  if (!walk(memory, s.descriptors, s.size, chain.head, chain, false)) return false;
  ++s.next_available;
  if (event_index) want_notification(memory);
  return true;
}

/// Follows a chain. One of more than `entries` descriptors has a loop.
bool Virtqueue::walk(DmaMemory& memory, u64 table, u32 entries, u32 index, VirtioChain& chain,
                     bool indirect) {
  for (u32 steps = 0; steps < entries; ++steps) {
    const Descriptor d = descriptor(memory, table, index);
    if (d.flags & kIndirect) {
      // An indirect table is the end of its chain and holds no further one.
      if (indirect || (d.flags & kNext)) return fail("an indirect descriptor that chains");
      const u32 inner = d.length / kDescriptorSize;
      if (d.length % kDescriptorSize || inner == 0 || inner > kLargest)
        return fail("an indirect table of a bad size");
      return walk(memory, d.address, inner, 0, chain, true);
    }
    if (d.flags & kWrite) {
      chain.writable.push_back({d.address, d.length});
    } else if (!chain.writable.empty()) {
      return fail("a readable descriptor after a writable one");
    } else {
      chain.readable.push_back({d.address, d.length});
    }
    if (!(d.flags & kNext)) return true;
    index = d.next;
    if (index >= entries) return fail("next descriptor out of range");
  }
  return fail("a chain with a loop");
}

void Virtqueue::push(DmaMemory& memory, u16 head, u32 written) {
  const u64 element = s.used + 4 + 8u * (s.next_used % s.size);
  memory.write<u32>(element, head);
  memory.write<u32>(element + 4, written);
  memory.write<u16>(s.used + 2, ++s.next_used);
}

bool Virtqueue::wants_interrupt(DmaMemory& memory, bool event_index) {
  const u16 before = std::exchange(s.signalled, s.next_used);
  if (before == s.next_used) return false;
  if (!event_index) return !(memory.read<u16>(s.available) & kNoInterrupt);
  const u16 event = memory.read<u16>(s.available + 4 + 2u * s.size);
  // Did next_used pass the event index? Modulo 2^16.
  return static_cast<u16>(s.next_used - event - 1) < static_cast<u16>(s.next_used - before);
}

void Virtqueue::want_notification(DmaMemory& memory) {
  memory.write<u16>(s.used + 4 + 8u * s.size, s.next_available);
}

}  // namespace ring3
