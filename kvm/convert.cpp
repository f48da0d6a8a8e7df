// SPDX-License-Identifier: MIT
#include "kvm/convert.h"

namespace ring3::kvm {
namespace {

// kvm_regs counts in its own order.
struct GprField {
  Gpr gpr;
  __u64 kvm_regs::*field;
};
constexpr GprField kGprs[] = {
    {kRax, &kvm_regs::rax}, {kRcx, &kvm_regs::rcx}, {kRdx, &kvm_regs::rdx}, {kRbx, &kvm_regs::rbx},
    {kRsp, &kvm_regs::rsp}, {kRbp, &kvm_regs::rbp}, {kRsi, &kvm_regs::rsi}, {kRdi, &kvm_regs::rdi},
    {kR8, &kvm_regs::r8},   {kR9, &kvm_regs::r9},   {kR10, &kvm_regs::r10}, {kR11, &kvm_regs::r11},
    {kR12, &kvm_regs::r12}, {kR13, &kvm_regs::r13}, {kR14, &kvm_regs::r14}, {kR15, &kvm_regs::r15}};

struct SegmentField {
  Seg seg;
  kvm_segment kvm_sregs::*field;
};
constexpr SegmentField kSegments[] = {
    {kEs, &kvm_sregs::es}, {kCs, &kvm_sregs::cs}, {kSs, &kvm_sregs::ss},   {kDs, &kvm_sregs::ds},
    {kFs, &kvm_sregs::fs}, {kGs, &kvm_sregs::gs}, {kLdtr, &kvm_sregs::ldt}, {kTr, &kvm_sregs::tr}};

kvm_segment to_kvm(const Segment& s) {
  kvm_segment k{};
  k.base = s.base;
  k.limit = s.limit;
  k.selector = s.selector;
  k.type = s.type;
  k.present = s.present;
  k.dpl = s.dpl;
  k.db = s.db;
  k.s = s.s;
  k.l = s.l;
  k.g = s.g;
  k.avl = s.avl;
  k.unusable = !s.usable;
  return k;
}

Segment from_kvm(const kvm_segment& k) {
  Segment s;
  s.base = k.base;
  s.limit = k.limit;
  s.selector = k.selector;
  s.type = k.type;
  s.present = k.present;
  s.dpl = k.dpl;
  s.db = k.db;
  s.s = k.s;
  s.l = k.l;
  s.g = k.g;
  s.avl = k.avl;
  s.usable = !k.unusable;
  return s;
}

kvm_dtable to_kvm(const TableRegister& t) {
  kvm_dtable k{};
  k.base = t.base;
  k.limit = t.limit;
  return k;
}

}  // namespace

void to_kvm(const CpuState& from, kvm_regs& to) {
  for (const GprField& f : kGprs) to.*f.field = from.gpr[f.gpr];
  to.rip = from.rip();
  to.rflags = from.rflags;
}

void from_kvm(const kvm_regs& from, CpuState& to) {
  for (const GprField& f : kGprs) to.gpr[f.gpr] = from.*f.field;
  to.rip() = from.rip;
  to.rflags = (from.rflags & flag::kAll) | flag::kFixed;
}

void to_kvm(const CpuState& from, kvm_sregs& to) {
  for (const SegmentField& f : kSegments) to.*f.field = to_kvm(from.seg[f.seg]);
  to.gdt = to_kvm(from.gdtr);
  to.idt = to_kvm(from.idtr);
  to.cr0 = from.cr0;
  to.cr2 = from.cr2;
  to.cr3 = from.cr3;
  to.cr4 = from.cr4;
  to.efer = from.efer;
}

void from_kvm(const kvm_sregs& from, CpuState& to) {
  for (const SegmentField& f : kSegments) to.seg[f.seg] = from_kvm(from.*f.field);
  to.gdtr = {from.gdt.base, from.gdt.limit};
  to.idtr = {from.idt.base, from.idt.limit};
  to.cr0 = from.cr0;
  to.cr2 = from.cr2;
  to.cr3 = from.cr3;
  to.cr4 = from.cr4;
  to.cr8 = from.cr8;
  to.efer = from.efer;
}

}  // namespace ring3::kvm
