// SPDX-License-Identifier: MIT
#include "verify/state.h"

#include <fmt/format.h>

#include <cstring>
#include <iterator>

namespace ring3::verify {
namespace {

constexpr const char* kGpr[] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};
constexpr const char* kSegment[][13] = {
#define SEGMENT(s)                                                                             \
  {s " selector", s " base", s " limit", s " type", s " s", s " dpl", s " p", s " avl", s " l", \
   s " d/b", s " g", s " usable", s " access base"}
    SEGMENT("es"), SEGMENT("cs"), SEGMENT("ss"),  SEGMENT("ds"),
    SEGMENT("fs"), SEGMENT("gs"), SEGMENT("ldt"), SEGMENT("tr")
#undef SEGMENT
};
constexpr const char* kDr[] = {"dr0", "dr1", "dr2", "dr3", "dr4", "dr5", "dr6", "dr7"};
constexpr const char* kSt[] = {"st0", "st1", "st2", "st3", "st4", "st5", "st6", "st7"};
constexpr const char* kXmm[] = {"xmm0",  "xmm1",  "xmm2",  "xmm3", "xmm4",  "xmm5",
                                "xmm6",  "xmm7",  "xmm8",  "xmm9", "xmm10", "xmm11",
                                "xmm12", "xmm13", "xmm14", "xmm15"};
constexpr const char* kYmm[] = {"ymm0 high",  "ymm1 high",  "ymm2 high",  "ymm3 high",
                                "ymm4 high",  "ymm5 high",  "ymm6 high",  "ymm7 high",
                                "ymm8 high",  "ymm9 high",  "ymm10 high", "ymm11 high",
                                "ymm12 high", "ymm13 high", "ymm14 high", "ymm15 high"};

class List {
 public:
  template <class T>
  List& operator()(const char* name, const T& value) {
    fields.push_back({name, &value, sizeof value});
    return *this;
  }
  void bytes(const char* name, const u8* data, size_t size) { fields.push_back({name, data, size}); }

  std::vector<Field> fields;
};

void add_segments(List& f, const CpuState& s) {
  for (size_t n = 0; n < kSegs; ++n) {
    const Segment& g = s.seg[n];
    const auto& name = kSegment[n];
    f(name[0], g.selector)(name[1], g.base)(name[2], g.limit)(name[3], g.type)(name[4], g.s);
    f(name[5], g.dpl)(name[6], g.present)(name[7], g.avl)(name[8], g.l)(name[9], g.db)(name[10],
                                                                                       g.g);
    f(name[11], g.usable)(name[12], g.access_base);
  }
}

void add_msrs(List& f, const CpuState& s) {
  f("sysenter_cs", s.sysenter_cs)("sysenter_esp", s.sysenter_esp)("sysenter_eip", s.sysenter_eip);
  f("star", s.star)("lstar", s.lstar)("cstar", s.cstar)("fmask", s.fmask);
  f("kernel_gs_base", s.kernel_gs_base)("tsc_offset", s.tsc_offset)("tsc_aux", s.tsc_aux);
  f("pat", s.pat)("misc_enable", s.misc_enable)("mtrr_def_type", s.mtrr_def_type);
  f("mtrr_fixed", s.mtrr_fixed)("mtrr_variable", s.mtrr_variable);
  f("xss", s.xss)("debug_ctl", s.debug_ctl)("spec_ctrl", s.spec_ctrl);
}

/// SDM 1 "Managing State Using the XSAVE Feature Set": legacy region, header, YMM.
void add_fpu(List& f, const u8* image) {
  f.bytes("fcw", image, 2);
  f.bytes("fsw", image + 2, 2);
  f.bytes("ftw", image + 4, 1);
  f.bytes("fop", image + 6, 2);
  f.bytes("fip", image + 8, 8);
  f.bytes("fdp", image + 16, 8);
  f.bytes("mxcsr", image + 24, 4);
  for (unsigned n = 0; n < 8; ++n) f.bytes(kSt[n], image + 32 + 16 * n, 10);
  for (unsigned n = 0; n < 16; ++n) f.bytes(kXmm[n], image + 160 + 16 * n, 16);
  for (unsigned n = 0; n < 16; ++n) f.bytes(kYmm[n], image + 576 + 16 * n, 16);
}

std::string hex(const Field& f) {
  const u8* p = static_cast<const u8*>(f.data);
  std::string text;
  for (size_t n = f.size; n-- > 0;) fmt::format_to(std::back_inserter(text), "{:02x}", p[n]);
  return f.size <= 32 ? text : "..." + text.substr(text.size() - 29);
}

bool differ(const Field& a, const Field& b) { return std::memcmp(a.data, b.data, a.size) != 0; }

/// Of no interest unless it differs: most of the system state.
bool quiet(const std::vector<Field>& fields, size_t n) { return n > 17 && n < fields.size(); }

}  // namespace

std::vector<Field> fields_of(const Cpu& cpu) {
  const CpuState& s = cpu.state;
  List f;
  for (unsigned n = 0; n < 16; ++n) f(kGpr[n], s.gpr[n]);
  f("rip", s.gpr[CpuState::kRipSlot])("rflags", s.rflags);
  add_segments(f, s);
  f("gdtr base", s.gdtr.base)("gdtr limit", s.gdtr.limit);
  f("idtr base", s.idtr.base)("idtr limit", s.idtr.limit);
  f("cr0", s.cr0)("cr2", s.cr2)("cr3", s.cr3)("cr4", s.cr4)("cr8", s.cr8)("efer", s.efer);
  f("xcr0", s.xcr0)("pkru", s.pkru);
  for (unsigned n = 0; n < 8; ++n) f(kDr[n], s.dr[n]);
  f("mode", s.mode)("cpl", s.cpl)("linear_mask", s.linear_mask)("ip_mask", s.ip_mask);
  f("code_limit", s.code_limit)("stack_bytes", s.stack_bytes)("mode_key", s.mode_key);
  add_msrs(f, s);
  f("shadow", s.shadow)("nmi_blocked", s.nmi_blocked)("activity", s.activity);
  f("instructions", s.instructions)("entropy_counter", s.entropy_counter);
  f("pending_dr6", cpu.pending_dr6)("sipi_vector", cpu.sipi_vector);
  add_fpu(f, s.fpu.image);
  return f.fields;
}

bool same_fields(const std::vector<Field>& a, const std::vector<Field>& b) {
  for (size_t n = 0; n < a.size(); ++n)
    if (differ(a[n], b[n])) return false;
  return true;
}

std::string side_by_side(const std::vector<Field>& a, const std::vector<Field>& b,
                         const char* name_a, const char* name_b) {
  std::string text = fmt::format("  {:16} {:32} {:32}\n", "", name_a, name_b);
  for (size_t n = 0; n < a.size(); ++n) {
    const bool differs = differ(a[n], b[n]);
    if (!differs && quiet(a, n)) continue;
    fmt::format_to(std::back_inserter(text), "{} {:16} {:32} {:32}\n", differs ? '*' : ' ',
                   a[n].name, hex(a[n]), hex(b[n]));
  }
  return text;
}

}  // namespace ring3::verify
