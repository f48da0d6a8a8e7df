// SPDX-License-Identifier: MIT
// sha256 (FIPS 180-4) over text, and a hash table with open addressing.
#include <string.h>

#include "bench.h"

enum { kText = 256 * 1024, kSlots = 1 << 16, kKeys = 40000 };

static u8* text;

void setup_text(void) {
  text = allocate(kText);
  make_text((char*)text, kText, 1);
}

static const u32 kRound[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static u32 rotate(u32 x, int n) { return x >> n | x << (32 - n); }

static void sha256_block(u32 state[8], const u8* block) {
  u32 w[64], v[8];
  for (int i = 0; i < 16; ++i) {
    memcpy(&w[i], block + 4 * i, 4);
    w[i] = __builtin_bswap32(w[i]);
  }
  for (int i = 16; i < 64; ++i) {
    const u32 s0 = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ w[i - 15] >> 3;
    const u32 s1 = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ w[i - 2] >> 10;
    w[i] = w[i - 16] + s0 + w[i - 7] + s1;
  }
  memcpy(v, state, sizeof v);
  for (int i = 0; i < 64; ++i) {
    const u32 s1 = rotate(v[4], 6) ^ rotate(v[4], 11) ^ rotate(v[4], 25);
    const u32 t1 = v[7] + s1 + ((v[4] & v[5]) ^ (~v[4] & v[6])) + kRound[i] + w[i];
    const u32 s0 = rotate(v[0], 2) ^ rotate(v[0], 13) ^ rotate(v[0], 22);
    const u32 t2 = s0 + ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
    v[7] = v[6], v[6] = v[5], v[5] = v[4], v[4] = v[3] + t1;
    v[3] = v[2], v[2] = v[1], v[1] = v[0], v[0] = t1 + t2;
  }
  for (int i = 0; i < 8; ++i) state[i] += v[i];
}

u64 run_sha256(void) {
  u32 state[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                  0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  for (int at = 0; at < kText; at += 64) sha256_block(state, text + at);
  return fold_bytes(0, state, sizeof state);
}

static u32 *keys, *values;

void setup_hash(void) {
  keys = allocate(kSlots * 4);
  values = allocate(kSlots * 4);
}

static u32 slot_of(u32 key) {
  u32 slot = key * 2654435761u >> 16;
  while (keys[slot] && keys[slot] != key) slot = (slot + 1) % kSlots;
  return slot;
}

u64 run_hash(void) {
  u32 seed = 7;
  u64 sum = 0;
  memset(keys, 0, kSlots * 4);
  for (int i = 0; i < kKeys; ++i) {
    const u32 key = next_random(&seed), slot = slot_of(key);
    keys[slot] = key;
    values[slot] = i;
  }
  seed = 7;
  for (int i = 0; i < kKeys; ++i) sum = fold(sum, values[slot_of(next_random(&seed) ^ (i & 1))]);
  return sum;
}
