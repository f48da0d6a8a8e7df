// SPDX-License-Identifier: MIT
// The "pc" board: i440FX, PIIX3 and PIIX4 with everything that hangs on them, one cpu, and the loop
// that runs them against time and the host. See README.md for the map and what is not emulated.
#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/cpu.h"
#include "core/engine.h"
#include "devices/acpi_pm.h"
#include "devices/fw_cfg.h"
#include "devices/hpet.h"
#include "devices/i440fx.h"
#include "devices/i8042.h"
#include "devices/interrupt_hub.h"
#include "devices/ioapic.h"
#include "devices/lapic.h"
#include "devices/pc_input.h"
#include "devices/pc_storage.h"
#include "devices/pic8259.h"
#include "devices/piix.h"
#include "devices/pit8254.h"
#include "devices/post_port.h"
#include "devices/rtc146818.h"
#include "devices/shadow_ram.h"
#include "devices/time_sources.h"
#include "devices/uart16550.h"
#include "devices/vga.h"
#include "devices/vmmouse.h"
#include "host/service.h"
#include "host/waiter.h"

namespace ring3 {

struct PcConfig {
  u64 ram_bytes = u64{128} << 20;
  CpuModel cpu;
  bool icount = false;
  unsigned icount_shift = 3;          ///< one instruction takes 2^shift ns
  bool icount_sleep = true;           ///< sleep while guest time is skipped; the guest cannot tell
  std::array<ByteSink*, 4> serial{};  ///< null: that port is not there
  std::array<ByteSource*, 4> serial_input{};  ///< null: nobody types
  ByteSink* debugcon = nullptr;               ///< at port 402h
  std::optional<u16> debug_exit;              ///< isa-debug-exit at this port
  bool pc_testdev = false;
  bool no_reboot = false;  ///< a reset ends the run
  bool vga = true;
  std::vector<u8> vga_rom;  ///< for the expansion ROM of the VGA; may be empty
  StorageConfig storage;
  InputConfig input;
  i64 rtc_start = 0;  ///< seconds since 1970, in the guest's civil time
};

/// What happened to the machine as a whole, for monitors and debuggers.
enum class MachineEvent : u8 {
  Stop,  ///< paused: by a person, a breakpoint or a watchpoint (DebugStops::take_hit)
  Resume,
  Step,  ///< request_step() is done, the machine is paused
  Reset,
  PowerDown,  ///< the power button was pressed
  Shutdown,   ///< the run ends
};

class Pc {
 public:
  explicit Pc(PcConfig config);
  ~Pc();
  Pc(const Pc&) = delete;

  PhysicalMemory& memory() { return memory_; }
  Mmu& mmu() { return mmu_; }
  Cpu& cpu() { return cpu_; }
  IoBus& io() { return io_; }
  EventClock& clock() { return clock_; }
  FwCfg& fw_cfg() { return fw_cfg_; }
  AcpiPm& acpi() { return acpi_; }
  I8042& keyboard() { return i8042_; }
  Rtc146818& rtc() { return rtc_; }
  PciHost& pci() { return pci_; }
  Piix3Isa& isa_bridge() { return piix3_; }
  PcStorage& storage() { return storage_; }
  InterruptHub& interrupts() { return hub_; }
  PcInput& input() { return input_; }
  Vga* vga() { return vga_.get(); }                                ///< null: there is none
  Uart16550* serial(unsigned port) { return uarts_[port].get(); }  ///< null: not there
  /// Every chip, in a fixed order: snapshots, dumps, tests.
  const std::vector<Device*>& devices() const { return devices_; }

  /// A firmware or option ROM. With one the board comes up as hardware does; without, as a BIOS
  /// leaves it to a boot loader.
  void add_rom(PhysAddr start, std::vector<u8> image) { roms_.add_rom(start, std::move(image)); }
  /// Power-on and the reset line. RAM keeps its contents; the hook reloads what must be there.
  void reset();
  void on_reset(std::function<void()> hook) { reset_hook_ = std::move(hook); }

  /// Runs until the machine leaves; its exit status. Call reset() first.
  int run(Engine& engine);
  /// The same, to the first block boundary at or past a count of instructions. False: it left.
  bool run_until(Engine& engine, u64 instructions);
  int status() const { return status_; }
  /// Ends run() soon, with this status. From any thread, or a signal handler.
  void leave(int status);
  void request_reset();  ///< at the next block boundary
  /// At the first block boundary past each multiple of `interval` instructions.
  void on_instructions(u64 interval, std::function<void(u64 instructions)> hook);

  // pc_control.cpp. From the machine's thread: services and observers are on it.
  /// Paused, the guest and its time stand still; services go on.
  void pause();
  void resume();
  bool paused() const { return paused_; }
  /// Resumes for one instruction; interrupts wait, unless the cpu is halted.
  void request_step();
  void press_power_button();
  void observe(std::function<void(MachineEvent)> observer) {
    observers_.push_back(std::move(observer));
  }
  /// Served every few milliseconds, and when it has input. Outlives run().
  void add_service(HostService& service) { services_.push_back(&service); }

  std::string dump();  ///< readable state, for people
  /// Of the cpu's registers, RAM and every device: equal runs have equal hashes.
  u64 state_hash();

 private:
  void map_ports();
  void map_serial_ports();
  void map_optional_devices();
  void map_vga();
  void map_memory();
  void place_local_apic();
  void place_acpi(std::optional<u16> base);
  void set_up_as_firmware();
  void set_cmos();
  void set_fw_cfg();
  IrqLine isa(unsigned irq) { return hub_.isa(irq); }

  // pc_run.cpp
  u64 run_deadline();
  void handle(Exit exit);
  void handle_signals();
  void handle_shutdown();
  void idle();
  void wait(Nanos time);
  void service_host();
  void service_serial(unsigned port);
  void flush_output();
  void measure(u64 instructions, Nanos time);

  // pc_control.cpp
  void notify(MachineEvent event);
  void stop(MachineEvent why);
  void run_paused();
  void run_step(Engine& engine);
  void serve();

  const PcConfig config_;
  HostTime host_time_;
  InstructionTime instruction_time_;
  EventClock clock_;
  PhysicalMemory memory_;
  Mmu mmu_;
  IoBus io_;
  Cpu cpu_;
  ShadowRam roms_;

  ApicBus apic_bus_;
  IoApic ioapic_;
  LocalApic lapic_;  // before those that drive its pins
  Pic8259 pic_;
  InterruptHub hub_;
  Hpet hpet_;
  Pit8254 pit_;
  Rtc146818 rtc_;
  AcpiPm acpi_;
  I8042 i8042_;
  I440fx i440fx_;
  Piix3Isa piix3_;
  Piix4Pm piix4_pm_;
  PciHost pci_;
  PcStorage storage_;
  FwCfg fw_cfg_;
  PostPort post_;
  VmMouse vmmouse_;
  PcInput input_;
  std::unique_ptr<Vga> vga_;
  std::array<std::unique_ptr<Uart16550>, 4> uarts_;
  std::vector<std::unique_ptr<Device>> extra_;  ///< optional and absent chips
  std::vector<Device*> devices_;

  Waiter waiter_;
  std::function<void()> reset_hook_;
  std::optional<u64> lapic_window_;
  std::optional<u16> acpi_base_;
  std::atomic<int> status_{0};
  bool in_engine_ = false;
  Nanos next_service_ = 0;
  double instructions_per_ns_ = 0.02;
  u64 hook_interval_ = 0, next_hook_ = ~u64{0};
  std::function<void(u64)> instruction_hook_;
  bool paused_ = false, stepping_ = false;
  bool skip_breakpoint_ = false;  ///< resumed: the instruction that it stopped at runs
  std::vector<HostService*> services_;
  std::vector<std::function<void(MachineEvent)>> observers_;
};

}  // namespace ring3
