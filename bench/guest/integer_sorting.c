// SPDX-License-Identifier: MIT
// quicksort of random numbers; branchy: a walk through unpredictable conditions.
#include <string.h>

#include "bench.h"

enum { kNumbers = 40000, kSteps = 200000 };

static u32 *numbers, *sorted;

void setup_sort(void) {
  u32 seed = 3;
  numbers = allocate(kNumbers * 4);
  sorted = allocate(kNumbers * 4);
  for (int i = 0; i < kNumbers; ++i) numbers[i] = next_random(&seed);
}

static void quicksort(u32* first, u32* last) {
  while (first < last) {
    const u32 pivot = first[(last - first) / 2];
    u32 *low = first, *high = last;
    while (low <= high) {
      while (*low < pivot) ++low;
      while (*high > pivot) --high;
      if (low <= high) {
        const u32 value = *low;
        *low++ = *high;
        *high-- = value;
      }
    }
    quicksort(first, high);
    first = low;
  }
}

u64 run_quicksort(void) {
  memcpy(sorted, numbers, kNumbers * 4);
  quicksort(sorted, sorted + kNumbers - 1);
  return fold_bytes(0, sorted, kNumbers * 4);
}

u64 run_branchy(void) {
  u32 a = 1, b = 2, c = 3;
  for (int i = 0; i < kSteps; ++i) {
    const u32 x = numbers[i % kNumbers];
    if (x & 1) {
      a += x;
      if (a & 0x10) b ^= a;
    } else if (x & 2) {
      b += c;
      if (b > a)
        c += 3;
      else
        a -= 5;
    } else if (x % 3 == 0) {
      c = c * 5 + 1;
    } else {
      switch (x >> 8 & 7) {
        case 0:
          a ^= c;
          break;
        case 1:
          b -= a;
          break;
        case 2:
          c += b;
          break;
        case 3:
          a = b + 1;
          break;
        case 4:
          b = c ^ x;
          break;
        case 5:
          c = a - b;
          break;
        case 6:
          a += b + c;
          break;
        default:
          ++c;
      }
    }
  }
  return fold(fold(fold(0, a), b), c);
}
