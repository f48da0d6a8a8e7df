// SPDX-License-Identifier: MIT
#include "monitor/memory_dump.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "decoder/decoder.h"
#include "monitor/gdb_registers.h"
#include "monitor/guest_memory.h"

namespace ring3 {
namespace {

using Json = nlohmann::ordered_json;

/// A recursive-descent reader of expressions.
class Expression {
 public:
  Expression(const Cpu& cpu, std::string_view text) : cpu_(cpu), text_(text) {}

  Result<u64> value() {
    const u64 v = sum();
    skip_spaces();
    if (error_.empty() && !text_.empty()) error_ = fmt::format("'{}' is not understood", text_);
    if (!error_.empty()) return Error{error_};
    return v;
  }

 private:
  void skip_spaces() {
    while (text_.starts_with(' ')) text_.remove_prefix(1);
  }
  bool take(char c) {
    skip_spaces();
    if (!text_.starts_with(c)) return false;
    text_.remove_prefix(1);
    return true;
  }
  u64 sum() {
    u64 v = product();
    for (;;) {
      if (take('+')) {
        v += product();
      } else if (take('-')) {
        v -= product();
      } else {
        return v;
      }
    }
  }
  u64 product() {
    u64 v = atom();
    while (take('*')) v *= atom();
    return v;
  }
  u64 atom();
  u64 reg();
  u64 number();

  static constexpr unsigned kDeepest = 64;
  const Cpu& cpu_;
  std::string_view text_;
  std::string error_;
  unsigned depth_ = 0;
};

u64 Expression::atom() {
  skip_spaces();
  if (take('-')) return depth_ < kDeepest ? (++depth_, ~atom() + 1) : 0;
  if (take('$')) return reg();
  if (!take('(')) return number();
  if (++depth_ > kDeepest) {
    error_ = "too many parentheses";
    return 0;
  }
  const u64 v = sum();
  if (!take(')') && error_.empty()) error_ = "a ) is missing";
  return v;
}

u64 Expression::reg() {
  size_t end = 0;
  while (end < text_.size() && (std::isalnum(static_cast<u8>(text_[end])) || text_[end] == '_'))
    ++end;
  const std::string_view name = text_.substr(0, end);
  text_.remove_prefix(end);
  for (GdbArch arch : {GdbArch::X86_64, GdbArch::I386}) {
    const GdbRegisters registers(arch);
    if (const auto v = registers.value(cpu_, name)) return *v;
  }
  if (error_.empty()) error_ = fmt::format("no register ${}", name);
  return 0;
}

u64 Expression::number() {
  const bool hex = text_.starts_with("0x") || text_.starts_with("0X");
  if (hex) text_.remove_prefix(2);
  u64 v = 0;
  const auto [end, bad] =
      std::from_chars(text_.data(), text_.data() + text_.size(), v, hex ? 16 : 10);
  if (bad != std::errc() && error_.empty())
    error_ = text_.empty() ? "give a value: a number or $register"
                           : fmt::format("'{}' is no number", text_);
  text_.remove_prefix(static_cast<size_t>(end - text_.data()));
  return v;
}

struct Format {
  u64 count = 1;
  char kind = 'x';
  unsigned size = 4;
};

/// Takes "/10xg" off the front.
Result<Format> take_format(std::string_view& what, unsigned word) {
  Format f{.count = 1, .kind = 'x', .size = word};
  if (!what.starts_with('/')) return f;
  const std::string_view text = what.substr(1, what.find(' ') - 1);
  what.remove_prefix(std::min(what.size(), text.size() + 1));
  const auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), f.count);
  for (const char c : text.substr(static_cast<size_t>(end - text.data()))) {
    constexpr std::string_view kSizes = "bhwg";
    if (const size_t n = kSizes.find(c); n != kSizes.npos) {
      f.size = 1u << n;
    } else if (std::string_view("xduoci").find(c) != std::string_view::npos) {
      f.kind = c;
    } else {
      return Error{fmt::format("/{}: a count, then x d u o c or i, then b h w or g", text)};
    }
  }
  constexpr u64 kMost = 4096;
  f.count = std::min(f.count, kMost);
  return f;
}

std::string one(u64 value, const Format& f) {
  switch (f.kind) {
    case 'd': {
      const unsigned unused = 64 - 8 * f.size;
      return fmt::format("{}", static_cast<i64>(value << unused) >> unused);
    }
    case 'u':
      return fmt::format("{}", value);
    case 'o':
      return fmt::format("{:#o}", value);
    case 'c':
      return value >= 0x20 && value < 0x7F ? fmt::format("'{}'", static_cast<char>(value))
                                           : fmt::format("'\\x{:02x}'", value);
    default:
      return fmt::format("0x{:0{}x}", value, 2 * f.size);
  }
}

class Dumper {
 public:
  Dumper(const Cpu& cpu, bool physical) : cpu_(cpu), physical_(physical) {}

  std::string values(u64 at, const Format& f) const;
  std::string instructions(u64 at, u64 count) const;

 private:
  size_t peek(u64 at, void* out, size_t size) const {
    if (!physical_) return peek_linear(cpu_, at, out, size);
    peek_physical(cpu_, at, out, size);
    return size;
  }
  std::string unreadable(u64 at) const {
    return fmt::format("{:016x}: not mapped, or no memory\n", at);
  }

  const Cpu& cpu_;
  bool physical_;
};

std::string Dumper::values(u64 at, const Format& f) const {
  const unsigned per_line = f.kind == 'c' ? 8 : 16 / f.size;
  std::string text;
  for (u64 n = 0; n < f.count; ++n, at += f.size) {
    u64 value = 0;
    if (peek(at, &value, f.size) != f.size) return text + (n % per_line ? "\n" : "") + unreadable(at);
    if (n % per_line == 0) text += fmt::format("{:016x}:", at);
    text += " " + one(value, f);
    if (n % per_line == per_line - 1 || n + 1 == f.count) text += "\n";
  }
  return text;
}

std::string Dumper::instructions(u64 at, u64 count) const {
  const CpuState& s = cpu_.state;
  const CodeSize size = s.long64() ? CodeSize::Bits64
                        : s.seg[kCs].db ? CodeSize::Bits32
                                        : CodeSize::Bits16;
  const Decoder decoder;
  std::string text;
  for (u64 n = 0; n < count; ++n) {
    u8 bytes[ZYDIS_MAX_INSTRUCTION_LENGTH];
    const size_t got = peek(at, bytes, sizeof bytes);
    if (got == 0) return text + unreadable(at);
    Decoded d;
    const bool ok = decoder.decode(size, {bytes, got}, d) == DecodeStatus::Ok;
    text += ok ? fmt::format("{:#018x}:  {}\n", at, Decoder::format(d, at))
               : fmt::format("{:#018x}:  (bad) {:02x}\n", at, bytes[0]);
    at += ok ? d.insn.length : 1;
  }
  return text;
}

unsigned word_of(const Cpu& cpu) { return cpu.state.long64() ? 8 : 4; }

}  // namespace

Result<u64> evaluate(const Cpu& cpu, std::string_view expression) {
  return Expression(cpu, expression).value();
}

Result<Json> dump_memory(const Cpu& cpu, std::string_view what, bool physical) {
  auto format = take_format(what, word_of(cpu));
  if (!format) return Error{format.error()};
  auto at = evaluate(cpu, what);
  if (!at) return Error{at.error()};
  if (format->kind == 'c') format->size = 1;
  const Dumper dumper(cpu, physical);
  return Json(format->kind == 'i' ? dumper.instructions(*at, format->count)
                                  : dumper.values(*at, *format));
}

Result<Json> print_value(const Cpu& cpu, std::string_view what) {
  auto format = take_format(what, 8);
  if (!format) return Error{format.error()};
  auto value = evaluate(cpu, what);
  if (!value) return Error{value.error()};
  return Json(one(*value, *format) + "\n");
}

}  // namespace ring3
