// SPDX-License-Identifier: MIT
#include "devices/state_hash.h"

#include <cstring>

#include "base/bits.h"

namespace ring3 {

void StateHash::field(std::string_view, void* data, size_t size) {
  const u8* p = static_cast<const u8*>(data);
  for (; size >= 8; p += 8, size -= 8) add(load<u64>(p));
  u64 tail = 0;
  std::memcpy(&tail, p, size);
  add(tail ^ size);
}

}  // namespace ring3
