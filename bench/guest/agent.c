// SPDX-License-Identifier: MIT
// The guest's first process, driven by bench/program_suite.cpp through the console.
#include "agent.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "bench.h"

enum { kLine = 256, kArguments = 8 };

static void mount_on(const char* type, const char* where) {
  mkdir(where, 0755);
  if (mount(type, where, type, 0, 0)) fail(where);
}

// The console as a plain line to the host: no echo, no line editing.
static void open_console(void) {
  const int console = open("/dev/console", O_RDWR);
  if (console < 0) fail("/dev/console");
  for (int i = 0; i < 3; ++i) dup2(console, i);
  struct termios raw;
  tcgetattr(console, &raw);
  cfmakeraw(&raw);
  tcsetattr(console, TCSANOW, &raw);
  if (console > 2) close(console);
}

static int read_line(char* line) {
  size_t length = 0;
  for (char c; read(STDIN_FILENO, &c, 1) == 1;) {
    if (c == '\n') {
      line[length] = 0;
      return 1;
    }
    if (length < kLine - 1) line[length++] = c;
  }
  return 0;
}

static int run_line(char* line) {
  char* arguments[kArguments + 1] = {0};
  int count = 0;
  for (char* word = strtok(line, " "); word && count < kArguments; word = strtok(0, " "))
    arguments[count++] = word;
  if (!count) return 0;
  const pid_t child = fork();
  if (child == 0) {
    execv(arguments[0], arguments);
    fail(arguments[0]);
  }
  int status = 1;
  if (child < 0 || waitpid(child, &status, 0) != child) fail("fork or wait");
  return status;
}

int agent(void) {
  char line[kLine];
  mkdir("/dev", 0755);
  mount_on("devtmpfs", "/dev");
  mount_on("proc", "/proc");
  mount_on("tmpfs", "/tmp");
  open_console();
  printf("bench: agent\n");
  fflush(stdout);
  while (read_line(line) && strcmp(line, "poweroff")) {
    const int status = run_line(line);
    printf("bench: exit %d\n", status);
    fflush(stdout);
  }
  tcdrain(STDOUT_FILENO);
  reboot(RB_POWER_OFF);
  return 1;
}
