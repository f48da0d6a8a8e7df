// SPDX-License-Identifier: MIT
// The register file, by SDM 3A "Local APIC Register Address Map" and "x2APIC Register Address
// Space". Register numbers are offset / 16, which is also MSR - 800H.
#include "base/bits.h"
#include "devices/lapic.h"

namespace ring3 {
namespace {

enum Register : u32 {
  kId = 0x02,
  kVersion = 0x03,
  kTpr = 0x08,
  kApr = 0x09,
  kPpr = 0x0A,
  kEoi = 0x0B,
  kRrd = 0x0C,
  kLdr = 0x0D,
  kDfr = 0x0E,
  kSvr = 0x0F,
  kIsr = 0x10,
  kTmr = 0x18,
  kIrr = 0x20,
  kEsr = 0x28,
  kIcrLow = 0x30,
  kIcrHigh = 0x31,
  kLvtFirst = 0x32,
  kInitialCount = 0x38,
  kCurrentCount = 0x39,
  kDivide = 0x3E,
  kSelfIpi = 0x3F,
};

constexpr u32 kVersionValue = 0x0005'0014;               // six LVT entries, an integrated APIC
constexpr u32 kMasked = 1 << 16, kReadOnlyLvt = 0x5000;  // delivery status, remote IRR
constexpr u32 kSvrWritable = 0x3FF, kIcrWritable = 0x000C'CFFF, kDivideWritable = 0xB;
constexpr u8 kIllegalRegister = 0x80;
constexpr u32 kLvtWritable[] = {0x0007'00FF, 0x0001'07FF, 0x0001'07FF,
                                0x0001'A7FF, 0x0001'A7FF, 0x0001'00FF};

constexpr u32 word_of(u32 reg) { return reg & 7; }

}  // namespace

/// nullopt: there is no such register, or it is write-only.
std::optional<u32> LocalApic::read_register(u32 reg) {
  if (reg >= kIsr && reg < kIsr + 8) return s_.isr[word_of(reg)];
  if (reg >= kTmr && reg < kTmr + 8) return s_.tmr[word_of(reg)];
  if (reg >= kIrr && reg < kIrr + 8) return s_.irr[word_of(reg)];
  if (reg >= kLvtFirst && reg < kLvtFirst + kLvts) return s_.lvt[reg - kLvtFirst];
  const bool x2 = x2apic_mode();
  switch (reg) {
    case kId:
      return x2 ? s_.id : s_.id << 24;
    case kVersion:
      return kVersionValue;
    case kTpr:
      return s_.tpr;
    case kPpr:
      return processor_priority();
    case kLdr:
      return s_.ldr;
    case kSvr:
      return s_.svr;
    case kEsr:
      return s_.esr;
    case kIcrLow:
      return static_cast<u32>(s_.icr);
    case kInitialCount:
      return s_.initial_count;
    case kCurrentCount:
      return current_count();
    case kDivide:
      return s_.divide;
    case kApr:
    case kRrd:
    case kEoi:
      if (x2) return std::nullopt;
      return 0;
    case kDfr:
      if (x2) return std::nullopt;
      return s_.dfr;
    case kIcrHigh:
      if (x2) return std::nullopt;
      return static_cast<u32>(s_.icr >> 32);
    default:
      return std::nullopt;
  }
}

/// False: there is no such register. Read-only ones ignore the write.
bool LocalApic::write_register(u32 reg, u32 value) {
  if (reg >= kIsr && reg < kEsr) return true;
  if (reg >= kLvtFirst && reg < kLvtFirst + kLvts) {
    write_lvt(static_cast<Lvt>(reg - kLvtFirst), value);
    return true;
  }
  switch (reg) {
    case kId:
      s_.id = value >> 24;
      break;
    case kTpr:
      s_.tpr = static_cast<u8>(value);
      break;
    case kEoi:
      end_of_interrupt();
      break;
    case kLdr:
      s_.ldr = value & 0xFF00'0000;
      break;
    case kDfr:
      s_.dfr = value | 0x0FFF'FFFF;
      break;
    case kSvr:
      write_svr(value);
      break;
    case kEsr:
      s_.esr = s_.errors;
      s_.errors = 0;
      break;
    case kIcrLow:
      write_icr_low(value);
      break;
    case kIcrHigh:
      s_.icr = (s_.icr & low_mask(32)) | u64{value & 0xFF00'0000} << 32;
      break;
    case kInitialCount:
      write_initial_count(value);
      break;
    case kDivide:
      write_divide(value & kDivideWritable);
      break;
    case kVersion:
    case kApr:
    case kPpr:
    case kRrd:
    case kCurrentCount:
      break;
    default:
      return false;
  }
  update();
  return true;
}

void LocalApic::write_svr(u32 value) {
  s_.svr = value & kSvrWritable;
  if (software_enabled()) return;
  for (u32& lvt : s_.lvt) lvt |= kMasked;  // and they cannot be unmasked until it is enabled
}

void LocalApic::write_lvt(Lvt entry, u32 value) {
  u32 writable = kLvtWritable[entry];
  if (entry == kTimer && !config_.tsc_deadline) writable &= ~(u32{1} << 18);
  const TimerMode old = timer_mode();
  u32& lvt = s_.lvt[entry];
  const bool was_masked = lvt & kMasked;
  lvt = (value & writable) | (lvt & kReadOnlyLvt);
  if (!software_enabled()) lvt |= kMasked;
  if (entry == kTimer) timer_mode_changed(old);
  // A level that waits behind the mask is served now; an edge was lost.
  const bool level_fixed = (lvt & 0x8700) == 0x8000;
  if (entry == kLint0 && was_masked && level_fixed && s_.lint[0]) fire_lvt(entry);
  update();
}

void LocalApic::write_icr_low(u32 value) {
  s_.icr = (s_.icr & ~low_mask(32)) | (value & kIcrWritable);
  send_ipi();
}

u32 LocalApic::read(u32 offset, Width width) {
  if (!mmio_enabled() || offset >= kWindow) return open_bus(width);
  // Registers are the first 4 bytes of each 16; the rest is undefined and reads 0 here.
  if (offset & 0xC) return 0;
  const std::optional<u32> value = read_register(offset / 16);
  if (!value) report(kIllegalRegister);
  return (value.value_or(0) >> (8 * (offset & 3))) & open_bus(width);
}

void LocalApic::write(u32 offset, Width width, u32 value) {
  if (!mmio_enabled() || offset >= kWindow || (offset & 0xF) || width != Width::Dword) return;
  if (!write_register(offset / 16, value)) report(kIllegalRegister);
}

std::optional<u64> LocalApic::read_x2apic(u32 index) {
  if (!x2apic_mode()) return std::nullopt;
  if (index == kIcrLow) return s_.icr;
  const std::optional<u32> value = read_register(index);
  return value ? std::optional<u64>(*value) : std::nullopt;
}

/// Reserved bits and read-only registers raise #GP(0) (SDM 3A "Reserved Bit Checking").
bool LocalApic::valid_x2apic_write(u32 reg, u64 value) const {
  if (reg >= kLvtFirst && reg < kLvtFirst + kLvts)
    return !(value & ~u64{kLvtWritable[reg - kLvtFirst] | kReadOnlyLvt});
  switch (reg) {
    case kTpr:
    case kSelfIpi:
      return value <= 0xFF;
    case kEoi:
    case kEsr:
      return value == 0;
    case kSvr:
      return !(value & ~u64{kSvrWritable});
    case kIcrLow:
      return !(value & low_mask(32) & ~u64{kIcrWritable | 0x1000});
    case kInitialCount:
      return value <= low_mask(32);
    case kDivide:
      return !(value & ~u64{kDivideWritable});
    default:
      return false;
  }
}

bool LocalApic::write_x2apic(u32 index, u64 value) {
  if (!x2apic_mode() || !valid_x2apic_write(index, value)) return false;
  if (index == kSelfIpi) {
    accept({.ipi = true, .vector = static_cast<u8>(value)});
    return true;
  }
  if (index == kIcrLow) s_.icr = value & ~low_mask(32);
  return write_register(index, static_cast<u32>(value));
}

}  // namespace ring3
