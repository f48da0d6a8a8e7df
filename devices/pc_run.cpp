// SPDX-License-Identifier: MIT
// The board's loop: events, then the engine for a slice, then what the engine stopped for. Host
// input and output are served every few milliseconds of guest time, so -icount runs stay exact.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>

#include "base/log.h"
#include "base/print.h"
#include "devices/pc.h"

namespace ring3 {
namespace {

constexpr Nanos kServicePeriod = 4'000'000;
constexpr u64 kSlice = 400'000, kShortestSlice = 200;
constexpr size_t kBacklog = 1024;  ///< typed characters that the guest has not fetched
constexpr Nanos kWorthSleeping = 1'000'000;

}  // namespace

int Pc::run(Engine& engine) {
  run_until(engine, ~u64{0});
  notify(MachineEvent::Shutdown);
  flush_output();
  return status_;
}

bool Pc::run_until(Engine& engine, u64 instructions) {
  while (!(cpu_.signals & kSignalStop)) {
    if (cpu_.state.instructions >= instructions) return true;
    if (paused_) {
      run_paused();
      continue;
    }
    if (stepping_ || skip_breakpoint_) {
      run_step(engine);
      continue;
    }
    cpu_.signals &= ~u32{kSignalEvents};
    clock_.run_due();
    if (clock_.now() >= next_service_) service_host();
    const u64 before = cpu_.state.instructions;
    const u64 deadline = std::min(run_deadline(), instructions);
    const Nanos start = config_.icount ? 0 : clock_.now();
    in_engine_ = true;
    const Exit exit = engine.run(cpu_, deadline);
    in_engine_ = false;
    if (!config_.icount) measure(cpu_.state.instructions - before, clock_.now() - start);
    handle(exit);
  }
  return false;
}

/// How far the engine may run. By instructions: exactly to the next event. By host time: a slice
/// that should end by then, at the speed of late. Its end costs two microseconds, most of them to
/// fetch code and data again that the guest's own did not touch.
u64 Pc::run_deadline() {
  const Nanos next = std::min(clock_.next_deadline(), next_service_);
  const u64 instructions = cpu_.state.instructions;
  if (config_.icount) {
    const u64 due = std::max(instruction_time_.instructions_at(next), instructions + 1);
    return std::min(due, next_hook_);
  }
  const Nanos now = clock_.now();
  const double until = next > now ? static_cast<double>(next - now) : 0;
  const double slice =
      std::clamp(until * instructions_per_ns_, double{kShortestSlice}, double{kSlice});
  return std::min(instructions + static_cast<u64>(slice), next_hook_);
}

/// Slower at once, faster by and by: a slice that lasts too long makes events late.
void Pc::measure(u64 instructions, Nanos time) {
  if (instructions < kShortestSlice || time == 0) return;
  const double rate = static_cast<double>(instructions) / static_cast<double>(time);
  instructions_per_ns_ = std::min(rate, instructions_per_ns_ + (rate - instructions_per_ns_) / 8);
}

void Pc::handle(Exit exit) {
  if (cpu_.state.instructions >= next_hook_) {
    next_hook_ = (cpu_.state.instructions / hook_interval_ + 1) * hook_interval_;
    instruction_hook_(cpu_.state.instructions);
  }
  switch (exit) {
    case Exit::Deadline:
      return;
    case Exit::Halted:
      return idle();
    case Exit::Shutdown:
      return handle_shutdown();
    case Exit::Signal:
      return handle_signals();
  }
}

void Pc::handle_signals() {
  if (cpu_.signals & kSignalDebug) {
    cpu_.signals &= ~u32{kSignalDebug};
    pause();
  }
  if (!(cpu_.signals & kSignalReset) || (cpu_.signals & kSignalStop)) return;
  cpu_.signals &= ~u32{kSignalReset};
  if (config_.no_reboot) return leave(0);
  reset();
}

/// The shutdown cycle of a triple fault: the board answers it with a reset.
void Pc::handle_shutdown() {
  if (config_.no_reboot) {
    flush_output();
    print_to(stderr, "ring3: triple fault; -no-reboot ends the run\n{}", dump());
    return leave(0);
  }
  RING3_LOG(GuestErrors, "triple fault, resetting\n{}", dump());
  reset();
}

/// HLT: until the next event or input. Time by instructions does not wait, it is skipped.
void Pc::idle() {
  if (cpu_.signals & (kSignalStop | kSignalReset)) return handle_signals();
  const Nanos next = clock_.next_deadline();
  const Nanos now = clock_.now();
  if (!config_.icount) return wait(next == kNever ? kNever : next - std::min(next, now));
  if (next == kNever) return wait(kNever);
  if (config_.icount_sleep && next > now + kWorthSleeping) wait(next - now);
  instruction_time_.skip_to(next);
}

void Pc::wait(Nanos time) {
  flush_output();
  std::vector<int> handles(uarts_.size(), -1);
  for (unsigned port = 0; port < uarts_.size(); ++port) {
    const ByteSource* source = config_.serial_input[port];
    if (source && uarts_[port] && uarts_[port]->backlog() < kBacklog)
      handles[port] = source->handle();
  }
  u64 longest = time == kNever ? Waiter::kForever : time;
  for (HostService* service : services_) {
    service->add_handles(handles);
    longest = std::min(longest, service->due_in());
  }
  waiter_.wait(longest, handles);
  serve();
  // By instructions, input is looked at only at times that are the guest's, unless it is dead.
  if (!config_.icount || time == kNever) next_service_ = 0;
}

void Pc::service_host() {
  next_service_ = clock_.now() + kServicePeriod;
  for (unsigned port = 0; port < uarts_.size(); ++port) service_serial(port);
  flush_output();
  serve();
  for (const ByteSink* sink : config_.serial) {
    if (!sink || sink->error().empty()) continue;
    print_to(stderr, "ring3: {}\n", sink->error());
    return leave(1);
  }
}

void Pc::service_serial(unsigned port) {
  ByteSource* source = config_.serial_input[port];
  Uart16550* uart = uarts_[port].get();
  if (!source || !uart || source->ended() || uart->backlog() >= kBacklog) return;
  std::array<u8, 256> typed;
  const size_t n = source->take(typed);
  for (size_t i = 0; i < n; ++i) uart->receive(typed[i]);
}

void Pc::flush_output() {
  for (ByteSink* sink : config_.serial) {
    if (sink) sink->flush();
  }
  if (config_.debugcon) config_.debugcon->flush();
}

void Pc::on_instructions(u64 interval, std::function<void(u64)> hook) {
  hook_interval_ = std::max<u64>(interval, 1);
  next_hook_ = (cpu_.state.instructions / hook_interval_ + 1) * hook_interval_;
  instruction_hook_ = std::move(hook);
}

}  // namespace ring3
