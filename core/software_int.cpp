// SPDX-License-Identifier: MIT
// INT n, INT1, INT3, INTO, BOUND (SDM 2A), and the rows of the far family.
#include "core/debug.h"
#include "core/far.h"
#include "core/handlers.h"

namespace ring3 {

namespace {

void software_interrupt(Cpu& cpu, u8 vector, Source source) {
  cpu.exits.add(ExitReason::SoftwareInterrupt);
  deliver(cpu, vector, source, std::nullopt, cpu.state.rip());
}

void int_n_run(Cpu& cpu, const Insn& i) {
  software_interrupt(cpu, static_cast<u8>(i.imm), Source::SoftwareInt);
}

void int1_run(Cpu& cpu, const Insn&) { software_interrupt(cpu, 1, Source::Int1); }
void int3_run(Cpu& cpu, const Insn&) { software_interrupt(cpu, 3, Source::Int3); }

void into_run(Cpu& cpu, const Insn&) {
  require(!cpu.state.long64(), UD());
  if (cpu.state.has(flag::OF)) software_interrupt(cpu, 4, Source::Into);
}

// Signed index within the two bounds in memory, both included, else #BR.
template <class T>
void check_bounds(Cpu& cpu, const Insn& i) {
  using Signed = std::make_signed_t<T>;
  const Seg seg = static_cast<Seg>(i.segment);
  const u64 at = cpu.effective_address(i);
  const u64 upper_at = (at + sizeof(T)) & low_mask(i.address_width * 8u);
  const auto index = static_cast<Signed>(cpu.reg<T>(i.dst));
  const auto lower = static_cast<Signed>(cpu.read<T>(seg, at));
  const auto upper = static_cast<Signed>(cpu.read<T>(seg, upper_at));
  require(index >= lower && index <= upper, BR());
}

void bound_run(Cpu& cpu, const Insn& i) {
  require(i.kinds[1] == Kind::Mem, UD());
  if (i.operand_width == 2) {
    check_bounds<u16>(cpu, i);
  } else {
    check_bounds<u32>(cpu, i);
  }
}

constexpr Binding int_n = one<int_n_run>, int1 = one<int1_run>, int3 = one<int3_run>,
                  into = one<into_run>, bound = one<bound_run>;

constexpr FamilyRow kRows[] = {
#define ROW(m, f, t, h) {ZYDIS_MNEMONIC_##m, h},
#include "decoder/isa/far.def"
#undef ROW
};

}  // namespace

FamilyTable far_family() { return kRows; }

}  // namespace ring3
