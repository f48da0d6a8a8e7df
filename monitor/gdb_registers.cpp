// SPDX-License-Identifier: MIT
#include "monitor/gdb_registers.h"

#include <fmt/format.h>

#include <cstring>

#include "core/system.h"

namespace ring3 {
namespace {

// The XSAVE image: SDM 1 "Legacy Region of an XSAVE Area", AVX state at 576.
constexpr int kFcw = 0, kFsw = 2, kFtw = 4, kFop = 6, kFip = 8, kFcs = 12, kFdp = 16, kFds = 20,
              kMxcsr = 24, kSt = 32, kXmm = 160, kYmmHigh = 576;

constexpr std::string_view kEflags =
    "<flags id=\"i386_eflags\" size=\"4\">"
    "<field name=\"CF\" start=\"0\" end=\"0\"/><field name=\"PF\" start=\"2\" end=\"2\"/>"
    "<field name=\"AF\" start=\"4\" end=\"4\"/><field name=\"ZF\" start=\"6\" end=\"6\"/>"
    "<field name=\"SF\" start=\"7\" end=\"7\"/><field name=\"TF\" start=\"8\" end=\"8\"/>"
    "<field name=\"IF\" start=\"9\" end=\"9\"/><field name=\"DF\" start=\"10\" end=\"10\"/>"
    "<field name=\"OF\" start=\"11\" end=\"11\"/><field name=\"NT\" start=\"14\" end=\"14\"/>"
    "<field name=\"RF\" start=\"16\" end=\"16\"/><field name=\"VM\" start=\"17\" end=\"17\"/>"
    "<field name=\"AC\" start=\"18\" end=\"18\"/><field name=\"VIF\" start=\"19\" end=\"19\"/>"
    "<field name=\"VIP\" start=\"20\" end=\"20\"/><field name=\"ID\" start=\"21\" end=\"21\"/>"
    "</flags>";

constexpr std::string_view kVectors =
    "<vector id=\"v4f\" type=\"ieee_single\" count=\"4\"/>"
    "<vector id=\"v2d\" type=\"ieee_double\" count=\"2\"/>"
    "<vector id=\"v16i8\" type=\"int8\" count=\"16\"/>"
    "<vector id=\"v8i16\" type=\"int16\" count=\"8\"/>"
    "<vector id=\"v4i32\" type=\"int32\" count=\"4\"/>"
    "<vector id=\"v2i64\" type=\"int64\" count=\"2\"/>"
    "<union id=\"vec128\">"
    "<field name=\"v4_float\" type=\"v4f\"/><field name=\"v2_double\" type=\"v2d\"/>"
    "<field name=\"v16_int8\" type=\"v16i8\"/><field name=\"v8_int16\" type=\"v8i16\"/>"
    "<field name=\"v4_int32\" type=\"v4i32\"/><field name=\"v2_int64\" type=\"v2i64\"/>"
    "<field name=\"uint128\" type=\"uint128\"/></union>";

u16 image16(const CpuState& s, int at) { return load<u16>(s.fpu.image + at); }
u32 image32(const CpuState& s, int at) { return load<u32>(s.fpu.image + at); }

/// The full tag word from the abridged one, by stack position: 0 used, 3 empty.
u16 full_tags(const CpuState& s) {
  u16 tags = 0;
  for (unsigned n = 0; n < 8; ++n)
    if (!(s.fpu.image[kFtw] >> n & 1)) tags |= static_cast<u16>(3 << (2 * n));
  return tags;
}

void set_full_tags(Cpu& cpu, u64 tags) {
  u8 abridged = 0;
  for (unsigned n = 0; n < 8; ++n)
    if ((tags >> (2 * n) & 3) != 3) abridged |= static_cast<u8>(1 << n);
  cpu.state.fpu.image[kFtw] = abridged;
}

}  // namespace

std::string_view name_of(GdbArch arch) {
  constexpr std::string_view kNames[] = {"i8086", "i386", "i386:x86-64"};
  return kNames[static_cast<size_t>(arch)];
}

GdbArch arch_of(const CpuState& s) {
  if (s.long_mode()) return GdbArch::X86_64;
  return s.seg[kCs].db ? GdbArch::I386 : GdbArch::I8086;
}

GdbRegisters::GdbRegisters(GdbArch arch) : arch_(arch) {
  feature("org.gnu.gdb.i386.core", std::string(kEflags));
  add_core();
  add_segments();
  add_x87();
  feature("org.gnu.gdb.i386.sse", std::string(kVectors));
  add_vectors();
  if (wide()) feature("org.gnu.gdb.i386.segments");
  add_bases();
  feature("org.ring3.i386.system");
  add_system();
}

void GdbRegisters::feature(std::string name, std::string types) {
  features_.push_back({std::move(name), std::move(types), rows_.size()});
}

void GdbRegisters::add(std::string name, unsigned bits, std::string type, Read read, Write write) {
  rows_.push_back({std::move(name), std::move(type), bits, -1, std::move(read), std::move(write)});
}

void GdbRegisters::add_image(std::string name, unsigned bits, std::string type, int offset) {
  rows_.push_back({std::move(name), std::move(type), bits, offset, {}, {}});
}

void GdbRegisters::add_core() {
  constexpr std::string_view kWideOrder[] = {"rax", "rbx", "rcx", "rdx", "rsi", "rdi",
                                             "rbp", "rsp", "r8",  "r9",  "r10", "r11",
                                             "r12", "r13", "r14", "r15"};
  constexpr u8 kWideNumbers[] = {kRax, kRbx, kRcx, kRdx, kRsi, kRdi, kRbp, kRsp,
                                 kR8,  kR9,  kR10, kR11, kR12, kR13, kR14, kR15};
  constexpr std::string_view kOrder[] = {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"};
  const auto general = [this](std::string_view name, u8 number) {
    const bool pointer = number == kRsp || number == kRbp;
    add(std::string(name), word(), pointer ? "data_ptr" : wide() ? "int64" : "int32",
        [number](const CpuState& s) { return s.gpr[number]; },
        [number](Cpu& cpu, u64 value) { cpu.state.gpr[number] = value; });
  };
  if (wide()) {
    for (size_t n = 0; n < 16; ++n) general(kWideOrder[n], kWideNumbers[n]);
  } else {
    for (u8 n = 0; n < 8; ++n) general(kOrder[n], n);
  }
  add(
      wide() ? "rip" : "eip", word(), "code_ptr", [](const CpuState& s) { return s.rip(); },
      [](Cpu& cpu, u64 value) { cpu.state.rip() = value & cpu.state.ip_mask; });
  add(
      "eflags", 32, "i386_eflags", [](const CpuState& s) { return s.rflags; },
      [](Cpu& cpu, u64 value) {
        // VM changes what the segment registers mean: IRET does that, not a debugger.
        const u64 writable = flag::kAll & ~flag::VM;
        cpu.set_rflags((cpu.state.rflags & ~writable) | (value & writable));
      });
}

void GdbRegisters::add_segments() {
  constexpr std::pair<const char*, Seg> kOrder[] = {{"cs", kCs}, {"ss", kSs}, {"ds", kDs},
                                                    {"es", kEs}, {"fs", kFs}, {"gs", kGs}};
  for (const auto& [name, seg] : kOrder) {
    const Seg which = seg;
    Write write = [which](Cpu& cpu, u64 value) {
      load_segment(cpu, which, {static_cast<u16>(value)});
    };
    if (which == kCs) write = {};
    add(
        name, 32, "int32", [which](const CpuState& s) { return u64{s.seg[which].selector}; },
        std::move(write));
  }
}

void GdbRegisters::add_x87() {
  for (int n = 0; n < 8; ++n) add_image(fmt::format("st{}", n), 80, "i387_ext", kSt + 16 * n);
  const auto add16 = [this](const char* name, int at) {
    add(
        name, 32, "int", [at](const CpuState& s) { return u64{image16(s, at)}; },
        [at](Cpu& cpu, u64 v) { store<u16>(cpu.state.fpu.image + at, static_cast<u16>(v)); });
  };
  const auto add32 = [this](const char* name, int at) {
    add(
        name, 32, "int", [at](const CpuState& s) { return u64{image32(s, at)}; },
        [at](Cpu& cpu, u64 v) { store<u32>(cpu.state.fpu.image + at, static_cast<u32>(v)); });
  };
  add16("fctrl", kFcw);
  add16("fstat", kFsw);
  add(
      "ftag", 32, "int", [](const CpuState& s) { return u64{full_tags(s)}; }, set_full_tags);
  add16("fiseg", kFcs);
  add32("fioff", kFip);
  add16("foseg", kFds);
  add32("fooff", kFdp);
  add16("fop", kFop);
}

void GdbRegisters::add_vectors() {
  const int count = wide() ? 16 : 8;
  for (int n = 0; n < count; ++n) add_image(fmt::format("xmm{}", n), 128, "vec128", kXmm + 16 * n);
  add(
      "mxcsr", 32, "int", [](const CpuState& s) { return u64{image32(s, kMxcsr)}; },
      [](Cpu& cpu, u64 v) {
        store<u32>(cpu.state.fpu.image + kMxcsr, static_cast<u32>(v & 0xFFFF));
      });
  feature("org.gnu.gdb.i386.avx");
  for (int n = 0; n < count; ++n)
    add_image(fmt::format("ymm{}h", n), 128, "uint128", kYmmHigh + 16 * n);
}

void GdbRegisters::add_bases() {
  const auto base = [this](const char* name, Seg seg) {
    add(
        name, word(), wide() ? "int64" : "int32",
        [seg](const CpuState& s) { return s.seg[seg].base; },
        [seg](Cpu& cpu, u64 value) {
          cpu.state.seg[seg].base = value;
          cpu.update_mode();
        });
  };
  if (!wide()) feature("org.ring3.i386.bases");
  base("fs_base", kFs);
  base("gs_base", kGs);
}

void GdbRegisters::add_system() {
  const std::string type = wide() ? "int64" : "int32";
  const auto fixed = [&](const char* name, Read read) { add(name, word(), type, read, {}); };
  add(
      "cr0", word(), type, [](const CpuState& s) { return s.cr0; }, write_cr0);
  add(
      "cr2", word(), type, [](const CpuState& s) { return s.cr2; },
      [](Cpu& cpu, u64 value) { cpu.state.cr2 = value; });
  add(
      "cr3", word(), type, [](const CpuState& s) { return s.cr3; }, write_cr3);
  add(
      "cr4", word(), type, [](const CpuState& s) { return s.cr4; }, write_cr4);
  fixed("cr8", [](const CpuState& s) { return s.cr8; });
  fixed("efer", [](const CpuState& s) { return s.efer; });
  fixed("xcr0", [](const CpuState& s) { return s.xcr0; });
  if (wide()) fixed("k_gs_base", [](const CpuState& s) { return s.kernel_gs_base; });
  fixed("cs_base", [](const CpuState& s) { return s.seg[kCs].base; });
  fixed("ss_base", [](const CpuState& s) { return s.seg[kSs].base; });
  fixed("ds_base", [](const CpuState& s) { return s.seg[kDs].base; });
  fixed("es_base", [](const CpuState& s) { return s.seg[kEs].base; });
  fixed("gdtr_base", [](const CpuState& s) { return s.gdtr.base; });
  fixed("gdtr_limit", [](const CpuState& s) { return u64{s.gdtr.limit}; });
  fixed("idtr_base", [](const CpuState& s) { return s.idtr.base; });
  fixed("idtr_limit", [](const CpuState& s) { return u64{s.idtr.limit}; });
  fixed("ldtr", [](const CpuState& s) { return u64{s.seg[kLdtr].selector}; });
  fixed("tr", [](const CpuState& s) { return u64{s.seg[kTr].selector}; });
  fixed("cpl", [](const CpuState& s) { return u64{s.cpl}; });
  fixed("dr6", [](const CpuState& s) { return s.dr[6]; });
  fixed("dr7", [](const CpuState& s) { return s.dr[7]; });
}

std::string GdbRegisters::description() const {
  std::string text =
      fmt::format("<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"gdb-target.dtd\">"
                  "<target><architecture>{}</architecture>",
                  name_of(arch_));
  for (size_t f = 0; f < features_.size(); ++f) {
    const size_t end = f + 1 < features_.size() ? features_[f + 1].first : rows_.size();
    text += fmt::format("<feature name=\"{}\">{}", features_[f].name, features_[f].types);
    for (size_t n = features_[f].first; n < end; ++n)
      text += fmt::format("<reg name=\"{}\" bitsize=\"{}\" type=\"{}\" regnum=\"{}\"/>",
                          rows_[n].name, rows_[n].bits, rows_[n].type, n);
    text += "</feature>";
  }
  return text + "</target>";
}

std::optional<u64> GdbRegisters::value(const Cpu& cpu, std::string_view name) const {
  for (size_t n = 0; n < rows_.size(); ++n) {
    if (rows_[n].name != name || rows_[n].image >= 0) continue;
    const u64 value = rows_[n].read(cpu.state);
    return rows_[n].bits == 32 ? value & 0xFFFFFFFF : value;
  }
  return std::nullopt;
}

std::string GdbRegisters::read(const Cpu& cpu, size_t number) const {
  const Row& row = rows_[number];
  std::string value(row.bits / 8, '\0');
  if (row.image >= 0) {
    std::memcpy(value.data(), cpu.state.fpu.image + row.image, value.size());
  } else {
    const u64 word = row.read(cpu.state);
    std::memcpy(value.data(), &word, std::min<size_t>(value.size(), sizeof word));
  }
  return value;
}

bool GdbRegisters::write(Cpu& cpu, size_t number, std::string_view value) const {
  const Row& row = rows_[number];
  if (read(cpu, number) == value) return true;  // gdb writes all registers back at times
  if (row.image >= 0) {
    std::memcpy(cpu.state.fpu.image + row.image, value.data(), value.size());
    return true;
  }
  if (!row.write) return false;
  u64 word = 0;
  std::memcpy(&word, value.data(), std::min<size_t>(value.size(), sizeof word));
  try {
    row.write(cpu, word);
  } catch (const Fault&) {
    return false;  // what would be #GP for the guest
  }
  return true;
}

}  // namespace ring3
