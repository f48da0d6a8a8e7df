// SPDX-License-Identifier: MIT
#include "tools/console.h"

#include <fmt/format.h>

namespace ring3 {

namespace {

constexpr int kStandardInput = 0, kStandardOutput = 1;

class NullSink final : public ByteSink {
 public:
  void put(u8) override {}
};

}  // namespace

Status Console::open(const Options& options) {
  for (size_t port = 0; port < options.serial.size(); ++port) {
    const CharBackend& backend = options.serial[port];
    auto opened = sink("-serial", backend);
    if (!opened) return Error{opened.error()};
    serial[port] = *opened;
    if (backend.kind == CharBackend::Kind::Stdio && !input_) serial_input[port] = terminal_input();
  }
  if (!options.debugcon) return success();
  auto opened = sink("-debugcon", *options.debugcon);
  if (!opened) return Error{opened.error()};
  debugcon = *opened;
  return success();
}

/// Null for "none": the port is not there.
Result<ByteSink*> Console::sink(std::string_view option, const CharBackend& backend) {
  switch (backend.kind) {
    case CharBackend::Kind::None:
      return static_cast<ByteSink*>(nullptr);
    case CharBackend::Kind::Stdio:
      return terminal_output();
    case CharBackend::Kind::Null:
      sinks_.push_back(std::make_unique<NullSink>());
      break;
    case CharBackend::Kind::File:
      auto file = open_file_sink(backend.path);
      if (!file) return Error{fmt::format("{} file:{}; give another file", option, file.error())};
      sinks_.push_back(std::move(*file));
      break;
  }
  return sinks_.back().get();
}

ByteSink* Console::terminal_output() {
  if (!output_) {
    sinks_.push_back(std::make_unique<FdSink>(kStandardOutput, "standard output"));
    output_ = sinks_.back().get();
  }
  return output_;
}

ByteSource* Console::terminal_input() {
  typed_ = std::make_unique<FdSource>(kStandardInput);
  input_ = std::make_unique<EscapedSource>(
      *typed_, EscapedSource::Hooks{.quit = quit_,
                                    .help = [this] { help(); },
                                    .send_break = [] {},
                                    .monitor = [this] { switch_monitor(); },
                                    .divert =
                                        [this](u8 byte) {
                                          if (in_monitor_) monitor_(byte);
                                          return in_monitor_;
                                        }});
  raw_ = std::make_unique<RawTerminal>(kStandardInput);
  return input_.get();
}

void Console::switch_monitor() {
  if (!monitor_) return;
  in_monitor_ = !in_monitor_;
  output_->put('\n');
  if (in_monitor_) monitor_(0);
}

void Console::help() {
  for (const char c : EscapeFilter::help()) output_->put(static_cast<u8>(c));
  output_->flush();
}

}  // namespace ring3
