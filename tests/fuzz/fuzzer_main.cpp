// SPDX-License-Identifier: MIT
// A target under libFuzzer. With the variable RING3_FUZZ_SEEDS the seeds are written to that
// directory first; with RING3_FUZZ_HISTORY that file holds the inputs since the last fresh start,
// for a crash that its own input does not repeat (replay_NAME -history FILE).
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "tests/fuzz/target.h"

using namespace ring3;
using namespace ring3::fuzz;

extern "C" {
int LLVMFuzzerInitialize(int* argc, char*** argv);
int LLVMFuzzerTestOneInput(const u8* data, size_t size);
size_t LLVMFuzzerCustomMutator(u8* data, size_t size, size_t longest, unsigned seed);
size_t LLVMFuzzerCustomCrossOver(const u8* a, size_t a_size, const u8* b, size_t b_size, u8* out,
                                 size_t longest, unsigned seed);
size_t LLVMFuzzerMutate(u8* data, size_t size, size_t longest);
}

namespace {

constexpr unsigned kInputsPerStart = 64;

/// Each input as its size in four bytes and itself.
class History {
 public:
  void add(std::span<const u8> input, bool fresh) {
    if (fd_ < 0) return;
    if (fresh) at_ = ftruncate(fd_, 0);
    const u32 size = static_cast<u32>(input.size());
    at_ += pwrite(fd_, &size, sizeof size, at_);
    at_ += pwrite(fd_, input.data(), input.size(), at_);
  }

 private:
  static int open_file() {
    const char* name = std::getenv("RING3_FUZZ_HISTORY");
    return name ? open(name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644) : -1;
  }
  int fd_ = open_file();
  off_t at_ = 0;
};

size_t put(const std::vector<u8>& bytes, u8* out, size_t longest) {
  const size_t size = std::min(bytes.size(), longest);
  std::copy_n(bytes.begin(), size, out);
  return size;
}

}  // namespace

int LLVMFuzzerInitialize(int*, char***) {
  const char* directory = std::getenv("RING3_FUZZ_SEEDS");
  if (!directory) return 0;
  std::filesystem::create_directories(directory);
  for (const Seed& seed : seeds())
    std::ofstream(std::filesystem::path(directory) / seed.name, std::ios::binary)
        .write(reinterpret_cast<const char*>(seed.bytes.data()),
               static_cast<std::streamsize>(seed.bytes.size()));
  return 0;
}

int LLVMFuzzerTestOneInput(const u8* data, size_t size) {
  static History history;
  static unsigned count = 0;
  const bool fresh = count++ % kInputsPerStart == 0;
  history.add({data, size}, fresh);
  run_input({data, size}, fresh ? Start::Fresh : Start::Reset);
  return 0;
}

/// One time in eight libFuzzer's own mutations, which know the values that code compares with.
size_t LLVMFuzzerCustomMutator(u8* data, size_t size, size_t longest, unsigned seed) {
  std::minstd_rand random(seed);
  if (random() % 8 == 0) return LLVMFuzzerMutate(data, size, longest);
  std::vector<u8> input(data, data + size);
  mutate(input, {}, longest, random);
  return put(input, data, longest);
}

size_t LLVMFuzzerCustomCrossOver(const u8* a, size_t a_size, const u8* b, size_t b_size, u8* out,
                                 size_t longest, unsigned seed) {
  std::minstd_rand random(seed);
  std::vector<u8> input(a, a + a_size);
  mutate(input, {b, b_size}, longest, random);
  return put(input, out, longest);
}
