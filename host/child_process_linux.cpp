// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <pty.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include "host/child_process.h"
#include "host/waiter.h"

namespace ring3 {

namespace {

constexpr u64 kNanosecondsPerMillisecond = 1'000'000;
volatile std::sig_atomic_t g_interrupts = 0;

void on_interrupt(int) { g_interrupts = 1; }

/// The last processor that we may use, as people start their programs on the first.
void stay_on_one_processor() {
  cpu_set_t allowed, one;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
  CPU_ZERO(&one);
  for (int n = CPU_SETSIZE - 1; n >= 0; --n) {
    if (!CPU_ISSET(n, &allowed)) continue;
    CPU_SET(n, &one);
    break;
  }
  sched_setaffinity(0, sizeof one, &one);
}

/// In the new process, up to its program. `report`: where the reason goes if there is none.
[[noreturn]] void become(const std::vector<std::string>& command, const ChildProcess::How& how,
                         int input, int output, int report) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
  std::signal(SIGPIPE, SIG_DFL);
  dup2(input, 0);
  dup2(output, 1);
  dup2(output, 2);
  for (const auto& [name, value] : how.environment) setenv(name.c_str(), value.c_str(), 1);
  if (how.one_processor) stay_on_one_processor();
  std::vector<char*> arguments;
  for (const std::string& text : command) arguments.push_back(const_cast<char*>(text.c_str()));
  arguments.push_back(nullptr);
  execvp(arguments[0], arguments.data());
  const int reason = errno;
  [[maybe_unused]] const ssize_t n = write(report, &reason, sizeof reason);
  _exit(127);
}

void close_all(std::initializer_list<int> handles) {
  for (const int handle : handles)
    if (handle >= 0) close(handle);
}

}  // namespace

Result<std::unique_ptr<PseudoTerminal>> PseudoTerminal::open() {
  auto terminal = std::make_unique<PseudoTerminal>();
  termios raw{};
  cfmakeraw(&raw);
  raw.c_cflag |= CREAD | CS8;
  if (openpty(&terminal->ours_, &terminal->theirs_, nullptr, &raw, nullptr) != 0)
    return Error{fmt::format("no pseudo-terminal: {}", std::strerror(errno))};
  fcntl(terminal->ours_, F_SETFD, FD_CLOEXEC);
  fcntl(terminal->theirs_, F_SETFD, FD_CLOEXEC);
  char name[256] = {};
  ttyname_r(terminal->theirs_, name, sizeof name);
  terminal->name_ = name;
  return terminal;
}

PseudoTerminal::~PseudoTerminal() { close_all({ours_, theirs_}); }

Result<std::unique_ptr<ChildProcess>> ChildProcess::start(const std::vector<std::string>& command,
                                                          How how) {
  std::unique_ptr<ChildProcess> child(new ChildProcess);
  int to[2] = {-1, -1}, from[2] = {-1, -1}, report[2] = {-1, -1};
  const bool piped = !how.terminal;
  const bool opened = pipe2(report, O_CLOEXEC) == 0 &&
                      (piped ? pipe2(to, O_CLOEXEC) == 0 && pipe2(from, O_CLOEXEC) == 0
                             : (to[0] = ::open("/dev/null", O_RDWR | O_CLOEXEC)) >= 0 &&
                                   (from[1] = ::open("/dev/null", O_RDWR | O_CLOEXEC)) >= 0);
  child->number_ = opened ? fork() : -1;
  const int reason = errno;
  if (child->number_ == 0) become(command, how, to[0], from[1], report[1]);
  close_all({to[0], from[1], report[1]});
  child->input_ = to[1];
  child->output_ = from[0];
  child->terminal_ = std::move(how.terminal);
  if (child->terminal_) child->input_ = child->output_ = child->terminal_->handle();
  int failed = 0;
  const bool none = child->number_ < 0;
  if (none) failed = reason;
  if (!none && read(report[0], &failed, sizeof failed) != sizeof failed) failed = 0;
  close_all({report[0]});
  if (failed) return Error{fmt::format("{}: {}", command[0], std::strerror(failed))};
  return child;
}

ChildProcess::~ChildProcess() {
  if (number_ > 0) kill();
  if (!terminal_) close_all({input_, output_});
}

bool ChildProcess::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(input_, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

ChildProcess::Got ChildProcess::receive(std::string& to, u64 nanoseconds) {
  pollfd wanted{output_, POLLIN, 0};
  const u64 milliseconds = nanoseconds / kNanosecondsPerMillisecond;
  const int ready = poll(&wanted, 1, static_cast<int>(std::min<u64>(milliseconds, 1 << 30)));
  // A terminal has no end as long as we hold its other side.
  if (ready <= 0) return terminal_ && wait(0) ? Got::End : Got::Nothing;
  char bytes[65536];
  const ssize_t n = ::read(output_, bytes, sizeof bytes);
  if (n < 0 && errno == EINTR) return Got::Nothing;
  if (n <= 0) return Got::End;
  to.append(bytes, static_cast<size_t>(n));
  return Got::Data;
}

u64 ChildProcess::cpu_nanoseconds() const {
  clockid_t clock;
  timespec time{};
  if (clock_getcpuclockid(number_, &clock) != 0 || clock_gettime(clock, &time) != 0) return 0;
  return static_cast<u64>(time.tv_sec) * 1'000'000'000 + static_cast<u64>(time.tv_nsec);
}

void ChildProcess::hold() { ::kill(number_, SIGSTOP); }
void ChildProcess::go_on() { ::kill(number_, SIGCONT); }
void ChildProcess::interrupt() { ::kill(number_, SIGINT); }

void ChildProcess::kill() {
  if (status_) return;
  ::kill(number_, SIGKILL);
  int status = 0;
  while (waitpid(number_, &status, 0) < 0 && errno == EINTR) {
  }
  status_ = 128 + SIGKILL;
}

std::optional<int> ChildProcess::wait(u64 nanoseconds) {
  const u64 end = host_monotonic_ns() + nanoseconds;
  while (!status_) {
    int status = 0;
    if (waitpid(number_, &status, WNOHANG) == number_)
      status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    else if (host_monotonic_ns() >= end)
      break;
    else
      usleep(1000);
  }
  return status_;
}

std::string own_program() {
  char path[4096] = {};
  const ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
  return n > 0 ? path : "ring3";
}

InterruptWatch::InterruptWatch() {
  struct sigaction action {};
  action.sa_handler = on_interrupt;
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

bool InterruptWatch::asked() { return g_interrupts != 0; }

}  // namespace ring3
