// SPDX-License-Identifier: MIT
#include "tests/differential/runner.h"

#include <fmt/format.h>

#include <cstring>

#include "verify/flags.h"

namespace ring3::differential {
namespace {

/// Physical memory that a program can reach, but the page tables' own accessed bits.
struct Range {
  u64 start, end;
};
constexpr Range kRanges[] = {
    {0x0000, kCodePhysical},
    {kCodePhysical, kCodePhysical + kCodePages* kPageSize},
    {kDataPhysical, kDataPhysical + kDataPages* kPageSize},
    {kStackPhysical, kStackPhysical + kStackPages* kPageSize},
    {0x100000, 0x108000},
};

bool same_image(const u8* a, const u8* b) {
  return verify::same_but_arithmetic_flags(load<u32>(a), load<u32>(b), 4) ||
         verify::same_but_arithmetic_flags(load<u16>(a), load<u16>(b), 2);
}

/// A flags image there that may differ is made the interpreter's. On a stack at an odd address,
/// too.
bool made_equal(u8* jit, const u8* interp, u64 at) {
  if (!same_image(jit + at, interp + at)) return false;
  std::memcpy(jit + at, interp + at, 2);
  return true;
}

}  // namespace

Runner::Runner()
    : interp_(std::make_unique<Machine>(false)), jit_(std::make_unique<Machine>(true)) {}

std::string Runner::check(u64 seed) {
  const Program program = make_program(seed);
  std::string report = compare(program);
  if (report.empty()) return {};
  return minimal(program, std::move(report));
}

std::string Runner::compare(const Program& program) {
  interp_->start(program);
  jit_->start(program);
  interp_->reference->agreed(true);
  for (size_t n = 0; n < program.slices.size(); ++n) {
    const Exit expected = interp_->run(program.slices[n]);
    const Exit exit = jit_->run(program.slices[n]);
    std::string report = look();
    if (exit != expected)
      report += fmt::format("* exit: jit {}, interp {}\n", static_cast<int>(exit),
                            static_cast<int>(expected));
    if (!report.empty()) return report;
    interp_->reference->agreed(true);
    if (expected != Exit::Deadline) break;
    if (program.nmis >> n & 1) {
      interp_->cpu.pulse_nmi();
      jit_->cpu.pulse_nmi();
    }
  }
  instructions_ += interp_->cpu.state.instructions;
  faults_ += interp_->cpu.state.activity == CpuState::Activity::Halted;
  return {};
}

/// Empty if both are in the same state. Flags that may differ are made equal.
std::string Runner::look() {
  CpuState& jit = jit_->cpu.state;
  const CpuState& interp = interp_->cpu.state;
  if (((jit.rflags ^ interp.rflags) & ~interp_->reference->undefined()) == 0)
    jit.rflags = interp.rflags;
  for (unsigned r = 0; r < 16; ++r)
    if (verify::same_but_arithmetic_flags(jit.gpr[r], interp.gpr[r], 8)) jit.gpr[r] = interp.gpr[r];
  std::string memory = look_at_memory();
  if (jit_->sponge.state != interp_->sponge.state) memory += "* the device saw other accesses\n";
  if (verify::same_fields(jit_->fields, interp_->fields) && memory.empty()) return {};
  return verify::side_by_side(jit_->fields, interp_->fields, "jit", "interp") + memory;
}

std::string Runner::look_at_memory() {
  std::string report;
  u8* jit = jit_->memory.ram().data();
  u8* interp = interp_->memory.ram().data();
  for (const Range& range : kRanges) {
    if (std::memcmp(jit + range.start, interp + range.start, range.end - range.start) == 0)
      continue;
    for (u64 at = range.start; at < range.end; ++at) {
      if (jit[at] == interp[at]) continue;
      if (made_equal(jit, interp, at) || (at > range.start && made_equal(jit, interp, at - 1)))
        continue;
      report += fmt::format("* memory {:#x}: jit {:02x}, interp {:02x}\n", at, jit[at], interp[at]);
      if (report.size() > 1000) return report + "* and more\n";
    }
  }
  return report;
}

std::string Runner::on_fresh_machines(const Program& program) { return Runner().compare(program); }

/// Leaves out steps as long as it still fails. Branches keep their targets by number: a step that
/// is left out becomes empty.
std::string Runner::minimal(Program program, std::string report) {
  std::string fresh = on_fresh_machines(program);
  const bool repeats = !fresh.empty();
  if (repeats) report = std::move(fresh);
  for (size_t n = 0; repeats && n + 1 < program.items.size(); ++n) {
    Program shorter = program;
    shorter.items[n] = {Item::Kind::Bytes, {}};
    if (!looks_at_defined_flags(shorter)) continue;
    std::string still = on_fresh_machines(shorter);
    if (still.empty()) continue;
    program = std::move(shorter);
    report = std::move(still);
  }
  interp_ = std::make_unique<Machine>(false);
  jit_ = std::make_unique<Machine>(true);
  return fmt::format("{}: {}\n{}slices", name_of(program.mode),
                     repeats ? "the shortest program that differs"
                             : "differs only after the programs before it",
                     listing(program)) +
         fmt::format(" {}, NMIs {:x}\n{}", fmt::join(program.slices, " "), program.nmis, report);
}

}  // namespace ring3::differential
