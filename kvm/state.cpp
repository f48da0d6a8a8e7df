// SPDX-License-Identifier: MIT
#include "kvm/state.h"

#include <cstring>
#include <type_traits>

#include "core/delivery.h"
#include "core/fpu_image.h"
#include "core/system.h"
#include "kvm/convert.h"
#include "kvm/flexible.h"

namespace ring3::kvm {
namespace {

static_assert(std::is_trivially_copyable_v<CpuState>);
static_assert(std::is_trivially_copyable_v<kvm_sync_regs>);

constexpr u64 kKnownComponents = 7;  ///< x87, SSE, AVX of an XSAVE area
constexpr unsigned kHeader = 512, kPkruComponent = 9;

u64 pae_bits(const CpuState& s) {
  return (s.cr0 & cr0::PG) && (s.cr4 & cr4::PAE) && !(s.efer & efer::LMA);
}

u32 host_pkru_offset(const Vm& vm) {
  for (const kvm_cpuid_entry2& e : supported_cpuid(vm))
    if (e.function == 0xD && e.index == kPkruComponent) return e.ebx;
  return 0;
}

}  // namespace

State::State(const Vm& vm, Cpu& cpu) : vm_(vm), cpu_(cpu), pkru_offset_(host_pkru_offset(vm)) {
  kvm_sregs system{};
  vm_.must(vm_.cpu(KVM_GET_SREGS, &system), "KVM_GET_SREGS");
  apic_base_ = system.apic_base;
  find_msrs();
}

/// Those of ours that this KVM has.
void State::find_msrs() {
  CpuState& s = cpu_.state;
  std::vector<Msr> all = {{0x174, &s.sysenter_cs},     {0x175, &s.sysenter_esp},
                          {0x176, &s.sysenter_eip},    {0xC0000081, &s.star},
                          {0xC0000082, &s.lstar},      {0xC0000083, &s.cstar},
                          {0xC0000084, &s.fmask},      {0xC0000102, &s.kernel_gs_base},
                          {0xC0000103, &s.tsc_aux},    {0x277, &s.pat},
                          {0x1A0, &s.misc_enable},     {0x2FF, &s.mtrr_def_type},
                          {0xDA0, &s.xss},             {0x48, &s.spec_ctrl},
                          {0x250, &s.mtrr_fixed[0]},   {0x258, &s.mtrr_fixed[1]},
                          {0x259, &s.mtrr_fixed[2]}};
  for (u32 n = 0; n < 8; ++n) all.push_back({0x268 + n, &s.mtrr_fixed[3 + n]});
  for (u32 n = 0; n < 16; ++n) all.push_back({0x200 + n, &s.mtrr_variable[n]});
  for (const Msr& msr : all) {
    MsrList one;
    one.add(msr.index, 0);
    if (one.get(vm_) == 1) msrs_.push_back(msr);
  }
}

void State::fetch(bool failed) {
  const kvm_sync_regs from = vm_.run().s.regs;
  fetch_registers(from);
  fetch_fpu();
  fetch_msrs();
  fetch_debug();
  follow_mmu();
  valid_ = true;
  take_events(from.events, failed);
  std::memcpy(known_.data(), &cpu_.state, sizeof(CpuState));
}

void State::fetch_registers(const kvm_sync_regs& from) {
  CpuState& s = cpu_.state;
  from_kvm(from.regs, s);
  from_kvm(from.sregs, s);
  s.cpl = s.seg[kSs].dpl;
}

void State::fetch_debug() {
  kvm_debugregs debug{};
  vm_.must(vm_.cpu(KVM_GET_DEBUGREGS, &debug), "KVM_GET_DEBUGREGS");
  u64* dr = cpu_.state.dr;
  std::memcpy(dr, debug.db, sizeof debug.db);
  dr[6] = debug.dr6;
  dr[7] = debug.dr7;
}

void State::fetch_msrs() {
  MsrList list;
  for (const Msr& msr : msrs_) list.add(msr.index, 0);
  vm_.must(list.get(vm_), "KVM_GET_MSRS");
  for (size_t i = 0; i < msrs_.size(); ++i) *msrs_[i].value = list.value(i);
}

void State::fetch_fpu() {
  CpuState& s = cpu_.state;
  kvm_xcrs control{};
  vm_.must(vm_.cpu(KVM_GET_XCRS, &control), "KVM_GET_XCRS");
  if (control.nr_xcrs > 0) s.xcr0 = control.xcrs[0].value;
  XsaveArea area{};
  vm_.must(vm_.cpu(kGetXsave, &area), "KVM_GET_XSAVE");
  u8* image = s.fpu.image;
  std::memcpy(image, area.bytes, fpu::kMxcsrMaskField);
  std::memcpy(image + fpu::kSt, area.bytes + fpu::kSt, fpu::kXmm + 256 - fpu::kSt);
  std::memcpy(image + fpu::kYmmHigh, area.bytes + fpu::kYmmHigh, 256);
  if (pkru_offset_) s.pkru = load<u32>(area.bytes + pkru_offset_);
}

/// What walks the guest's tables for us (debugger, interpreter) sees the same paging mode, and
/// keeps nothing that the guest may have changed.
void State::follow_mmu() {
  CpuState& s = cpu_.state;
  Mmu& mmu = cpu_.mmu;
  mmu.set_efer(s.efer);
  mmu.set_cr4(s.cr4);
  mmu.set_cr0(s.cr0);
  mmu.set_pkru(s.pkru);
  std::array<u64, 4> pdptes{};
  if (pae_bits(s)) load_pdptes(mmu.memory(), mmu.state(), s.cr3, pdptes);
  mmu.load_cr3(s.cr3, false, pdptes);
  if (mmu_misses_ != mmu.counters().tlb_misses) mmu.flush_all();
  mmu_misses_ = mmu.counters().tlb_misses;
  cpu_.update_mode();
}

void State::take_events(const kvm_vcpu_events& events, bool failed) {
  CpuState& s = cpu_.state;
  s.shadow = static_cast<u8>(
      ((events.interrupt.shadow & KVM_X86_SHADOW_INT_STI) ? CpuState::kStiShadow : 0) |
      ((events.interrupt.shadow & KVM_X86_SHADOW_INT_MOV_SS) ? CpuState::kSsShadow : 0));
  s.nmi_blocked = events.nmi.masked;
  if (events.nmi.pending) {
    cpu_.signals |= kSignalNmi;
    valid_ = false;
  }
  std::optional<Delivery> due;
  if (events.exception.injected || events.exception.pending) {
    if (!failed) {
      due = Delivery{events.exception.nr, Source::Exception, std::nullopt, s.rip()};
      if (events.exception.has_error_code) due->error = events.exception.error_code;
    }
    valid_ = false;
  } else if (events.nmi.injected) {
    s.nmi_blocked = true;
    due = Delivery{static_cast<u8>(Vector::NMI), Source::Nmi, std::nullopt, s.rip()};
  } else if (events.interrupt.injected) {
    due = Delivery{events.interrupt.nr, Source::External, std::nullopt, s.rip()};
  }
  if (!due) return;
  valid_ = false;
  try {
    deliver_event(cpu_, *due);
  } catch (const Fault& fault) {
    take_fault(cpu_, fault);
  }
}

bool State::push() {
  if (valid_ && std::memcmp(known_.data(), &cpu_.state, sizeof(CpuState)) == 0) return false;
  refused_ = false;
  push_system();
  push_registers();
  push_fpu();
  push_msrs();
  push_debug();
  push_events();
  std::memcpy(known_.data(), &cpu_.state, sizeof(CpuState));
  valid_ = !refused_;
  return true;
}

void State::push_registers() {
  kvm_regs regs{};
  to_kvm(cpu_.state, regs);
  vm_.must(vm_.cpu(KVM_SET_REGS, &regs), "KVM_SET_REGS");
}

void State::push_system() {
  kvm_sregs system{};
  to_kvm(cpu_.state, system);
  system.apic_base = apic_base_;
  system.cr8 = cpu_.apic ? cpu_.apic->task_priority() : cpu_.state.cr8;
  refused_ |= vm_.cpu(KVM_SET_SREGS, &system) < 0;
}

void State::push_fpu() {
  const CpuState& s = cpu_.state;
  kvm_xcrs control{};
  control.nr_xcrs = 1;
  control.xcrs[0].value = s.xcr0;
  refused_ |= vm_.cpu(KVM_SET_XCRS, &control) < 0;
  XsaveArea area{};
  vm_.must(vm_.cpu(kGetXsave, &area), "KVM_GET_XSAVE");
  const u8* image = s.fpu.image;
  std::memcpy(area.bytes, image, fpu::kMxcsrMaskField);
  std::memcpy(area.bytes + fpu::kSt, image + fpu::kSt, fpu::kXmm + 256 - fpu::kSt);
  std::memcpy(area.bytes + fpu::kYmmHigh, image + fpu::kYmmHigh, 256);
  u64 components = load<u64>(area.bytes + kHeader) | 3;
  if (s.xcr0 & bit(2)) components |= kKnownComponents;
  if (pkru_offset_ && (s.xcr0 & bit(kPkruComponent))) {
    components |= bit(kPkruComponent);
    store<u32>(area.bytes + pkru_offset_, s.pkru);
  }
  store<u64>(area.bytes + kHeader, components);
  refused_ |= vm_.cpu(kSetXsave, &area) < 0;
}

/// A value that KVM refuses is left out: it has its own there.
void State::push_msrs() {
  for (size_t from = 0; from < msrs_.size();) {
    MsrList list;
    for (size_t i = from; i < msrs_.size(); ++i) list.add(msrs_[i].index, *msrs_[i].value);
    const int done = list.set(vm_);
    vm_.must(done, "KVM_SET_MSRS");
    from += static_cast<size_t>(done) + 1;
  }
}

void State::push_debug() {
  kvm_debugregs debug{};
  const u64* dr = cpu_.state.dr;
  std::memcpy(debug.db, dr, sizeof debug.db);
  debug.dr6 = dr[6];
  debug.dr7 = dr[7];
  vm_.must(vm_.cpu(KVM_SET_DEBUGREGS, &debug), "KVM_SET_DEBUGREGS");
}

void State::push_events() {
  const CpuState& s = cpu_.state;
  kvm_vcpu_events events{};
  events.flags = KVM_VCPUEVENT_VALID_SHADOW | KVM_VCPUEVENT_VALID_NMI_PENDING;
  events.interrupt.shadow =
      static_cast<u8>(((s.shadow & CpuState::kStiShadow) ? KVM_X86_SHADOW_INT_STI : 0) |
                      ((s.shadow & CpuState::kSsShadow) ? KVM_X86_SHADOW_INT_MOV_SS : 0));
  events.nmi.masked = s.nmi_blocked;
  vm_.must(vm_.cpu(KVM_SET_VCPU_EVENTS, &events), "KVM_SET_VCPU_EVENTS");
}

}  // namespace ring3::kvm
