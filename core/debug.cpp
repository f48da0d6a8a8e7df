// SPDX-License-Identifier: MIT
// Breakpoints (SDM 3B "Debug Registers", "Debug Exceptions"). Not emulated: last branch records,
// branch trace store, BTF.
#include "core/debug.h"

#include <vector>

#include "core/block_cache.h"
#include "core/debug_stops.h"
#include "core/system.h"

namespace ring3 {

namespace {

enum Condition : u8 { kExecute = 0, kWrite = 1, kIo = 2, kReadWrite = 3 };

constexpr unsigned kBreakpoints = 4;

bool enabled(u64 dr7, unsigned n) { return dr7 >> (n * 2) & 3; }
u8 condition(u64 dr7, unsigned n) { return dr7 >> (16 + n * 4) & 3; }
unsigned length(u64 dr7, unsigned n) {
  constexpr u8 kBytes[4] = {1, 2, 8, 4};
  return kBytes[dr7 >> (18 + n * 4) & 3];
}

bool any_enabled(const CpuState& state, bool execute) {
  const u64 dr7 = state.dr[7];
  if (!(dr7 & 0xFF)) return false;
  for (unsigned n = 0; n < kBreakpoints; ++n)
    if (enabled(dr7, n) && (condition(dr7, n) == kExecute) == execute) return true;
  return false;
}

// Reported whether enabled or not (SDM 3B "Debug Status Register"); a trap needs an enabled one.
template <class Wants>
void note(Cpu& cpu, u64 address, unsigned size, Wants wants) {
  const u64 dr7 = cpu.state.dr[7];
  u64 matches = 0;
  bool trap = false;
  for (unsigned n = 0; n < kBreakpoints; ++n) {
    if (!wants(condition(dr7, n))) continue;
    const u64 len = length(dr7, n);
    const u64 start = cpu.state.dr[n] & ~(len - 1);
    if (start - address >= size && address - start >= len) continue;  // modulo 2^64
    matches |= bit(n);
    trap |= enabled(dr7, n);
  }
  if (!trap) return;
  cpu.pending_dr6 |= matches;
  cpu.signals |= kSignalTrap;
  if (cpu.blocks) cpu.blocks->stop_running();
}

constexpr size_t kMaxArmed = 64;

void add_pages(std::vector<u64>& pages, u64 start, u64 size) {
  const u64 first = start >> kPageShift, last = (start + size - 1) >> kPageShift;
  for (u64 n = 0; n <= last - first && pages.size() <= kMaxArmed; ++n)
    pages.push_back((first + n) << kPageShift);
}

}  // namespace

bool instruction_breakpoints(const CpuState& state) { return any_enabled(state, true); }
bool data_breakpoints(const CpuState& state) { return any_enabled(state, false); }

bool arm_data_breakpoints(Cpu& cpu) {
  const CpuState& st = cpu.state;
  const bool watching = cpu.stops && cpu.stops->watching();
  if (!(st.dr[7] & 0xFF) && !watching && !cpu.mmu.armed()) return false;
  std::vector<u64> pages;
  for (unsigned n = 0; n < kBreakpoints; ++n) {
    const u8 c = condition(st.dr[7], n);
    if (!enabled(st.dr[7], n) || (c != kWrite && c != kReadWrite)) continue;
    const u64 bytes = length(st.dr[7], n);
    add_pages(pages, st.dr[n] & ~(bytes - 1), bytes);
  }
  if (watching)
    cpu.stops->for_each_watch([&](const auto& w) { add_pages(pages, w.address, w.size); });
  const bool wide = pages.size() > kMaxArmed;
  if (wide) pages.clear();
  cpu.mmu.arm(std::move(pages));
  return wide;
}

bool stops_after_instruction(const Cpu& cpu) {
  return cpu.pending_dr6 != 0 || (cpu.signals.load(std::memory_order_relaxed) & kSignalDebug);
}

bool stops_after_iteration(Cpu& cpu) {
  if (!stops_after_instruction(cpu)) return false;
  cpu.state.rflags |= flag::RF;
  return true;
}

u64 match_instruction(const CpuState& state, u64 linear) {
  u64 matches = 0;
  bool trap = false;
  for (unsigned n = 0; n < kBreakpoints; ++n) {
    if (condition(state.dr[7], n) != kExecute || state.dr[n] != linear) continue;
    matches |= bit(n);
    trap |= enabled(state.dr[7], n);
  }
  return trap ? matches : 0;
}

void note_data_access(Cpu& cpu, u64 linear, unsigned size, Access access) {
  if (cpu.stops) cpu.stops->note_access(linear, size, access);
  if (!(cpu.state.dr[7] & 0xFF)) return;
  note(cpu, linear, size,
       [access](u8 c) { return c == kReadWrite || (c == kWrite && access == Access::Write); });
}

void note_io_access(Cpu& cpu, u16 port, unsigned size) {
  if (!(cpu.state.dr[7] & 0xFF) || !(cpu.state.cr4 & cr4::DE)) return;
  note(cpu, port, size, [](u8 c) { return c == kIo; });
}

bool alignment_checked(const CpuState& state) {
  return state.cpl == 3 && (state.cr0 & cr0::AM) && state.has(flag::AC);
}

bool stops_at_iterations(const CpuState& st) {
  return st.has(flag::TF) || instruction_breakpoints(st) || data_breakpoints(st);
}

bool ends_resume(Cpu& cpu) {
  CpuState& st = cpu.state;
  if (!st.has(flag::RF) || st.has(flag::TF) || st.shadow || cpu.pending_dr6 || cpu.stops ||
      instruction_breakpoints(st))
    return false;
  st.rflags &= ~flag::RF;
  cpu.signals &= ~u32{kSignalTrap};
  return true;
}

void update_trap_signal(Cpu& cpu) {
  const CpuState& st = cpu.state;
  const bool wanted =
      st.has(flag::TF | flag::RF) || st.shadow || cpu.pending_dr6 || instruction_breakpoints(st);
  const bool set = cpu.signals.load(std::memory_order_relaxed) & kSignalTrap;
  if (wanted == set) return;
  if (wanted) {
    cpu.signals |= kSignalTrap;
  } else {
    cpu.signals &= ~u32{kSignalTrap};
  }
}

void before_step(Cpu& cpu) {
  CpuState& st = cpu.state;
  const bool resume = st.has(flag::RF);
  const bool ss_shadow = st.shadow & CpuState::kSsShadow;
  // The shadow and RF cover one instruction: the one about to run.
  st.shadow = CpuState::kNoShadow;
  st.rflags &= ~flag::RF;
  cpu.no_step_trap = false;
  if (resume || ss_shadow) return;
  const u64 base = st.long64() ? 0 : st.seg[kCs].base;
  const u64 hit = match_instruction(st, (base + st.rip()) & st.linear_mask);
  if (hit) raise(DB(hit));
}

void after_step(Cpu& cpu, bool tf_was_set) {
  // MOV SS and POP SS hold the single-step trap off; gates and SYSCALL clear TF first.
  const bool held = cpu.no_step_trap || (cpu.state.shadow & CpuState::kSsShadow);
  if (tf_was_set && !held) cpu.pending_dr6 |= dr6::BS;
  cpu.no_step_trap = false;
  update_trap_signal(cpu);
}

}  // namespace ring3
