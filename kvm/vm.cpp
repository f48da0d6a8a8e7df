// SPDX-License-Identifier: MIT
#include "kvm/vm.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/check.h"

namespace ring3::kvm {
namespace {

constexpr int kApiVersion = 12;
/// Where KVM may put a TSS and page tables of its own on old Intel hosts: nothing else is there.
constexpr unsigned long kIdentityMap = 0xFEFFC000, kTss = 0xFEFFD000;

struct Needed {
  int capability;
  const char* name;
  int bits;  ///< all of these must be set in its value
};
constexpr Needed kNeeded[] = {
    {KVM_CAP_USER_MEMORY, "KVM_CAP_USER_MEMORY", 1},
    {KVM_CAP_DESTROY_MEMORY_REGION_WORKS, "KVM_CAP_DESTROY_MEMORY_REGION_WORKS", 1},
    {KVM_CAP_READONLY_MEM, "KVM_CAP_READONLY_MEM", 1},
    {KVM_CAP_SET_TSS_ADDR, "KVM_CAP_SET_TSS_ADDR", 1},
    {KVM_CAP_SET_IDENTITY_MAP_ADDR, "KVM_CAP_SET_IDENTITY_MAP_ADDR", 1},
    {KVM_CAP_EXT_CPUID, "KVM_CAP_EXT_CPUID", 1},
    {KVM_CAP_USER_NMI, "KVM_CAP_USER_NMI", 1},
    {KVM_CAP_VCPU_EVENTS, "KVM_CAP_VCPU_EVENTS", 1},
    {KVM_CAP_DEBUGREGS, "KVM_CAP_DEBUGREGS", 1},
    {KVM_CAP_XSAVE, "KVM_CAP_XSAVE", 1},
    {KVM_CAP_XCRS, "KVM_CAP_XCRS", 1},
    {KVM_CAP_IMMEDIATE_EXIT, "KVM_CAP_IMMEDIATE_EXIT", 1},
    {KVM_CAP_SYNC_REGS, "KVM_CAP_SYNC_REGS", KVM_SYNC_X86_VALID_FIELDS},
    {KVM_CAP_X86_USER_SPACE_MSR, "KVM_CAP_X86_USER_SPACE_MSR", 1},
    {KVM_CAP_X86_MSR_FILTER, "KVM_CAP_X86_MSR_FILTER", 1},
};

Error failed(const std::string& what) { return {"-accel kvm: " + what}; }

Error cannot_open(int error) {
  switch (error) {
    case ENOENT:
    case ENODEV:
    case ENXIO:
      return failed(
          "/dev/kvm: not there; load kvm_intel or kvm_amd (a virtual machine needs nested "
          "virtualization for it), or give -accel jit");
    case EACCES:
    case EPERM:
      return failed(
          "/dev/kvm: may not be opened; join the group that owns it (often: usermod -aG kvm USER), "
          "or give -accel jit");
    default:
      return failed(
          fmt::format("/dev/kvm: cannot be opened: {}; give -accel jit", std::strerror(error)));
  }
}

Error cannot_create(const char* what, int error) {
  if (error == EBUSY)
    return failed(fmt::format("/dev/kvm: {} refused: another hypervisor has the processor; stop "
                              "it, or give -accel jit",
                              what));
  return failed(
      fmt::format("/dev/kvm: {} failed: {}; give -accel jit", what, std::strerror(error)));
}

}  // namespace

File::~File() {
  if (fd_ >= 0) close(fd_);
}

Result<std::unique_ptr<Vm>> Vm::create() {
  File system(::open("/dev/kvm", O_RDWR | O_CLOEXEC));
  if (!system.open()) return cannot_open(errno);
  const int version = ioctl(system.get(), KVM_GET_API_VERSION, 0);
  if (version != kApiVersion)
    return failed(fmt::format("/dev/kvm: no KVM of API version {}; give -accel jit", kApiVersion));
  File machine(ioctl(system.get(), KVM_CREATE_VM, 0));
  if (!machine.open()) return cannot_create("KVM_CREATE_VM", errno);
  std::unique_ptr<Vm> vm(new Vm(std::move(system), std::move(machine)));
  if (Status status = vm->check_capabilities(); !status) return Error{status.error()};
  if (Status status = vm->set_up_machine(); !status) return Error{status.error()};
  if (Status status = vm->create_cpu(); !status) return Error{status.error()};
  return vm;
}

Vm::~Vm() {
  if (run_) munmap(run_, run_bytes_);
}

int Vm::extension(int capability) const {
  const int value = ioctl(machine_.get(), KVM_CHECK_EXTENSION, capability);
  return value < 0 ? 0 : value;
}

Status Vm::check_capabilities() const {
  for (const Needed& n : kNeeded)
    if ((extension(n.capability) & n.bits) != n.bits)
      return failed(fmt::format(
          "/dev/kvm: this kernel's KVM has no {}; take Linux 5.10 or later, or give -accel jit",
          n.name));
  return success();
}

Status Vm::set_up_machine() const {
  u64 identity_map = kIdentityMap;
  if (machine(KVM_SET_IDENTITY_MAP_ADDR, &identity_map) < 0)
    return cannot_create("KVM_SET_IDENTITY_MAP_ADDR", errno);
  if (ioctl(machine_.get(), KVM_SET_TSS_ADDR, kTss) < 0)
    return cannot_create("KVM_SET_TSS_ADDR", errno);
  return success();
}

Status Vm::create_cpu() {
  cpu_ = File(ioctl(machine_.get(), KVM_CREATE_VCPU, 0));
  if (!cpu_.open()) return cannot_create("KVM_CREATE_VCPU", errno);
  const int bytes = ioctl(system_.get(), KVM_GET_VCPU_MMAP_SIZE, 0);
  if (bytes < 0) return cannot_create("KVM_GET_VCPU_MMAP_SIZE", errno);
  run_bytes_ = static_cast<size_t>(bytes);
  void* at = mmap(nullptr, run_bytes_, PROT_READ | PROT_WRITE, MAP_SHARED, cpu_.get(), 0);
  if (at == MAP_FAILED) return cannot_create("mmap of the processor", errno);
  run_ = static_cast<kvm_run*>(at);
  return success();
}

void Vm::must(int returned, const char* what) const {
  RING3_CHECK(returned >= 0, "{}: {}", what, std::strerror(errno));
}

}  // namespace ring3::kvm
