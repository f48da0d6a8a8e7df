// SPDX-License-Identifier: MIT
// What a device is to the rest of the machine: registers behind ports or memory, one state struct
// with one visitor, reset. Devices see core only through this header, irq.h and event_clock.h.
#pragma once

#include <string_view>
#include <type_traits>

#include "base/types.h"

namespace ring3 {

/// Width of one bus access, in bytes.
enum class Width : u8 { Byte = 1, Word = 2, Dword = 4, Qword = 8 };
constexpr unsigned bytes(Width w) { return static_cast<unsigned>(w); }
/// All ones of that width: what an undriven bus reads.
constexpr u32 open_bus(Width w) {
  return w == Width::Byte ? 0xFF : w == Width::Word ? 0xFFFF : ~0u;
}

/// Visits a device's state, field by field: snapshot, restore, dump and compare are visitors.
class FieldVisitor {
 public:
  virtual ~FieldVisitor() = default;
  virtual void field(std::string_view name, void* data, size_t size) = 0;
  template <class T>
  FieldVisitor& operator()(std::string_view name, T& value) {
    static_assert(std::is_trivially_copyable_v<T>);
    field(name, &value, sizeof value);
    return *this;
  }
};

/// A chip. `offset` counts from the port range's (or window's) base that it was mapped at.
class Device {
 public:
  virtual ~Device() = default;
  virtual std::string_view name() const = 0;
  /// Never fails: an unreachable register reads open bus, a write to it is dropped.
  virtual u32 read(u32 offset, Width width) = 0;
  virtual void write(u32 offset, Width width, u32 value) = 0;
  /// The widest access that the chip takes: the I/O bus splits wider ones, lowest address first.
  /// Chips on the 8-bit ISA data lines return Byte.
  virtual Width max_width() const { return Width::Dword; }
  virtual void reset() = 0;
  virtual void fields(FieldVisitor& visitor) = 0;
  /// After fields() restored a state: recompute what is derived (interrupt levels, timers).
  virtual void restored() {}
};

}  // namespace ring3
