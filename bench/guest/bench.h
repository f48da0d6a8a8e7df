// SPDX-License-Identifier: MIT
// bench-guest: programs of fixed work for comparing emulators, one static binary for all of them.
// A program sets itself up, then does equal units of work; each unit gives the same checksum, on
// every machine, in 32- and 64-bit code.
#pragma once

#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

typedef struct {
  const char* group;
  const char* name;
  u32 operations;        // in one unit, for the time of a single event
  int (*missing)(void);  // nonzero if the processor lacks what it needs; may be null
  void (*setup)(void);   // what is not timed; may be null
  u64 (*unit)(void);     // one unit of work, a few milliseconds on hardware
} Program;

// Ends the program with a line that says what failed and errno.
void fail(const char* what) __attribute__((noreturn));

// Zeroed, page-aligned memory whose pages are already there.
void* allocate(size_t bytes);

// A generator of pseudo-random numbers that is the same everywhere (xorshift32).
static inline u32 next_random(u32* state) {
  u32 x = *state;
  x ^= x << 13;
  x ^= x >> 17;
  x ^= x << 5;
  return *state = x;
}

// Folds a value into a checksum (FNV-1a's multiplier, on whole words).
static inline u64 fold(u64 sum, u64 value) { return (sum ^ value) * 0x100000001B3u; }
u64 fold_bytes(u64 sum, const void* data, size_t size);

// Text of words and numbers, for the programs that read text.
void make_text(char* out, size_t size, u32 seed);

// Where files are made: $BENCH_DIRECTORY or /tmp.
const char* work_directory(void);
