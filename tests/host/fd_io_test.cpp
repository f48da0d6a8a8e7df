// SPDX-License-Identifier: MIT
#include "host/fd_io.h"

#include <fcntl.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <string>

#include "host/terminal.h"
#include "host/waiter.h"

using namespace ring3;

namespace {

struct Pipe {
  int ends[2];
  Pipe() { REQUIRE(pipe(ends) == 0); }
  ~Pipe() {
    close(ends[0]);
    close(ends[1]);
  }
  void close_reader() {
    close(ends[0]);
    ends[0] = -1;
  }
  void close_writer() {
    close(ends[1]);
    ends[1] = -1;
  }
};

std::string take(ByteSource& source) {
  u8 buffer[64];
  return {reinterpret_cast<char*>(buffer), source.take(buffer)};
}

}  // namespace

TEST_CASE("fd sink: bytes -> reach the descriptor at flush") {
  Pipe p;
  FdSink sink(p.ends[1], "pipe");
  for (char c : std::string("hello")) sink.put(static_cast<u8>(c));
  sink.flush();
  char got[8] = {};
  CHECK(read(p.ends[0], got, sizeof got) == 5);
  CHECK(std::string(got) == "hello");
  CHECK(sink.error().empty());
}

TEST_CASE("fd sink: the reader is gone -> an error that names the stream, no signal") {
  Pipe p;
  p.close_reader();
  FdSink sink(p.ends[1], "standard output");
  sink.put('x');
  sink.flush();
  CHECK(sink.error() == "standard output: cannot write: Broken pipe");
  sink.put('y');
  sink.flush();
}

TEST_CASE("fd source: nothing there -> nothing, without blocking; then what comes; then the end") {
  Pipe p;
  FdSource source(p.ends[0]);
  CHECK(take(source) == "");
  CHECK_FALSE(source.ended());
  REQUIRE(write(p.ends[1], "hi", 2) == 2);
  CHECK(take(source) == "hi");
  p.close_writer();
  CHECK(take(source) == "");
  CHECK(source.ended());
  CHECK(source.handle() == -1);
}

TEST_CASE("fd source: a closed descriptor -> an ended stream") {
  FdSource source(987);
  CHECK(source.ended());
  CHECK(take(source) == "");
}

TEST_CASE("file sink: a path that cannot be created -> an error that names it") {
  const auto sink = open_file_sink("/nonexistent/log");
  REQUIRE_FALSE(sink);
  CHECK(sink.error() == "/nonexistent/log: cannot write: No such file or directory");
}

TEST_CASE("waiter: wake before wait, or input -> the wait ends") {
  Pipe p;
  Waiter waiter;
  waiter.wake();
  waiter.wait(Waiter::kForever, {});
  REQUIRE(write(p.ends[1], "x", 1) == 1);
  const int handles[] = {-1, p.ends[0]};
  waiter.wait(Waiter::kForever, handles);
  waiter.wait(1000, {});  // a time that passes
}

TEST_CASE("terminal: not a terminal -> nothing happens") {
  Pipe p;
  RawTerminal raw(p.ends[0]);
  CHECK_FALSE(raw.active());
  RawTerminal closed(987);
  CHECK_FALSE(closed.active());
}
