// SPDX-License-Identifier: MIT
// fib: calls and returns; vm: a bytecode interpreter's dispatch; matrix: integer products; chase:
// loads that depend on each other.
#include <string.h>

#include "bench.h"

enum { kFib = 25, kSide = 96, kNodes = 16384, kHops = 200000, kLoops = 30000 };

__attribute__((noinline)) static u32 fib(u32 n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }

u64 run_fib(void) { return fib(kFib); }

enum { kPush, kAdd, kMul, kXor, kDup, kSwap, kDec, kJumpIf, kLoad, kStore, kHalt };

static u8* code;

// loop: a = (a * 3 ^ counter) + 7; until --counter == 0.
void setup_vm(void) {
  static const u8 kCode[] = {kLoad, 0,    kPush, 3,      kMul,   kLoad, 1,       kXor, kPush,  7,
                             kAdd,  kDup, kSwap, kStore, 0,      kPush, 1,       kXor, kStore, 2,
                             kLoad, 1,    kDec,  kDup,   kStore, 1,     kJumpIf, 0,    kHalt};
  code = allocate(sizeof kCode);
  memcpy(code, kCode, sizeof kCode);
}

u64 run_vm(void) {
  static const void* const kLabels[] = {&&push, &&add,     &&mul,  &&xor,   &&dup, &&swap,
                                        &&dec,  &&jump_if, &&load, &&store, &&halt};
  u32 stack[16], variable[4] = {1, kLoops, 0, 0};
  u32* top = stack;
  const u8* next = code;
#define DISPATCH goto* kLabels[*next++]
  DISPATCH;
push:
  *++top = *next++;
  DISPATCH;
add:
  --top, top[0] += top[1];
  DISPATCH;
mul:
  --top, top[0] *= top[1];
  DISPATCH;
  xor : --top, top[0] ^= top[1];
  DISPATCH;
dup:
  ++top, top[0] = top[-1];
  DISPATCH;
swap : {
  const u32 value = top[0];
  top[0] = top[-1], top[-1] = value;
}
  DISPATCH;
dec:
  --top[0];
  DISPATCH;
jump_if:
  next = *top-- ? code + *next : next + 1;
  DISPATCH;
load:
  *++top = variable[*next++];
  DISPATCH;
store:
  variable[*next++] = *top--;
  DISPATCH;
halt:
#undef DISPATCH
  return fold(fold(0, variable[0]), variable[2]);
}

static u32 (*factor)[kSide], (*other)[kSide], (*product)[kSide];

void setup_matrix(void) {
  u32 seed = 11;
  factor = allocate(sizeof(u32[kSide][kSide]));
  other = allocate(sizeof(u32[kSide][kSide]));
  product = allocate(sizeof(u32[kSide][kSide]));
  for (int i = 0; i < kSide * kSide; ++i) {
    factor[0][i] = next_random(&seed);
    other[0][i] = next_random(&seed);
  }
}

u64 run_matrix(void) {
  for (int row = 0; row < kSide; ++row) {
    for (int column = 0; column < kSide; ++column) {
      u32 sum = 0;
      for (int i = 0; i < kSide; ++i) sum += factor[row][i] * other[i][column];
      product[row][column] = sum;
    }
  }
  return fold_bytes(0, product, sizeof(u32[kSide][kSide]));
}

typedef struct Node {
  struct Node* next;
  u32 number;
  u8 rest[64 - sizeof(void*) - 4];
} Node;

static Node* nodes;

// One cycle through all nodes in random order (Sattolo's shuffle).
void setup_chase(void) {
  static u32 order[kNodes];
  u32 seed = 13;
  nodes = allocate(kNodes * sizeof(Node));
  for (u32 i = 0; i < kNodes; ++i) order[i] = i;
  for (u32 i = kNodes - 1; i > 0; --i) {
    const u32 j = next_random(&seed) % i, value = order[i];
    order[i] = order[j];
    order[j] = value;
  }
  for (u32 i = 0; i < kNodes; ++i) {
    nodes[i].number = i;
    nodes[order[i]].next = &nodes[order[(i + 1) % kNodes]];
  }
}

u64 run_chase(void) {
  const Node* node = nodes;
  for (int i = 0; i < kHops; ++i) node = node->next;
  return node->number;
}
