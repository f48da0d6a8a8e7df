// SPDX-License-Identifier: MIT
// Text for people on a stream. Unlike fmt::print it never throws: a full disk or a closed standard
// error must not end the program.
#pragma once

#include <fmt/format.h>

#include <cstdio>
#include <utility>

namespace ring3 {

template <class... T>
void print_to(std::FILE* stream, fmt::format_string<T...> format, T&&... values) {
  const std::string text = fmt::format(format, std::forward<T>(values)...);
  // Who must know whether it arrived asks ferror().
  static_cast<void>(std::fwrite(text.data(), 1, text.size(), stream));
}

}  // namespace ring3
