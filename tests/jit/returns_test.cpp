// SPDX-License-Identifier: MIT
// Returns: to where their call wants them, and elsewhere.
#include "engine_pair.h"

namespace ring3 {
namespace {

void clear(BareMachine& m) {
  for (Gpr r : {kRax, kRcx, kRdx, kRbx}) m.reg(r) = 0;
}

void run_in_both_modes(const std::vector<u8>& code) {
  for (bool bits32 : {false, true}) {
    INFO("32 bits " << bits32);
    EnginePair pair;
    pair.bits32 = bits32;
    pair.run(code, clear);
  }
}

}  // namespace

TEST_CASE("jit returns: calls nested deeper than places are kept for -> the interpreter's state") {
  // mov ecx, 700; call f; hlt; f: dec ecx; jz out; call f; inc rax; out: ret
  run_in_both_modes({0xB9, 0xBC, 0x02, 0,    0,    0xE8, 1,    0,    0,    0,    0xF4, 0xFF,
                     0xC9, 0x74, 8,    0xE8, 0xF7, 0xFF, 0xFF, 0xFF, 0x48, 0xFF, 0xC0, 0xC3});
}

TEST_CASE("jit returns: a function moves its return address -> goes there") {
  // mov ecx, 64; l: call f; inc eax; inc ebx; dec ecx; jnz l; hlt
  // f: mov edx, ecx; and edx, 1; add edx, edx; add [rsp], rdx; ret
  run_in_both_modes({0xB9, 0x40, 0,    0,    0,    0xE8, 0x0A, 0,    0,    0,    0xFF,
                     0xC0, 0xFF, 0xC3, 0xFF, 0xC9, 0x75, 0xF3, 0xF4, 0x90, 0x89, 0xCA,
                     0x83, 0xE2, 1,    0x01, 0xD2, 0x48, 0x01, 0x14, 0x24, 0xC3});
}

TEST_CASE("jit returns: a function overwrites what its call returns to -> the new code runs") {
  // mov ecx, 20; l: call f; n: inc eax; dec ecx; jnz l; hlt; f: xor byte [n + 1], 8; ret
  EnginePair pair;
  pair.run({0xB9, 0x14, 0,    0,    0,    0xE8, 0x0A, 0,    0,    0,    0xFF, 0xC0, 0xFF, 0xC9,
            0x75, 0xF5, 0xF4, 0x90, 0x90, 0x90, 0x80, 0x35, 0xF0, 0xFF, 0xFF, 0xFF, 8,    0xC3},
           clear);
}

TEST_CASE("jit returns: two return addresses at the same place of two stacks -> both are right") {
  // mov ecx, 30; l: call f; inc eax; dec ecx; jnz l; hlt
  // f: lea rsp, [rsp-0x7F8]; call g; lea rsp, [rsp+0x7F8]; ret; g: inc ebx; ret
  run_in_both_modes({0xB9, 0x1E, 0,    0,    0,    0xE8, 7,    0,    0,    0,    0xFF,
                     0xC0, 0xFF, 0xC9, 0x75, 0xF5, 0xF4, 0x48, 0x8D, 0xA4, 0x24, 0x08,
                     0xF8, 0xFF, 0xFF, 0xE8, 9,    0,    0,    0,    0x48, 0x8D, 0xA4,
                     0x24, 0xF8, 7,    0,    0,    0xC3, 0xFF, 0xC3, 0xC3});
}

TEST_CASE("jit returns: to address 0, without a call -> goes there") {
  EnginePair pair;
  pair.run({0x6A, 0, 0xC3}, [](BareMachine& m) {  // push 0; ret
    clear(m);
    m.put(0, {0xFF, 0xC0, 0xF4});  // inc eax; hlt
  });
}

}  // namespace ring3
