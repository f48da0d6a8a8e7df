// SPDX-License-Identifier: MIT
// Floating point and vectors: scalar and packed SSE, AVX2, FMA, x87.
#include <immintrin.h>
#include <string.h>

#include "bench.h"

enum { kBodies = 5, kSteps = 4000, kLanes = 4096, kPasses = 100 };

int missing_fma(void) { return !__builtin_cpu_supports("fma"); }

typedef struct {
  double at[3], speed[3], mass;
} Body;

static Body start[kBodies];

void setup_nbody(void) {
  u32 seed = 19;
  for (int i = 0; i < kBodies; ++i) {
    for (int k = 0; k < 3; ++k) {
      start[i].at[k] = (next_random(&seed) % 20000) / 1000.0 - 10;
      start[i].speed[k] = (next_random(&seed) % 2000) / 1000.0 - 1;
    }
    start[i].mass = i ? 0.05 * i : 40;
  }
}

static void attract(Body* a, Body* b, double dt) {
  const double d[3] = {a->at[0] - b->at[0], a->at[1] - b->at[1], a->at[2] - b->at[2]};
  const double square = d[0] * d[0] + d[1] * d[1] + d[2] * d[2] + 0.01;
  const double pull = dt / (square * __builtin_sqrt(square));
  for (int k = 0; k < 3; ++k) {
    a->speed[k] -= d[k] * b->mass * pull;
    b->speed[k] += d[k] * a->mass * pull;
  }
}

u64 run_nbody(void) {
  Body bodies[kBodies];
  memcpy(bodies, start, sizeof bodies);
  for (int step = 0; step < kSteps; ++step) {
    for (int i = 0; i < kBodies; ++i)
      for (int j = i + 1; j < kBodies; ++j) attract(&bodies[i], &bodies[j], 0.001);
    for (int i = 0; i < kBodies; ++i)
      for (int k = 0; k < 3; ++k) bodies[i].at[k] += 0.001 * bodies[i].speed[k];
  }
  return fold_bytes(0, bodies, sizeof bodies);
}

static float* floats;
static u8* bytes;

void setup_vectors(void) {
  u32 seed = 23;
  floats = allocate(kLanes * 4);
  bytes = allocate(kLanes * 4);
  for (int i = 0; i < kLanes; ++i) {
    floats[i] = (next_random(&seed) % 1000) / 1000.0f;
    memcpy(bytes + 4 * i, &seed, 4);
  }
}

// A logistic map in four accumulators, with shuffles, comparisons and square roots.
u64 run_sse_packed(void) {
  __m128 sum = _mm_setzero_ps();
  const __m128 one = _mm_set1_ps(1), rate = _mm_set1_ps(3.7f);
  for (int pass = 0; pass < kPasses; ++pass) {
    for (int i = 0; i < kLanes; i += 8) {
      __m128 x = _mm_load_ps(floats + i), y = _mm_load_ps(floats + i + 4);
      x = _mm_mul_ps(rate, _mm_mul_ps(x, _mm_sub_ps(one, x)));
      y = _mm_sqrt_ps(_mm_add_ps(_mm_mul_ps(y, y), x));
      const __m128 larger = _mm_and_ps(_mm_cmpgt_ps(y, one), one);
      sum = _mm_add_ps(sum, _mm_sub_ps(_mm_shuffle_ps(x, y, 0x4E), larger));
      sum = _mm_min_ps(sum, _mm_set1_ps(1000));
    }
  }
  return fold_bytes(0, &sum, sizeof sum);
}

u64 run_sse_integer(void) {
  __m128i sum = _mm_setzero_si128();
  const __m128i factor = _mm_set1_epi16(31);
  for (int pass = 0; pass < kPasses; ++pass) {
    for (int i = 0; i < kLanes * 4; i += 32) {
      const __m128i a = _mm_load_si128((const __m128i*)(bytes + i));
      const __m128i b = _mm_load_si128((const __m128i*)(bytes + i + 16));
      const __m128i low = _mm_mullo_epi16(_mm_unpacklo_epi8(a, b), factor);
      const __m128i high = _mm_madd_epi16(_mm_unpackhi_epi8(a, b), factor);
      sum = _mm_add_epi32(sum, _mm_xor_si128(_mm_srli_epi32(low, 3), high));
      sum = _mm_add_epi32(sum, _mm_sad_epu8(a, _mm_max_epu8(a, b)));
    }
  }
  return fold_bytes(0, &sum, sizeof sum);
}

__attribute__((target("avx2"))) u64 run_avx2_integer(void) {
  __m256i sum = _mm256_setzero_si256();
  const __m256i factor = _mm256_set1_epi32(0x9E3779B1), flip = _mm256_set1_epi8(15);
  for (int pass = 0; pass < kPasses; ++pass) {
    for (int i = 0; i < kLanes * 4; i += 64) {
      const __m256i a = _mm256_load_si256((const __m256i*)(bytes + i));
      const __m256i b = _mm256_load_si256((const __m256i*)(bytes + i + 32));
      const __m256i mixed = _mm256_mullo_epi32(_mm256_xor_si256(a, sum), factor);
      const __m256i moved = _mm256_shuffle_epi8(b, _mm256_and_si256(a, flip));
      sum = _mm256_add_epi32(_mm256_srli_epi32(mixed, 5), moved);
      sum = _mm256_permute4x64_epi64(_mm256_sub_epi32(sum, _mm256_cmpgt_epi32(a, b)), 0x39);
    }
  }
  return fold_bytes(0, &sum, sizeof sum);
}

__attribute__((target("avx2,fma"))) u64 run_fma(void) {
  __m256 a = _mm256_set1_ps(0.5f), b = a, c = a, d = a;
  const __m256 half = _mm256_set1_ps(0.5f);
  for (int pass = 0; pass < kPasses; ++pass) {
    for (int i = 0; i < kLanes; i += 32) {
      a = _mm256_fmadd_ps(a, half, _mm256_load_ps(floats + i));
      b = _mm256_fmsub_ps(b, half, _mm256_load_ps(floats + i + 8));
      c = _mm256_fnmadd_ps(c, half, _mm256_load_ps(floats + i + 16));
      d = _mm256_fmadd_ps(d, half, _mm256_load_ps(floats + i + 24));
    }
  }
  a = _mm256_add_ps(_mm256_add_ps(a, b), _mm256_add_ps(c, d));
  return fold_bytes(0, &a, sizeof a);
}

// A sum with division and square root in 80-bit arithmetic: long double is the x87's.
u64 run_x87(void) {
  long double sum = 0, x = 0.5L;
  for (int i = 1; i < 60000; ++i) {
    x = 3.6L * x * (1 - x);
    sum += x / i - __builtin_sqrtl(x + i) * 0.001L;
    if (sum > 100) sum -= 100;
  }
  u8 image[16] = {0};
  memcpy(image, &sum, 10);
  return fold_bytes(0, image, 10);
}
