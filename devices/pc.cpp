// SPDX-License-Identifier: MIT
// The board's wiring: which chip answers where and drives which line.
#include "devices/pc.h"

#include <utility>

#include "base/bits.h"
#include "base/log.h"
#include "core/dump.h"
#include "devices/debug_exit.h"
#include "devices/debugcon.h"
#include "devices/pc_layout.h"
#include "devices/pc_testdev.h"
#include "devices/pci_setup.h"

namespace ring3 {
namespace {

constexpr u64 kMiB = 1 << 20;

TimeSource& pick(bool icount, TimeSource& instructions, TimeSource& host) {
  return icount ? instructions : host;
}

constexpr unsigned kBackdoorSlots[] = {kRax, kRbx, kRcx, kRdx, kRsi, kRdi};

BackdoorRegisters backdoor_registers(const CpuState& state) {
  BackdoorRegisters r;
  for (size_t i = 0; i < r.size(); ++i) r[i] = static_cast<u32>(state.gpr[kBackdoorSlots[i]]);
  return r;
}

/// RAX is the port read's own result.
void set_backdoor(CpuState& state, const BackdoorRegisters& r) {
  for (size_t i = 1; i < r.size(); ++i) state.gpr[kBackdoorSlots[i]] = r[i];
}

}  // namespace

Pc::Pc(PcConfig config)
    : config_(std::move(config)),
      instruction_time_(config_.icount_shift),
      clock_(pick(config_.icount, instruction_time_, host_time_)),
      memory_(config_.ram_bytes, config_.vga ? Vga::kMemoryBytes : 0),
      mmu_(memory_),
      cpu_(mmu_, io_, clock_, config_.cpu),
      roms_(memory_),
      ioapic_(apic_bus_),
      lapic_(clock_, cpu_, apic_bus_, {.physical_bits = config_.cpu.physical_bits},
             [this] { return pic_.acknowledge(); }),
      pic_(IrqLine([this](bool level) { lapic_.set_lint0(level); })),
      hub_([this](unsigned irq, bool level) { pic_.set_irq(irq, level); },
           [this](unsigned pin, bool level) { ioapic_.set_pin(pin, level); }),
      hpet_(
          clock_,
          [lines = std::array{isa(layout::kIrqTimer), isa(layout::kIrqRtc),
                              hub_.pin(layout::kTimerPin)}](unsigned gsi, bool level) {
            lines[gsi == layout::kIrqTimer ? 0 : gsi == layout::kIrqRtc ? 1 : 2].set(level);
          },
          1u << layout::kTimerPin),
      pit_(clock_, hpet_.pit_input()),
      rtc_(clock_, hpet_.rtc_input(), config_.rtc_start),
      acpi_(clock_, isa(layout::kIrqSci), [this] { leave(0); }),
      i8042_(clock_, {.irq1 = isa(layout::kIrqKeyboard),
                      .irq12 = isa(layout::kIrqMouse),
                      .a20 = [this](bool on) { memory_.set_a20(on); },
                      .reset_machine = [this] { request_reset(); }}),
      i440fx_([this](unsigned segment, u8 pam) {
        const I440fx::PamSegment s = I440fx::pam_segment(segment);
        roms_.set_segment(s.start, s.size, pam);
      }),
      piix3_([lines =
                  [this] {
                    std::array<IrqLine, layout::kIsaIrqs> all;
                    for (unsigned irq = 0; irq < all.size(); ++irq) all[irq] = isa(irq);
                    return all;
                  }()](unsigned irq, bool level) { lines[irq].set(level); }),
      piix4_pm_([this](std::optional<u16> base) { place_acpi(base); }),
      pci_([this] { request_reset(); }),
      storage_(config_.storage, {memory_, io_, pci_, piix3_, hub_, apic_bus_}),
      fw_cfg_(memory_),
      vmmouse_({.get = [this] { return backdoor_registers(cpu_.state); },
                .set = [this](const BackdoorRegisters& r) { set_backdoor(cpu_.state, r); },
                .kick = [this] { i8042_.nudge_mouse(); }}),
      input_(config_.input, {memory_, io_, pci_, piix3_, apic_bus_, i8042_, vmmouse_}) {
  instruction_time_.watch(cpu_.state.instructions);
  cpu_.apic = &lapic_;
  if (config_.icount) cpu_.entropy = counted_entropy;
  lapic_.on_base_change([this] { place_local_apic(); });
  clock_.on_earlier([this] {
    if (in_engine_) cpu_.signals |= kSignalEvents;
  });
  pci_.attach(layout::kSlotHost, 0, i440fx_);
  pci_.attach(layout::kSlotPiix, layout::kFunctionIsa, piix3_);
  pci_.attach(layout::kSlotPiix, layout::kFunctionPm, piix4_pm_);
  devices_ = {&pic_,  &ioapic_, &lapic_, &hpet_,   &pit_,  &rtc_,
              &acpi_, &i8042_,  &pci_,   &fw_cfg_, &post_, &vmmouse_};
  for (Device* device : storage_.devices()) devices_.push_back(device);
  for (Device* device : input_.devices()) devices_.push_back(device);
  map_ports();
  map_serial_ports();
  map_optional_devices();
  map_memory();
  if (config_.vga) map_vga();
  set_cmos();
  set_fw_cfg();
}

Pc::~Pc() = default;

void Pc::map_ports() {
  io_.map(layout::kPicMaster, 2, pic_, Pic8259::kMaster);
  io_.map(layout::kPicSlave, 2, pic_, Pic8259::kSlave);
  io_.map(layout::kElcr, 2, pic_, Pic8259::kElcr);
  io_.map(layout::kPit, 4, pit_);
  io_.map(layout::kPort61, 1, pit_, Pit8254::kPort61);
  io_.map(layout::kKeyboardData, 1, i8042_, I8042::kData);
  io_.map(layout::kKeyboardCommand, 1, i8042_, I8042::kCommand);
  io_.map(layout::kPort92, 1, i8042_, I8042::kPort92);
  io_.map(layout::kRtc, 2, rtc_);
  io_.map(layout::kPost, 1, post_);
  io_.map(layout::kSmiCommand, 2, acpi_, AcpiPm::kSmi);
  io_.map(layout::kGpe, 4, acpi_, AcpiPm::kGpe);
  io_.map(VmMouse::kPort, 4, vmmouse_);
  io_.map(layout::kFwCfg, FwCfg::kPorts, fw_cfg_);
  io_.map(layout::kPciConfig, PciHost::kPorts, pci_);
}

void Pc::map_serial_ports() {
  for (unsigned port = 0; port < uarts_.size(); ++port) {
    if (!config_.serial[port]) continue;
    uarts_[port] = std::make_unique<Uart16550>(isa(layout::kComIrqs[port]), *config_.serial[port]);
    io_.map(layout::kComPorts[port], Uart16550::kPorts, *uarts_[port]);
    devices_.push_back(uarts_[port].get());
  }
}

void Pc::map_optional_devices() {
  const auto add = [this](std::unique_ptr<Device> device) -> Device& {
    devices_.push_back(device.get());
    extra_.push_back(std::move(device));
    return *extra_.back();
  };
  if (config_.debugcon)
    io_.map(layout::kDebugCon, 1, add(std::make_unique<DebugCon>(*config_.debugcon)));
  if (config_.debug_exit)
    io_.map(*config_.debug_exit, DebugExit::kPorts,
            add(std::make_unique<DebugExit>([this](int status) { leave(status); })));
  if (!config_.pc_testdev) return;
  std::vector<IrqLine> lines;
  for (unsigned irq = 0; irq < InterruptHub::kPins; ++irq)
    lines.push_back(irq < InterruptHub::kIsaIrqs ? hub_.isa(irq) : hub_.pin(irq));
  auto testdev = std::make_unique<PcTestdev>(
      [lines = std::move(lines)](unsigned irq, bool level) { lines[irq].set(level); });
  memory_.add_mmio(PhysAddr{PcTestdev::kMmio}, PcTestdev::kMmioSize, *testdev);
  Device& device = add(std::move(testdev));
  io_.map(0xE0, 12, device, PcTestdev::kScratch);
  io_.map(0x2000, PcTestdev::kIrqs, device, PcTestdev::kIrqLines);
}

void Pc::map_vga() {
  vga_ = std::make_unique<Vga>(clock_, memory_, config_.vga_rom);
  for (const Vga::Ports& p : Vga::kPorts) io_.map(p.port, p.count, *vga_, p.offset);
  pci_.attach(layout::kSlotVga, 0, vga_->function());
  devices_.push_back(vga_.get());
}

void Pc::map_memory() {
  memory_.add_hole(PhysAddr{layout::kVgaHole}, layout::kVgaHoleSize);
  memory_.add_mmio(PhysAddr{layout::kIoApic}, kPageSize, ioapic_);
  memory_.add_mmio(PhysAddr{layout::kHpet}, kPageSize, hpet_);
  memory_.on_change([this] { mmu_.flush_all(); });
}

void Pc::place_local_apic() {
  const u64 base = lapic_.apic_base() & low_mask(config_.cpu.physical_bits) & ~kPageMask;
  const std::optional<u64> wanted = lapic_.mmio_enabled() ? std::optional<u64>(base) : std::nullopt;
  if (wanted == lapic_window_) return;
  if (lapic_window_) memory_.remove_mmio(lapic_);
  lapic_window_ = wanted;
  if (wanted) memory_.add_mmio(PhysAddr{*wanted}, kPageSize, lapic_);
}

void Pc::place_acpi(std::optional<u16> base) {
  constexpr u32 kPmPorts = 64;
  if (acpi_base_) io_.unmap(*acpi_base_, kPmPorts);
  acpi_base_ = base;
  if (base) io_.map(*base, kPmPorts, acpi_, AcpiPm::kPm);
}

/// What a BIOS has done by the time a boot loader starts.
void Pc::set_up_as_firmware() {
  constexpr u8 kPirqIrq[4] = {10, 10, 11, 11};
  for (unsigned pirq = 0; pirq < 4; ++pirq) piix3_.set_pirq_route(pirq, kPirqIrq[pirq]);
  set_up_pci(pci_, kPirqIrq);
  piix4_pm_.enable_at(layout::kPmBase);
  storage_.set_up_as_firmware();
  // ELCR: the PCI interrupts and the SCI are levels.
  io_.write(layout::kElcr + 1, Width::Byte, 1 << (9 - 8) | 1 << (10 - 8) | 1 << (11 - 8));
  i8042_.set_up_as_firmware();
  if (vga_) vga_->set_up_as_firmware();
}

/// The sizes of memory where BIOSes and old kernels look for them (as QEMU lays them out).
void Pc::set_cmos() {
  const auto set16 = [this](u8 index, u64 value) {
    rtc_.set_cmos(index, static_cast<u8>(value));
    rtc_.set_cmos(index + 1, static_cast<u8>(value >> 8));
  };
  const u64 low = memory_.low_ram_end(),
            high = memory_.high_ram_end() - PhysicalMemory::kHighRamStart;
  const u64 extended_kib = std::min<u64>((low - kMiB) >> 10, 0xFFFF);
  set16(0x15, 640);
  set16(0x17, extended_kib);
  set16(0x30, extended_kib);
  set16(0x34, low > 16 * kMiB ? (low - 16 * kMiB) >> 16 : 0);
  set16(0x5B, high >> 16);
  rtc_.set_cmos(0x5D, static_cast<u8>(high >> 32));
  rtc_.set_cmos(0x10, storage_.floppy_types());
  rtc_.set_cmos(0x14, 0x06 | storage_.floppy_equipment());  // coprocessor, pointing device
}

void Pc::set_fw_cfg() {
  fw_cfg_.add_u64(FwCfg::kRamSize, memory_.ram_bytes());
  fw_cfg_.add_u16(FwCfg::kNbCpus, 1);
  fw_cfg_.add_u16(FwCfg::kMaxCpus, 1);
  fw_cfg_.add_u16(FwCfg::kNographic, 1);
  fw_cfg_.add_u16(FwCfg::kBootMenu, 0);
  fw_cfg_.add_u32(FwCfg::kArchIrq0Override, 1);
  // etc/e820: RAM as address, length, type 1.
  std::vector<u8> map;
  const auto add = [&map](u64 start, u64 end) {
    u8 entry[20];
    store(entry, start);
    store(entry + 8, end - start);
    store<u32>(entry + 16, 1);
    if (start < end) map.insert(map.end(), entry, entry + sizeof entry);
  };
  add(0, memory_.low_ram_end());
  add(PhysicalMemory::kHighRamStart, memory_.high_ram_end());
  fw_cfg_.add_file("etc/e820", std::move(map));
}

void Pc::reset() {
  cpu_.reset();
  for (Device* device : devices_) device->reset();
  place_local_apic();
  if (!roms_.has_roms()) set_up_as_firmware();
  if (reset_hook_) reset_hook_();
  notify(MachineEvent::Reset);
}

void Pc::request_reset() { cpu_.signals |= kSignalReset; }

void Pc::leave(int status) {
  status_ = status;
  cpu_.signals |= kSignalStop;
  waiter_.wake();
}

std::string Pc::dump() { return dump_machine(cpu_); }

}  // namespace ring3
