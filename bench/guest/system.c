// SPDX-License-Identifier: MIT
// What the kernel does for programs: calls, clocks, signals, processes, pipes, pages, files.
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

// The numbers of operations stand in programs.def too.
enum {
  kCalls = 1000,
  kSignals = 100,
  kProcesses = 4,
  kRoundTrips = 500,
  kPages = 256,
  kMappings = 50,
  kFiles = 10,
  kBlock = 4096,
  kBlocks = 8,
};

u64 run_syscall(void) {
  long last = 0;
  for (int i = 0; i < kCalls; ++i) last = syscall(SYS_getppid);
  return last >= 0;
}

u64 run_clock(void) {
  struct timespec before = {0}, now;
  for (int i = 0; i < kCalls; ++i) {
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (now.tv_sec < before.tv_sec || (now.tv_sec == before.tv_sec && now.tv_nsec < before.tv_nsec))
      fail("the clock went backwards");
    before = now;
  }
  return kCalls;
}

static volatile int caught;

static void on_signal(int number) { caught += number == SIGUSR1; }

void setup_signal(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = on_signal;
  if (sigaction(SIGUSR1, &action, 0)) fail("sigaction");
}

u64 run_signal(void) {
  caught = 0;
  for (int i = 0; i < kSignals; ++i) kill(getpid(), SIGUSR1);
  return caught;
}

static int status_of(pid_t child) {
  int status = -1;
  if (child < 0 || waitpid(child, &status, 0) != child) fail("fork or wait");
  return WEXITSTATUS(status);
}

u64 run_fork(void) {
  u64 sum = 0;
  for (int i = 0; i < kProcesses; ++i) {
    const pid_t child = fork();
    if (child == 0) _exit(i);
    sum += status_of(child);
  }
  return sum;
}

static char self[256];

void setup_exec(void) {
  if (readlink("/proc/self/exe", self, sizeof self - 1) < 0) fail("/proc/self/exe");
}

u64 run_exec(void) {
  for (int i = 0; i < kProcesses; ++i) {
    char* const arguments[] = {self, "--nothing", 0};
    const pid_t child = fork();
    if (child == 0) {
      execv(self, arguments);
      _exit(1);
    }
    if (status_of(child)) fail(self);
  }
  return kProcesses;
}

static int there[2], back[2];

static void echo_bytes(void) {
  for (u8 byte; read(there[0], &byte, 1) == 1;) {
    ++byte;
    if (byte == 0 || write(back[1], &byte, 1) != 1) break;
  }
  _exit(0);
}

// A child echoes bytes, until it gets 255.
u64 run_pipe(void) {
  u64 sum = 0;
  if (pipe(there) || pipe(back)) fail("pipe");
  const pid_t child = fork();
  if (child == 0) echo_bytes();
  for (int i = 0; i < kRoundTrips; ++i) {
    u8 byte = i % 200;
    if (write(there[1], &byte, 1) != 1 || read(back[0], &byte, 1) != 1) fail("pipe");
    sum = fold(sum, byte);
  }
  if (write(there[1], &(u8){255}, 1) != 1 || status_of(child)) fail("the echo's end");
  for (int i = 0; i < 2; ++i) close(there[i]), close(back[i]);
  return sum;
}

u64 run_touch(void) {
  u8* pages = mmap(0, kPages * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  u64 sum = 0;
  if (pages == MAP_FAILED) fail("mmap");
  madvise(pages, kPages * 4096, MADV_NOHUGEPAGE);
  for (int i = 0; i < kPages; ++i) {
    pages[i * 4096] = i + 1;
    sum += pages[i * 4096];
  }
  munmap(pages, kPages * 4096);
  return sum;
}

static u8* place;

// A place in 2 MiB whose page table stays, since a page there is in use: else it would depend on
// the place that the kernel picks at random whether each munmap frees the table.
void setup_mmap(void) {
  u8* space = mmap(0, 4 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (space == MAP_FAILED) fail("mmap");
  madvise(space, 4 << 20, MADV_NOHUGEPAGE);
  u8* table = (u8*)(((uintptr_t)space + (2 << 20) - 1) & ~(uintptr_t)((2 << 20) - 1));
  table[0] = 1;
  place = table + 64 * 4096;
}

u64 run_mmap(void) {
  for (int i = 0; i < kMappings; ++i) {
    u8* pages = mmap(place, 16 * 4096, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    if (pages == MAP_FAILED || mprotect(pages, 4096, PROT_READ)) fail("mmap");
    pages[4096] = 1;
    munmap(pages, 16 * 4096);
  }
  return kMappings;
}

static u8 block[kBlock];
static char path[512];

void setup_file(void) {
  snprintf(path, sizeof path, "%s/bench-file", work_directory());
  for (int i = 0; i < kBlock; ++i) block[i] = i * 7;
}

// Writes a file, reads it back and removes it.
u64 run_file(void) {
  u64 sum = 0;
  for (int i = 0; i < kFiles; ++i) {
    const int file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (file < 0) fail(path);
    for (int k = 0; k < kBlocks; ++k)
      if (write(file, block, kBlock) != kBlock) fail(path);
    lseek(file, 0, SEEK_SET);
    for (int k = 0; k < kBlocks; ++k) {
      if (read(file, block, kBlock) != kBlock) fail(path);
      sum = fold(sum, block[k]);
    }
    close(file);
    unlink(path);
  }
  return sum;
}
