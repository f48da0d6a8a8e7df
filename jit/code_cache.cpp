// SPDX-License-Identifier: MIT
#include "jit/code_cache.h"

#include <algorithm>
#include <cstring>

namespace ring3::jit {

CodeCache::CodeCache(std::unique_ptr<CodeMemory> memory) : memory_(std::move(memory)) {
  const size_t count = std::clamp<size_t>(memory_->size() / kMinRegion, 1, kMaxRegions);
  const size_t bytes = memory_->size() / count & ~size_t{kPageMask};
  regions_.resize(count);
  for (size_t n = 0; n < count; ++n) {
    regions_[n].begin = regions_[n].used = n * bytes;
    regions_[n].end = (n + 1) * bytes;
  }
}

size_t CodeCache::used() const {
  size_t bytes = 0;
  for (const Region& r : regions_) bytes += r.used - r.begin;
  return bytes;
}

size_t CodeCache::record_bytes() const {
  size_t bytes = 0;
  for (const Region& r : regions_) bytes += r.records.bytes();
  return bytes;
}

const u8* CodeCache::add(asmjit::CodeHolder& code) {
  if (code.flatten() != asmjit::kErrorOk || code.resolveUnresolvedLinks() != asmjit::kErrorOk)
    return nullptr;
  Region& r = region();
  const u8* at = next();
  if (code.relocateToBase(reinterpret_cast<u64>(at)) != asmjit::kErrorOk) return nullptr;
  const size_t bytes = code.codeSize();
  if (bytes > r.end - r.used) return nullptr;
  if (code.copyFlattenedData(memory_->writable(r.used), bytes) != asmjit::kErrorOk) return nullptr;
  changed_ |= r.used < touched_;  // other code ran here
  r.used = std::min((r.used + bytes + 15) & ~size_t{15}, r.end);
  touched_ = std::max(touched_, r.used);
  return at;
}

void CodeCache::patch(const u8* at, i32 displacement) {
  write(at, std::span(reinterpret_cast<const u8*>(&displacement), sizeof displacement));
}

void CodeCache::write(const u8* at, std::span<const u8> bytes) {
  std::memcpy(memory_->writable(static_cast<size_t>(at - memory_->executable())), bytes.data(),
              bytes.size());
  changed_ = true;
}

void CodeCache::empty(Region& region) {
  region.used = region.begin;
  region.records.clear();
  region.blocks = nullptr;
}

void CodeCache::empty_all() {
  for (Region& r : regions_) empty(r);
  current_ = 0;
}

}  // namespace ring3::jit
