// SPDX-License-Identifier: MIT
// The PC's two Intel 8237A DMA controllers and their page registers: channels 0-3 move bytes, 4-7
// words (4 is the cascade). A device moves its data in one go when it is ready.
// Not emulated: memory-to-memory transfers, software requests, priorities, timing.
#pragma once

#include <array>
#include <span>

#include "core/device.h"
#include "devices/dma_memory.h"

namespace ring3 {

class Dma8237 final : public Device {
 public:
  static constexpr unsigned kChannels = 8;
  /// Offsets: the first controller at 0 (ports 00h-0Fh), the page registers at 10h (ports 80h-8Fh),
  /// the second controller at 20h (ports C0h-DFh).
  static constexpr u32 kFirst = 0x00, kPages = 0x10, kSecond = 0x20;

  explicit Dma8237(PhysicalMemory& memory) : memory_(memory) { reset(); }

  struct Moved {
    size_t bytes;   ///< fewer than asked for: masked, set up otherwise, or ended
    bool terminal;  ///< the count ended with the last of them
  };
  /// The device of a byte channel gives or takes bytes.
  Moved to_memory(unsigned channel, std::span<const u8> in);
  Moved from_memory(unsigned channel, std::span<u8> out);

  std::string_view name() const override { return "dma8237"; }
  Width max_width() const override { return Width::Byte; }
  u32 read(u32 offset, Width width) override;
  void write(u32 offset, Width width, u32 value) override;
  void reset() override;
  void fields(FieldVisitor& v) override;

 private:
  struct State {
    std::array<u16, kChannels> base_address{}, base_count{}, address{}, count{};
    std::array<u8, kChannels> mode{};
    std::array<u8, 16> pages{};
    // Of each controller:
    std::array<u8, 2> command{}, mask{}, terminal{};
    std::array<bool, 2> high_byte{};  ///< the flip-flop
  };
  template <class Piece>
  Moved move(unsigned channel, unsigned kind, size_t size, Piece&& piece);
  u8 page(unsigned channel) const;
  u8 read_register(unsigned controller, u32 reg);
  void write_register(unsigned controller, u32 reg, u8 value);
  void write_channel(unsigned controller, u32 reg, u8 value);

  DmaMemory memory_;
  State s_;
};

}  // namespace ring3
