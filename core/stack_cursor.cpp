// SPDX-License-Identifier: MIT
// Stack accesses of far transfers (SDM 1 "Procedure Calls, Interrupts, and Exceptions").
#include "core/stack_cursor.h"

namespace ring3 {

bool within_limit(const Segment& segment, u64 offset, unsigned size) {
  const u64 last = offset + size - 1;
  const bool expand_down = segment.s && (segment.type & 0xC) == 4;
  if (!expand_down) return last <= segment.limit;
  return offset > segment.limit && last <= (segment.db ? 0xFFFFFFFF : 0xFFFF);
}

View view_at(const Cpu& cpu, u8 cpl) {
  if (cpl == 3) return View::User;
  return cpu.state.has(flag::AC) ? View::SupervisorAc : View::Supervisor;
}

StackCursor::StackCursor(Cpu& cpu)
    : StackCursor(cpu, cpu.state.seg[kSs], cpu.state.gpr[kRsp], cpu.state.stack_bytes,
                  cpu.state.cpl, SS(u16{0})) {}

StackCursor::StackCursor(Cpu& cpu, const Segment& ss, u64 rsp, unsigned width, u8 cpl,
                         const Fault& violation)
    : cpu_(cpu),
      ss_(ss),
      rsp_(rsp),
      mask_(low_mask(width * 8)),
      long64_(width == 8),
      view_(view_at(cpu, cpl)),
      violation_(violation) {}

u64 StackCursor::linear(u64 offset, unsigned size) const {
  if (long64_) {
    require(cpu_.canonical(offset) && cpu_.canonical(offset + size - 1), violation_);
    return offset;
  }
  require(ss_.usable && within_limit(ss_, offset, size), violation_);
  return (ss_.base + offset) & 0xFFFFFFFF;
}

void StackCursor::reserve(unsigned bytes) const { linear((rsp_ - bytes) & mask_, bytes); }

void StackCursor::push(u64 value, unsigned size) {
  const u64 next = merge(rsp_ - size);
  const u64 at = linear(next & mask_, size);
  u8* const p = view_ == cpu_.data_view() ? cpu_.mmu.probe_write<8>(at) : nullptr;
  if (p) {
    std::memcpy(p, &value, size);
  } else {
    cpu_.write_linear(at, &value, size, view_, kSs);
  }
  rsp_ = next;
}

u64 StackCursor::pop(unsigned size) {
  u64 value = 0;
  const u64 at = linear(rsp_ & mask_, size);
  const u8* const p = view_ == cpu_.data_view() ? cpu_.mmu.probe_read<8>(at) : nullptr;
  if (p) {
    std::memcpy(&value, p, size);
  } else {
    cpu_.read_linear(at, &value, size, view_, kSs);
  }
  rsp_ = merge(rsp_ + size);
  return value;
}

}  // namespace ring3
