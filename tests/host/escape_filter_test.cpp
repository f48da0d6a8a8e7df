// SPDX-License-Identifier: MIT
#include "host/escape_filter.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <string>

using namespace ring3;

namespace {

struct Typed final : ByteSource {
  std::string text;
  size_t take(std::span<u8> out) override {
    const size_t n = std::min(out.size(), text.size());
    std::copy_n(text.begin(), n, out.begin());
    text.erase(0, n);
    return n;
  }
  bool ended() const override { return false; }
  int handle() const override { return -1; }
};

struct Console {
  Typed typed;
  int quits = 0, helps = 0, breaks = 0;
  EscapedSource source{typed, {[this] { ++quits; }, [this] { ++helps; }, [this] { ++breaks; }}};
  std::string type(const std::string& text) {
    typed.text = text;
    u8 buffer[64];
    return {reinterpret_cast<char*>(buffer), source.take(buffer)};
  }
};

}  // namespace

TEST_CASE("escape filter: ordinary bytes -> pass, Ctrl-C too") {
  Console c;
  CHECK(c.type("ls\r\x03xh") == "ls\r\x03xh");
  CHECK(c.quits + c.helps == 0);
}

TEST_CASE("escape filter: Ctrl-A x, h, b -> their hooks, nothing to the guest") {
  Console c;
  CHECK(c.type("a\1hb\1bc\1x").find('\1') == std::string::npos);
  CHECK(c.quits == 1);
  CHECK(c.helps == 1);
  CHECK(c.breaks == 1);
}

TEST_CASE("escape filter: Ctrl-A Ctrl-A -> one Ctrl-A; an unknown command -> its letter") {
  Console c;
  CHECK(c.type("\1\1") == "\1");
  CHECK(c.type("\1z") == "z");
}

TEST_CASE("escape filter: the escape at the end of a read -> the next read goes on") {
  Console c;
  CHECK(c.type("ab\1") == "ab");
  CHECK(c.type("x") == "");
  CHECK(c.quits == 1);
}
