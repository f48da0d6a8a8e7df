// SPDX-License-Identifier: MIT
// MOVS CMPS STOS LODS SCAS, with REP. A repeated instruction runs a slice of its iterations, then
// steps rip back to itself, so that interrupts are taken between iterations (SDM 2B REP). Registers
// move with each completed iteration: a fault leaves them at the faulting one.
#include <algorithm>

#include "core/alu.h"
#include "core/debug.h"
#include "core/operands.h"
#include "core/string_slice.h"

namespace ring3 {
namespace {

/// rCX, rSI and rDI at the instruction's address size.
class StringRegs {
 public:
  StringRegs(Cpu& cpu, const Insn& i, unsigned size)
      : cpu_(cpu),
        mask_(low_mask(i.address_width * 8)),
        source_(static_cast<Seg>(i.segment)),
        step_(cpu.state.has(flag::DF) ? 0 - u64{size} : u64{size}) {}

  u64 count() const { return cpu_.state.gpr[kRcx] & mask_; }
  u64 si() const { return cpu_.state.gpr[kRsi] & mask_; }
  u64 di() const { return cpu_.state.gpr[kRdi] & mask_; }
  Seg source() const { return source_; }
  bool forward() const { return static_cast<i64>(step_) > 0; }
  /// Offsets wrap no earlier than linear addresses do: what is next to each other in a page has
  /// offsets next to each other.
  bool full_width() const { return mask_ >= cpu_.state.linear_mask; }
  void step_si(u64 n = 1) { add(kRsi, step_ * n); }
  void step_di(u64 n = 1) { add(kRdi, step_ * n); }
  void step_count(u64 n = 1) { add(kRcx, 0 - n); }

 private:
  void add(Gpr r, u64 n) {
    u64& reg = cpu_.state.gpr[r];
    const u64 sum = (reg + n) & mask_;
    reg = mask_ == 0xFFFF ? (reg & ~mask_) | sum : sum;
  }
  Cpu& cpu_;
  u64 mask_;
  Seg source_;
  u64 step_;
};

/// How many whole elements from `offset` on lie in its page and within 4 GiB or 64-bit space.
template <class T>
u64 elements_in_page(u64 linear) {
  return (kPageSize - (linear & kPageMask)) / sizeof(T);
}

/// Host memory of a run of elements inside one page, when segment and page need no further check.
template <class T, Access access>
u8* direct(Cpu& cpu, Seg seg, u64 offset, u64& n) {
  const Segment& s = cpu.state.seg[seg];
  if (!(access == Access::Write ? s.flat_write : s.flat_read)) return nullptr;
  const u64 linear = (s.access_base + offset) & cpu.state.linear_mask;
  n = std::min(n, elements_in_page<T>(linear));
  if (n == 0) return nullptr;
  return access == Access::Write ? cpu.mmu.probe_write<1>(linear) : cpu.mmu.probe_read<1>(linear);
}

template <class T>
struct Movs {
  static bool step(Cpu& cpu, StringRegs& r, bool) {
    cpu.write<T>(kEs, r.di(), cpu.read<T>(r.source(), r.si()));
    r.step_si();
    r.step_di();
    return true;
  }
  static u64 bulk(Cpu& cpu, StringRegs& r, u64 n) {
    const u8* from = direct<T, Access::Read>(cpu, r.source(), r.si(), n);
    if (!from) return 0;
    u8* to = direct<T, Access::Write>(cpu, kEs, r.di(), n);
    if (!to) return 0;
    if (to > from && to < from + n * sizeof(T)) {
      for (u64 k = 0; k < n; ++k) store<T>(to + k * sizeof(T), load<T>(from + k * sizeof(T)));
    } else {
      std::memmove(to, from, n * sizeof(T));
    }
    r.step_si(n);
    r.step_di(n);
    return n;
  }
};

template <class T>
struct Stos {
  static bool step(Cpu& cpu, StringRegs& r, bool) {
    cpu.write<T>(kEs, r.di(), cpu.reg<T>(0));
    r.step_di();
    return true;
  }
  static u64 bulk(Cpu& cpu, StringRegs& r, u64 n) {
    u8* to = direct<T, Access::Write>(cpu, kEs, r.di(), n);
    if (!to) return 0;
    const T value = cpu.reg<T>(0);
    if constexpr (sizeof(T) == 1) {
      std::memset(to, value, n);
    } else {
      for (u64 k = 0; k < n; ++k) store<T>(to + k * sizeof(T), value);
    }
    r.step_di(n);
    return n;
  }
};

template <class T>
struct Lods {
  static bool step(Cpu& cpu, StringRegs& r, bool) {
    cpu.set_reg<T>(0, cpu.read<T>(r.source(), r.si()));
    r.step_si();
    return true;
  }
  static u64 bulk(Cpu&, StringRegs&, u64) { return 0; }
};

/// CMPS and SCAS go on while ZF equals `wanted` (REPE 1, REPNE 0).
template <class T>
struct Cmps {
  static bool step(Cpu& cpu, StringRegs& r, bool wanted) {
    const T a = cpu.read<T>(r.source(), r.si());
    const T b = cpu.read<T>(kEs, r.di());
    r.step_si();
    r.step_di();
    set_flags(cpu, flag::kArith, alu::sub(a, b, false).flags);
    return (a == b) == wanted;
  }
  static u64 bulk(Cpu&, StringRegs&, u64) { return 0; }
};

template <class T>
struct Scas {
  static bool step(Cpu& cpu, StringRegs& r, bool wanted) {
    const T a = cpu.reg<T>(0);
    const T b = cpu.read<T>(kEs, r.di());
    r.step_di();
    set_flags(cpu, flag::kArith, alu::sub(a, b, false).flags);
    return (a == b) == wanted;
  }
  static u64 bulk(Cpu&, StringRegs&, u64) { return 0; }
};

template <template <class> class Op, class T>
void once(Cpu& cpu, const Insn& i) {
  StringRegs r(cpu, i, sizeof(T));
  Op<T>::step(cpu, r, true);
}

/// rip points past the instruction; true if it must run again.
template <template <class> class Op, class T>
bool repeat(Cpu& cpu, StringRegs& r, bool wanted) {
  const bool single =
      (cpu.signals.load(std::memory_order_relaxed) & kSignalTrap) && stops_at_iterations(cpu.state);
  u64 budget = single ? 1 : rep_slice(r.count());
  while (r.count() != 0) {
    if (budget == 0) return true;
    if (r.forward() && r.full_width()) {
      if (const u64 n = Op<T>::bulk(cpu, r, std::min(budget, r.count()))) {
        r.step_count(n);
        budget -= n;
        continue;
      }
    }
    const bool go_on = Op<T>::step(cpu, r, wanted);
    r.step_count();
    --budget;
    if (!go_on) return false;
    if (cpu.pending_dr6 | cpu.signals.load(std::memory_order_relaxed)) [[unlikely]]
      if (r.count() != 0 && stops_after_iteration(cpu)) return true;
  }
  return false;
}

template <template <class> class Op, class T>
void repeated(Cpu& cpu, const Insn& i) {
  StringRegs r(cpu, i, sizeof(T));
  if (repeat<Op, T>(cpu, r, !(i.prefixes & kRepne))) step_back(cpu, i);
}

template <template <class> class Op, class T>
Handler select_string(Insn& i, const Decoded&) {
  return i.prefixes & (kRep | kRepne) ? repeated<Op, T> : once<Op, T>;
}

template <class T>
constexpr Binding movs{select_string<Movs, T>};
template <class T>
constexpr Binding cmps{select_string<Cmps, T>};
template <class T>
constexpr Binding stos{select_string<Stos, T>};
template <class T>
constexpr Binding lods{select_string<Lods, T>};
template <class T>
constexpr Binding scas{select_string<Scas, T>};

constexpr FamilyRow kRows[] = {
#define ROW(m, f, t, h) {ZYDIS_MNEMONIC_##m, h},
#include "decoder/isa/string.def"
#undef ROW
};

}  // namespace

FamilyTable string_family() { return kRows; }

}  // namespace ring3
