// SPDX-License-Identifier: MIT
// Copying, filling and summing memory: by plain loops, by vectors, by string instructions.
#include <immintrin.h>
#include <string.h>

#include "bench.h"

enum { kBytes = 256 * 1024, kRepeats = 16, kDoubles = kBytes / 8 };

static u8 *source, *target, *third;

int missing_avx2(void) { return !__builtin_cpu_supports("avx2"); }

void setup_memory(void) {
  u32 seed = 17;
  source = allocate(kBytes);
  target = allocate(kBytes);
  third = allocate(kBytes);
  for (int i = 0; i < kBytes / 4; ++i) ((u32*)source)[i] = next_random(&seed);
  for (int i = 0; i < kDoubles; ++i) ((double*)third)[i] = i;
}

// A word from each page and the last one: the copy must be there, but need not be read whole.
static u64 sample(const u8* memory) {
  u64 sum = 0, word;
  for (int at = 0; at < kBytes; at += 4096) {
    memcpy(&word, memory + at + at / 512 % 4088, 8);
    sum = fold(sum, word);
  }
  memcpy(&word, memory + kBytes - 8, 8);
  return fold(sum, word);
}

u64 run_copy_loop(void) {
  for (int i = 0; i < kRepeats; ++i) {
    const size_t *from = (const size_t*)source, *end = (const size_t*)(source + kBytes);
    for (size_t* to = (size_t*)target; from != end; from += 4, to += 4)
      to[0] = from[0], to[1] = from[1], to[2] = from[2], to[3] = from[3];
    __asm__ volatile("" ::: "memory");
  }
  return sample(target);
}

u64 run_copy_sse(void) {
  for (int i = 0; i < kRepeats; ++i) {
    for (int at = 0; at < kBytes; at += 64) {
      const __m128i* from = (const __m128i*)(source + at);
      __m128i* to = (__m128i*)(target + at);
      const __m128i a = _mm_load_si128(from), b = _mm_load_si128(from + 1),
                    c = _mm_load_si128(from + 2), d = _mm_load_si128(from + 3);
      _mm_store_si128(to, a), _mm_store_si128(to + 1, b);
      _mm_store_si128(to + 2, c), _mm_store_si128(to + 3, d);
    }
    __asm__ volatile("" ::: "memory");
  }
  return sample(target);
}

__attribute__((target("avx2"))) u64 run_copy_avx2(void) {
  for (int i = 0; i < kRepeats; ++i) {
    for (int at = 0; at < kBytes; at += 128) {
      const __m256i* from = (const __m256i*)(source + at);
      __m256i* to = (__m256i*)(target + at);
      const __m256i a = _mm256_load_si256(from), b = _mm256_load_si256(from + 1),
                    c = _mm256_load_si256(from + 2), d = _mm256_load_si256(from + 3);
      _mm256_store_si256(to, a), _mm256_store_si256(to + 1, b);
      _mm256_store_si256(to + 2, c), _mm256_store_si256(to + 3, d);
    }
    __asm__ volatile("" ::: "memory");
  }
  return sample(target);
}

u64 run_copy_rep(void) {
  for (int i = 0; i < kRepeats; ++i) {
    const void* from = source;
    void* to = target;
    size_t count = kBytes;
    __asm__ volatile("rep movsb" : "+S"(from), "+D"(to), "+c"(count) : : "memory");
  }
  return sample(target);
}

u64 run_set_loop(void) {
  for (int i = 0; i < kRepeats; ++i) {
    for (size_t *to = (size_t*)target, *end = (size_t*)(target + kBytes); to != end; to += 4)
      to[0] = to[1] = to[2] = to[3] = (size_t)0x5A5A5A5A5A5A5A5Aull;
    __asm__ volatile("" ::: "memory");
  }
  return sample(target);
}

u64 run_set_rep(void) {
  for (int i = 0; i < kRepeats; ++i) {
    void* to = target;
    size_t count = kBytes;
    __asm__ volatile("rep stosb" : "+D"(to), "+c"(count) : "a"(0xA5) : "memory");
  }
  return sample(target);
}

u64 run_sum(void) {
  u32 sum = 0;
  for (int i = 0; i < kRepeats; ++i) {
    const u32* words = (const u32*)source;
    for (int at = 0; at < kBytes / 4; at += 4)
      sum += words[at] + words[at + 1] + words[at + 2] + words[at + 3];
    __asm__ volatile("" ::: "memory");
  }
  return sum;
}

// a = b + 3 c in doubles.
u64 run_triad(void) {
  const double* b = (const double*)third;
  double* a = (double*)target;
  for (int i = 0; i < kRepeats; ++i) {
    for (int at = 0; at < kDoubles; ++at) a[at] = b[at] + 3.0 * b[kDoubles - 1 - at];
    __asm__ volatile("" ::: "memory");
  }
  return sample(target);
}
