// SPDX-License-Identifier: MIT
// The guest that ring3 boots when it is given none: a small teaching kernel of our own,
// guest/*.asm.
#pragma once

#include "bios/load_target.h"

namespace ring3 {

/// The flat image, which is also a Multiboot kernel.
std::span<const u8> embedded_guest_image();

/// Loads it with Multiboot information, but enters it one step earlier than Multiboot would: in
/// real mode, so that the guest passes through all three modes.
Result<EntryState> load_embedded_guest(const LoadTarget& target);

}  // namespace ring3
