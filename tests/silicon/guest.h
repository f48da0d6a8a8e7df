// SPDX-License-Identifier: MIT
// The other world: our cpu at CPL 3 under paging, with the arena at the same linear addresses.
#pragma once

#include "core/cpu.h"
#include "core/event_clock.h"
#include "decoder/decoder.h"
#include "tests/silicon/state.h"

namespace ring3::silicon {

class Guest {
 public:
  Guest();

  /// Decodes, lowers and binds the instruction. False: our decoder refuses it (the guest gets #UD).
  bool place(Mode mode, std::span<const u8> bytes);
  void set_data(const DataImage& data);
  const u8* data() { return memory_.ram().data() + kData; }
  /// For those who run the code by other means than run().
  PhysicalMemory& memory() { return memory_; }
  Cpu& cpu() { return cpu_; }

  Outcome run(const Registers& in);

  static constexpr u64 kTables = 0x10000;  ///< PML4, PDPT, PD, PT of the arena: one page each

 private:
  class NoTime final : public TimeSource {
    Nanos now() override { return 0; }
  };
  void map_page(u64 address, u64 rights);
  void enable_paging();
  void set_mode(Mode mode);

  // Not at low addresses: there the host CPU is to fault as the guest does.
  PhysicalMemory memory_{512 << 20, 0, HostMemory::Kind::Anywhere};
  NoTime time_;
  EventClock clock_{time_};
  IoBus io_;
  Mmu mmu_{memory_};
  CpuModel model_;
  Cpu cpu_;
  Decoder decoder_;
  Decoded decoded_;
  Insn insn_;
  bool placed_ = false;
};

}  // namespace ring3::silicon
