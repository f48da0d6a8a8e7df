// SPDX-License-Identifier: MIT
// A target without libFuzzer: plays its seeds, files or directories of inputs that are named,
// histories (-history FILE, see fuzzer_main.cpp), and `-n N` inputs that are made of the seeds by
// mutations, always the same ones.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/bits.h"
#include "tests/fuzz/target.h"

using namespace ring3;
using namespace ring3::fuzz;
namespace fs = std::filesystem;

namespace {

constexpr size_t kLongest = 4096;
constexpr u32 kFirstSeed = 1;

std::vector<u8> read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void play(std::span<const u8> input) { run_input(input, Start::Fresh); }

void play_history(const fs::path& path) {
  const std::vector<u8> all = read_file(path);
  std::span<const u8> left = all;
  for (Start start = Start::Fresh; left.size() >= 4; start = Start::Reset) {
    const size_t size = std::min<size_t>(load<u32>(left.data()), left.size() - 4);
    run_input(left.subspan(4, size), start);
    left = left.subspan(4 + size);
  }
}

size_t play_path(const fs::path& path) {
  if (!fs::is_directory(path)) {
    play(read_file(path));
    return 1;
  }
  size_t played = 0;
  for (const auto& entry : fs::directory_iterator(path)) played += play_path(entry.path());
  return played;
}

/// The input is written down first if RING3_FUZZ_KEEP names a file: what a crash leaves there did
/// it.
void play_mutated(const std::vector<Seed>& from, size_t count) {
  std::minstd_rand random(kFirstSeed);
  const char* keep = std::getenv("RING3_FUZZ_KEEP");
  for (size_t n = 0; n < count; ++n) {
    std::vector<u8> input = from[random() % from.size()].bytes;
    const std::vector<u8>& other = from[random() % from.size()].bytes;
    for (u32 times = random() % 16 + 1; times; --times)
      mutate(input, random() % 4 ? std::span<const u8>() : other, kLongest, random);
    if (keep)
      std::ofstream(keep, std::ios::binary)
          .write(reinterpret_cast<const char*>(input.data()),
                 static_cast<std::streamsize>(input.size()));
    play(input);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<Seed> all = seeds();
  size_t played = 0, mutated = 0;
  for (const Seed& seed : all) play(seed.bytes), ++played;
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]) == "-n" && i + 1 < argc) {
      mutated = std::strtoul(argv[++i], nullptr, 10);
    } else if (std::string_view(argv[i]) == "-history" && i + 1 < argc) {
      play_history(argv[++i]);
    } else {
      played += play_path(argv[i]);
    }
  }
  play_mutated(all, mutated);
  std::printf("%zu seeds and files, %zu mutated inputs: no crash\n", played, mutated);
}
