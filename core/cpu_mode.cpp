// SPDX-License-Identifier: MIT
// What follows from CR0, CR4, EFER, RFLAGS, the segment registers and DR7: mode, masks, views.
#include "core/debug.h"
#include "core/stack_cursor.h"
#include "decoder/block.h"

namespace ring3 {

namespace {

CpuMode mode_of(const CpuState& st) {
  if (!(st.cr0 & cr0::PE)) return CpuMode::Real;
  if (st.has(flag::VM)) return CpuMode::Virtual8086;
  if (!st.long_mode()) return CpuMode::Protected;
  return st.seg[kCs].l ? CpuMode::Long64 : CpuMode::Compatibility;
}

void derive_segment(Segment& s, bool long64, bool has_base) {
  if (long64) {
    s.access_base = has_base ? s.base : 0;
    s.flat_read = s.flat_write = true;
    return;
  }
  const bool code = s.type & 8;
  const bool expand_down = !code && (s.type & 4);
  const bool flat = s.usable && s.s && s.limit == 0xFFFFFFFF && !expand_down;
  s.access_base = s.base;
  s.flat_read = flat && (!code || (s.type & 2));
  s.flat_write = flat && !code && (s.type & 2);
}

u64 code_mask(const CpuState& st) {
  if (st.long64()) return ~u64{0};
  return st.seg[kCs].db ? 0xFFFFFFFF : 0xFFFF;
}

/// 32-bit code, stack and data segments that cover the whole linear space from 0: what the
/// translator asks of 32-bit code.
bool flat32(const CpuState& st) {
  const Segment& code = st.seg[kCs];
  if (st.long64() || !code.db || code.base != 0 || code.limit != 0xFFFFFFFF) return false;
  if (!st.seg[kSs].db) return false;
  for (const Seg n : {kEs, kSs, kDs}) {
    const Segment& s = st.seg[n];
    if (!s.flat_read || !s.flat_write || s.access_base != 0) return false;
  }
  return true;
}

u32 key_of(const CpuState& st) {
  const u32 code_size = st.long64() ? 2 : st.seg[kCs].db ? 1 : 0;
  u32 key = code_size;
  if (st.long64()) key |= 1 << 2;
  if (st.cpl == 3) key |= kUserCode;
  if (st.cpl == 1 || st.cpl == 2) key |= kMiddleRing;
  if (st.mode == CpuMode::Virtual8086) key |= 1 << 4;
  if (st.seg[kSs].db) key |= kWideStack;
  if (st.cr0 & cr0::PE) key |= 1 << 6;
  if (flat32(st)) key |= kFlat32;
  if (st.long_mode()) key |= kLongMode;
  return key;
}

}  // namespace

void Cpu::update_mode() {
  CpuState& st = state;
  st.mode = mode_of(st);
  if (st.mode == CpuMode::Real) st.cpl = 0;
  if (st.mode == CpuMode::Virtual8086) st.cpl = 3;
  const bool long64 = st.long64();
  st.linear_mask = long64 ? ~u64{0} : 0xFFFFFFFF;
  st.ip_mask = code_mask(st);
  st.code_limit = long64 ? ~u64{0} : st.seg[kCs].limit;
  st.stack_bytes = long64 ? 8 : st.seg[kSs].db ? 4 : 2;
  for (unsigned n = kEs; n <= kGs; ++n) derive_segment(st.seg[n], long64, n >= kFs);
  st.mode_key = key_of(st);
  update_flags_mode();
}

void Cpu::update_level() {
  CpuState& st = state;
  if (!st.long64() || !st.seg[kCs].l) return update_mode();
  derive_segment(st.seg[kCs], true, false);
  derive_segment(st.seg[kSs], true, false);
  st.mode_key = key_of(st);
  update_flags_mode();
}

void Cpu::update_flags_mode() {
  mmu.set_view(view_at(*this, state.cpl));
  const bool wide = arm_data_breakpoints(*this);
  mmu.set_bypass(wide || alignment_checked(state));
  update_trap_signal(*this);
}

}  // namespace ring3
