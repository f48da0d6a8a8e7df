// SPDX-License-Identifier: MIT
#include <malloc.h>

#include "host/free_memory.h"

namespace ring3 {

void return_free_memory() {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

}  // namespace ring3
