// SPDX-License-Identifier: MIT
// Offsets and bits of the Linux/x86 boot protocol (Documentation/arch/x86/boot.rst and
// zero-page.rst). Offsets count from the start of the image's first sector and of boot_params
// alike.
#pragma once

#include "base/types.h"

namespace ring3::boot_params {

inline constexpr u32 kAcpiRsdpAddr = 0x070, kExtRamdiskImage = 0x0C0, kExtRamdiskSize = 0x0C4,
                     kExtCmdLinePtr = 0x0C8, kAltMemK = 0x1E0, kE820Entries = 0x1E8,
                     kE820Table = 0x2D0;
inline constexpr u32 kExtMemK = 0x002, kOrigVideoMode = 0x006, kOrigVideoCols = 0x007,
                     kOrigVideoLines = 0x00E, kOrigVideoIsVga = 0x00F, kOrigVideoPoints = 0x010;

// The setup header, 1F1h up to 202h + the byte at 201h.
inline constexpr u32 kSetupSects = 0x1F1, kSysSize = 0x1F4, kVidMode = 0x1FA, kBootFlag = 0x1FE,
                     kJumpLength = 0x201, kHeader = 0x202, kVersion = 0x206, kTypeOfLoader = 0x210,
                     kLoadFlags = 0x211, kSetupMoveSize = 0x212, kCode32Start = 0x214,
                     kRamdiskImage = 0x218, kRamdiskSize = 0x21C, kHeapEndPtr = 0x224,
                     kCmdLinePtr = 0x228, kInitrdAddrMax = 0x22C, kKernelAlignment = 0x230,
                     kRelocatableKernel = 0x234, kXLoadFlags = 0x236, kCmdlineSize = 0x238,
                     kPrefAddress = 0x258, kInitSize = 0x260;
// Before 2.02 the command line is announced in the first sector.
inline constexpr u32 kOldCmdLineMagic = 0x20, kOldCmdLineOffset = 0x22;

inline constexpr u32 kHdrS = 0x53726448;  // "HdrS"
inline constexpr u16 kBootFlagValue = 0xAA55, kOldCmdLineMagicValue = 0xA33F;
inline constexpr u8 kLoaderUndefined = 0xFF;
inline constexpr u8 kLoadedHigh = 0x01, kCanUseHeap = 0x80;  // loadflags
inline constexpr u16 kXlfKernel64 = 0x0001;                  // xloadflags
inline constexpr u16 kVgaNormal = 0xFFFF;                    // vid_mode: as it is

inline constexpr u32 kSize = 0x1000;
inline constexpr u32 kEntry64 = 0x200;  // of the 64-bit entry, from the start of the kernel

}  // namespace ring3::boot_params
