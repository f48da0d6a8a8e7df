// SPDX-License-Identifier: MIT
#include "monitor/gdb_packets.h"

#include <fmt/format.h>

#include <charconv>

namespace ring3 {
namespace {

int digit(u8 c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

u8 sum(std::string_view text) {
  u8 total = 0;
  for (const char c : text) total = static_cast<u8>(total + static_cast<u8>(c));
  return total;
}

/// `}` announces a byte with bit 5 changed.
std::string unescape(std::string_view text) {
  std::string out;
  for (size_t n = 0; n < text.size(); ++n)
    out += text[n] == '}' && n + 1 < text.size() ? static_cast<char>(text[++n] ^ 0x20) : text[n];
  return out;
}

std::string escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool special = c == '$' || c == '#' || c == '}' || c == '*';
    if (special) out += '}';
    out += special ? static_cast<char>(c ^ 0x20) : c;
  }
  return out;
}

}  // namespace

void GdbPackets::feed(u8 byte) {
  switch (state_) {
    case State::Idle:
      if (byte == '$') {
        payload_.clear();
        state_ = State::Payload;
      } else if (byte == 3) {
        hooks_.interrupt();
      } else if (byte == '-' && acknowledge_) {
        hooks_.send(last_sent_);
      }
      return;
    case State::Payload:
      if (byte == '#') {
        state_ = State::FirstDigit;
      } else if (payload_.size() < 2 * kMaxPacket) {
        payload_ += static_cast<char>(byte);
      }
      return;
    case State::FirstDigit:
      high_digit_ = byte;
      state_ = State::SecondDigit;
      return;
    case State::SecondDigit:
      state_ = State::Idle;
      const int high = digit(high_digit_), low = digit(byte);
      return finish(high < 0 || low < 0 ? static_cast<u8>(~sum(payload_))
                                        : static_cast<u8>(high << 4 | low));
  }
}

void GdbPackets::finish(u8 checksum) {
  const bool right = checksum == sum(payload_);
  if (acknowledge_) hooks_.send(right ? "+" : "-");
  if (right) hooks_.packet(unescape(payload_));
}

void GdbPackets::send(std::string_view payload) {
  const std::string body = escape(payload);
  last_sent_ = fmt::format("${}#{:02x}", body, sum(body));
  hooks_.send(last_sent_);
}

std::string to_hex(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) text += fmt::format("{:02x}", static_cast<u8>(c));
  return text;
}

std::string from_hex(std::string_view text) {
  std::string bytes;
  for (size_t n = 0; n + 1 < text.size(); n += 2) {
    const int high = digit(static_cast<u8>(text[n])), low = digit(static_cast<u8>(text[n + 1]));
    if (high < 0 || low < 0) return {};
    bytes += static_cast<char>(high << 4 | low);
  }
  return bytes;
}

bool take_hex(std::string_view& text, u64& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (error != std::errc()) return false;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return true;
}

bool take(std::string_view& text, char expected) {
  if (!text.starts_with(expected)) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace ring3
