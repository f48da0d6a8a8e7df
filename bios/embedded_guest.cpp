// SPDX-License-Identifier: MIT
#include "bios/embedded_guest.h"

#include "bios/multiboot_loader.h"

namespace ring3 {
namespace {

constexpr u8 kImage[] = {
#include "guest.inc"
};
constexpr u16 kSegment = 0x1000;  // guest.asm: BASE / 16

}  // namespace

std::span<const u8> embedded_guest_image() { return kImage; }

Result<EntryState> load_embedded_guest(const LoadTarget& target) {
  MultibootOptions options;
  options.kernel = "embedded-guest";
  auto loaded = load_multiboot(target, options, kImage);
  if (!loaded) return Error{loaded.error()};
  EntryState state;
  state.mode = EntryMode::Real16;
  state.cs = state.ds = kSegment;
  state.rsp = 0xFFF0;
  state.rax = loaded->rax;
  state.rbx = loaded->rbx;
  return state;
}

}  // namespace ring3
