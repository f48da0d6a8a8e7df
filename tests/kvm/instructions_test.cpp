// SPDX-License-Identifier: MIT
// Ring 3 instructions: the interpreter against KVM, with the cases of tests/silicon.
#include <cstring>

#include "core/delivery.h"
#include "decoder/isa.h"
#include "oracle.h"
#include "tests/silicon/compare.h"
#include "tests/silicon/operands.h"
#include "tests/silicon/runner.h"
#include "tests/silicon/skips.h"

namespace ring3 {
namespace {

using namespace silicon;

// The kernel's part, which ring 3 does not see: the first 2 MiB of RAM, mapped in the upper half.
// Gates to HLTs, one a vector.
constexpr u64 kKernel = 0xFFFF'8000'0000'0000;
constexpr unsigned kKernelSlot = 256;  ///< of the PML4
constexpr u64 kKernelTables = Guest::kTables + 0x4000;
constexpr u64 kGdt = 0x30000, kIdt = 0x31000, kTss = 0x32000, kHandlers = 0x33000,
              kStackTop = 0x35000, kHandlerBytes = 16;
constexpr u32 kFetch = 0x10;  ///< of a page fault's error code
constexpr u16 kKernelCode = 8;
constexpr unsigned kVectors = 32;

/// The arena of silicon::Guest, run by KVM: the case's code stands between INT3s, and each
/// exception ends in a HLT of its own.
class KvmGuest {
 public:
  KvmGuest() : kvm_(test::kvm_or_skip(guest_.cpu())) {
    PhysicalMemory& memory = guest_.memory();
    memory.write<u64>({Guest::kTables + kKernelSlot * 8}, kKernelTables | 3);  // P, RW: ring 0
    memory.write<u64>({kKernelTables}, (kKernelTables + 0x1000) | 3);
    memory.write<u64>({kKernelTables + 0x1000}, 0xE3);  // P, RW, A, D, PS: 2 MiB
    memory.write<u64>({kGdt + kKernelCode}, 0x00AF9B000000FFFF);
    memory.write<u64>({kTss + 4}, kKernel + kStackTop);
    for (u64 v = 0; v < kVectors; ++v) {
      const u64 handler = kHandlers + v * kHandlerBytes;
      memory.write<u8>({handler}, 0xF4);
      memory.write<u64>({kIdt + v * 16}, 0x0000EE0000000000 | u64{kKernelCode} << 16 |
                                             (handler & 0xFFFF) | (handler >> 16) << 48);
      memory.write<u64>({kIdt + v * 16 + 8}, kKernel >> 32);
    }
  }

  Kvm* kvm() { return kvm_.get(); }
  const u8* data() { return guest_.data(); }

  Outcome run(const Case& c) {
    std::memset(guest_.memory().ram().data() + kCode, 0xCC, kCodeBytes);
    guest_.memory().write(PhysAddr{kInsnAt}, std::span<const u8>(c.bytes));
    guest_.set_data(c.data);
    guest_.place(c.mode, c.bytes);
    enter(c.regs);
    Outcome out;
    if (test::run_until_exit(*kvm_, guest_.cpu()) != Exit::Halted) {
      out.vector = Outcome::kHostSignal;
      return out;
    }
    return outcome();
  }

 private:
  void enter(const Registers& in) {
    Cpu& cpu = guest_.cpu();
    CpuState& s = cpu.state;
    std::memcpy(s.gpr, in.gpr, sizeof in.gpr);
    std::memcpy(s.fpu.image, in.fpu, kFpuBytes);
    s.rip() = in.rip;
    s.gdtr = {kKernel + kGdt, 0x1F};
    s.idtr = {kKernel + kIdt, kVectors * 16 - 1};
    s.seg[kTr] = Segment{.selector = 0x18,
                         .type = 11,
                         .present = true,
                         .usable = true,
                         .limit = 0x67,
                         .base = kKernel + kTss};
    s.cr2 = 0;
    s.activity = CpuState::Activity::Active;
    cpu.set_rflags(in.rflags);
  }

  Outcome outcome() {
    const CpuState& s = guest_.cpu().state;
    PhysicalMemory& memory = guest_.memory();
    Outcome out;
    const u64 vector = (s.rip() - 1 - kKernel - kHandlers) / kHandlerBytes;
    u64 frame = s.gpr[kRsp] - kKernel;
    constexpr u64 kErrorVectors = 0x227D00;  // 8, 10 to 14, 17, 21
    const bool has_error = kErrorVectors >> vector & 1;
    if (has_error) {
      out.error = memory.read<u32>({frame});
      frame += 8;
    }
    std::memcpy(out.regs.gpr, s.gpr, sizeof out.regs.gpr);
    std::memcpy(out.regs.fpu, s.fpu.image, kFpuBytes);
    out.regs.rip = memory.read<u64>({frame});
    out.regs.rflags = memory.read<u64>({frame + 16}) & ~flag::RF;
    out.regs.gpr[kRsp] = memory.read<u64>({frame + 24});
    out.vector = static_cast<int>(vector);
    if (vector == static_cast<u64>(Vector::PF)) out.cr2 = s.cr2;
    // A branch to a page that is not there is complete, as interp has it.
    if (out.cr2 == out.regs.rip && (out.error & kFetch)) out = {.regs = out.regs};
    if (vector == static_cast<u64>(Vector::BP)) {
      out.vector = Outcome::kNoFault;
      --out.regs.rip;
    }
    return out;
  }

  Guest guest_;
  std::unique_ptr<Kvm> kvm_;
};

struct Tally {
  u64 cases = 0, failed = 0;
  std::string first;
};

/// KVM-PVM takes a #GP of ring 3 for an instruction to emulate, and does not know it.
bool emulator_failed(KvmGuest& kvm, const Pair& pair) {
  return kvm.kvm()->emulates_kernel() && pair.interp.vector == static_cast<int>(Vector::GP) &&
         pair.silicon.vector == static_cast<int>(Vector::UD);
}

void compare(KvmGuest& kvm, Guest& interp, const Decode& d, const Case& c, Tally& tally) {
  interp.set_data(c.data);
  interp.place(c.mode, c.bytes);
  Pair pair;
  pair.silicon_data = kvm.data();
  pair.interp_data = interp.data();
  pair.silicon = kvm.run(c);
  pair.interp = interp.run(c.regs);
  ++tally.cases;
  Undefined undefined = undefined_after(d, c.regs);
  if (same(pair, d, undefined) || emulator_failed(kvm, pair)) return;
  tolerate(undefined, d, c.regs, pair.silicon, pair.interp);
  if (same(pair, d, undefined)) return;
  if (tally.failed++ == 0) tally.first = report(c, d, pair, undefined);
}

/// KVM-PVM does not run ring 3 with a stack pointer that is not canonical.
Case canonical_stack(Case c) {
  constexpr unsigned kUpperBits = 16;
  u64& rsp = c.regs.gpr[kRsp];
  rsp = static_cast<u64>(static_cast<i64>(rsp << kUpperBits) >> kUpperBits);
  return c;
}

/// A few cases of each row of a family, 64-bit code: where KVM emulates, that alone runs natively.
Tally compare_family(KvmGuest& kvm, Guest& interp, Family family) {
  constexpr unsigned kCasesPerRow = 6;
  Tally tally;
  for (int m = 1; m <= ZYDIS_MNEMONIC_MAX_VALUE; ++m) {
    const auto mnemonic = static_cast<ZydisMnemonic>(m);
    if (!is_compared(mnemonic) || find_row(mnemonic)->family != family) continue;
    Rng rng(static_cast<u64>(m));
    std::vector<const Form*> chosen = runnable_forms(mnemonic);
    std::erase_if(chosen, [](const Form* f) { return f->mode != Mode::Long64; });
    for (unsigned n = 0; n < kCasesPerRow && !chosen.empty(); ++n) {
      const std::vector<u8> bytes = vary(*chosen[rng() % chosen.size()], rng);
      Decode d;
      if (decode(Mode::Long64, bytes, d))
        compare(kvm, interp, d, canonical_stack(make_case(Mode::Long64, bytes, rng())), tally);
    }
  }
  return tally;
}

TEST_CASE("kvm: ring 3 instructions of every family -> as interpreted") {
  KvmGuest kvm;
  if (!kvm.kvm()) return;
  Guest interp;
  for (const Family family :
       {Family::alu, Family::shift, Family::muldiv, Family::bits, Family::data, Family::flags,
        Family::flow, Family::stack, Family::string, Family::x87, Family::mmx, Family::sse,
        Family::avx, Family::crypto}) {
    const Tally tally = compare_family(kvm, interp, family);
    INFO(tally.failed << " of " << tally.cases << " differ; " << kvm.kvm()->failure());
    CHECK(tally.first == "");
  }
}

}  // namespace
}  // namespace ring3
