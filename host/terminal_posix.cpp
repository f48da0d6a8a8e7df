// SPDX-License-Identifier: MIT
// POSIX: termios. Signal handlers call only async-signal-safe functions (tcsetattr is one).
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>

#include "host/terminal.h"

namespace ring3 {
namespace {

// Process-wide, since there is one controlling terminal and handlers have no context.
volatile sig_atomic_t g_raw = 0;
int g_fd = -1;
termios g_saved;
termios g_mode;

constexpr int kFatal[] = {SIGINT,  SIGTERM, SIGHUP, SIGQUIT, SIGABRT,
                          SIGSEGV, SIGBUS,  SIGFPE, SIGILL};

void restore() {
  if (g_raw) tcsetattr(g_fd, TCSANOW, &g_saved);
}

void on_fatal(int signal_number) {
  restore();
  signal(signal_number, SIG_DFL);
  raise(signal_number);
}

void on_stop(int) {
  const int saved_errno = errno;
  restore();
  raise(SIGSTOP);
  errno = saved_errno;
}

// tcsetattr from a background process group would stop the process: wait for the foreground.
void on_continue(int) {
  const int saved_errno = errno;
  if (g_raw && tcgetpgrp(g_fd) == getpgrp()) tcsetattr(g_fd, TCSANOW, &g_mode);
  errno = saved_errno;
}

void handle(int signal_number, void (*handler)(int)) {
  struct sigaction old {};
  sigaction(signal_number, nullptr, &old);
  if (old.sa_handler != SIG_DFL) return;  // ignored (nohup), or someone else's
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  sigaction(signal_number, &action, nullptr);
}

void install_handlers() {
  static const bool once = [] {
    for (int signal_number : kFatal) handle(signal_number, on_fatal);
    handle(SIGTSTP, on_stop);
    handle(SIGCONT, on_continue);
    return std::atexit(restore) == 0;
  }();
  static_cast<void>(once);
}

}  // namespace

RawTerminal::RawTerminal(int fd) {
  if (g_raw || !isatty(fd) || tcgetattr(fd, &g_saved) != 0) return;
  g_fd = fd;
  g_mode = g_saved;
  g_mode.c_iflag &=
      ~static_cast<tcflag_t>(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
  g_mode.c_lflag &= ~static_cast<tcflag_t>(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
  g_mode.c_cflag &= ~static_cast<tcflag_t>(CSIZE | PARENB);
  g_mode.c_cflag |= CS8;  // output processing stays on: our own messages need their newlines
  g_mode.c_cc[VMIN] = 1;
  g_mode.c_cc[VTIME] = 0;
  install_handlers();
  g_raw = 1;
  active_ = tcsetattr(fd, TCSANOW, &g_mode) == 0;
  if (!active_) g_raw = 0;
}

RawTerminal::~RawTerminal() {
  if (!active_) return;
  restore();
  g_raw = 0;
}

}  // namespace ring3
