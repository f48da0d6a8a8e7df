// SPDX-License-Identifier: MIT
#include "kvm/probe.h"

#include <algorithm>

#include "core/cpu_state.h"
#include "host/memory.h"
#include "host/waiter.h"
#include "kvm/counters.h"
#include "kvm/convert.h"

namespace ring3::kvm {
namespace {

constexpr u64 kBytes = 0x10000, kStart = 0x1000, kTurns = 1000;
/// 32-bit: mov ecx, 1000; dec ecx; jnz; hlt.
constexpr u8 kCode[] = {0xB9, 0xE8, 0x03, 0, 0, 0x49, 0x75, 0xFD, 0xF4};
/// No processor takes that long for 2000 instructions, no software so little.
constexpr u64 kSlowNanoseconds = 100'000;

Segment flat(u8 type) {
  Segment s;
  s.type = type;
  s.s = s.present = s.usable = s.db = s.g = true;
  s.limit = 0xFFFFFFFF;
  return s;
}

/// Ring 0, 32-bit protected mode without paging.
void enter(const Vm& vm) {
  CpuState cpu;
  for (unsigned n = kEs; n <= kGs; ++n) cpu.seg[n] = flat(n == kCs ? 11 : 3);
  cpu.seg[kTr].type = 11;
  cpu.seg[kTr].present = cpu.seg[kTr].usable = true;
  cpu.seg[kTr].limit = 0x67;
  cpu.cr0 = cr0::PE | cr0::ET;
  cpu.rip() = kStart;
  kvm_sregs system{};
  vm.must(vm.cpu(KVM_GET_SREGS, &system), "KVM_GET_SREGS");
  to_kvm(cpu, system);
  kvm_regs regs{};
  to_kvm(cpu, regs);
  vm.must(vm.cpu(KVM_SET_SREGS, &system), "KVM_SET_SREGS");
  vm.must(vm.cpu(KVM_SET_REGS, &regs), "KVM_SET_REGS");
}

}  // namespace

Result<bool> kernel_is_emulated() {
  auto vm = Vm::create();
  if (!vm) return Error{vm.error()};
  HostMemory memory(kBytes, "kvm-probe");
  std::ranges::copy(kCode, memory.data() + kStart);
  kvm_userspace_memory_region region{};
  region.memory_size = kBytes;
  region.userspace_addr = reinterpret_cast<u64>(memory.data());
  (*vm)->must((*vm)->machine(KVM_SET_USER_MEMORY_REGION, &region), "KVM_SET_USER_MEMORY_REGION");
  u64 fastest = ~u64{0};
  for (int round = 0; round < 3; ++round) {
    enter(**vm);
    const u64 start = host_monotonic_ns();
    (*vm)->cpu(KVM_RUN, static_cast<void*>(nullptr));
    fastest = std::min(fastest, host_monotonic_ns() - start);
  }
  if (!(*vm)->extension(KVM_CAP_BINARY_STATS_FD)) return fastest > kSlowNanoseconds;
  return counter(read_counters(**vm), "insn_emulation") > kTurns;
}

}  // namespace ring3::kvm
