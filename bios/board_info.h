// SPDX-License-Identifier: MIT
// What firmware tables say about the board: which chips are there. Addresses and interrupts are
// those of the "pc" board (i440FX, PIIX3, PIIX4 power management) and do not vary.
#pragma once

#include "base/types.h"

namespace ring3 {

struct BoardInfo {
  u32 cpus = 1;            ///< local APIC ids 0 to cpus - 1; at most 255
  u32 com_ports = 0b0001;  ///< bit n: COM n+1
  bool keyboard = true;
  bool mouse = true;
  bool hpet = true;
  bool vga = false;
};

namespace pc {
inline constexpr u16 kPm1aEvent = 0x600, kPm1aControl = 0x604, kPmTimer = 0x608, kGpe0 = 0xAFE0;
inline constexpr u16 kSmiCommand = 0xB2, kResetControl = 0xCF9;
inline constexpr u8 kAcpiEnable = 0xF1, kAcpiDisable = 0xF0, kResetValue = 0x06;
inline constexpr u8 kSciIrq = 9, kCmosCentury = 0x32;
inline constexpr u32 kLocalApic = 0xFEE00000, kIoApic = 0xFEC00000, kHpet = 0xFED00000;
inline constexpr u8 kIoApicId = 0;
inline constexpr u16 kComPort[4] = {0x3F8, 0x2F8, 0x3E8, 0x2E8};
inline constexpr u8 kComIrq[4] = {4, 3, 4, 3};
inline constexpr u32 kPciWindowStart = 0xC0000000, kPciWindowEnd = 0xFEBFFFFF;
}  // namespace pc

}  // namespace ring3
