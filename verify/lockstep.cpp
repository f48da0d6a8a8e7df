// SPDX-License-Identifier: MIT
#include "verify/lockstep.h"

#include <fmt/format.h>

#include <cstring>
#include <iterator>

#include "verify/flags.h"

namespace ring3::verify {
namespace {

constexpr size_t kMostNotes = 24;

/// The state of a device as bytes, with the names of its fields.
class Snapshot final : public FieldVisitor {
 public:
  struct Entry {
    std::string name;
    std::vector<u8> bytes;
  };
  void field(std::string_view name, void* data, size_t size) override {
    const u8* p = static_cast<const u8*>(data);
    entries.push_back({std::string(name), {p, p + size}});
  }
  std::vector<Entry> entries;
};

std::string hex(const u8* p, size_t size) {
  std::string text;
  for (size_t n = 0; n < size; ++n) fmt::format_to(std::back_inserter(text), "{:02x} ", p[n]);
  return text;
}

}  // namespace

PcConfig Lockstep::config_of(PcConfig config, Streams& streams, unsigned board) {
  config.icount = true;
  config.icount_sleep = false;
  streams.connect(config, board);
  return config;
}

Lockstep::Lockstep(const std::array<PcConfig, 2>& configs)
    : streams_(configs[0]),
      jit_board_(config_of(configs[0], streams_, 0)),
      interp_board_(config_of(configs[1], streams_, 1)),
      log_(interp_board_.memory()),
      reference_(std::make_unique<Reference>(interp_board_.cpu())),
      jit_fields_(fields_of(jit_board_.cpu())),
      interp_fields_(fields_of(interp_board_.cpu())) {
  streams_.on_quit(0, [this] { jit_board_.leave(0); });
  streams_.on_quit(1, [this] { interp_board_.leave(0); });
}

Status Lockstep::start(const Prepare& prepare, const MakeJit& make_jit) {
  auto jit = make_jit(jit_board_.cpu());
  if (!jit) return Error{jit.error()};
  jit_ = std::move(*jit);
  for (Pc* board : {&jit_board_, &interp_board_}) {
    if (Status prepared = prepare(*board); !prepared) return prepared;
    board->reset();
  }
  return success();
}

void Lockstep::run_to(u64 instructions, bool several) {
  reference_->agreed(several);
  ended_[0] = ended_[0] || !jit_board_.run_until(*jit_, instructions);
  ended_[1] = ended_[1] || !interp_board_.run_until(*reference_, instructions);
}

bool Lockstep::agree(Depth depth) {
  notes_.clear();
  more_notes_ = 0;
  bool same = same_cpu();
  same &= same_written();
  if (depth == Depth::All) {
    same &= same_ram();
    same &= same_devices();
  }
  if (ended_[0] != ended_[1] || jit_board_.status() != interp_board_.status()) {
    note(fmt::format("the jit's machine {}, the interpreter's {}",
                     ended_[0] ? "has ended" : "runs on", ended_[1] ? "has ended" : "runs on"));
    same = false;
  }
  if (!streams_.pass_on()) {
    note("they wrote different output");
    same = false;
  }
  log_.clear();
  return same;
}

bool Lockstep::same_cpu() {
  CpuState& jit = jit_board_.cpu().state;
  const CpuState& interp = interp_board_.cpu().state;
  if (((jit.rflags ^ interp.rflags) & ~reference_->undefined()) == 0) jit.rflags = interp.rflags;
  for (unsigned r = 0; r < 16; ++r)
    if (jit.gpr[r] != interp.gpr[r] && same_but_arithmetic_flags(jit.gpr[r], interp.gpr[r], 8)) {
      jit.gpr[r] = interp.gpr[r];
      ++flags_made_equal_;
    }
  constexpr u32 kSame = kSignalIntr | kSignalNmi | kSignalInit | kSignalSipi | kSignalTrap;
  const u32 signals = jit_board_.cpu().signals, expected = interp_board_.cpu().signals;
  if ((signals ^ expected) & kSame) {
    note(fmt::format("signals: jit {:x}, interp {:x}", signals & kSame, expected & kSame));
    return false;
  }
  if (jit_board_.clock().now() != interp_board_.clock().now()) {
    note(fmt::format("guest time: jit {}, interp {} ns", jit_board_.clock().now(),
                     interp_board_.clock().now()));
    return false;
  }
  return same_fields(jit_fields_, interp_fields_);
}

bool Lockstep::same_written() {
  bool same = true;
  for (const WriteLog::Write& w : log_.writes()) {
    const PhysPage jit = jit_board_.memory().page(w.address);
    const PhysPage interp = interp_board_.memory().page(w.address);
    if (!jit.host || !interp.host) continue;
    const u64 at = w.address.offset();
    if (std::memcmp(jit.host + at, interp.host + at, w.size) != 0)
      same &= same_bytes(w.address.page(), jit.host, interp.host, kPageSize);
  }
  return same;
}

bool Lockstep::same_ram() {
  bool same = true;
  const std::span<u8> jit = jit_board_.memory().ram(), interp = interp_board_.memory().ram();
  const u64 low = jit_board_.memory().low_ram_end();
  for (u64 at = 0; at < jit.size(); at += kPageSize) {
    if (std::memcmp(jit.data() + at, interp.data() + at, kPageSize) == 0) continue;
    const u64 address = at < low ? at : PhysicalMemory::kHighRamStart + (at - low);
    same &= same_bytes({address}, jit.data() + at, interp.data() + at, kPageSize);
  }
  return same;
}

/// A page, or part of one. Makes equal what may differ.
bool Lockstep::same_bytes(PhysAddr address, u8* jit, u8* interp, u64 size) {
  bool same = true;
  for (u64 at = 0; at < size; ++at) {
    if (jit[at] == interp[at]) continue;
    const u64 word = at & ~u64{1};
    if (flags_only(jit, interp, word, size - word)) continue;
    const u64 line = at & ~u64{15};
    note(fmt::format("memory {:#012x}: jit {}\n{:>22} interp {}", address.value + line,
                     hex(jit + line, 16), "", hex(interp + line, 16)));
    at = line + 15;
    same = false;
  }
  return same;
}

/// A flags image at `at`, of 4 bytes or, for 16-bit code, of 2.
bool Lockstep::flags_only(u8* jit, u8* interp, u64 at, u64 room) {
  const unsigned size = room >= 4 ? 4 : 2;
  const auto word = [&](const u8* p, unsigned n) {
    return n == 4 ? u64{load<u32>(p + at)} : u64{load<u16>(p + at)};
  };
  const bool wide =
      size == 4 && same_but_arithmetic_flags(word(jit, 4), word(interp, 4), 4);
  const bool narrow = !jit_board_.cpu().state.long_mode() &&
                      same_but_arithmetic_flags(word(jit, 2), word(interp, 2), 2);
  if (!wide && !narrow) return false;
  std::memcpy(jit + at, interp + at, 2);
  ++flags_made_equal_;
  return true;
}

bool Lockstep::same_devices() {
  bool same = true;
  for (size_t n = 0; n < jit_board_.devices().size(); ++n) {
    Snapshot jit, interp;
    jit_board_.devices()[n]->fields(jit);
    interp_board_.devices()[n]->fields(interp);
    for (size_t f = 0; f < jit.entries.size(); ++f) {
      if (jit.entries[f].bytes == interp.entries[f].bytes) continue;
      note(fmt::format("{}.{} differs", jit_board_.devices()[n]->name(), jit.entries[f].name));
      same = false;
    }
  }
  return same;
}

void Lockstep::note(std::string text) {
  if (notes_.size() < kMostNotes)
    notes_.push_back(std::move(text));
  else
    ++more_notes_;
}

std::string Lockstep::differences() {
  std::string text = side_by_side(jit_fields_, interp_fields_, "jit", "interp");
  for (const std::string& n : notes_) text += "* " + n + "\n";
  if (more_notes_ > 0) text += fmt::format("* {} more\n", more_notes_);
  return text;
}

}  // namespace ring3::verify
