// SPDX-License-Identifier: MIT
// Which input devices a board has beside its PS/2 keyboard and mouse.
#pragma once

namespace ring3 {

/// The virtio ones.
struct InputConfig {
  bool keyboard = false, mouse = false, tablet = false;
  bool operator==(const InputConfig&) const = default;
};

}  // namespace ring3
