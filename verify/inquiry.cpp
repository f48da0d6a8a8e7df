// SPDX-License-Identifier: MIT
#include "verify/inquiry.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "base/print.h"
#include "host/process.h"
#include "verify/listing.h"

namespace ring3::verify {
namespace {

/// f() in a copy of this process. What it returned; true too if the copy crashed.
template <class F>
bool in_copy(Lockstep& machines, F&& f) {
  std::fflush(stderr);
  const int copy = copy_process();
  if (copy < 0) return true;
  if (copy == 0) {
    machines.streams().cut_off();
    const bool ok = machines.jit().own_memory();
    end_process(ok && f() ? 1 : 0);
  }
  return wait_for_process(copy) != 0;
}

}  // namespace

bool play(Lockstep& machines, Schedule& schedule, u64 instructions) {
  while (machines.instructions() < instructions && !machines.ended()) {
    const u64 next = schedule.next(machines.instructions());
    machines.run_to(std::min(next, instructions), schedule.several());
    if (next > instructions) break;
    schedule.done();
    if (!machines.agree(Lockstep::Depth::Writes)) return false;
  }
  return true;
}

void apply(const Remedy& remedy, Jit& jit) {
  for (u32 n = 0; n < remedy.mnemonics; ++n)
    jit.demote(static_cast<ZydisMnemonic>(remedy.mnemonic[n]));
  if (remedy.rip != 0) jit.interpret_at(remedy.rip);
}

std::string text_of(const Remedy& remedy) {
  if (remedy.none) return "nothing helps; the run ends here";
  std::string text;
  for (u32 n = 0; n < remedy.mnemonics; ++n)
    text += fmt::format("{}-treat {}=callout", n ? " " : "",
                        ZydisMnemonicGetString(static_cast<ZydisMnemonic>(remedy.mnemonic[n])));
  if (remedy.rip != 0) text += fmt::format("the block at {:#x} is interpreted", remedy.rip);
  return text;
}

bool Inquiry::differs_at(u64 instructions) {
  return in_copy(machines_, [&] {
    return !play(machines_, schedule_, instructions) || !machines_.agree(found_.depth);
  });
}

/// The smallest count at which the machines differ, so the block before it is the culprit.
u64 Inquiry::first_difference() {
  u64 good = found_.before, bad = std::max(found_.after, good + 1);
  while (bad - good > 1) {
    const u64 middle = good + (bad - good) / 2;
    (differs_at(middle) ? bad : good) = middle;
  }
  return bad;
}

bool Inquiry::cured_by(const Remedy& remedy) {
  return !in_copy(machines_, [&] {
    apply(remedy, machines_.jit());
    return !play(machines_, schedule_, found_.after) || !machines_.agree(found_.depth);
  });
}

/// One mnemonic, else all of the block, else the block.
Remedy Inquiry::find_remedy(const Culprit& culprit) {
  Remedy remedy;
  remedy.mnemonics = 1;
  for (u32 n = 0; n < culprit.count; ++n) {
    remedy.mnemonic[0] = culprit.mnemonics[n];
    if (cured_by(remedy)) return remedy;
  }
  remedy.mnemonics = culprit.count;
  std::ranges::copy(culprit.mnemonics, remedy.mnemonic);
  if (culprit.count > 0 && cured_by(remedy)) return remedy;
  remedy = {};
  remedy.rip = culprit.rip;
  if (culprit.rip != 0 && cured_by(remedy)) return remedy;
  remedy = {};
  remedy.none = true;
  return remedy;
}

/// The block that both machines run next, printed.
void Inquiry::describe(Culprit& culprit) {
  const Listing listing = list_block(machines_.interp_board().cpu(), machines_.jit());
  print_to(stderr, "{}", listing.text);
  culprit.rip = machines_.interp_board().cpu().state.rip();
  for (const u16 mnemonic : listing.mnemonics)
    if (culprit.count < Remedy::kMost) culprit.mnemonics[culprit.count++] = mnemonic;
  std::fflush(stderr);
}

Inquiry::Culprit Inquiry::look_at(u64 instructions) {
  Pipe answer;
  Culprit culprit;
  const bool copied = in_copy(machines_, [&] {
    play(machines_, schedule_, instructions);
    describe(culprit);
    return answer.write_value(culprit);
  });
  answer.close_write();
  if (copied) answer.read_value(culprit);
  return culprit;
}

void Inquiry::print_differences(u64 instructions) {
  const bool told = in_copy(machines_, [&] {
    play(machines_, schedule_, instructions);
    machines_.agree(found_.depth);
    print_to(stderr, "{}", machines_.differences());
    std::fflush(stderr);
    return true;
  });
  if (!told) print_to(stderr, "the translated code ends the process\n");
}

Remedy Inquiry::run() {
  const u64 bad = first_difference();
  print_to(stderr, "ring3: verify: {} the block at instruction {}\n",
             found_.crashed ? "translated code crashed in" : "jit and interp differ after",
             bad - 1);
  const Culprit culprit = look_at(bad - 1);
  print_differences(bad);
  print_to(stderr, "to repeat: {} -verify from={},every={},blocks={}\n", settings_.command,
             found_.before, settings_.every, settings_.blocks);
  const Remedy remedy = find_remedy(culprit);
  print_to(stderr, "ring3: verify: demoted: {}\n", text_of(remedy));
  std::fflush(stderr);
  return remedy;
}

}  // namespace ring3::verify
