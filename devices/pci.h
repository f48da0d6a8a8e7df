// SPDX-License-Identifier: MIT
// PCI 2.1: configuration space of a function, and configuration mechanism 1 (ports CF8h, CFCh) with
// the PIIX reset control register at CF9h. One bus.
// Not emulated: mechanism 2, special cycles, bridges, error reporting.
#pragma once

#include <array>
#include <functional>
#include <string>

#include "core/device.h"

namespace ring3 {

/// One function: 256 bytes of configuration space with a mask of what software may write.
class PciDevice {
 public:
  struct Identity {
    u16 vendor, device;
    u32 class_code;  ///< class, subclass, interface: 24 bits
    u8 revision = 0, header_type = 0;
    u8 interrupt_pin = 0;  ///< 1: INTA
  };
  enum class BarKind : u8 { Memory32 = 0, Io = 1, Memory64 = 4, Prefetch32 = 8, Prefetch64 = 12 };

  explicit PciDevice(const Identity& id);
  virtual ~PciDevice() = default;

  /// `reg` + width lies in one aligned dword.
  u32 config_read(u8 reg, Width width);
  void config_write(u8 reg, Width width, u32 value);
  void reset();
  void fields(FieldVisitor& v, const std::string& prefix);
  /// After a restore: as if every register was written.
  void restored() { config_changed(0, 255); }

  bool io_enabled() const { return command() & 1; }
  bool memory_enabled() const { return command() & 2; }
  bool bus_master() const { return command() & 4; }
  /// The address in BAR `index`; a 64-bit one takes the next BAR as well.
  u64 bar_address(unsigned index) const;

 protected:
  /// Called after a write to registers first..last, and after a reset for all.
  virtual void config_changed(u8 first, u8 last);
  /// Called before registers first..last are read: what is not kept there is put there.
  virtual void config_reads(u8, u8) {}

  u8 reg8(u8 reg) const { return config_[reg]; }
  u16 reg16(u8 reg) const;
  u32 reg32(u8 reg) const;
  void set_reg32(u8 reg, u32 value);
  // For constructors: power-on values and what is writable.
  void set_reset(u8 reg, Width width, u32 value);
  void set_writable(u8 first, u8 last, u8 mask = 0xFF);
  /// `size`: a power of two, at least 16 (memory) or 4 (I/O).
  void add_bar(unsigned index, BarKind kind, u64 size);
  /// Links a capability of `size` bytes into the list; where it is.
  u8 add_capability(u8 id, u8 size);

 private:
  u16 command() const { return reg16(4); }

  std::array<u8, 256> config_{}, reset_{}, write_mask_{};
  u8 last_capability_ = 0, next_capability_ = 0x40;
};

/// Ports CF8h-CFFh, and who sits at which device and function number.
class PciHost final : public Device {
 public:
  static constexpr u16 kPort = 0xCF8;
  static constexpr u32 kPorts = 8;

  explicit PciHost(std::function<void()> reset_machine);

  /// `device` 0-31, `function` 0-7.
  void attach(unsigned device, unsigned function, PciDevice& target);
  /// Every function, by device and function number.
  void for_each(const std::function<void(unsigned, unsigned, PciDevice&)>& visit);

  std::string_view name() const override { return "pci"; }
  u32 read(u32 offset, Width width) override;
  void write(u32 offset, Width width, u32 value) override;
  void reset() override;
  void fields(FieldVisitor& v) override;
  void restored() override;

 private:
  struct State {
    u32 address = 0;       ///< CONFADD
    u8 reset_control = 0;  ///< RC
  };
  PciDevice* selected() const;
  u32 read_data(u8 reg, Width width) const;
  void write_data(u8 reg, Width width, u32 value);
  void write_reset_control(u8 value);

  State s_;
  std::function<void()> reset_machine_;
  std::array<PciDevice*, 256> functions_{};
};

}  // namespace ring3
