// SPDX-License-Identifier: MIT
#include "bios/dsdt.h"

#include <array>
#include <string>

namespace ring3 {
namespace {

using namespace aml;  // NOLINT: the DSDT is written in these words

// PIIX3 "PIRQRC[A:D]": configuration registers 60h-63h; bit 7 disables the route.
constexpr u64 kPirqRoutes = 0x60, kPirqDisabled = 0x80;
constexpr std::array<std::string_view, 4> kRouteField = {"PRQA", "PRQB", "PRQC", "PRQD"};
constexpr std::array<std::string_view, 4> kLink = {"LNKA", "LNKB", "LNKC", "LNKD"};
constexpr u64 kIsaAddress = 0x00010000;  // device 1, function 0
constexpr u64 kSlots = 32, kPins = 4;
constexpr u64 kPresentEnabled = 0x0F, kPresent = 0x0B, kLinkDisabled = 0x09;

Bytes hid(std::string_view id) { return name("_HID", eisa_id(id)); }

/// An ISA device with nothing but an id and its resources.
Bytes isa_device(std::string_view device_name, std::string_view id, const Bytes& resources) {
  return device(device_name, {hid(id), name("_STA", integer(kPresentEnabled)),
                              name("_CRS", resource_template(resources))});
}

Bytes com_port(u32 n) {
  const std::string device_name = "COM" + std::to_string(n + 1);
  return device(
      device_name,
      {hid("PNP0501"), name("_UID", integer(n + 1)), name("_STA", integer(kPresentEnabled)),
       name("_CRS", resource_template({io(pc::kComPort[n], 8), irq(pc::kComIrq[n])}))});
}

Bytes isa_bridge(const BoardInfo& board) {
  Bytes children = isa_device("RTC", "PNP0B00", join({io(0x70, 2), irq(8)}));
  if (board.keyboard) {
    append(children, isa_device("KBD", "PNP0303", join({io(0x60, 1), io(0x64, 1), irq(1)})));
  }
  if (board.mouse) append(children, isa_device("MOU", "PNP0F13", irq(12)));
  for (u32 n = 0; n < 4; ++n) {
    if (board.com_ports >> n & 1) append(children, com_port(n));
  }
  return device("ISA", {name("_ADR", integer(kIsaAddress)),
                        operation_region("PIRQ", Space::PciConfig, kPirqRoutes, 4),
                        byte_fields("PIRQ", {"PRQA", "PRQB", "PRQC", "PRQD"}), children});
}

/// A PCI interrupt link (ACPI 6.4 section 6.2.13): one PIRQ pin of the PIIX3, steerable.
Bytes link_device(u32 n) {
  constexpr u64 kInterruptOffset = 5;  // of the first GSI in the extended interrupt descriptor
  const Bytes route = path("\\_SB.PCI0.ISA." + std::string(kRouteField[n]));
  const Bytes disabled = bit_and(route, integer(kPirqDisabled));
  return device(
      kLink[n],
      {hid("PNP0C0F"), name("_UID", integer(n)),
       name("_PRS", resource_template({interrupts({5, 10, 11})})),
       name("BUFR", resource_template({interrupts({0})})),
       method("_STA", 0,
              {if_else(disabled, {give(integer(kLinkDisabled))}), give(integer(kPresent))}),
       method("_DIS", 0, {store(bit_or(route, integer(kPirqDisabled)), route)}),
       method("_CRS", 0,
              {create_dword_field(path("BUFR"), kInterruptOffset, "BUFI"),
               if_else(disabled, {store(integer(0), path("BUFI"))},
                       {store(bit_and(route, integer(0x0F)), path("BUFI"))}),
               give(path("BUFR"))}),
       method("_SRS", 1,
              {create_dword_field(arg(0), kInterruptOffset, "PRRI"), store(path("PRRI"), route)})});
}

/// The SCI has a link of its own: PIIX4 power management (device 1, pin A) is wired to IRQ 9.
Bytes sci_link_device() {
  const Bytes resources = resource_template({interrupts({pc::kSciIrq})});
  return device("LNKS", {hid("PNP0C0F"), name("_UID", integer(4)), name("_PRS", resources),
                         name("_CRS", resources), name("_STA", integer(kPresent)),
                         method("_DIS", 0, {}), method("_SRS", 1, {})});
}

/// Pin INTA-INTD of slot n goes to PIRQ (n + pin - 1) mod 4.
Bytes routing_table() {
  std::vector<Bytes> routes;
  for (u64 slot = 0; slot < kSlots; ++slot) {
    for (u64 pin = 0; pin < kPins; ++pin) {
      const bool sci = slot == 1 && pin == 0;
      const std::string_view link = sci ? "LNKS" : kLink[(slot + pin + 3) % 4];
      routes.push_back(
          package({integer(slot << 16 | 0xFFFF), integer(pin), path(link), integer(0)}));
    }
  }
  return name("_PRT", package(routes));
}

Bytes pci_host() {
  return join({hid("PNP0A03"), name("_UID", integer(0)),
               name("_CRS", resource_template(
                                {word_bus_number(0, 0xFF), io(0xCF8, 8), word_io(0, 0xCF7),
                                 word_io(0xD00, 0xFFFF), dword_memory(0xA0000, 0xBFFFF, true),
                                 dword_memory(pc::kPciWindowStart, pc::kPciWindowEnd, false)})),
               routing_table()});
}

Bytes hpet() {
  return device("HPET",
                {hid("PNP0103"), name("_UID", integer(0)), name("_STA", integer(kPresentEnabled)),
                 name("_CRS", resource_template({memory32_fixed(pc::kHpet, 0x400, false)}))});
}

Bytes processor(u32 n) {
  std::string device_name = "C000";
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  device_name[2] = kDigits[n >> 4 & 15];
  device_name[3] = kDigits[n & 15];
  return device(device_name, {name("_HID", string("ACPI0007")), name("_UID", integer(n))});
}

}  // namespace

Bytes dsdt_definition_block(const BoardInfo& board) {
  Bytes links = sci_link_device();
  for (u32 n = 0; n < 4; ++n) append(links, link_device(n));
  Bytes system_bus = device("PCI0", {pci_host(), isa_bridge(board), links});
  if (board.hpet) append(system_bus, hpet());
  for (u32 n = 0; n < board.cpus; ++n) append(system_bus, processor(n));
  // S5: SLP_TYPa = 0, as the PIIX4 of the "pc" board decodes it.
  const Bytes s5 = name("\\_S5", package({integer(0), integer(0), integer(0), integer(0)}));
  return join({scope("\\_SB", {system_bus}), s5});
}

}  // namespace ring3
