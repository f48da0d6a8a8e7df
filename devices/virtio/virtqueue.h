// SPDX-License-Identifier: MIT
// A split virtqueue (Virtio 1.1, 2.6): descriptors, direct and indirect, event indices. The guest's
// rings are never trusted: an index, length or chain that the specification forbids breaks the
// queue, and the device asks for a reset.
// Not emulated: packed queues.
#pragma once

#include <span>
#include <vector>

#include "core/device.h"
#include "devices/dma_memory.h"

namespace ring3 {

/// One buffer of the guest: what the device may read, then what it may write.
class VirtioChain {
 public:
  struct Segment {
    u64 address;
    u32 length;
  };
  u16 head = 0;
  std::vector<Segment> readable, writable;

  u64 readable_size() const { return total(readable); }
  u64 writable_size() const { return total(writable); }

 private:
  static u64 total(const std::vector<Segment>& segments);
};

/// Copies between a host buffer and the bytes of a list of segments, from `offset` on.
void read_segments(DmaMemory& memory, std::span<const VirtioChain::Segment> segments, u64 offset,
                   std::span<u8> out);
void write_segments(DmaMemory& memory, std::span<const VirtioChain::Segment> segments, u64 offset,
                    std::span<const u8> in);

class Virtqueue {
 public:
  static constexpr u16 kLargest = 1024;
  /// Trivially copyable: one field of the device's state.
  struct State {
    u16 size = 0;
    bool enabled = false, broken = false;
    u64 descriptors = 0, available = 0, used = 0;
    u16 next_available = 0, next_used = 0;
    u16 signalled = 0;  ///< next_used at the last interrupt
    u16 vector = 0xFFFF;
  };
  State s;

  /// The next chain; false if there is none, or the queue broke.
  bool pop(DmaMemory& memory, bool event_index, VirtioChain& chain);
  /// Gives a chain back; `written` bytes of it were written.
  void push(DmaMemory& memory, u16 head, u32 written);
  /// Whether the driver wants an interrupt for what was pushed since the last one.
  bool wants_interrupt(DmaMemory& memory, bool event_index);
  /// With event indices: a notification is wanted for the next chain.
  void want_notification(DmaMemory& memory);

 private:
  struct Descriptor {
    u64 address;
    u32 length;
    u16 flags, next;
  };
  static Descriptor descriptor(DmaMemory& memory, u64 table, u32 index);
  bool walk(DmaMemory& memory, u64 table, u32 entries, u32 index, VirtioChain& chain,
            bool indirect);
  bool fail(const char* why);
};

}  // namespace ring3
