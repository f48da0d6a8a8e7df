// SPDX-License-Identifier: MIT
// The VGA of QEMU's "pc" (-vga std, device 1234h:1111h): IBM VGA registers and 256 KiB of planar
// memory at A0000h-BFFFFh, Bochs VBE modes up to what 16 MiB hold, the linear frame buffer in BAR 0
// and registers in BAR 2. Video memory is device RAM of the physical map, so that writes to the
// linear frame buffer, and to A0000h in chain-4 modes, run at RAM speed.
// Not emulated: retrace interrupts, the light pen, odd/even page bit, memory below 256 KiB, monitor
// sense (always reads 0), count-by-two/four and vertical-by-two of the CRTC.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <vector>

#include "core/device.h"
#include "core/event_clock.h"
#include "devices/vga_pci.h"
#include "devices/vga_state.h"
#include "mmu/physical_memory.h"

namespace ring3 {

class Vga final : public Device, private WriteWatcher {
 public:
  static constexpr u64 kMemoryBytes = u64{16} << 20;
  static constexpr u64 kPlanarBytes = 256 << 10;
  static constexpr u32 kMmioSize = 0x1000;
  static constexpr u64 kWindow = 0xA'0000, kWindowSize = 0x2'0000;
  static constexpr u64 kDirectSize = 0x1'0000;  ///< of it that may be RAM
  // Port ranges and the offsets to map them at.
  struct Ports {
    u16 port;
    u32 count, offset;
  };
  static constexpr u32 kVbeOffset = 0x40;
  static constexpr Ports kPorts[] = {{0x3B4, 2, 0x04}, {0x3BA, 1, 0x0A}, {0x3C0, 16, 0x10},
                                     {0x3D4, 2, 0x24}, {0x3DA, 1, 0x2A}, {0x1CE, 3, kVbeOffset}};

  /// `memory` has kMemoryBytes of device RAM (tests: less, a power of two from 256 KiB on), all of
  /// it this device's. `rom`: the option ROM for the expansion BAR, may be empty.
  Vga(EventClock& clock, PhysicalMemory& memory, std::vector<u8> rom = {});
  ~Vga() override;

  PciDevice& function() { return function_; }
  const VgaState& state() const { return s_; }
  std::span<const u8> memory() const { return video_; }
  /// What a video BIOS leaves: mode 3, 80x25, with its font and palette; BARs where QEMU has them.
  void set_up_as_firmware();

  std::string_view name() const override { return "vga"; }
  u32 read(u32 offset, Width width) override;
  void write(u32 offset, Width width, u32 value) override;
  void reset() override;
  void fields(FieldVisitor& v) override;
  void restored() override;

  // For who draws the screen.
  /// Whether anything changed since the last take_changes(). Cheap.
  bool changed() const { return changed_ || !watching_; }
  struct Changes {
    bool registers = false;   ///< any register or colour that the picture depends on
    bool fonts = false;       ///< maybe plane 2 of a text mode
    std::vector<bool> pages;  ///< 4 KiB pages of video memory
  };
  /// What changed since the last call, and starts over. From the first call on writes are watched.
  Changes take_changes();
  /// Nobody draws any more: writes run unwatched.
  void stop_watching();
  Nanos time() { return clock_.now(); }

 private:
  struct Window final : MmioHandler {  ///< at A0000h
    explicit Window(Vga& v) : vga(v) {}
    Vga& vga;
    u64 mmio_read(u64 offset, unsigned size) override;
    void mmio_write(u64 offset, unsigned size, u64 value) override;
  };
  struct Registers final : MmioHandler {  ///< BAR 2
    explicit Registers(Vga& v);
    Vga& vga;
    std::array<u8, 128> edid;
    u8 read_byte(u32 at);
    u64 mmio_read(u64 offset, unsigned size) override;
    void mmio_write(u64 offset, unsigned size, u64 value) override;
  };
  struct Rom final : MmioHandler {
    explicit Rom(Vga& v) : vga(v) {}
    Vga& vga;
    u64 mmio_read(u64 offset, unsigned size) override;
    void mmio_write(u64, unsigned, u64) override {}
  };

  // vga_ports.cpp
  u8 read_port(u32 offset);
  void write_port(u32 offset, u8 value);
  u8 read_status1();
  u8 retrace_status();
  void write_attribute(u8 value);
  void write_seq(u8 value);
  void write_crtc(u8 value);
  void write_gfx(u8 value);
  void write_dac(u8 value);
  u8 read_dac();

  // vga_memory.cpp
  std::optional<u32> window_offset(u32 a) const;
  u8 window_read(u32 offset);
  void window_write(u32 offset, u8 value);
  u32 written(u8 value) const;
  void store_planes(u32 at, u32 value, u32 mask);
  void relayout(bool chained);
  bool window_is_direct() const;
  std::optional<u64> wanted_direct_window() const;
  void place_direct_window();
  void add_direct_window();

  // vga_vbe.cpp
  u32 read_vbe(u32 offset, Width width) const;
  void write_vbe(u32 offset, Width width, u32 value);
  u16 vbe_value(u16 index) const;
  void write_vbe_register(u16 value);
  void limit_vbe();
  void enable_vbe(u16 value);
  void set_legacy_registers();
  u32 vbe_pitch() const;

  void place_windows();
  void touch(u32 byte) { dirty_[byte >> kPageShift] = changed_ = true; }
  void touch_registers() { registers_changed_ = changed_ = true; }
  void touch_all();
  void on_watched_write(PhysAddr address, u64 size) override;

  VgaState s_;
  EventClock& clock_;
  PhysicalMemory& map_;
  std::span<u8> video_;
  std::vector<u8> rom_;
  Window window_{*this};
  Registers registers_{*this};
  Rom rom_window_{*this};
  std::optional<u64> frame_buffer_, registers_at_, rom_at_;  ///< where they are now
  std::optional<u64> direct_;  ///< the part of video memory that A0000h shows as RAM
  Event place_direct_;
  VgaFunction function_;

  bool watching_ = false, changed_ = true, registers_changed_ = true, fonts_changed_ = true;
  std::vector<bool> dirty_;
  u32 unknown_vbe_ = 0;  ///< rate limit of the log
};

}  // namespace ring3
