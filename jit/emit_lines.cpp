// SPDX-License-Identifier: MIT
// Probes that ask for one page first (page_lines.h).
#include "jit/translator.h"

namespace ring3::jit {

using asmjit::imm;

/// kScratchA: linear address -> host address. Flags and kScratchB are lost.
void Translator::probe_line(Line line, Access access, unsigned size, asmjit::Label cold) {
  unsigned room = 0;
  while (size > kLineSizes[room]) ++room;
  const LineMiss miss{a_.newLabel(), a_.newLabel(), cold, index_, line, access, size};
  a_.xor_(kScratchA, line_field(line, offsetof(PageLine, tag)));
  a_.cmp(kScratchA, frame(line_room_at(room)));
  a_.jae(miss.label);
  a_.add(kScratchA, line_field(line, offsetof(PageLine, page)));
  a_.bind(miss.back);
  line_misses_.push_back(miss);
}

void Translator::emit_line_misses() {
  for (const LineMiss& miss : line_misses_) {
    const LineStubs& stubs =
        miss.access == Access::Write ? c_.stubs.line_write : c_.stubs.line_read;
    a_.bind(miss.label);
    mark(static_cast<u8>(miss.index), true);
    a_.mov(kScratchB.r32(), imm(kPageSize - miss.size));
    a_.call(imm(reinterpret_cast<u64>(stubs[miss.line])));
    a_.jnc(miss.back);
    a_.jmp(miss.cold);
  }
}

}  // namespace ring3::jit
