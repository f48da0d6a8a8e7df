// SPDX-License-Identifier: MIT
// What the programs share: memory, text, checksums, the end on an error.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "bench.h"

void fail(const char* what) {
  printf("bench: error: %s: %s\n", what, strerror(errno));
  fflush(stdout);
  exit(1);
}

void* allocate(size_t bytes) {
  void* memory =
      mmap(0, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (memory == MAP_FAILED) fail("mmap");
  return memory;
}

u64 fold_bytes(u64 sum, const void* data, size_t size) {
  const u8* bytes = data;
  for (; size >= 8; size -= 8, bytes += 8) {
    u64 word;
    memcpy(&word, bytes, 8);
    sum = fold(sum, word);
  }
  for (; size; --size) sum = fold(sum, *bytes++);
  return sum;
}

void make_text(char* out, size_t size, u32 seed) {
  static const char* const kWords[] = {
      "alpha", "guest", "block", "of",    "the",   "page",   "translate", "a",
      "copy",  "fault", "ring",  "level", "stack", "linear", "physical",  "and",
  };
  size_t at = 0, column = 0;
  while (at + 32 < size) {
    const u32 r = next_random(&seed);
    const int length =
        r % 5 ? sprintf(out + at, "%s", kWords[r >> 8 & 15]) : sprintf(out + at, "%u", r >> 12);
    at += length;
    column += length + 1;
    out[at++] = column > 60 ? '\n' : ' ';
    if (column > 60) column = 0;
  }
  memset(out + at, '\n', size - at);
}

const char* work_directory(void) {
  const char* directory = getenv("BENCH_DIRECTORY");
  return directory ? directory : "/tmp";
}
