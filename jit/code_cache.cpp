// SPDX-License-Identifier: MIT
#include "jit/code_cache.h"

#include <cstring>

namespace ring3::jit {

const u8* CodeCache::add(asmjit::CodeHolder& code) {
  if (code.flatten() != asmjit::kErrorOk || code.resolveUnresolvedLinks() != asmjit::kErrorOk)
    return nullptr;
  const u8* at = next();
  if (code.relocateToBase(reinterpret_cast<u64>(at)) != asmjit::kErrorOk) return nullptr;
  const size_t bytes = code.codeSize();
  if (bytes > memory_->size() - used_) return nullptr;
  if (code.copyFlattenedData(memory_->writable(used_), bytes) != asmjit::kErrorOk) return nullptr;
  used_ = (used_ + bytes + 15) & ~size_t{15};
  return at;
}

void CodeCache::patch(const u8* at, i32 displacement) {
  std::memcpy(memory_->writable(static_cast<size_t>(at - memory_->executable())), &displacement,
              sizeof displacement);
  CodeMemory::serialize();
}

}  // namespace ring3::jit
