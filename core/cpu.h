// SPDX-License-Identifier: MIT
// One cpu: architectural state, its MMU and its wires to the board, with the guest memory access
// path that handlers use. Handlers are free functions over Cpu; see core/handlers.h.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "core/cpu_model.h"
#include "core/cpu_state.h"
#include "core/event_clock.h"
#include "core/exit_counters.h"
#include "core/fault.h"
#include "core/io_bus.h"
#include "core/irq.h"
#include "decoder/insn.h"
#include "mmu/mmu.h"

namespace ring3 {

class BlockCache;
class DebugStops;

/// What RDRAND and RDSEED draw from.
u64 host_entropy(Cpu& cpu);     ///< the host's random numbers
u64 counted_entropy(Cpu& cpu);  ///< a fixed sequence: runs can be repeated

/// Why the engine must look up at the next block boundary. Set from any thread.
enum Signal : u32 {
  kSignalIntr = 1,  ///< INTR level
  kSignalNmi = 2,
  kSignalInit = 4,
  kSignalSipi = 8,
  kSignalReset = 16,   ///< the board asks for a machine reset
  kSignalStop = 32,    ///< leave run(): power off, quit, monitor
  kSignalEvents = 64,  ///< an event became due earlier than the engine planned
  kSignalTrap = 128,   ///< TF, a debug trap or an interrupt shadow is pending: single steps
  kSignalDebug = 256,  ///< leave run(): a breakpoint or watchpoint of `Cpu::stops` was reached
};

struct Cpu final : public CpuPins {
  Cpu(Mmu& mmu, IoBus& io, EventClock& clock, const CpuModel& model);
  ~Cpu() override;

  CpuState state;
  Mmu& mmu;
  IoBus& io;
  EventClock& clock;
  const CpuModel& model;
  ApicPort* apic = nullptr;  ///< set by the board
  ExitCounters exits;
  std::atomic<u32> signals{0};
  u64 pending_dr6 = 0;  ///< debug traps to report after the current instruction
  u8 sipi_vector = 0;
  /// CS:rip of the last blocks run, for dumps: recent[(next_recent - 1) % 16] is the newest.
  std::array<u64, 16> recent{};
  u32 next_recent = 0;
  /// The instruction went through a gate or SYSCALL: no single-step trap follows it.
  bool no_step_trap = false;
  /// Where RDRAND and RDSEED draw from; -icount sets counted_entropy.
  u64 (*entropy)(Cpu&) = host_entropy;

  void reset();  ///< power-on values (SDM 3A "Processor State After Reset")
  void init();   ///< INIT: as reset but for what INIT keeps

  /// Recomputes mode, CPL-dependent views, segment fast flags and mode_key. To be called after any
  /// change of CR0, CR4, EFER, RFLAGS.VM/AC/TF/IF, a segment register, CPL or DR7.
  void update_mode();
  /// The same after CS and SS became flat at another CPL: cheaper if 64-bit mode goes on.
  void update_level();
  /// Only what a change of RFLAGS bits other than VM asks for: cheaper than update_mode.
  void update_flags_mode();
  void set_rflags(u64 value) {
    state.rflags = value;
    update_flags_mode();
  }

  // Registers, by slot (see decoder/insn.h). A 32-bit write clears the upper half.
  template <class T>
  T reg(RegSlot slot) const {
    return load<T>(reinterpret_cast<const u8*>(state.gpr) + slot);
  }
  template <class T>
  void set_reg(RegSlot slot, T value) {
    u8* p = reinterpret_cast<u8*>(state.gpr) + slot;
    if constexpr (sizeof(T) == 4) {
      store<u64>(p, value);
    } else {
      store<T>(p, value);
    }
  }

  // Guest memory by segment and offset: segmentation, then paging; raises the exact fault.
  template <class T>
  T read(Seg seg, u64 offset) {
    const u64 linear = linear_address<Access::Read>(seg, offset, sizeof(T));
    if (const u8* p = mmu.probe_read<sizeof(T)>(linear)) [[likely]]
      return load<T>(p);
    return read_slow<T>(seg, linear);
  }
  template <class T>
  void write(Seg seg, u64 offset, T value) {
    const u64 linear = linear_address<Access::Write>(seg, offset, sizeof(T));
    if (u8* p = mmu.probe_write<sizeof(T)>(linear)) [[likely]]
      return store<T>(p, value);
    write_slow<T>(seg, linear, value);
  }
  /// Read-modify-write: f(old) -> new. The page is checked for writing before the read. `atomic`:
  /// LOCK prefix or XCHG; f may then run more than once.
  template <class T, class F>
  void modify(Seg seg, u64 offset, bool atomic, F&& f);

  /// The linear address of `size` bytes at seg:offset after limit, type and (64-bit) canonical
  /// checks that need no page walk. #GP or #SS.
  template <Access access>
  u64 linear_address(Seg seg, u64 offset, unsigned size) {
    const Segment& s = state.seg[seg];
    const bool flat = access == Access::Write ? s.flat_write : s.flat_read;
    if (!flat) [[unlikely]]
      check_segment(seg, offset, size, access);
    return (s.access_base + offset) & state.linear_mask;
  }
  /// Limit and type checks outside 64-bit mode.
  void check_segment(Seg seg, u64 offset, unsigned size, Access access);

  /// Raises what a `size`-byte write at seg:offset would raise, and sets A and D. No data changes.
  void probe_write(Seg seg, u64 offset, unsigned size);

  // Guest memory by linear address, any size: page by page, in `view`. #GP(0) if not canonical.
  void read_linear(u64 linear, void* out, unsigned size, View view, Seg fault_seg = kDs);
  void write_linear(u64 linear, const void* in, unsigned size, View view, Seg fault_seg = kDs);
  /// Translates every page of the range for writing first: no partial effect follows.
  void probe_linear(u64 linear, unsigned size, Access access, View view, Seg fault_seg = kDs);
  /// Descriptor tables, TSS, IDT: supervisor accesses whatever the CPL.
  template <class T>
  T read_system(u64 linear) {
    T value;
    read_linear(linear & system_mask(), &value, sizeof value, View::Supervisor);
    return value;
  }
  template <class T>
  void write_system(u64 linear, T value) {
    write_linear(linear & system_mask(), &value, sizeof value, View::Supervisor);
  }
  /// Descriptor tables may stand above 4 GiB in compatibility mode too.
  u64 system_mask() const { return state.long_mode() ? ~u64{0} : 0xFFFFFFFF; }

  /// The view of explicit data accesses in the current mode.
  View data_view() const { return mmu.view(); }
  bool canonical(u64 address) const {
    return static_cast<u64>(static_cast<i64>(address << 16) >> 16) == address;
  }

  // The effective address of the memory operand, before segmentation.
  u64 effective_address(const Insn& i) const {
    const u64 a = state.gpr[i.base] + (state.gpr[i.index] << i.scale) + static_cast<u64>(i.disp);
    return i.address_width == 8 ? a : a & (i.address_width == 4 ? 0xFFFFFFFFull : 0xFFFFull);
  }

  // Control flow. The new rip is checked against CS.limit or for being canonical: #GP(0).
  void jump_to(u64 rip);

  u64 tsc() const;

  // Pins.
  void set_intr(bool level) override;
  void pulse_nmi() override { signals |= kSignalNmi; }
  void pulse_init() override { signals |= kSignalInit; }
  void pulse_sipi(u8 vector) override;

  unsigned nested_task_faults = 0;  ///< faults of new tasks that are being taken, see switch_task
  BlockCache* blocks = nullptr;     ///< the engine's; invalidated with the code pages
  DebugStops* stops = nullptr;      ///< an outside debugger's, or null

 private:
  template <class T>
  T read_slow(Seg seg, u64 linear) {
    T value;
    slow_read(seg, linear, &value, sizeof value);
    return value;
  }
  template <class T>
  void write_slow(Seg seg, u64 linear, T value) {
    slow_write(seg, linear, &value, sizeof value);
  }
  void slow_read(Seg seg, u64 linear, void* out, unsigned size);
  void slow_write(Seg seg, u64 linear, const void* in, unsigned size);
  /// What slow_write would raise, but for the write.
  void probe_data(Seg seg, u64 linear, unsigned size);
};

template <class T, class F>
void Cpu::modify(Seg seg, u64 offset, bool atomic, F&& f) {
  const u64 linear = linear_address<Access::Write>(seg, offset, sizeof(T));
  if (u8* p = mmu.probe_write<sizeof(T)>(linear)) [[likely]] {
    if (!atomic) [[likely]]
      return store<T>(p, f(load<T>(p)));
    if (linear % sizeof(T) == 0) {
      T* word = reinterpret_cast<T*>(p);
      T old = __atomic_load_n(word, __ATOMIC_SEQ_CST);
      while (!__atomic_compare_exchange_n(word, &old, f(old), false, __ATOMIC_SEQ_CST,
                                          __ATOMIC_SEQ_CST)) {
      }
      return;
    }
  }
  if (u8* p = mmu.probe_beside_code(linear, sizeof(T))) return store<T>(p, f(load<T>(p)));
  // Watched, MMIO, split or not yet in the TLB: checked for writing first, then read and written.
  probe_data(seg, linear, sizeof(T));
  T old;
  read_linear(linear, &old, sizeof old, data_view(), seg);
  const T value = f(old);
  slow_write(seg, linear, &value, sizeof value);
}

}  // namespace ring3
