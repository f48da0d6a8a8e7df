// SPDX-License-Identifier: MIT
#include "bios/bench_guest.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bits.h"
#include "bios/multiboot_loader.h"

namespace ring3 {
namespace {

constexpr u8 kImage[] = {
#include "bench.inc"
};
constexpr u64 kMostUnits = u64{1} << 40;

std::vector<BenchWorkload> make_workloads() {
  std::vector<BenchWorkload> all;
#define WORKLOAD(name, units0, units3, unit) all.push_back({#name, {units0, units3}, unit});
#include "bios/bench/workloads.def"
#undef WORKLOAD
  return all;
}

std::string all_names() {
  std::string names;
  for (const BenchWorkload& w : bench_workloads())
    names += (names.empty() ? "" : ", ") + std::string(w.name);
  return names;
}

Result<std::vector<bool>> chosen(std::string_view names) {
  const auto& all = bench_workloads();
  std::vector<bool> wanted(all.size(), names.empty());
  while (!names.empty()) {
    const std::string_view name = names.substr(0, names.find('+'));
    const auto found = std::ranges::find(all, name, &BenchWorkload::name);
    if (found == all.end())
      return Error{fmt::format("no workload '{}'; there are {}", name, all_names())};
    wanted[static_cast<size_t>(found - all.begin())] = true;
    names.remove_prefix(std::min(names.size(), name.size() + 1));
  }
  return wanted;
}

Status check(const BenchChoice& choice) {
  if (choice.ring && *choice.ring != 0 && *choice.ring != 3)
    return Error{fmt::format("ring {}: workloads run in ring 0 or 3", *choice.ring)};
  if (choice.units && (*choice.units == 0 || *choice.units > kMostUnits))
    return Error{fmt::format("units={}: give 1 to {}", *choice.units, kMostUnits)};
  return success();
}

}  // namespace

const std::vector<BenchWorkload>& bench_workloads() {
  static const std::vector<BenchWorkload> all = make_workloads();
  return all;
}

Result<std::vector<u8>> bench_guest_image(const BenchChoice& choice) {
  if (Status status = check(choice); !status) return Error{status.error()};
  const auto wanted = chosen(choice.workloads);
  if (!wanted) return Error{wanted.error()};
  std::vector<u8> image(std::begin(kImage), std::end(kImage));
  const auto& all = bench_workloads();
  // bench.asm: its last bytes are `parameters`.
  u8* at = image.data() + image.size() - all.size() * sizeof BenchWorkload::units;
  u64 runs = 0;
  for (size_t i = 0; i < all.size(); ++i)
    for (const unsigned ring : {0, 3}) {
      const u64 units = all[i].units[ring / 3];
      const bool runs_here = units && (*wanted)[i] && choice.ring.value_or(ring) == ring;
      store<u64>(at, runs_here ? choice.units.value_or(units) : 0);
      at += sizeof(u64);
      runs += runs_here;
    }
  if (runs == 0)
    return Error{fmt::format("workload={} does not run in ring {}; leave ring= out",
                             choice.workloads, *choice.ring)};
  return image;
}

Result<EntryState> load_bench_guest(const LoadTarget& target, const BenchChoice& choice) {
  const auto image = bench_guest_image(choice);
  if (!image) return Error{"-image builtin:bench: " + image.error()};
  MultibootOptions options;
  options.option = "-image";
  options.kernel = "builtin:bench";
  return load_multiboot(target, options, *image);
}

}  // namespace ring3
