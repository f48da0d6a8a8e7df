// SPDX-License-Identifier: MIT
#include "monitor/info.h"

#include <fmt/format.h>

#include <cstdio>
#include <cstring>

#include "core/dump.h"

namespace ring3 {
namespace {

/// Fields as text: numbers of 1, 2, 4 and 8 bytes, else bytes.
class FieldPrinter final : public FieldVisitor {
 public:
  void field(std::string_view name, void* data, size_t size) override {
    text += fmt::format("  {:<24}", name);
    const u8* bytes = static_cast<const u8*>(data);
    if (size <= 8 && (size & (size - 1)) == 0) {
      u64 value = 0;
      std::memcpy(&value, data, size);
      text += fmt::format("{:0{}x}\n", value, 2 * size);
      return;
    }
    constexpr size_t kMost = 64;
    for (size_t n = 0; n < std::min(size, kMost); ++n) text += fmt::format("{:02x}", bytes[n]);
    text += size > kMost ? fmt::format("... ({} bytes)\n", size) : "\n";
  }
  std::string text;
};

std::string fields_of(Device& device) {
  FieldPrinter printer;
  device.fields(printer);
  return fmt::format("{}\n{}", device.name(), printer.text);
}

std::string_view name_of(PageKind kind) {
  constexpr std::string_view kNames[] = {"RAM", "ROM", "device", "nothing"};
  return kNames[static_cast<size_t>(kind)];
}

std::string bar_text(PciDevice& function, unsigned bar) {
  const u8 reg = static_cast<u8>(0x10 + 4 * bar);
  const u32 value = function.config_read(reg, Width::Dword);
  if (value == 0) return {};
  return fmt::format("    BAR{}: {} at {:#x}\n", bar, value & 1 ? "I/O" : "memory",
                     function.bar_address(bar));
}

}  // namespace

std::string registers_info(Machine& machine) { return dump_registers(machine.pc.cpu()); }

std::string pci_info(Machine& machine) {
  std::string text;
  machine.pc.pci().for_each([&text](unsigned device, unsigned number, PciDevice& f) {
    text += fmt::format("  Bus 0, device {:2}, function {}: class {:04x}, {:04x}:{:04x}", device,
                        number, f.config_read(0x0A, Width::Word), f.config_read(0, Width::Word),
                        f.config_read(2, Width::Word));
    const u32 pin = f.config_read(0x3D, Width::Byte);
    if (pin != 0)
      text += fmt::format(", INT{} on IRQ {}", static_cast<char>('A' + pin - 1),
                          f.config_read(0x3C, Width::Byte));
    text += "\n";
    for (unsigned bar = 0; bar < 6; ++bar) text += bar_text(f, bar);
  });
  return text;
}

std::string address_map_info(Machine& machine) {
  std::string text = "memory\n";
  machine.pc.memory().for_each_range([&](u64 start, u64 end, PageKind kind) {
    if (kind != PageKind::Hole)
      text += fmt::format("  {:016x}-{:016x}: {}\n", start, end - 1, name_of(kind));
  });
  text += "I/O\n";
  machine.pc.io().for_each_range([&](u16 first, u16 last, std::string_view device) {
    text += fmt::format("  {:04x}-{:04x}: {}\n", first, last, device);
  });
  return text;
}

std::string interrupts_info(Machine& machine) {
  std::string text;
  for (Device* device : machine.pc.devices())
    if (device->name().find("pic") != std::string_view::npos) text += fields_of(*device);
  return text;
}

std::string block_info(Machine& machine) {
  return machine.block_info ? machine.block_info() : "no drives\n";
}

std::string status_info(Machine& machine) {
  return machine.pc.paused() ? "VM status: paused\n" : "VM status: running\n";
}

std::string stats_info(Machine& machine) {
  if (machine.stats) return machine.stats();
  return fmt::format("instructions {}\n", machine.pc.cpu().state.instructions);
}

std::string version_info(Machine&) { return "ring3 " RING3_VERSION "\n"; }

std::string name_info(Machine& machine) { return machine.name + "\n"; }

Result<nlohmann::ordered_json> device_info(Machine& machine, const std::string& name) {
  std::string names;
  for (Device* device : machine.pc.devices()) {
    if (device->name() == name) return nlohmann::ordered_json(fields_of(*device));
    names += fmt::format("{}\n", device->name());
  }
  if (name.empty()) return nlohmann::ordered_json(names);
  return Error{fmt::format("info device {}: no such device; info device lists them", name)};
}

nlohmann::ordered_json version_json() {
  unsigned major = 0, minor = 0, micro = 0;
  std::sscanf(RING3_VERSION, "%u.%u.%u", &major, &minor, &micro);
  // Clients look for the member "qemu".
  return {{"qemu", {{"micro", micro}, {"minor", minor}, {"major", major}}},
          {"package", "ring3 " RING3_VERSION}};
}

}  // namespace ring3
