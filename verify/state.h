// SPDX-License-Identifier: MIT
// A cpu's architectural state as named fields, to compare two of them and to print them side by
// side. What only steers the engines (counters, caches) is no part of it.
#pragma once

#include <string>
#include <vector>

#include "core/cpu.h"

namespace ring3::verify {

struct Field {
  const char* name;
  const void* data;
  size_t size;  ///< in bytes
};

/// The fields in the order of their printing; always as many, always in the same order.
std::vector<Field> fields_of(const Cpu& cpu);

/// A list made once for a cpu: it stays where it is.
bool same_fields(const std::vector<Field>& a, const std::vector<Field>& b);

/// Two columns; `*` marks the rows that differ.
std::string side_by_side(const std::vector<Field>& a, const std::vector<Field>& b,
                         const char* name_a, const char* name_b);

}  // namespace ring3::verify
