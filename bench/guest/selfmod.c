// SPDX-License-Identifier: MIT
// Code that changes: a loop that changes itself, data beside code, a patched function, functions
// that are generated, called a few times and overwritten, and a large body that runs once.
#include <string.h>
#include <sys/mman.h>

#include "bench.h"
#include "emit.h"

enum {
  kTurns = 2000,
  kSharedTurns = 20000,
  kPatches = 20,
  kCalls = 1000,
  kRing = 65536,
  kFunctions = 100,
  kSmall = 60,
  kColdInstructions = 40000,
  kColdBytes = 256 * 1024,
  kData = 128,
};

static u8 *code, *master;
static u32 *immediate, *data;
static size_t master_size;

// mov ecx, turns; xor eax, eax; loop: add eax, 1; add dword [edx], 3; dec ecx; jnz loop; ret.
static void make_loop(u32 turns, const void* target) {
  static const u8 kLoop[] = {0x31, 0xC0, 0x05, 1,    0,    0,    0,   0x83,
                             0x02, 3,    0xFF, 0xC9, 0x75, 0xF4, 0xC3};
  u8* out = emit_load_edx(code, target);
  *out++ = 0xB9;
  memcpy(out, &turns, 4);
  memcpy(out + 4, kLoop, sizeof kLoop);
  immediate = (u32*)(out + 7);
}

void setup_self(void) {
  code = allocate_code(4096);
  make_loop(kTurns, code);
  make_loop(kTurns, immediate);  // its length does not depend on the address
}

u64 run_self(void) {
  const u32 one = 1;
  memcpy(immediate, &one, 4);
  return ((Function)code)();
}

void setup_shared_page(void) {
  code = allocate_code(4096);
  data = (u32*)(code + 2048);
  make_loop(kSharedTurns, data);
}

u64 run_shared_page(void) {
  *data = 0;
  const u32 sum = ((Function)code)();
  return fold(sum, *data);
}

// mov eax, constant; ret.
void setup_patch(void) {
  code = allocate_code(4096);
  memcpy(code, (u8[]){0xB8, 0, 0, 0, 0, 0xC3}, 6);
}

u64 run_patch(void) {
  u32 sum = 0;
  for (u32 i = 0; i < kPatches; ++i) {
    memcpy(code + 1, &i, 4);
    for (int call = 0; call < kCalls; ++call) sum += ((Function)code)();
  }
  return sum;
}

void setup_fresh(void) {
  code = allocate_code(kRing);
  data = allocate(4096);
}

u64 run_fresh(void) {
  static u32 at;
  u32 seed = 29;
  u64 sum = 0;
  memset(data, 0, kData);
  for (int i = 0; i < kFunctions; ++i) {
    if (at + 8 * kSmall + 64 > kRing) at = 0;
    const Function function = (Function)(code + at);
    at = emit_function(code + at, data, kSmall, &seed) - code;
    at = (at + 15) & ~15u;
    for (int call = 0; call < 3; ++call) sum = fold(sum, function());
  }
  return sum;
}

void setup_cold(void) {
  u32 seed = 31;
  master = allocate(kColdBytes);
  data = allocate(4096);
  master_size = emit_function(master, data, kColdInstructions, &seed) - master;
}

// As code that is loaded: new pages, filled, run once and given back.
u64 run_cold(void) {
  memset(data, 0, kData);
  code =
      mmap(0, master_size, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (code == MAP_FAILED) fail("mmap of code");
  memcpy(code, master, master_size);
  const u32 result = ((Function)code)();
  munmap(code, master_size);
  return fold_bytes(result, data, kData);
}
