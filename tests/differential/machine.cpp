// SPDX-License-Identifier: MIT
#include "tests/differential/machine.h"

#include <cstring>

#include "base/check.h"
#include "core/system.h"
#include "jit/jit.h"
#include "mmu/paging.h"
#include "verify/flags.h"

namespace ring3::differential {
namespace {

// Physical, and linear too: supervisor pages.
constexpr u64 kIdt = 0x1000, kGdt = 0x2000, kTss = 0x2800, kHandlers = 0x3000,
              kKernelStack = 0x6000, kNmiCount = 0x5000;
constexpr u64 kPml4 = 0x100000, kPdptLow = 0x101000, kPdLow = 0x102000, kPtLow = 0x103000,
              kPtArena = 0x104000, kPd32 = 0x105000, kPt32Low = 0x106000, kPt32Arena = 0x107000;
constexpr u64 kDevicePhysical = 0x1FF000, kHolePhysical = 0x900000;
constexpr u16 kCode64 = 0x08, kCode32 = 0x10, kData32 = 0x18, kCode16 = 0x20, kUserCode32 = 0x28,
              kUserData = 0x30, kUserCode64 = 0x38, kTssSelector = 0x40;
constexpr u64 kP = 1, kW = 2, kU = 4, kNx = u64{1} << 63;

struct Place {
  u64 physical;
  u64 rights;
};

Place data_page(unsigned n) {
  switch (n) {
    case kReadOnly:
      return {kDataPhysical + n * kPageSize, kP | kU};
    case kAbsent:
      return {0, 0};
    case kNoExecute:
      return {kDataPhysical + n * kPageSize, kP | kW | kU | kNx};
    case kDevice:
      return {kDevicePhysical, kP | kW | kU};
    case kSupervisor:
      return {kDataPhysical + n * kPageSize, kP | kW};
    case kAliasOfCode:
      return {kCodePhysical, kP | kW | kU};
    case kHole:
      return {kHolePhysical, kP | kW | kU};
    case kFar0:
      return {kDataPhysical + (kFar1)*kPageSize, kP | kW | kU};
    case kFar1:
      return {kDataPhysical + (kFar0)*kPageSize, kP | kW | kU};
    default:
      return {kDataPhysical + n * kPageSize, kP | kW | kU};
  }
}

u64 code_descriptor(bool l, bool db, u8 dpl) {
  return 0x000F'9B00'0000'FFFF | u64{l} << 53 | u64{db} << 54 | u64{dpl} << 45 | u64{1} << 55;
}

Segment segment(u16 selector, u64 descriptor, u64 base, u32 limit) {
  Descriptor d;
  d.low = descriptor;
  Segment s = to_segment({selector}, d);
  s.base = base;
  s.limit = limit;
  return s;
}

}  // namespace

u64 Sponge::mmio_read(u64 offset, unsigned size) {
  state = (state ^ offset ^ size) * 0x9E3779B97F4A7C15;
  return state >> 7;
}

void Sponge::mmio_write(u64 offset, unsigned size, u64 value) {
  if (size < 8) value &= low_mask(8 * size);
  // An interrupt frame's, on a stack that stands here: some flags may be undefined.
  // At an odd address its first byte comes alone.
  if (size == 1 ? (offset & 1) != 0 : verify::is_flags_image(value, size)) value &= ~flag::kArith;
  state = (state + offset * 64 + size + value) * 0xBF58476D1CE4E5B9;
}

Machine::Machine(bool translated) {
  memory.add_mmio({kDevicePhysical}, kPageSize, sponge);
  if (translated) {
    JitOptions options;
    options.threshold = options.extend_after = 0;
    options.cache_bytes = 4 << 20;
    auto jit = make_jit(cpu, options);
    RING3_CHECK(jit.ok(), "{}", jit ? "" : jit.error());
    engine = std::move(*jit);
  } else {
    auto interp = std::make_unique<verify::Reference>(cpu);
    reference = interp.get();
    engine = std::move(interp);
  }
  fields = verify::fields_of(cpu);
}

void Machine::write_tables() {
  memory.write<u64>({kPml4}, kPdptLow | 7);
  memory.write<u64>({kPdptLow}, kPdLow | 7);
  memory.write<u64>({kPdLow}, kPtLow | 3);
  memory.write<u64>({kPdLow + 8 * (kCode >> 21)}, kPtArena | 7);
  memory.write<u32>({kPd32}, kPt32Low | 3);
  memory.write<u32>({kPd32 + 4 * (kCode >> 22)}, kPt32Arena | 7);
  for (u64 n = 0; n < 512; ++n) memory.write<u64>({kPtLow + 8 * n}, n << 12 | 3);
  for (u64 n = 0; n < 512; ++n)
    memory.write<u32>({kPt32Low + 4 * n}, static_cast<u32>(n << 12 | 3));
  const auto map = [this](u64 linear, Place place) {
    const u64 page = linear >> 12, entry = place.physical | place.rights;
    memory.write<u64>({kPtArena + 8 * (page & 511)}, entry);
    memory.write<u32>({kPt32Arena + 4 * (page & 1023)}, static_cast<u32>(entry));
  };
  for (unsigned n = 0; n < kCodePages; ++n)
    map(kCode + n * kPageSize, {kCodePhysical + n * kPageSize, kP | kW | kU});
  for (unsigned n = 0; n < kDataPages; ++n) map(kData + n * kPageSize, data_page(n));
  for (unsigned n = 0; n < kStackPages; ++n)
    map(kStack + n * kPageSize, {kStackPhysical + n * kPageSize, kP | kW | kU});
}

/// Every vector has a HLT of its own; NMI counts and returns.
void Machine::write_handlers(Mode mode) {
  for (u64 n = 0; n < 256; ++n) memory.write<u8>({kHandlers + 16 * n}, 0xF4);
  const u64 at = kHandlers + 16 * 2;
  if (is_16(mode)) {  // inc word [cs:kNmiCount]; iret
    static constexpr u8 kReal[] = {0x2E, 0xFF, 0x06, 0x00, 0x50, 0xCF};
    memory.write(PhysAddr{at}, std::span<const u8>(kReal));
  } else {  // inc dword [kNmiCount]; iret(q)
    const bool wide = is_long64(mode) || mode == Mode::Compat32User;
    static constexpr u8 kWide[] = {0xFF, 0x04, 0x25, 0x00, 0x50, 0, 0, 0x48, 0xCF};
    static constexpr u8 kNarrow[] = {0x2E, 0xFF, 0x05, 0x00, 0x50, 0, 0, 0xCF};
    memory.write(PhysAddr{at}, wide ? std::span<const u8>(kWide) : std::span<const u8>(kNarrow));
  }
}

void Machine::write_gates(Mode mode) {
  const bool wide = is_long64(mode) || mode == Mode::Compat32User;
  for (u64 n = 0; n < 256; ++n) {
    const u64 handler = kHandlers + 16 * n;
    if (mode == Mode::Real16) {
      memory.write<u32>({4 * n}, static_cast<u32>(handler));
      continue;
    }
    const u16 code = wide ? kCode64 : is_16(mode) ? kCode16 : kCode32;
    const u64 type = is_16(mode) ? 6 : 14;
    const u64 gate = (handler & 0xFFFF) | u64{code} << 16 | (type | 0xE0) << 40;
    memory.write<u64>({kIdt + (wide ? 16 : 8) * n}, gate);
    if (wide) memory.write<u64>({kIdt + 16 * n + 8}, 0);
  }
  const u64 gdt[] = {0,
                     code_descriptor(true, false, 0),
                     code_descriptor(false, true, 0),
                     code_descriptor(false, true, 0) & ~(u64{8} << 40),
                     code_descriptor(false, false, 0),
                     code_descriptor(false, true, 3),
                     code_descriptor(false, true, 3) & ~(u64{8} << 40),
                     code_descriptor(true, false, 3)};
  for (u64 n = 0; n < std::size(gdt); ++n) memory.write<u64>({kGdt + 8 * n}, gdt[n]);
  memory.write<u64>({kTss + 4}, kKernelStack);  // RSP0, or ESP0 and
  if (!wide) memory.write<u32>({kTss + 8}, kData32);
}

void Machine::set_segments(Mode mode) {
  CpuState& s = cpu.state;
  const bool user = is_user(mode);
  const u8 dpl = user ? 3 : 0;
  const bool own = is_segmented(mode) && mode != Mode::Real16;
  const u32 all = 0xFFFFFFFF;
  const bool l = is_long64(mode), db = !l && !is_16(mode);
  const u16 code = l             ? (user ? kUserCode64 : kCode64)
                   : is_16(mode) ? kCode16
                                 : (user ? kUserCode32 : kCode32);
  const u16 data = user ? kUserData : kData32;
  const u64 data_bits = code_descriptor(false, db, dpl) & ~(u64{8} << 40);
  s.seg[kCs] =
      segment(code | dpl, code_descriptor(l, db, dpl), own ? kCode : 0, own ? 0x2FFF : all);
  for (const Seg n : {kEs, kSs, kDs, kFs, kGs})
    s.seg[n] = segment(data | dpl, data_bits, own ? (n == kSs ? kStack : kData) : 0,
                       own ? (n == kSs ? 0x1FFF : 0xBFFF) : all);
  if (!is_segmented(mode)) s.seg[kGs].base = 0x10'0000;
  if (mode == Mode::Real16) {
    const u16 bases[] = {0x2000, 0x1000, 0x3000, 0x2000, 0x2000, 0x2000};
    for (unsigned n = kEs; n <= kGs; ++n)
      s.seg[n] = segment(bases[n], data_bits, u64{bases[n]} << 4, 0xFFFF);
  }
  s.seg[kTr] = Segment{};
  s.seg[kTr].selector = kTssSelector;
  s.seg[kTr].type = 11;
  s.seg[kTr].present = s.seg[kTr].usable = true;
  s.seg[kTr].base = kTss;
  s.seg[kTr].limit = 0x67;
  s.seg[kLdtr] = Segment{};
  s.cpl = dpl;
}

void Machine::set_control(Mode mode) {
  CpuState& s = cpu.state;
  const bool wide = is_long64(mode) || mode == Mode::Compat32User;
  const bool real = mode == Mode::Real16;
  s.cr0 = cr0::ET | cr0::NE | cr0::MP | (real ? 0 : cr0::PE | cr0::PG | cr0::WP);
  s.cr4 = cr4::OSFXSR | cr4::OSXMMEXCPT | cr4::OSXSAVE | cr4::FSGSBASE | (wide ? cr4::PAE : 0);
  s.efer = wide ? efer::LME | efer::LMA | efer::NXE | efer::SCE : 0;
  s.cr3 = wide ? kPml4 : kPd32;
  s.cr2 = s.cr8 = 0;
  s.xcr0 = 7;
  s.gdtr = {kGdt, 0x47};
  s.idtr = {real ? 0 : kIdt, static_cast<u16>(real ? 0x3FF : wide ? 0xFFF : 0x7FF)};
  s.activity = CpuState::Activity::Active;
  s.shadow = CpuState::kNoShadow;
  s.nmi_blocked = false;
  std::memset(s.dr, 0, sizeof s.dr);
  s.dr[6] = 0xFFFF0FF0;
  s.dr[7] = 0x400;
  mmu.set_efer(s.efer);
  mmu.set_cr4(s.cr4);
  mmu.set_cr0(s.cr0);
  mmu.load_cr3(s.cr3, false, {});
  mmu.flush_all();
}

void Machine::set_registers(const Program& program) {
  CpuState& s = cpu.state;
  Rng rng(program.seed ^ 0x5EED);
  const u64 mask = is_long64(program.mode) ? ~u64{0} : 0xFFFFFFFF;
  for (u64& r : s.gpr) r = random_value(rng) & mask;
  if (!is_long64(program.mode)) std::memset(s.gpr + 8, 0, 8 * sizeof(u64));
  s.gpr[CpuState::kZeroSlot] = 0;
  const u64 stack = kPageSize + 0x800 + 8 * below(rng, 16);
  s.gpr[kRsp] = is_segmented(program.mode) ? stack : kStack + stack;
  s.rip() = is_segmented(program.mode) ? program.start : kCode + program.start;
  s.rflags = flag::kFixed | (rng() & flag::kArith);
  u8* f = s.fpu.image;
  std::memset(f, 0, sizeof s.fpu.image);  // reserved bytes too
  for (unsigned n = 0; n < 8; ++n) {
    store<u64>(f + 32 + 16 * n, random_value(rng));
    store<u16>(f + 40 + 16 * n, static_cast<u16>(rng()));
  }
  for (unsigned n = 160; n < 416; n += 8) store<u64>(f + n, random_value(rng));
  for (unsigned n = 576; n < 832; n += 8) store<u64>(f + n, random_value(rng));
  store<u16>(f, 0x037F);
  store<u16>(f + 2, static_cast<u16>(below(rng, 8) << 11));
  f[4] = static_cast<u8>(rng());
  store<u32>(f + 24, one_in(rng, 8) ? 0x1F80 & static_cast<u32>(rng()) : 0x1F80);
  s.entropy_counter = 0;
}

void Machine::fill_data(const Program& program) {
  Rng rng(program.seed ^ 0xDA7A);
  for (u64 at = 0; at < kDataPages * kPageSize; at += 64)
    memory.write<u64>({kDataPhysical + at + 8 * below(rng, 8)}, random_value(rng));
  for (u64 at = 0; at < kStackPages * kPageSize; at += 64)
    memory.write<u64>({kStackPhysical + at + 8 * below(rng, 8)}, random_value(rng));
}

void Machine::start(const Program& program) {
  write_tables();
  write_gates(program.mode);
  write_handlers(program.mode);
  memory.write<u64>({kNmiCount}, 0);
  std::vector<u8> code(kCodePages * kPageSize, 0xCC);
  const std::vector<u8> bytes = program.assemble();
  std::ranges::copy(bytes, code.begin() + static_cast<ptrdiff_t>(program.start));
  memory.write(PhysAddr{kCodePhysical}, std::span<const u8>(code));
  fill_data(program);
  sponge.state = program.seed;
  cpu.signals = 0;
  cpu.pending_dr6 = 0;
  cpu.no_step_trap = false;
  cpu.nested_task_faults = 0;
  set_control(program.mode);
  set_segments(program.mode);
  set_registers(program);
  cpu.state.instructions = 0;
  cpu.update_mode();
}

}  // namespace ring3::differential
