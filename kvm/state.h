// SPDX-License-Identifier: MIT
// The cpu's state, carried to KVM and back. Between two runs it is in Cpu::state, where monitor,
// debugger and board find it; it goes to KVM again only if someone changed it.
#pragma once

#include <array>
#include <vector>

#include "core/cpu.h"
#include "kvm/vm.h"

namespace ring3::kvm {

class State {
 public:
  State(const Vm& vm, Cpu& cpu);

  /// After KVM_RUN: from KVM. An event that KVM was about to deliver is delivered here, so that
  /// the cpu stands between two instructions. `failed`: an exception that KVM raised because it
  /// could not emulate an instruction is dropped.
  void fetch(bool failed = false);
  /// Before KVM_RUN: to KVM, if Cpu::state is not what fetch() left. True: it was not.
  bool push();
  /// KVM took not all of the last push(): it does not run such a state.
  bool refused() const { return refused_; }
  void invalidate() { valid_ = false; }

 private:
  struct Msr {
    u32 index;
    u64* value;
  };
  void find_msrs();
  void fetch_registers(const kvm_sync_regs& from);
  void fetch_fpu();
  void fetch_msrs();
  void fetch_debug();
  void follow_mmu();
  void take_events(const kvm_vcpu_events& events, bool failed);
  void push_registers();
  void push_system();
  void push_fpu();
  void push_msrs();
  void push_debug();
  void push_events();

  const Vm& vm_;
  Cpu& cpu_;
  std::vector<Msr> msrs_;
  u64 apic_base_ = 0;
  u32 pkru_offset_ = 0;  ///< in the XSAVE area of this host; 0: it has none
  u64 mmu_misses_ = 0;
  bool refused_ = false;
  bool valid_ = false;  ///< KVM has what `known_` says
  std::array<u8, sizeof(CpuState)> known_{};
};

}  // namespace ring3::kvm
