// SPDX-License-Identifier: MIT
#include "bench/host_info.h"

#include <fmt/format.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <ctime>
#include <fstream>
#include <sstream>

namespace ring3::bench {

namespace {

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

/// A value of /proc/cpuinfo or /proc/meminfo.
std::string value_of(const std::string& path, const std::string& name) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(name)) continue;
    const size_t value = line.find_first_not_of(" \t", line.find(':') + 1);
    return value == std::string::npos ? "" : line.substr(value);
  }
  return {};
}

bool has_flag(const std::string& flag) {
  std::istringstream flags(value_of("/proc/cpuinfo", "flags"));
  for (std::string word; flags >> word;)
    if (word == flag) return true;
  return false;
}

/// The flag "hypervisor" is CPUID's; some hypervisors hide it and let others see the VMX or SVM
/// flag that they do not pass on.
std::string virtualization() {
  const std::string vendor = first_line("/sys/class/dmi/id/sys_vendor");
  if (has_flag("hypervisor"))
    return fmt::format("a virtual machine{}{}", vendor.empty() ? "" : " of ", vendor);
  if (has_flag("vmx") || has_flag("svm")) return "none seen";
  return "none seen, no VMX or SVM";
}

std::string kvm() {
  if (access("/dev/kvm", F_OK) != 0) return "no /dev/kvm";
  if (access("/dev/kvm", R_OK | W_OK) != 0) return "/dev/kvm does not open";
  if (!has_only_pvm()) return "/dev/kvm on VMX or SVM";
  return "/dev/kvm without VMX or SVM (KVM-PVM: ring 3 runs natively, ring 0 is emulated)";
}

std::string or_unknown(const std::string& text) { return text.empty() ? "not readable" : text; }

}  // namespace

std::map<std::string, std::string> host_info() {
  utsname name{};
  uname(&name);
  return {
      {"cpu", or_unknown(value_of("/proc/cpuinfo", "model name"))},
      {"cpu family and model",
       fmt::format("{} {} {}", value_of("/proc/cpuinfo", "cpu family"),
                   value_of("/proc/cpuinfo", "model\t"), value_of("/proc/cpuinfo", "stepping"))},
      {"processors", std::to_string(sysconf(_SC_NPROCESSORS_ONLN))},
      {"memory", or_unknown(value_of("/proc/meminfo", "MemTotal"))},
      {"kernel", fmt::format("{} {}", name.sysname, name.release)},
      {"load", or_unknown(first_line("/proc/loadavg"))},
      {"governor", or_unknown(first_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"))},
      {"virtualization", virtualization()},
      {"kvm", kvm()}};
}

bool has_only_pvm() {
  return access("/dev/kvm", F_OK) == 0 && !has_flag("vmx") && !has_flag("svm");
}

std::string utc_now() { return utc_text(std::time(nullptr)); }

std::string utc_text(std::time_t time) {
  std::tm parts{};
  gmtime_r(&time, &parts);
  char text[32] = {};
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

}  // namespace ring3::bench
