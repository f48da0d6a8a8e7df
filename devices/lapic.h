// SPDX-License-Identifier: MIT
// A cpu's local APIC (SDM 3A "Advanced Programmable Interrupt Controller"): xAPIC registers in
// memory (4 KiB at FEE00000h) and x2APIC registers as MSRs, timer included. The 8259 pair stands
// behind LINT0. After reset LINT0 of the bootstrap cpu is ExtINT and unmasked, as firmware leaves
// it. Not emulated: SMI delivery, performance and thermal LVT sources, CMCI, EOI-broadcast
// suppression, lowest-priority arbitration by the bus (APR and RRD read 0), focus processor.
#pragma once

#include <array>
#include <functional>

#include "core/event_clock.h"
#include "core/irq.h"
#include "devices/apic_bus.h"
#include "devices/mmio_device.h"

namespace ring3 {

class LocalApic final : public MmioDevice, public ApicPort, public ApicTarget {
 public:
  static constexpr u64 kDefaultBase = 0xFEE0'0000;
  static constexpr u64 kWindow = 0x1000;
  static constexpr u64 kTimerHz = 1'000'000'000;  ///< before the divider

  struct Config {
    u32 id = 0;
    bool bootstrap = true;
    bool x2apic = true;
    bool tsc_deadline = true;
    unsigned physical_bits = 40;
  };
  /// `ext_ack`: the interrupt acknowledge cycle of the 8259 pair.
  LocalApic(EventClock& clock, CpuPins& pins, ApicBus& bus, Config config,
            std::function<u8()> ext_ack);

  void set_lint0(bool level);  ///< INTR of the 8259 pair
  void set_lint1(bool level);  ///< NMI
  void init();                 ///< the INIT pin: as reset, but IA32_APIC_BASE and the id stay
  /// IA32_APIC_BASE changed: the board moves, or removes, the window.
  void on_base_change(std::function<void()> hook) { base_change_ = std::move(hook); }
  bool mmio_enabled() const { return (s_.base & (kEnable | kExtd)) == kEnable; }

  // Device: the 4 KiB window.
  std::string_view name() const override { return "lapic"; }
  u32 read(u32 offset, Width) override;
  void write(u32 offset, Width, u32 value) override;
  void reset() override;
  void fields(FieldVisitor& v) override;
  void restored() override;

  // ApicPort: the cpu.
  std::optional<u8> acknowledge() override;
  u64 apic_base() const override { return s_.base; }
  bool set_apic_base(u64 value) override;
  u8 task_priority() const override { return static_cast<u8>(s_.tpr >> 4); }
  void set_task_priority(u8 cr8) override;
  std::optional<u64> read_x2apic(u32 index) override;
  bool write_x2apic(u32 index, u64 value) override;
  /// Deadlines are in ticks of EventClock::tsc(): the cpu adds and subtracts its TSC offset.
  u64 tsc_deadline() const override;
  void set_tsc_deadline(u64 tsc) override;

  // ApicTarget: the bus.
  bool addressed_by(const ApicMessage& message) const override;
  bool accept(const ApicMessage& message) override;
  u8 processor_priority() const override;

 private:
  static constexpr u64 kExtd = 1 << 10, kEnable = 1 << 11;
  enum Lvt : u8 { kTimer, kThermal, kPerformance, kLint0, kLint1, kError };
  static constexpr u32 kLvts = 6;
  using Bits256 = std::array<u32, 8>;

  struct State {
    u64 base = 0;
    u32 id = 0;  ///< x2APIC: whole; xAPIC: 8 bits
    u32 svr = 0xFF, ldr = 0, dfr = ~0u;
    Bits256 isr{}, tmr{}, irr{};
    u64 icr = 0;
    std::array<u32, kLvts> lvt{};
    u32 initial_count = 0, divide = 0;
    Nanos timer_start = 0;  ///< when the count was initial_count
    u64 deadline = 0;
    u8 tpr = 0;
    u8 esr = 0, errors = 0;  ///< as last latched by a write; since then
    bool timer_armed = false;
    bool lint[2] = {};     ///< the pins
    bool ext_int = false;  ///< an ExtINT message waits
  };

  bool enabled() const { return s_.base & kEnable; }
  bool x2apic_mode() const { return (s_.base & (kEnable | kExtd)) == (kEnable | kExtd); }
  bool software_enabled() const { return s_.svr & 0x100; }
  bool ext_int_requested() const;
  int deliverable() const;  ///< the vector above the processor priority, -1 if none
  void update();            ///< INTR from the state
  void set_defaults();

  // lapic.cpp: delivery.
  void request(u8 vector, bool level);
  void end_of_interrupt();
  void report(u8 error);
  void send_ipi();
  bool fire_lvt(Lvt entry);
  void set_lint(unsigned pin, bool level);

  // lapic_registers.cpp: reg = offset / 16 = MSR - 800H.
  std::optional<u32> read_register(u32 reg);
  bool write_register(u32 reg, u32 value);
  bool valid_x2apic_write(u32 reg, u64 value) const;
  void write_svr(u32 value);
  void write_lvt(Lvt entry, u32 value);
  void write_icr_low(u32 value);

  // lapic_timer.cpp.
  enum class TimerMode : u8 { OneShot, Periodic, TscDeadline, Reserved };
  TimerMode timer_mode() const { return static_cast<TimerMode>(s_.lvt[kTimer] >> 17 & 3); }
  u64 divisor() const;
  u64 period() const { return s_.initial_count * divisor(); }  ///< in ns at kTimerHz
  u32 current_count();
  void write_initial_count(u32 value);
  void write_divide(u32 value);
  void timer_mode_changed(TimerMode old);
  void arm_timer();
  void timer_expired();

  State s_;
  const Config config_;
  EventClock& clock_;
  CpuPins& pins_;
  ApicBus& bus_;
  std::function<u8()> ext_ack_;
  std::function<void()> base_change_;
  Event timer_;
  u32 logged_ = 0;
};

}  // namespace ring3
