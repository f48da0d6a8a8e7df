// SPDX-License-Identifier: MIT
// Where the board's chips answer: the ports and windows that programs name by number, and the pages
// of RAM that they use for DMA.
#pragma once

#include "devices/pc.h"
#include "devices/pc_layout.h"

namespace ring3::fuzz {

struct PortRegion {
  u16 base;  ///< of a BAR: where firmware puts it; the board looks where it is now
  u16 count;
  PciDevice* (*function)(Pc& pc) = nullptr;
  u8 bar = 0;
};

/// Numbers that seeds use; the order is the table's in regions.cpp.
enum Port : u8 {
  kPic1,
  kPic2,
  kElcr,
  kPit,
  kSpeaker,
  kKeyboard,
  kPs2Command,
  kFast,
  kClock,
  kPostCode,
  kDmaA,
  kPages,
  kDmaB,
  kSmi,
  kCom1,
  kCom2,
  kCom3,
  kCom4,
  kDebug,
  kExit,
  kFw,
  kFdc,
  kIde1,
  kIde2,
  kIdeCtl1,
  kIdeCtl2,
  kPci,
  kPm,
  kGpeBlock,
  kVgaCrtMono,
  kVgaMain,
  kVgaCrt,
  kVbe,
  kTest,
  kTestIrqs,
  kBusMaster,
  kVirtio1,
  kVirtio2,
  kVmMouse,
  kPorts
};
PortRegion port_region(Pc& pc, unsigned number);

struct Window {
  u64 start, size;
};
enum Memory : u8 {
  kApic,
  kIoApicWindow,
  kHpetWindow,
  kVgaWindow,
  kFrameBuffer,
  kVgaRegisters,
  kOptionRoms,
  kBiosRom,
  kModern1,
  kMsix1,
  kModern2,
  kMsix2,
  kTestMemory,
  kRamEnd,
  kHole,
  kTop,
  kKeyboardWindow,
  kMouseWindow,
  kTabletWindow,
  kWindows
};
Window window(Pc& pc, unsigned number);

/// Functions of the board, for configuration accesses.
inline constexpr u8 kFunctions[][2] = {{0, 0}, {1, 0}, {1, 1},  {1, 3},  {2, 0}, {4, 0},
                                       {5, 0}, {9, 0}, {20, 0}, {21, 0}, {22, 0}};

inline constexpr u64 kPagesAt = 0x1'0000;
inline constexpr unsigned kRamPages = 48;
/// Page `number` for DMA, or for high numbers an address where DMA has no business.
u64 dma_address(Pc& pc, unsigned number);

}  // namespace ring3::fuzz
