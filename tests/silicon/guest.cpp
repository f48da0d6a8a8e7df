// SPDX-License-Identifier: MIT
// The interpreter's side of a case: the handler is called as the interpreter's loop does.
#include "tests/silicon/guest.h"

#include "core/handlers.h"

namespace ring3::silicon {
namespace {

constexpr u64 kAccessed = 0x20, kDirty = 0x40, kUser = 4, kWrite = 2, kPresent = 1, kXd = bit(63);
constexpr unsigned kMaxSlices = 64;  ///< of a repeated string instruction

Segment flat(bool code, bool long64) {
  return Segment{.selector = static_cast<u16>(code ? (long64 ? 0x33 : 0x23) : 0x2B),
                 .type = static_cast<u8>(code ? 11 : 3),
                 .s = true,
                 .dpl = 3,
                 .present = true,
                 .l = code && long64,
                 .db = !(code && long64),
                 .g = true,
                 .usable = true,
                 .limit = 0xFFFFFFFF};
}

}  // namespace

Guest::Guest() : model_(*CpuModel::parse("max")), cpu_(mmu_, io_, clock_, model_) {
  const u64 upper = kPresent | kWrite | kUser | kAccessed;
  memory_.write<u64>({kTables}, (kTables + 0x1000) | upper);
  memory_.write<u64>({kTables + 0x1000}, (kTables + 0x2000) | upper);
  memory_.write<u64>({kTables + 0x2000 + (kCode >> 21) * 8}, (kTables + 0x3000) | upper);
  for (u64 a = kCode; a < kCode + kCodeBytes; a += kPageSize) map_page(a, kUser);
  for (u64 a = kData; a < kReadOnly; a += kPageSize) map_page(a, kUser | kWrite | kXd);
  map_page(kReadOnly, kUser | kXd);
  enable_paging();
}

void Guest::map_page(u64 address, u64 rights) {
  const u64 entry = kTables + 0x3000 + (address >> 12 & 511) * 8;
  memory_.write<u64>({entry}, address | rights | kPresent | kAccessed | kDirty);
}

void Guest::enable_paging() {
  CpuState& s = cpu_.state;
  s.cr0 = cr0::PE | cr0::MP | cr0::ET | cr0::NE | cr0::WP | cr0::AM | cr0::PG;
  s.cr4 = cr4::PAE | cr4::PGE | cr4::OSFXSR | cr4::OSXMMEXCPT | cr4::OSXSAVE | cr4::FSGSBASE;
  s.efer = efer::SCE | efer::LME | efer::LMA | efer::NXE;
  s.cr3 = kTables;
  s.xcr0 = 7;
  mmu_.set_efer(s.efer);
  mmu_.set_cr4(s.cr4);
  mmu_.set_cr0(s.cr0);
  mmu_.load_cr3(s.cr3, false, {});
  s.activity = CpuState::Activity::Active;
}

void Guest::set_mode(Mode mode) {
  CpuState& s = cpu_.state;
  const bool long64 = mode == Mode::Long64;
  for (Seg seg : {kEs, kSs, kDs, kFs, kGs}) s.seg[seg] = flat(false, long64);
  s.seg[kCs] = flat(true, long64);
  s.seg[kGs].base = kGsBase;
  s.cpl = 3;
  cpu_.update_mode();
}

bool Guest::place(Mode mode, std::span<const u8> bytes) {
  set_mode(mode);
  insn_ = Insn{};
  const CodeSize size = mode == Mode::Long64 ? CodeSize::Bits64 : CodeSize::Bits32;
  placed_ = decoder_.decode(size, bytes, decoded_) == DecodeStatus::Ok;
  if (!placed_) return false;
  Decoder::lower(decoded_, insn_);
  bind(insn_, decoded_);
  return true;
}

void Guest::set_data(const DataImage& data) {
  std::memcpy(memory_.ram().data() + kData, data.data(), data.size());
}

Outcome Guest::run(const Registers& in) {
  CpuState& s = cpu_.state;
  std::memcpy(s.gpr, in.gpr, sizeof in.gpr);
  std::memcpy(s.fpu.image, in.fpu, kFpuBytes);
  cpu_.set_rflags(in.rflags);
  const u64 mask = s.long64() ? ~u64{0} : 0xFFFFFFFF;
  Outcome out;
  s.rip() = in.rip;
  try {
    require(placed_, UD());
    for (unsigned slice = 0; slice < kMaxSlices && s.rip() == in.rip; ++slice) {
      s.rip() = (in.rip + insn_.length) & mask;
      insn_.handler(cpu_, insn_);
    }
  } catch (const Fault& fault) {
    s.rip() = in.rip;
    out.vector = static_cast<int>(fault.vector);
    out.error = fault.has_error ? fault.error : 0;
    out.cr2 = fault.cr2;
  }
  std::memcpy(out.regs.gpr, s.gpr, sizeof out.regs.gpr);
  std::memcpy(out.regs.fpu, s.fpu.image, kFpuBytes);
  out.regs.rip = s.rip();
  out.regs.rflags = s.rflags;
  return out;
}

}  // namespace ring3::silicon
