// SPDX-License-Identifier: MIT
#include "decoder/insn_list.h"

#include <new>

namespace ring3 {

Insn* InsnPool::take(size_t count) {
  if (Free* const reused = free_[count]) {
    free_[count] = reused->next;
    return reinterpret_cast<Insn*>(reused);
  }
  if (left_ < count) {
    if (left_ != 0) give_back(reinterpret_cast<Insn*>(next_), left_);
    chunks_.emplace_back(HostMemory::kLargePage, "ring3-insns", HostMemory::Kind::Large);
    next_ = chunks_.back().data();
    left_ = HostMemory::kLargePage / sizeof(Insn);
  }
  Insn* const list = reinterpret_cast<Insn*>(next_);
  next_ += count * sizeof(Insn);
  left_ -= count;
  return list;
}

void InsnPool::give_back(Insn* list, size_t count) {
  free_[count] = new (static_cast<void*>(list)) Free{free_[count]};
}

std::span<Insn> InsnList::make(size_t count) {
  clear();
  data_ = pool_ ? pool_->take(count)
                : static_cast<Insn*>(
                      ::operator new (count * sizeof(Insn), std::align_val_t{alignof(Insn)}));
  size_ = count;
  return {data_, size_};
}

void InsnList::clear() {
  if (!data_) return;
  if (pool_) {
    pool_->give_back(data_, size_);
  } else {
    ::operator delete (data_, std::align_val_t{alignof(Insn)});
  }
  data_ = nullptr;
  size_ = 0;
}

}  // namespace ring3
