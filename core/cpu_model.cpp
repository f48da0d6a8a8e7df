// SPDX-License-Identifier: MIT
// The models qemu32, qemu64 and max, and `-cpu` specifications.
#include "core/cpu_model.h"

#include <fmt/format.h>

#include <initializer_list>

namespace ring3 {
namespace {

/// Instructions that the host runs for the guest: offered only if it has them.
constexpr std::string_view kHostRun[] = {
    "fpu", "mmx",  "sse", "sse2", "pni",       "ssse3",  "sse4.1", "sse4.2", "aes",
    "avx", "avx2", "fma", "f16c", "pclmulqdq", "sha-ni", "gfni",   "vaes",   "vpclmulqdq"};

/// feature -> what it makes no sense without.
constexpr std::pair<std::string_view, std::string_view> kNeeds[] = {
    {"sse", "fxsr"},       {"sse2", "sse"},       {"pni", "sse2"},
    {"ssse3", "sse2"},     {"sse4.1", "sse2"},    {"sse4.2", "sse2"},
    {"aes", "sse2"},       {"pclmulqdq", "sse2"}, {"sha-ni", "sse2"},
    {"gfni", "sse2"},      {"avx", "xsave"},      {"avx", "sse2"},
    {"avx2", "avx"},       {"fma", "avx"},        {"f16c", "avx"},
    {"vaes", "avx"},       {"vpclmulqdq", "avx"}, {"pku", "xsave"},
    {"xsaveopt", "xsave"}, {"xsavec", "xsave"},   {"xgetbv1", "xsave"},
    {"xsaves", "xsavec"},  {"lm", "pae"},         {"nx", "pae"},
    {"pdpe1gb", "lm"},     {"x2apic", "apic"},    {"tsc-deadline", "apic"},
    {"mmx", "fpu"},        {"fxsr", "fpu"},       {"xsave", "fxsr"},
    {"pcid", "lm"}};

void set(CpuModel& m, const Feature& f, bool on) {
  u32& word = m.words[static_cast<size_t>(f.word)];
  word = on ? word | u32{1} << f.bit : word & ~(u32{1} << f.bit);
}
void add(CpuModel& m, std::initializer_list<std::string_view> names) {
  for (std::string_view name : names) set(m, *find_feature(name), true);
}

bool host_offers(const Feature& f) {
  for (std::string_view name : kHostRun)
    if (name == f.name) return host_feature_words()[static_cast<size_t>(f.word)] >> f.bit & 1;
  return true;
}

void add_pentium_pro(CpuModel& m) {
  add(m, {"fpu", "de", "pse", "tsc", "msr", "mce", "cx8", "pge", "cmov", "pat", "fxsr", "mmx",
          "sse", "sse2", "pae", "sep", "apic", "pni", "hypervisor"});
}

CpuModel make_qemu32() {
  CpuModel m;
  m.name = "qemu32";
  m.max_leaf = 4;
  m.physical_bits = 36;
  m.brand = "ring3 Virtual CPU (qemu32)";
  add_pentium_pro(m);
  return m;
}

CpuModel make_qemu64() {
  CpuModel m;
  m.name = "qemu64";
  m.family = 15, m.model = 107, m.stepping = 1;
  m.vendor = "AuthenticAMD";
  m.max_leaf = 0xD;
  m.brand = "ring3 Virtual CPU (qemu64)";
  add_pentium_pro(m);
  add(m, {"mtrr", "clflush", "mca", "pse36", "cx16", "lm", "syscall", "nx", "lahf_lm"});
  return m;
}

/// Everything. A processor that never speculates: so does the Atom of family 6 model 54 (Saltwell,
/// in order), and guests that know this leave out what guards against speculation, whatever new
/// bits of IA32_ARCH_CAPABILITIES they learn to ask for. It has no errata workarounds in their
/// tables that would switch features off; family 6 models below 15 lose PAT in Linux.
CpuModel make_max() {
  CpuModel m;
  m.name = "max";
  m.model = 54, m.stepping = 1;
  m.brand = "ring3 Virtual CPU (max)";
  for (const Feature& f : cpu_features())
    if (f.name != "monitor") set(m, f, true);
  return m;
}

struct Named {
  std::string_view name, what;
  CpuModel (*make)();
};
constexpr Named kModels[] = {
    {"qemu32", "32-bit, Pentium Pro with SSE3", make_qemu32},
    {"qemu64", "64-bit baseline: SSE3, CX16", make_qemu64},
    {"max", "everything that ring3 implements and this host can run", make_max},
};

/// Drops what the host cannot run and what lacks its base feature.
void settle(CpuModel& m) {
  for (const Feature& f : cpu_features())
    if (!host_offers(f)) set(m, f, false);
  for (bool changed = true; changed;) {
    changed = false;
    for (auto [name, base] : kNeeds) {
      const Feature& f = *find_feature(name);
      if (!m.has(f) || m.has(*find_feature(base))) continue;
      set(m, f, false);
      changed = true;
    }
  }
}

std::string names_of(bool models) {
  std::string list;
  if (models)
    for (const Named& n : kModels) list += (list.empty() ? "" : ", ") + std::string(n.name);
  else
    for (const Feature& f : cpu_features()) list += (list.empty() ? "" : " ") + std::string(f.name);
  return list;
}

/// "+avx2", "-avx2", "avx2", "avx2=on", "avx2=off".
Status apply(CpuModel& m, std::string_view item) {
  bool on = true;
  std::string_view name = item;
  if (item.starts_with('+') || item.starts_with('-')) {
    on = item.front() == '+';
    name.remove_prefix(1);
  } else if (const size_t equals = item.find('='); equals != item.npos) {
    const std::string_view value = item.substr(equals + 1);
    if (value != "on" && value != "off")
      return Error{fmt::format("-cpu: '{}': a feature is set to on or off", item)};
    on = value == "on";
    name = item.substr(0, equals);
  }
  const Feature* f = find_feature(name);
  if (!f) return Error{fmt::format("-cpu: unknown feature '{}'; known: {}", name, names_of(false))};
  if (on && !host_offers(*f))
    return Error{fmt::format("-cpu: this host cannot run '{}'; leave it out", name)};
  set(m, *f, on);
  return success();
}

}  // namespace

Result<CpuModel> CpuModel::parse(std::string_view spec) {
  const size_t comma = spec.find(',');
  const std::string_view name = spec.substr(0, comma);
  const Named* named = nullptr;
  for (const Named& n : kModels)
    if (n.name == name) named = &n;
  if (!named)
    return Error{fmt::format("-cpu: unknown model '{}'; known: {}", name, names_of(true))};
  CpuModel m = named->make();
  std::string_view rest = comma == spec.npos ? std::string_view{} : spec.substr(comma + 1);
  while (!rest.empty()) {
    const size_t end = rest.find(',');
    if (Status s = apply(m, rest.substr(0, end)); !s) return Error{s.error()};
    rest = end == rest.npos ? std::string_view{} : rest.substr(end + 1);
  }
  settle(m);
  return m;
}

std::string CpuModel::help() {
  std::string text = "CPU models (-cpu MODEL[,+FEATURE][,-FEATURE]):\n";
  for (const Named& n : kModels) text += fmt::format("  {:8} {}\n", n.name, n.what);
  text += "Features:\n  ";
  size_t column = 2;
  for (const Feature& f : cpu_features()) {
    if (column + f.name.size() > 76) {
      text += "\n  ";
      column = 2;
    }
    text += std::string(f.name) + " ";
    column += f.name.size() + 1;
  }
  return text + "\n";
}

}  // namespace ring3
