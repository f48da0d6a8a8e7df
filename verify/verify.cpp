// SPDX-License-Identifier: MIT
// The processes: the first one only waits for the exit status. A worker runs the machines; before
// each stretch it makes a copy of itself that waits. "All is well" ends the copy; a difference, or
// the worker's death, wakes it, and it is the worker from then on.
#include "verify/verify.h"

#include <fmt/format.h>

#include <cstdio>
#include <optional>

#include "base/print.h"
#include "host/process.h"
#include "verify/inquiry.h"

namespace ring3::verify {
namespace {

constexpr unsigned kMostDifferences = 32;

class Worker {
 public:
  explicit Worker(const Setup& setup)
      : setup_(setup), machines_(setup.boards), schedule_(setup.settings) {}

  int run();

 private:
  /// What a worker tells its copy.
  struct Message {
    bool well = false;
    Found found;
    u64 streams = 0;  ///< bytes that follow
  };

  bool keep_copy();
  void dismiss_copy();
  bool wake_up(Pipe& orders);
  std::optional<Found> stretch();
  bool investigate(const Found& found);
  [[noreturn]] void hand_over(const Found& found);
  int finish();

  const Setup& setup_;
  Lockstep machines_;
  Schedule schedule_;
  std::unique_ptr<Pipe> orders_;  ///< to the copy
  int copy_ = -1;
  unsigned differences_ = 0;
  std::vector<std::string> remedies_;
};

int Worker::run() {
  if (setup_.started) setup_.started(machines_.streams());
  if (Status started = machines_.start(setup_.prepare, setup_.make_jit); !started) {
    print_to(stderr, "ring3: {}\n", started.error());
    return 1;
  }
  if (setup_.settings.from > 0) {
    machines_.run_to(setup_.settings.from, true);
    machines_.agree(Lockstep::Depth::All);
  }
  while (!machines_.ended()) {
    if (!keep_copy()) return finish();
    if (const auto found = stretch()) hand_over(*found);
  }
  dismiss_copy();
  return finish();
}

/// Until the next comparison of everything.
std::optional<Found> Worker::stretch() {
  const u64 start = machines_.instructions(), end = start + setup_.settings.stretch;
  while (machines_.instructions() < end && !machines_.ended()) {
    const u64 before = machines_.instructions();
    machines_.run_to(schedule_.next(before), schedule_.several());
    schedule_.done();
    if (!machines_.agree(Lockstep::Depth::Writes))
      return Found{before, machines_.instructions(), Lockstep::Depth::Writes};
  }
  if (machines_.agree(Lockstep::Depth::All)) return std::nullopt;
  return Found{start, machines_.instructions(), Lockstep::Depth::All};
}

void Worker::dismiss_copy() {
  if (copy_ < 0) return;
  Message message;
  message.well = true;
  orders_->write_value(message);
  orders_.reset();
  wait_for_process(std::exchange(copy_, -1));
}

/// False: in a copy that woke up and found nothing to go on with.
bool Worker::keep_copy() {
  dismiss_copy();
  machines_.streams().mark();
  auto orders = std::make_unique<Pipe>();
  Pipe ready;
  std::fflush(stdout);
  std::fflush(stderr);
  copy_ = copy_process();
  if (copy_ == 0) {
    orders->close_write();
    ready.close_read();
    if (!machines_.jit().own_memory() || !ready.write_value(u8{1})) end_process(1);
    ready.close_write();
    return wake_up(*orders);
  }
  orders->close_read();
  ready.close_write();
  u8 made = 0;
  ready.read_value(made);  // its code memory is its own from now on
  orders_ = std::move(orders);
  return true;
}

/// In the copy.
bool Worker::wake_up(Pipe& orders) {
  copy_ = -1;
  Message message;
  std::vector<u8> streams;
  if (orders.read_value(message)) {
    if (message.well) end_process(0);
    streams.resize(message.streams);
    if (!orders.read(streams) || !machines_.streams().replay(streams)) end_process(1);
  } else {
    const u64 now = machines_.instructions();
    message.found = {now, now + setup_.settings.stretch, Lockstep::Depth::All, true};
  }
  return investigate(message.found) && ++differences_ < kMostDifferences;
}

bool Worker::investigate(const Found& found) {
  Pipe answer;
  const int copy = copy_process();
  if (copy == 0) {
    machines_.streams().cut_off();
    if (!machines_.jit().own_memory()) end_process(1);
    // To the last agreement first: what follows is tried many times.
    if (found.depth == Lockstep::Depth::Writes) play(machines_, schedule_, found.before);
    answer.write_value(Inquiry(machines_, schedule_, setup_.settings, found).run());
    end_process(0);
  }
  answer.close_write();
  Remedy remedy;
  if (!answer.read_value(remedy)) remedy.none = true;
  wait_for_process(copy);
  remedies_.push_back(text_of(remedy));
  if (remedy.none) {
    ++differences_;
    return false;
  }
  apply(remedy, machines_.jit());
  return true;
}

void Worker::hand_over(const Found& found) {
  const std::vector<u8> streams = machines_.streams().since_mark();
  Message message{false, found, streams.size()};
  orders_->write_value(message);
  orders_->write(streams);
  end_process(0);
}

int Worker::finish() {
  machines_.streams().finish();
  print_to(stderr,
             "ring3: verify: {} instructions, {} comparisons, {} differences; {} stored flags "
             "differed where the manual leaves them undefined\n",
             machines_.instructions(), schedule_.count(), differences_,
             machines_.flags_made_equal());
  for (const std::string& remedy : remedies_) print_to(stderr, "ring3: verify: {}\n", remedy);
  int status = differences_ > 0 ? 1 : machines_.status();
  if (setup_.finished)
    if (const Status finished = setup_.finished(machines_.jit_board()); !finished) {
      print_to(stderr, "ring3: {}\n", finished.error());
      status = 1;
    }
  return status;
}

}  // namespace

int run(const Setup& setup) {
  Pipe result;
  const int worker = copy_process();
  if (worker < 0) {
    print_to(stderr, "ring3: -accel verify: the host refuses a copy of the process\n");
    return 1;
  }
  if (worker == 0) {
    result.close_read();
    i32 status = 1;
    {
      Worker machine(setup);
      status = machine.run();
    }
    std::fflush(stdout);
    std::fflush(stderr);
    result.write_value(status);
    end_process(0);
  }
  result.close_write();
  i32 status = 1;
  while (result.read_value(status)) {
  }
  wait_for_process(worker);
  return status;
}

}  // namespace ring3::verify
