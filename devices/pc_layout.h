// SPDX-License-Identifier: MIT
// Where things stand on the "pc" board: ports, interrupts and addresses as on QEMU's i440FX
// machine. Constants only, so that firmware tables can be tested against them.
#pragma once

#include "base/types.h"

namespace ring3::layout {

// I/O ports.
inline constexpr u16 kPicMaster = 0x20, kPicSlave = 0xA0, kElcr = 0x4D0;
inline constexpr u16 kPit = 0x40, kPort61 = 0x61;
inline constexpr u16 kKeyboardData = 0x60, kKeyboardCommand = 0x64, kPort92 = 0x92;
inline constexpr u16 kRtc = 0x70, kPost = 0x80;
inline constexpr u16 kDma1 = 0x00, kDmaPages = 0x81, kDma2 = 0xC0;
inline constexpr u16 kSmiCommand = 0xB2;
inline constexpr u16 kComPorts[4] = {0x3F8, 0x2F8, 0x3E8, 0x2E8};
inline constexpr u16 kDebugCon = 0x402, kDebugExit = 0xF4, kFwCfg = 0x510;
inline constexpr u16 kFloppy = 0x3F0;
inline constexpr u16 kIdeCommand[2] = {0x1F0, 0x170}, kIdeControl[2] = {0x3F6, 0x376};
inline constexpr u16 kPciConfig = 0xCF8, kResetControl = 0xCF9;
inline constexpr u16 kPmBase = 0x600, kPm1Event = kPmBase, kPm1Control = kPmBase + 4,
                     kPmTimer = kPmBase + 8, kGpe = 0xAFE0;
inline constexpr u8 kResetValue = 6;  ///< for kResetControl

// ISA interrupts. IRQ0 is I/O APIC pin 2 (a MADT override), the others the pin of their number.
inline constexpr unsigned kIrqTimer = 0, kIrqKeyboard = 1, kIrqRtc = 8, kIrqSci = 9, kIrqMouse = 12;
inline constexpr unsigned kIrqFloppy = 6;
inline constexpr unsigned kIrqIde[2] = {14, 15};
inline constexpr unsigned kComIrqs[4] = {4, 3, 4, 3};
inline constexpr unsigned kIsaIrqs = 16, kTimerPin = 2;

// Physical addresses.
inline constexpr u64 kVgaHole = 0xA0000, kVgaHoleSize = 0x20000;
inline constexpr u64 kLowRoms = 0xC0000, kLowRomsEnd = 0x100000;
inline constexpr u64 kIoApic = 0xFEC0'0000, kHpet = 0xFED0'0000, kLocalApic = 0xFEE0'0000;

// PCI slots on bus 0.
inline constexpr unsigned kSlotHost = 0, kSlotPiix = 1, kSlotVga = 2, kFunctionIsa = 0,
                          kFunctionIde = 1, kFunctionPm = 3;
/// The first one for virtio disks; those below are the display's and the network's.
inline constexpr unsigned kSlotVirtio = 4;
/// virtio keyboard, mouse, tablet.
inline constexpr unsigned kSlotInput = 20;
// Where set_up_pci() places what functions ask for.
inline constexpr u64 kPciIoStart = 0xC000, kPciMemoryStart = 0xE000'0000;

}  // namespace ring3::layout
