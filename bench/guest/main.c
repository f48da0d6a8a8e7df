// SPDX-License-Identifier: MIT
// bench-guest --list            a line for each program: class, name, operations in a unit
// bench-guest NAME UNITS [--wait]  runs a program; --wait: says "ready" and waits for a line first
// As a guest's first process it is the agent of agent.c.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "agent.h"
#include "bench.h"

#define PROGRAM(group, name, operations, missing, setup) u64 run_##name(void);
#define NEEDS(name) int name(void);
#define SETUP(name) void name(void);
#include "programs.def"
#undef PROGRAM
#undef NEEDS
#undef SETUP

static const Program kPrograms[] = {
#define PROGRAM(group, name, operations, missing, setup) \
  {#group, #name, operations, missing, setup, run_##name},
#define NEEDS(name)
#define SETUP(name)
#include "programs.def"
};

static u64 nanoseconds(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static u64 rusage_nanoseconds(int who) {
  struct rusage usage;
  getrusage(who, &usage);
  return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000000ull +
         (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000ull;
}

// This process and the children it has waited for.
static u64 cpu_nanoseconds(void) {
  return nanoseconds(CLOCK_PROCESS_CPUTIME_ID) + rusage_nanoseconds(RUSAGE_CHILDREN);
}

static void wait_for_line(void) {
  char c = 0;
  printf("bench: ready\n");
  fflush(stdout);
  while (c != '\n') {
    if (read(STDIN_FILENO, &c, 1) <= 0) fail("no line on standard input");
  }
}

static int run(const Program* program, u64 units, int wait) {
  if (program->missing && program->missing()) {
    printf("bench: unsupported\n");
    return 0;
  }
  if (program->setup) program->setup();
  if (wait) wait_for_line();
  const u64 cpu = cpu_nanoseconds(), wall = nanoseconds(CLOCK_MONOTONIC);
  const u64 checksum = program->unit();
  for (u64 i = 1; i < units; ++i) {
    if (program->unit() != checksum) {
      printf("bench: error: unit %llu has another checksum than unit 0\n", (unsigned long long)i);
      return 1;
    }
  }
  printf("bench: result %016llx cpu %llu wall %llu\n", (unsigned long long)checksum,
         (unsigned long long)(cpu_nanoseconds() - cpu),
         (unsigned long long)(nanoseconds(CLOCK_MONOTONIC) - wall));
  return 0;
}

static int usage(void) {
  fprintf(stderr, "usage: bench-guest --list | NAME UNITS [--wait]\n");
  return 1;
}

static int list(void) {
  for (size_t i = 0; i < sizeof kPrograms / sizeof *kPrograms; ++i)
    printf("%s %s %u\n", kPrograms[i].group, kPrograms[i].name, kPrograms[i].operations);
  return 0;
}

int main(int count, char** arguments) {
  if (getpid() == 1) return agent();
  if (count == 2 && !strcmp(arguments[1], "--list")) return list();
  // The copy that the program exec starts.
  if (count == 2 && !strcmp(arguments[1], "--nothing")) return 0;
  if (count < 3) return usage();
  const u64 units = strtoull(arguments[2], 0, 10);
  if (units == 0) return usage();
  for (size_t i = 0; i < sizeof kPrograms / sizeof *kPrograms; ++i) {
    if (!strcmp(kPrograms[i].name, arguments[1]))
      return run(&kPrograms[i], units, count > 3 && !strcmp(arguments[3], "--wait"));
  }
  fprintf(stderr, "bench-guest: no program '%s': --list names them\n", arguments[1]);
  return 1;
}
