// SPDX-License-Identifier: MIT
// lz: compresses text with a hash table of earlier places, unpacks it and compares.
#include <string.h>

#include "bench.h"

enum { kInput = 128 * 1024, kHash = 1 << 13, kMinimum = 4, kMaximum = 255 };

static u8 *input, *packed, *unpacked;
static u32* places;

void setup_lz(void) {
  input = allocate(kInput);
  packed = allocate(2 * kInput);
  unpacked = allocate(kInput);
  places = allocate(kHash * 4);
  make_text((char*)input, kInput, 5);
}

static u32 hash_at(u32 at) {
  u32 word;
  memcpy(&word, input + at, 4);
  return word * 2654435761u >> 19;
}

// Token 0 c: a literal; n lo hi: n bytes from a distance.
static u32 compress(void) {
  u32 out = 0;
  memset(places, 0, kHash * 4);
  for (u32 at = 0; at < kInput;) {
    u32 length = 0, from = 0;
    if (at + kMinimum < kInput) {
      u32* place = &places[hash_at(at)];
      from = *place;
      *place = at;
      if (from < at && at - from < 65536)
        while (length < kMaximum && at + length < kInput &&
               input[from + length] == input[at + length])
          ++length;
    }
    if (length >= kMinimum) {
      packed[out++] = length;
      packed[out++] = (at - from) & 0xFF;
      packed[out++] = (at - from) >> 8;
      at += length;
    } else {
      packed[out++] = 0;
      packed[out++] = input[at++];
    }
  }
  return out;
}

static u32 expand(u32 size) {
  u32 out = 0;
  for (u32 at = 0; at < size;) {
    u32 length = packed[at++];
    if (length == 0) {
      unpacked[out++] = packed[at++];
      continue;
    }
    const u32 distance = packed[at] | packed[at + 1] << 8;
    at += 2;
    for (; length; --length, ++out) unpacked[out] = unpacked[out - distance];
  }
  return out;
}

u64 run_lz(void) {
  const u32 size = compress();
  if (expand(size) != kInput || memcmp(input, unpacked, kInput)) fail("lz: unpacked text differs");
  return fold_bytes(size, packed, size);
}
