// SPDX-License-Identifier: MIT
#include "host/escape_filter.h"

namespace ring3 {

EscapeFilter::Result EscapeFilter::feed(u8 byte) {
  if (!escaped_) {
    escaped_ = byte == kEscape;
    return escaped_ ? Result::Nothing : Result::Byte;
  }
  escaped_ = false;
  switch (byte) {
    case 'x':
      return Result::Quit;
    case 'h':
    case '?':
      return Result::Help;
    case 'b':
      return Result::Break;
    case 'c':
      return Result::Monitor;
    default:
      return Result::Byte;  // also Ctrl-A itself
  }
}

std::string EscapeFilter::help() {
  return "Ctrl-A h    this help\n"
         "Ctrl-A x    quit ring3\n"
         "Ctrl-A b    send a break (magic SysRq of Linux)\n"
         "Ctrl-A c    to the monitor and back\n"
         "Ctrl-A Ctrl-A    send Ctrl-A\n";
}

size_t EscapedSource::take(std::span<u8> out) {
  const size_t taken = typed_.take(out);
  size_t kept = 0;
  for (const u8 byte : out.first(taken)) {
    const EscapeFilter::Result result = filter_.feed(byte);
    if (result == EscapeFilter::Result::Byte) {
      if (!hooks_.divert(byte)) out[kept++] = byte;
    } else {
      command(result);
    }
  }
  return kept;
}

void EscapedSource::command(EscapeFilter::Result result) {
  using Result = EscapeFilter::Result;
  const auto& hook = result == Result::Quit      ? hooks_.quit
                     : result == Result::Help    ? hooks_.help
                     : result == Result::Monitor ? hooks_.monitor
                                                 : hooks_.send_break;
  if (result != Result::Nothing && hook) hook();
}

}  // namespace ring3
