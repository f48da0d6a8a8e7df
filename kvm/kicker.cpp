// SPDX-License-Identifier: MIT
#include "kvm/kicker.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "base/check.h"

namespace ring3::kvm {
namespace {

/// The processor of this thread; the handler runs on it.
thread_local kvm_run* running = nullptr;

int kick_signal() { return SIGRTMIN + 3; }

void on_kick(int) {
  if (kvm_run* run = running) __atomic_store_n(&run->immediate_exit, 1, __ATOMIC_RELAXED);
}

}  // namespace

Kicker::Kicker(kvm_run& run) {
  running = &run;
  struct sigaction action {};
  action.sa_handler = on_kick;
  action.sa_flags = SA_RESTART;  // KVM_RUN is never restarted, host I/O is
  sigemptyset(&action.sa_mask);
  RING3_CHECK(sigaction(kick_signal(), &action, nullptr) == 0, "sigaction: {}",
              std::strerror(errno));
  sigevent event{};
  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_signo = kick_signal();
  event._sigev_un._tid = static_cast<pid_t>(syscall(SYS_gettid));
  RING3_CHECK(timer_create(CLOCK_MONOTONIC, &event, &timer_) == 0, "timer_create: {}",
              std::strerror(errno));
}

Kicker::~Kicker() {
  timer_delete(timer_);
  running = nullptr;
}

void Kicker::arm(u64 nanoseconds) {
  const u64 ns = std::max<u64>(nanoseconds, 1);
  itimerspec time{};
  time.it_value.tv_sec = static_cast<time_t>(ns / 1'000'000'000);
  time.it_value.tv_nsec = static_cast<long>(ns % 1'000'000'000);
  timer_settime(timer_, 0, &time, nullptr);
}

}  // namespace ring3::kvm
