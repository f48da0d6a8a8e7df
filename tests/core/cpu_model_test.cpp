// SPDX-License-Identifier: MIT
#include "core/cpu_model.h"

#include <catch2/catch.hpp>
#include <cstring>

using namespace ring3;

namespace {

CpuModel model(std::string_view spec) {
  Result<CpuModel> m = CpuModel::parse(spec);
  REQUIRE(m.ok());
  return *m;
}
bool has(const CpuModel& m, std::string_view feature) { return m.has(*find_feature(feature)); }

std::string text(std::initializer_list<u32> words) {
  std::string s;
  for (u32 w : words) s.append(reinterpret_cast<const char*>(&w), 4);
  return s;
}

}  // namespace

TEST_CASE("CpuModel: unknown model or feature -> an error that names it and lists what exists") {
  Result<CpuModel> bad = CpuModel::parse("pentium9");
  REQUIRE_FALSE(bad.ok());
  CHECK(bad.error().find("pentium9") != std::string::npos);
  CHECK(bad.error().find("qemu64") != std::string::npos);
  Result<CpuModel> feature = CpuModel::parse("max,+amx");
  REQUIRE_FALSE(feature.ok());
  CHECK(feature.error().find("'amx'") != std::string::npos);
  CHECK_FALSE(CpuModel::parse("max,avx=maybe").ok());
  CHECK_FALSE(CpuModel::parse("").ok());
}

TEST_CASE("CpuModel: +feature and -feature -> bits change, dependants go with their base") {
  const CpuModel plain = model("qemu64");
  CHECK(has(plain, "sse2"));
  CHECK_FALSE(has(plain, "pcid"));
  CHECK(has(model("qemu64,+pcid"), "pcid"));
  CHECK(has(model("qemu64,sse4_2=on"), "sse4.2"));
  const CpuModel m = model("max,-xsave");
  CHECK_FALSE(has(m, "avx"));
  CHECK_FALSE(has(m, "avx2"));
  CHECK_FALSE(has(m, "pku"));
  CHECK(has(m, "sse4.2"));
  CHECK(m.cpuid(0xD, 0).eax == 0);
}

TEST_CASE("CpuModel: max -> nothing that the host must run and lacks; no MONITOR, no AVX-512") {
  const CpuModel m = model("max");
  const FeatureWords& host = host_feature_words();
  constexpr u32 kHostRun = 1u << 0 | 1u << 9 | 1u << 12 | 1u << 19 | 1u << 20 | 1u << 28 | 1u << 29;
  CHECK((m.cpuid(1, 0).ecx & kHostRun & ~host[static_cast<size_t>(FeatureWord::L1Ecx)]) == 0);
  CHECK_FALSE(has(m, "monitor"));
  CHECK((m.cpuid(7, 0).ebx & (1u << 16)) == 0);
}

TEST_CASE("CPUID: vendor, signature, brand, hypervisor signature") {
  const CpuModel amd = model("qemu64");
  const CpuidResult v = amd.cpuid(0, 0);
  CHECK(text({v.ebx, v.edx, v.ecx}) == "AuthenticAMD");
  CHECK(amd.cpuid(1, 0).eax == 0x00060FB1);
  CHECK(model("max").cpuid(1, 0).eax == 0x00030661);  // Saltwell: guests know it not to speculate
  CHECK(model("qemu32").cpuid(1, 0).eax == 0x663);
  const CpuidResult h = amd.cpuid(0x40000000, 0);
  CHECK(text({h.ebx, h.ecx, h.edx}) == "ring3ring3r3");
  const CpuidResult b = amd.cpuid(0x80000002, 0);
  CHECK(text({b.eax, b.ebx, b.ecx, b.edx}).substr(0, 5) == "ring3");
  CHECK((amd.cpuid(0x80000001, 0).edx & (1u << 23)) != 0);  // AMD repeats MMX
}

TEST_CASE("CPUID: addresses, time-stamp counter, XSAVE layout") {
  const CpuModel m = model("max");
  CHECK(m.cpuid(0x80000008, 0).eax == (40 | 48 << 8));
  CHECK(m.cpuid(0x15, 0).ecx == 1'000'000'000);
  CHECK((m.cpuid(0x80000007, 0).edx & 0x100) != 0);
  CHECK(m.cpuid(0xD, 9).ebx == 2688);
  CHECK(m.cpuid(0xD, 0).ecx == xsave_size(xsave_components(m)));
  CHECK(xsave_size(7) == 832);
  CHECK(xsave_size(0x207) == 2696);
  CHECK(xsave_compacted_size(0x207) == 840);
}

TEST_CASE("CPUID: above the highest basic leaf -> the highest leaf's data; odd leaves -> zero") {
  const CpuModel m = model("max");
  CHECK(m.cpuid(0x12345, 0).eax == m.cpuid(0x16, 0).eax);
  CHECK(m.cpuid(0x8000FFFF, 0).eax == m.cpuid(0x16, 0).eax);
  CHECK(m.cpuid(4, 100).eax == 0);
  CHECK(m.cpuid(0xD, 63).eax == 0);
}
