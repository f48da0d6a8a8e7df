// SPDX-License-Identifier: MIT
// The loop around KVM_RUN. Interrupt controllers and timers are the board's own: interrupts are
// injected by KVM_INTERRUPT, asked for by interrupt windows; registers of the local APIC are
// reached by MMIO exits and by MSRs that leave the guest.
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/check.h"
#include "base/log.h"
#include "core/block_cache.h"
#include "core/debug_stops.h"
#include "core/system.h"
#include "kvm/counters.h"
#include "kvm/cpuid.h"
#include "kvm/kicker.h"
#include "kvm/kvm.h"
#include "kvm/memory_slots.h"
#include "kvm/probe.h"
#include "kvm/state.h"

namespace ring3 {
namespace {

using namespace kvm;
using Activity = CpuState::Activity;

/// The board looks up this often at least.
constexpr Nanos kLongestRun = 4'000'000;
constexpr u32 kLeave = kSignalReset | kSignalStop | kSignalEvents | kSignalDebug;
constexpr u32 kMsrApicBase = 0x1B, kMsrTscDeadline = 0x6E0, kMsrX2apic = 0x800;
constexpr u32 kX2apicMsrs = 0x100;

class KvmEngine final : public Kvm {
 public:
  KvmEngine(Cpu& cpu, std::unique_ptr<Vm> vm, KvmOptions options, bool emulates_kernel)
      : cpu_(cpu),
        vm_(std::move(vm)),
        run_(vm_->run()),
        options_(options),
        emulates_kernel_(emulates_kernel),
        cpuid_(*vm_, cpu.model),
        slots_(*vm_, cpu.mmu.memory()),
        state_(*vm_, cpu),
        kicker_(run_) {
    cpuid_.install(*vm_);
    run_.kvm_valid_regs = KVM_SYNC_X86_VALID_FIELDS;
  }

  Status set_up();
  std::string_view name() const override { return "kvm"; }
  Exit run(Cpu& cpu, u64 deadline) override;
  void step(Cpu& cpu) override;
  bool emulates_kernel() const override { return emulates_kernel_; }
  const std::vector<std::string>& missing_features() const override { return cpuid_.missing(); }
  std::vector<KvmCounter> counters() const override;
  const std::string& failure() const override { return failure_; }

 private:
  /// What ends a stay in the guest.
  enum class Leave : u8 { Deadline, Halted, Shutdown, Signal, Unhandled };

  Status trap_msrs();
  bool attend(Exit& exit);
  Leave stay();
  std::optional<Leave> run_once();
  std::optional<Leave> after_exit();
  void inject();
  void set_priority();
  void complete();
  void port_access();
  void memory_access();
  void msr_access(bool write);
  std::optional<Leave> halt();
  std::string why_unhandled() const;
  Exit interpret(const std::string& what);
  Engine& interpreter();
  Nanos time_to_run();

  Cpu& cpu_;
  std::unique_ptr<Vm> vm_;
  kvm_run& run_;
  const KvmOptions options_;
  const bool emulates_kernel_;
  Cpuid cpuid_;
  MemorySlots slots_;
  State state_;
  Kicker kicker_;
  std::unique_ptr<Engine> interpreter_;
  bool ready_ = false;       ///< an interrupt may be injected
  bool incomplete_ = false;  ///< the instruction of the last exit ends in the next KVM_RUN
  u64 entries_ = 0, kicks_ = 0, interpreted_ = 0;
  std::string failure_;
  u32 logged_ = 0;
};

Status KvmEngine::set_up() {
  if (Status trapped = trap_msrs(); !trapped) return trapped;
  // Else KVM raises #UD for what it does not know.
  kvm_enable_cap cap{};
  cap.cap = KVM_CAP_EXIT_ON_EMULATION_FAILURE;
  cap.args[0] = 1;
  if (vm_->extension(KVM_CAP_EXIT_ON_EMULATION_FAILURE))
    vm_->must(vm_->machine(KVM_ENABLE_CAP, &cap), "KVM_CAP_EXIT_ON_EMULATION_FAILURE");
  return slots_.update();
}

/// Those that belong to our devices, and those that KVM does not know, come to us.
Status KvmEngine::trap_msrs() {
  kvm_enable_cap cap{};
  cap.cap = KVM_CAP_X86_USER_SPACE_MSR;
  cap.args[0] = KVM_MSR_EXIT_REASON_INVAL | KVM_MSR_EXIT_REASON_UNKNOWN | KVM_MSR_EXIT_REASON_FILTER;
  vm_->must(vm_->machine(KVM_ENABLE_CAP, &cap), "KVM_CAP_X86_USER_SPACE_MSR");
  u8 none = 0;
  kvm_msr_filter filter{};
  filter.flags = KVM_MSR_FILTER_DEFAULT_ALLOW;
  size_t n = 0;
  for (const u32 index : {kMsrApicBase, kMsrTscDeadline}) {
    kvm_msr_filter_range& range = filter.ranges[n++];
    range.flags = KVM_MSR_FILTER_READ | KVM_MSR_FILTER_WRITE;
    range.base = index;
    range.nmsrs = 1;
    range.bitmap = &none;
  }
  vm_->must(vm_->machine(KVM_X86_SET_MSR_FILTER, &filter), "KVM_X86_SET_MSR_FILTER");
  return success();
}

Engine& KvmEngine::interpreter() {
  if (!interpreter_) interpreter_ = make_interpreter(cpu_);
  // What the guest wrote under KVM was not seen.
  cpu_.blocks->clear();
  state_.invalidate();
  return *interpreter_;
}

void KvmEngine::step(Cpu& cpu) { interpreter().step(cpu); }

Exit KvmEngine::run(Cpu& cpu, u64 deadline) {
  if (cpu.stops && cpu.stops->any()) return interpreter().run(cpu, deadline);
  Exit exit{};
  if (attend(exit)) return exit;
  if (state_.push()) {
    ready_ = cpu.state.has(flag::IF) && !cpu.state.shadow;
    run_.cr8 = cpu.apic ? cpu.apic->task_priority() : cpu.state.cr8;
  }
  if (state_.refused()) return interpret("refuses the state");
  run_.immediate_exit = 0;
  kicker_.arm(time_to_run());
  const Leave left = stay();
  complete();
  slots_.report_device_writes();
  state_.fetch(left == Leave::Unhandled);
  switch (left) {
    case Leave::Halted:
      cpu.state.activity = Activity::Halted;
      return Exit::Halted;
    case Leave::Shutdown:
      cpu.state.activity = Activity::Shutdown;
      return Exit::Shutdown;
    case Leave::Unhandled:
      return interpret(why_unhandled());
    case Leave::Signal:
      return Exit::Signal;
    case Leave::Deadline:
      return Exit::Deadline;
  }
  return Exit::Deadline;
}

Nanos KvmEngine::time_to_run() {
  const Nanos next = cpu_.clock.next_deadline();
  if (next == kNever) return kLongestRun;
  const Nanos now = cpu_.clock.now();
  return next > now ? std::min(next - now, kLongestRun) : 1;
}

/// What is due while the state is here, at an instruction boundary. True: leave with `exit`.
bool KvmEngine::attend(Exit& exit) {
  CpuState& s = cpu_.state;
  const u32 signals = cpu_.signals;
  if (signals & kLeave) {
    exit = Exit::Signal;
    return true;
  }
  const bool resting = s.activity == Activity::WaitForSipi || s.activity == Activity::Shutdown;
  if (resting || cpu_.pending_dr6 || (signals & (kSignalInit | kSignalSipi))) take_pending(cpu_);
  if (s.activity == Activity::Halted) {
    const bool interrupt = (signals & kSignalIntr) && s.has(flag::IF);
    const bool nmi = (signals & kSignalNmi) && !s.nmi_blocked;
    if (interrupt || nmi) s.activity = Activity::Active;
  }
  if (s.activity == Activity::Active) return false;
  exit = s.activity == Activity::Shutdown ? Exit::Shutdown : Exit::Halted;
  return true;
}

KvmEngine::Leave KvmEngine::stay() {
  for (;;) {
    const u32 signals = cpu_.signals.load(std::memory_order_acquire);
    if (signals & kLeave) return Leave::Signal;
    if (signals & (kSignalInit | kSignalSipi)) return Leave::Deadline;
    const Status mapped = slots_.update();
    RING3_CHECK(mapped.ok(), "{}", mapped.error());
    inject();
    if (const auto left = run_once()) return *left;
  }
}

void KvmEngine::inject() {
  if (cpu_.signals & kSignalNmi) {
    cpu_.signals &= ~u32{kSignalNmi};
    cpu_.exits.add(ExitReason::Exception);
    vm_->must(vm_->cpu(KVM_NMI, static_cast<void*>(nullptr)), "KVM_NMI");
  }
  if ((cpu_.signals & kSignalIntr) && ready_ && cpu_.apic) {
    if (const std::optional<u8> vector = cpu_.apic->acknowledge()) {
      kvm_interrupt interrupt{*vector};
      cpu_.exits.add(ExitReason::ExternalInterrupt);
      vm_->must(vm_->cpu(KVM_INTERRUPT, &interrupt), "KVM_INTERRUPT");
      ready_ = false;
    }
  }
  run_.request_interrupt_window = (cpu_.signals & kSignalIntr) != 0;
}

/// CR8 is the task priority of our local APIC.
void KvmEngine::set_priority() {
  if (!cpu_.apic || (run_.cr8 & 15) == cpu_.apic->task_priority()) return;
  cpu_.apic->set_task_priority(static_cast<u8>(run_.cr8 & 15));
}

std::optional<KvmEngine::Leave> KvmEngine::run_once() {
  if (cpu_.apic) run_.cr8 = cpu_.apic->task_priority();
  ++entries_;
  incomplete_ = false;
  const int result = vm_->cpu(KVM_RUN, static_cast<void*>(nullptr));
  const int error = errno;
  ready_ = run_.ready_for_interrupt_injection;
  set_priority();
  if (result >= 0) return after_exit();
  RING3_CHECK(error == EINTR || error == EAGAIN, "KVM_RUN: {}", std::strerror(error));
  ++kicks_;
  return Leave::Deadline;
}

std::optional<KvmEngine::Leave> KvmEngine::after_exit() {
  switch (run_.exit_reason) {
    case KVM_EXIT_IO:
      port_access();
      return std::nullopt;
    case KVM_EXIT_MMIO:
      memory_access();
      return std::nullopt;
    case KVM_EXIT_X86_RDMSR:
    case KVM_EXIT_X86_WRMSR:
      msr_access(run_.exit_reason == KVM_EXIT_X86_WRMSR);
      return std::nullopt;
    case KVM_EXIT_IRQ_WINDOW_OPEN:
      cpu_.exits.add(ExitReason::InterruptWindow);
      return std::nullopt;
    case KVM_EXIT_SET_TPR:
      cpu_.exits.add(ExitReason::CrAccess);
      return std::nullopt;
    case KVM_EXIT_INTR:
      return Leave::Deadline;
    case KVM_EXIT_HLT:
      return halt();
    case KVM_EXIT_SHUTDOWN:
      cpu_.exits.add(ExitReason::TripleFault);
      return Leave::Shutdown;
    default:
      return Leave::Unhandled;
  }
}

/// KVM_EXIT_HLT stands behind the instruction; what wakes the cpu may be there already.
std::optional<KvmEngine::Leave> KvmEngine::halt() {
  cpu_.exits.add(ExitReason::Hlt);
  const bool wakes = ((cpu_.signals & kSignalIntr) && run_.if_flag) || (cpu_.signals & kSignalNmi);
  return wakes ? std::nullopt : std::optional<Leave>(Leave::Halted);
}

void KvmEngine::port_access() {
  const auto& io = run_.io;
  cpu_.exits.add(ExitReason::Io);
  incomplete_ = true;
  u8* data = reinterpret_cast<u8*>(&run_) + io.data_offset;
  for (u32 n = 0; n < io.count; ++n, data += io.size) {
    const Width width = static_cast<Width>(io.size);
    u32 value = 0;
    if (io.direction == KVM_EXIT_IO_OUT) {
      std::memcpy(&value, data, io.size);
      cpu_.io.write(io.port, width, value);
    } else {
      value = cpu_.io.read(io.port, width);
      std::memcpy(data, &value, io.size);
    }
  }
}

void KvmEngine::memory_access() {
  auto& mmio = run_.mmio;
  cpu_.exits.add(ExitReason::Mmio);
  incomplete_ = true;
  const PhysAddr address{mmio.phys_addr};
  if (mmio.is_write)
    cpu_.mmu.memory().write(address, std::span<const u8>(mmio.data, mmio.len));
  else
    cpu_.mmu.memory().read(address, std::span<u8>(mmio.data, mmio.len));
}

void KvmEngine::msr_access(bool write) {
  auto& msr = run_.msr;
  cpu_.exits.add(write ? ExitReason::Wrmsr : ExitReason::Rdmsr);
  incomplete_ = true;
  msr.error = 0;
  // KVM knows the register and refused the access.
  if (msr.reason == KVM_MSR_EXIT_REASON_INVAL && msr.index - kMsrX2apic >= kX2apicMsrs) {
    msr.error = 1;
    return;
  }
  try {
    if (write)
      write_msr(cpu_, msr.index, msr.data);
    else
      msr.data = read_msr(cpu_, msr.index);
  } catch (const Fault&) {
    msr.error = 1;
  }
}

/// Ends the instruction of the last exit, so that the state is one between two instructions.
void KvmEngine::complete() {
  while (incomplete_) {
    run_.immediate_exit = 1;
    incomplete_ = false;
    const int result = vm_->cpu(KVM_RUN, static_cast<void*>(nullptr));
    if (result >= 0) after_exit();
  }
}

std::string KvmEngine::why_unhandled() const {
  if (run_.exit_reason == KVM_EXIT_INTERNAL_ERROR)
    return run_.internal.suberror == KVM_INTERNAL_ERROR_EMULATION
               ? "cannot emulate the instruction"
               : fmt::format("internal error {}", u32{run_.internal.suberror});
  if (run_.exit_reason == KVM_EXIT_FAIL_ENTRY)
    return fmt::format("refuses the state: {:#x}",
                       u64{run_.fail_entry.hardware_entry_failure_reason});
  return fmt::format("exit reason {}", run_.exit_reason);
}

/// Internal errors and states that KVM does not enter: one instruction by the interpreter.
Exit KvmEngine::interpret(const std::string& what) {
  const CpuState& s = cpu_.state;
  const std::string where =
      fmt::format("KVM {} at {:04x}:{:x}, CPL {}", what, s.seg[kCs].selector, s.rip(), s.cpl);
  if (!options_.interpret) {
    failure_ = where;
    return Exit::Shutdown;
  }
  ++interpreted_;
  if (first_times(logged_)) RING3_LOG(GuestErrors, "{}: interpreted", where);
  interpreter().step(cpu_);
  return Exit::Deadline;
}

std::vector<KvmCounter> KvmEngine::counters() const {
  std::vector<KvmCounter> all = {
      {"entries", entries_}, {"kicks", kicks_}, {"interpreted", interpreted_}};
  for (KvmCounter& c : read_counters(*vm_)) all.push_back(std::move(c));
  return all;
}

}  // namespace

Result<std::unique_ptr<Kvm>> make_kvm(Cpu& cpu, KvmOptions options) {
  auto vm = Vm::create();
  if (!vm) return Error{vm.error()};
  const auto emulated = kernel_is_emulated();
  if (!emulated) return Error{emulated.error()};
  auto engine = std::make_unique<KvmEngine>(cpu, std::move(*vm), options, *emulated);
  if (Status ready = engine->set_up(); !ready) return Error{ready.error()};
  return std::unique_ptr<Kvm>(std::move(engine));
}

}  // namespace ring3
