// SPDX-License-Identifier: MIT
#include "emit.h"

#include <string.h>
#include <sys/mman.h>

u8* allocate_code(size_t bytes) {
  u8* code = mmap(0, bytes, PROT_READ | PROT_WRITE | PROT_EXEC,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (code == MAP_FAILED) fail("mmap of code");
  return code;
}

static u8* put(u8* out, const void* bytes, size_t size) {
  memcpy(out, bytes, size);
  return out + size;
}

static u8* put2(u8* out, u8 a, u8 b) {
  out[0] = a, out[1] = b;
  return out + 2;
}

static u8* put3(u8* out, u8 a, u8 b, u8 c) {
  out[0] = a, out[1] = b, out[2] = c;
  return out + 3;
}

u8* emit_load_edx(u8* out, const void* address) {
  if (sizeof(void*) == 8) *out++ = 0x48;
  *out++ = 0xBA;
  return put(out, &address, sizeof address);
}

// One instruction without a branch; r is random.
static u8* emit_instruction(u8* out, u32 r) {
  static const u8 kRegisters[4] = {0, 1, 3, 6}, kArithmetic[4] = {0x01, 0x29, 0x31, 0x11};
  const u8 a = kRegisters[r & 3], b = kRegisters[r >> 2 & 3], offset = (r >> 20 & 31) * 4;
  switch (r >> 4 & 7) {
    case 0:
    case 1:
      return put2(out, kArithmetic[r >> 8 & 3], 0xC0 | b << 3 | a);
    case 2:
      out = put2(out, 0x81, 0xC0 | (r >> 8 & 1 ? 6 : 0) << 3 | a);  // add or xor with a constant
      return put(out, &r, 4);
    case 3:
      return put3(out, 0x0F, 0xAF, 0xC0 | a << 3 | b);  // imul
    case 4:
      return put3(out, 0xC1, 0xC0 | (r >> 8 & 1) << 3 | a, r >> 12 & 31);  // rol, ror
    case 5:
      return put3(out, 0x03, 0x42 | a << 3, offset);  // add a, [edx + offset]
    case 6:
      return put3(out, 0x89, 0x42 | a << 3, offset);  // mov [edx + offset], a
    default:
      return put3(out, 0x8D, 0x04 | a << 3, (r >> 8 & 3) << 6 | a << 3 | b);  // lea a, [b + a*n]
  }
}

u8* emit_function(u8* out, void* data, int count, u32* seed) {
  static const u8 kEnter[] = {0x53, 0x56, 0xB8, 1, 0, 0, 0,    0xB9, 2, 0, 0,
                              0,    0xBB, 3,    0, 0, 0, 0xBE, 4,    0, 0, 0};
  static const u8 kLeave[] = {0x5E, 0x5B, 0xC3};
  out = put(out, kEnter, sizeof kEnter);
  out = emit_load_edx(out, data);
  for (int i = 0; i < count; ++i) {
    const u32 r = next_random(seed);
    if (r % 7) {
      out = emit_instruction(out, r >> 3);
      continue;
    }
    u8* branch = put2(out, 0x85, 0xC0);  // test eax, eax; js or jne over one instruction
    out = emit_instruction(branch + 2, next_random(seed));
    put2(branch, r & 64 ? 0x78 : 0x75, out - branch - 2);
  }
  return put(out, kLeave, sizeof kLeave);
}
