// SPDX-License-Identifier: MIT
// What the guest's page tables map at present: all of them are read, as no cpu would.
#include <fmt/format.h>

#include <functional>

#include "monitor/info.h"

namespace ring3 {
namespace {

struct Mapping {
  u64 linear = 0, size = 0, physical = 0;
  u64 flags = 0;  ///< of the last entry
  bool user = true, writable = true, executable = true;
};

/// Visits present pages in linear order. Tables may point anywhere, at themselves too: it gives up
/// after as many as a large guest has.
class TableReader {
 public:
  TableReader(PhysicalMemory& memory, const PagingState& state,
              std::function<void(const Mapping&)> visit)
      : memory_(memory), state_(state), visit_(std::move(visit)) {}

  void read();
  bool complete() const { return left_ > 0; }

 private:
  static constexpr u64 kP = bit(0), kRw = bit(1), kUs = bit(2), kPs = bit(7), kXd = bit(63);
  static constexpr u64 kFrame = low_mask(52) & ~kPageMask;

  void table(u64 base, unsigned level, u64 linear, Mapping rights);
  void entry(u64 value, unsigned level, u64 linear, Mapping rights);
  bool wide() const { return state_.mode() != PagingMode::Bits32; }
  unsigned shift(unsigned level) const { return 12 + (level - 1) * (wide() ? 9 : 10); }

  PhysicalMemory& memory_;
  const PagingState& state_;
  std::function<void(const Mapping&)> visit_;
  unsigned left_ = 20'000;  ///< tables
};

void TableReader::read() {
  switch (state_.mode()) {
    case PagingMode::Off:
      return;
    case PagingMode::Bits32:
      return table(state_.cr3 & 0xFFFFF000, 2, 0, {});
    case PagingMode::Pae:
      for (unsigned n = 0; n < 4; ++n)
        if (state_.pdpte[n] & kP) table(state_.pdpte[n] & kFrame, 2, u64{n} << 30, {});
      return;
    case PagingMode::Level4:
      return table(state_.cr3 & kFrame, 4, 0, {});
  }
}

void TableReader::table(u64 base, unsigned level, u64 linear, Mapping rights) {
  if (left_ == 0) return;
  --left_;
  const unsigned entries = wide() ? 512 : 1024;
  for (u64 n = 0; n < entries && left_ > 0; ++n) {
    const u64 value = wide() ? memory_.read<u64>({base + 8 * n}) : memory_.read<u32>({base + 4 * n});
    u64 at = linear | n << shift(level);
    if (level == 4 && n >= 256) at |= ~low_mask(48);  // canonical
    if (value & kP) entry(value, level, at, rights);
  }
}

void TableReader::entry(u64 value, unsigned level, u64 linear, Mapping m) {
  m.user = m.user && (value & kUs);
  m.writable = m.writable && (value & kRw);
  m.executable = m.executable && !(wide() && state_.execute_disable() && (value & kXd));
  const bool pse = wide() || (state_.cr4 & paging::kCr4Pse);
  const bool page = level == 1 || (level < 4 && pse && (value & kPs));
  if (!page) return table(value & (wide() ? kFrame : 0xFFFFF000), level - 1, linear, m);
  m.linear = linear;
  m.size = u64{1} << shift(level);
  m.physical = value & (wide() ? kFrame : 0xFFFFF000) & ~(m.size - 1);
  if (!wide() && level == 2) m.physical |= (value >> 13 & 0xFF) << 32;  // PSE-36
  m.flags = value;
  visit_(m);
}

std::string no_paging() { return "paging is off: linear addresses are physical\n"; }
std::string cut(const TableReader& reader) {
  return reader.complete() ? "" : "(and more: too many tables)\n";
}

std::string flags_text(const Mapping& m) {
  constexpr std::pair<u64, char> kFlags[] = {{bit(63), 'X'}, {bit(8), 'G'}, {bit(7), 'P'},
                                             {bit(6), 'D'},  {bit(5), 'A'}, {bit(4), 'C'},
                                             {bit(3), 'T'},  {bit(2), 'U'}, {bit(1), 'W'}};
  std::string text;
  for (const auto& [flag, letter] : kFlags) text += m.flags & flag ? letter : '-';
  return text;
}

/// One line per run of pages with the same rights.
class RangeWriter {
 public:
  void add(const Mapping& m) {
    const bool joins = size_ != 0 && m.linear == start_ + size_ && m.user == rights_.user &&
                       m.writable == rights_.writable && m.executable == rights_.executable;
    if (!joins) {
      finish();
      start_ = m.linear;
      rights_ = m;
    }
    size_ += m.size;
  }
  void finish() {
    if (size_ != 0)
      text += fmt::format("{:016x}-{:016x} {:016x} {}r{}{}\n", start_, start_ + size_, size_,
                          rights_.user ? 'u' : '-', rights_.writable ? 'w' : '-',
                          rights_.executable ? 'x' : '-');
    size_ = 0;
  }
  std::string text;

 private:
  u64 start_ = 0, size_ = 0;
  Mapping rights_;
};

}  // namespace

std::string mappings_info(Machine& machine) {
  const PagingState& state = machine.pc.mmu().state();
  if (state.mode() == PagingMode::Off) return no_paging();
  RangeWriter ranges;
  TableReader reader(machine.pc.memory(), state, [&](const Mapping& m) { ranges.add(m); });
  reader.read();
  ranges.finish();
  return ranges.text + cut(reader);
}

std::string pages_info(Machine& machine) {
  const PagingState& state = machine.pc.mmu().state();
  if (state.mode() == PagingMode::Off) return no_paging();
  std::string text;
  TableReader reader(machine.pc.memory(), state, [&](const Mapping& m) {
    text += fmt::format("{:016x}: {:016x} {}\n", m.linear, m.physical, flags_text(m));
  });
  reader.read();
  return text + cut(reader);
}

}  // namespace ring3
