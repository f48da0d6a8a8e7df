// SPDX-License-Identifier: MIT
// The file descriptors of one virtual machine with one processor (Linux: Documentation/virt/kvm/
// api.rst), and what they are asked for.
#pragma once

#include <linux/kvm.h>
#include <sys/ioctl.h>

#include <memory>
#include <utility>

#include "base/result.h"
#include "base/types.h"

namespace ring3::kvm {

class File {
 public:
  explicit File(int fd = -1) : fd_(fd) {}
  ~File();
  File(File&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  File& operator=(File&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  int get() const { return fd_; }
  bool open() const { return fd_ >= 0; }

 private:
  int fd_;
};

class Vm {
 public:
  /// The error is a whole line but for the program's name.
  static Result<std::unique_ptr<Vm>> create();
  ~Vm();
  Vm(const Vm&) = delete;

  kvm_run& run() const { return *run_; }
  /// KVM_CHECK_EXTENSION: 0 if it is not there.
  int extension(int capability) const;

  /// One ioctl of the system, machine or processor; what KVM returns, or -1 with errno.
  template <class... T>
  int system(unsigned long request, T*... argument) const {
    return ioctl(system_.get(), request, argument...);
  }
  template <class... T>
  int machine(unsigned long request, T*... argument) const {
    return ioctl(machine_.get(), request, argument...);
  }
  template <class... T>
  int cpu(unsigned long request, T*... argument) const {
    return ioctl(cpu_.get(), request, argument...);
  }
  /// The same for what only a mistake of ours makes fail.
  void must(int returned, const char* what) const;

 private:
  Vm(File system, File machine) : system_(std::move(system)), machine_(std::move(machine)) {}
  Status check_capabilities() const;
  Status set_up_machine() const;
  Status create_cpu();

  File system_, machine_, cpu_;
  kvm_run* run_ = nullptr;
  size_t run_bytes_ = 0;
};

}  // namespace ring3::kvm
