// SPDX-License-Identifier: MIT
#include "kvm/counters.h"

#include <unistd.h>

#include <cstring>

#include "kvm/flexible.h"

namespace ring3::kvm {
namespace {

/// The kernel's file: a header, descriptors with their names, the values.
class StatsFile {
 public:
  explicit StatsFile(const Vm& vm) : file_(vm.cpu(KVM_GET_STATS_FD, static_cast<void*>(nullptr))) {}

  std::vector<KvmCounter> counters() const {
    kvm_stats_header header{};
    if (!file_.open() || !read(0, &header, sizeof header)) return {};
    std::vector<KvmCounter> all;
    const size_t stride = kStatsDescBytes + header.name_size;
    std::vector<u8> bytes(stride + 1);
    for (u32 n = 0; n < header.num_desc; ++n) {
      if (!read(header.desc_offset + n * stride, bytes.data(), stride)) return all;
      kvm_stats_desc d{};
      std::memcpy(static_cast<void*>(&d), bytes.data(), kStatsDescBytes);
      u64 value = 0;
      const bool counts = (d.flags & KVM_STATS_TYPE_MASK) == KVM_STATS_TYPE_CUMULATIVE &&
                          (d.flags & KVM_STATS_UNIT_MASK) == KVM_STATS_UNIT_NONE && d.size == 1;
      if (!counts || !read(header.data_offset + d.offset, &value, sizeof value) || !value) continue;
      all.push_back({reinterpret_cast<const char*>(bytes.data() + kStatsDescBytes), value});
    }
    return all;
  }

 private:
  bool read(size_t at, void* to, size_t size) const {
    return pread(file_.get(), to, size, static_cast<off_t>(at)) == static_cast<ssize_t>(size);
  }
  File file_;
};

}  // namespace

std::vector<KvmCounter> read_counters(const Vm& vm) {
  if (!vm.extension(KVM_CAP_BINARY_STATS_FD)) return {};
  return StatsFile(vm).counters();
}

u64 counter(const std::vector<KvmCounter>& counters, std::string_view name) {
  for (const KvmCounter& c : counters)
    if (c.name == name) return c.value;
  return 0;
}

}  // namespace ring3::kvm
