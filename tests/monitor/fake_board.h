// SPDX-License-Identifier: MIT
// A board with a small guest, for tests of monitors and debuggers.
#pragma once

#include <string>

#include "devices/pc.h"
#include "monitor/machine.h"

namespace ring3 {

class FakeBoard {
 public:
  FakeBoard() {
    pc.on_reset([this] {
      pc.cpu().state.rip() = 0;
      ++resets;
    });
    pc.observe([this](MachineEvent event) { events += letter(event); });
    pc.reset();
    events.clear();
  }

  static char letter(MachineEvent event) { return "PRSrdX"[static_cast<size_t>(event)]; }

  Pc pc{[] {
    PcConfig config;
    config.ram_bytes = 4 << 20;
    config.cpu = *CpuModel::parse("max");
    return config;
  }()};
  Machine machine{.pc = pc,
                  .name = "test",
                  .engine = "interp",
                  .screendump = {},
                  .block_info = {},
                  .stats = {}};
  std::string events;
  unsigned resets = 0;
};

}  // namespace ring3
