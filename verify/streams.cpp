// SPDX-License-Identifier: MIT
#include "verify/streams.h"

#include <algorithm>
#include <cstring>

namespace ring3::verify {
namespace {

/// Values one after the other.
class Writer {
 public:
  void number(u64 value) { raw(&value, sizeof value); }
  void raw(const void* data, size_t size) {
    const u8* p = static_cast<const u8*>(data);
    bytes.insert(bytes.end(), p, p + size);
  }
  std::vector<u8> bytes;
};

class Reader {
 public:
  explicit Reader(std::span<const u8> bytes) : rest_(bytes) {}
  u64 number() {
    u64 value = 0;
    if (const auto part = raw(sizeof value); !part.empty()) std::memcpy(&value, part.data(), 8);
    return value;
  }
  std::span<const u8> raw(u64 size) {
    if (size > rest_.size()) {
      good = false;
      return {};
    }
    const auto part = rest_.first(size);
    rest_ = rest_.subspan(size);
    return part;
  }
  bool good = true;

 private:
  std::span<const u8> rest_;
};

}  // namespace

/// One board's end of a sink.
class Streams::Tap final : public ByteSink {
 public:
  Tap(Sink& sink, unsigned board) : sink_(sink), board_(board) {}
  void put(u8 byte) override { sink_.pending[board_] += static_cast<char>(byte); }
  void flush() override { sink_.flush = true; }
  std::string error() const override { return sink_.host->error(); }

 private:
  Sink& sink_;
  unsigned board_;
};

/// One board's end of a source.
class Streams::Replay final : public ByteSource {
 public:
  Replay(Streams& streams, Port& port, unsigned board)
      : streams_(streams), port_(port), board_(board) {}

  size_t take(std::span<u8> out) override {
    const Take& taken = streams_.take(port_, board_, out.size());
    ended_ = taken.ended;
    std::ranges::copy(taken.bytes, out.begin());
    const size_t count = taken.bytes.size();
    if (taken.quit && streams_.leave_[board_]) streams_.leave_[board_]();
    return count;
  }
  bool ended() const override { return ended_; }
  int handle() const override {
    const bool known = port_.taken[board_] < port_.takes.size();
    return known ? streams_.ready_.read_handle() : port_.host->handle();
  }

 private:
  Streams& streams_;
  Port& port_;
  unsigned board_;
  bool ended_ = false;
};

Streams::Streams(const PcConfig& host) {
  for (size_t n = 0; n < kPorts; ++n) {
    ports_[n].host = host.serial_input[n];
    sinks_[n].host = host.serial[n];
  }
  sinks_[kPorts].host = host.debugcon;
  ready_.write_value(u8{0});
}

Streams::~Streams() = default;

void Streams::connect(PcConfig& config, unsigned board) {
  const auto tap = [&](size_t n) -> ByteSink* {
    if (!sinks_[n].host) return nullptr;
    taps_.push_back(std::make_unique<Tap>(sinks_[n], board));
    return taps_.back().get();
  };
  for (size_t n = 0; n < kPorts; ++n) {
    config.serial[n] = tap(n);
    config.serial_input[n] = nullptr;
    if (!ports_[n].host) continue;
    replays_.push_back(std::make_unique<Replay>(*this, ports_[n], board));
    config.serial_input[n] = replays_.back().get();
  }
  config.debugcon = tap(kPorts);
}

void Streams::quit() { quit_ = true; }

void Streams::on_quit(unsigned board, std::function<void()> leave) {
  leave_[board] = std::move(leave);
}

const Streams::Take& Streams::take(Port& port, unsigned board, size_t most) {
  if (port.taken[board] == port.takes.size()) {
    Take fresh;
    if (!cut_off_) {
      fresh.bytes.resize(most);
      fresh.bytes.resize(port.host->take(fresh.bytes));
      fresh.ended = port.host->ended();
    }
    fresh.quit = std::exchange(quit_, false);
    port.takes.push_back(std::move(fresh));
  }
  return port.takes[port.taken[board]++];
}

void Streams::write(Sink& sink, const std::string& text) {
  const u64 known = std::min<u64>(sink.skip, text.size());
  sink.skip -= known;
  sink.written += text.size();
  if (cut_off_) return;
  for (const char c : text.substr(known)) sink.host->put(static_cast<u8>(c));
}

bool Streams::pass_on() {
  for (Sink& sink : sinks_) {
    if (sink.pending[0] != sink.pending[1]) return false;
    if (!sink.pending[0].empty()) write(sink, sink.pending[0]);
    if (sink.flush && !cut_off_) sink.host->flush();
    sink.flush = false;
    sink.pending[0].clear();
    sink.pending[1].clear();
  }
  return true;
}

void Streams::finish() {
  for (Sink& sink : sinks_)
    if (sink.host) sink.host->flush();
}

void Streams::mark() {
  for (Sink& sink : sinks_) sink.marked = sink.written;
  for (Port& port : ports_) {
    const size_t done = std::min(port.taken[0], port.taken[1]);
    port.takes.erase(port.takes.begin(), port.takes.begin() + static_cast<ptrdiff_t>(done));
    for (size_t& taken : port.taken) taken -= done;
    port.marked = port.takes.size();
  }
}

std::vector<u8> Streams::since_mark() const {
  Writer out;
  for (const Sink& sink : sinks_) out.number(sink.written - sink.marked);
  for (const Port& port : ports_) {
    out.number(port.takes.size() - port.marked);
    for (size_t n = port.marked; n < port.takes.size(); ++n) {
      const Take& take = port.takes[n];
      out.number(u64{take.ended} | u64{take.quit} << 1);
      out.number(take.bytes.size());
      out.raw(take.bytes.data(), take.bytes.size());
    }
  }
  return out.bytes;
}

bool Streams::replay(std::span<const u8> since_mark) {
  Reader in(since_mark);
  for (Sink& sink : sinks_) sink.skip = in.number() + sink.skip;
  for (Port& port : ports_) {
    for (u64 left = in.number(); left > 0 && in.good; --left) {
      const u64 flags = in.number();
      const auto bytes = in.raw(in.number());
      port.takes.push_back({{bytes.begin(), bytes.end()}, (flags & 1) != 0, (flags & 2) != 0});
    }
  }
  return in.good;
}

}  // namespace ring3::verify
