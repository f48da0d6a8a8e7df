// SPDX-License-Identifier: MIT
// Delivery: requests, priorities, acknowledge, EOI, interprocessor interrupts, reset.
#include "devices/lapic.h"

#include <algorithm>
#include <bit>

#include "base/bits.h"
#include "base/log.h"

namespace ring3 {
namespace {

constexpr u32 kMasked = 1 << 16, kLevelTriggered = 1 << 15, kRemoteIrr = 1 << 14;
constexpr u8 kSendIllegalVector = 0x20, kReceiveIllegalVector = 0x40;
constexpr u64 kBootstrap = 1 << 8;
constexpr u8 kFirstVector = 16;  // vectors 0 to 15 are illegal for interrupts

template <class Set>
bool test(const Set& set, u8 vector) {
  return set[vector / 32] >> (vector % 32) & 1;
}
template <class Set>
void assign(Set& set, u8 vector, bool value) {
  const u32 mask = u32{1} << (vector % 32);
  set[vector / 32] = value ? set[vector / 32] | mask : set[vector / 32] & ~mask;
}
template <class Set>
int highest(const Set& set) {
  for (int i = 7; i >= 0; --i)
    if (set[static_cast<size_t>(i)])
      return i * 32 + 31 - std::countl_zero(set[static_cast<size_t>(i)]);
  return -1;
}

constexpr DeliveryMode delivery_mode(u64 entry) {
  return static_cast<DeliveryMode>(bits(entry, 10, 8));
}

}  // namespace

LocalApic::LocalApic(EventClock& clock, CpuPins& pins, ApicBus& bus, Config config,
                     std::function<u8()> ext_ack)
    : config_(config),
      clock_(clock),
      pins_(pins),
      bus_(bus),
      ext_ack_(std::move(ext_ack)),
      timer_(clock, [this] { timer_expired(); }) {
  bus_.attach(*this);
  reset();
}

void LocalApic::set_defaults() {
  State fresh;
  fresh.base = s_.base;
  fresh.id = s_.id;
  fresh.lint[0] = s_.lint[0];
  fresh.lint[1] = s_.lint[1];
  fresh.lvt.fill(kMasked);
  if (config_.bootstrap) fresh.lvt[kLint0] = u32{static_cast<u8>(DeliveryMode::ExtInt)} << 8;
  s_ = fresh;
  timer_.cancel();
  update();
}

void LocalApic::reset() {
  s_.base = kDefaultBase | kEnable | (config_.bootstrap ? kBootstrap : 0);
  s_.id = config_.id;
  set_defaults();
  if (base_change_) base_change_();
}

void LocalApic::init() { set_defaults(); }

/// SDM 3A "x2APIC State Transitions": #GP(0) for reserved bits and for every transition that the
/// figure does not have.
bool LocalApic::set_apic_base(u64 value) {
  const u64 extd = config_.x2apic ? kExtd : 0;
  const u64 writable =
      (low_mask(config_.physical_bits) & ~u64{0xFFF}) | kEnable | kBootstrap | extd;
  if (value & ~writable) return false;
  const u64 from = s_.base & (kEnable | kExtd), to = value & (kEnable | kExtd);
  if (to == kExtd) return false;                                 // EN = 0, EXTD = 1 does not exist
  if (from == (kEnable | kExtd) && to == kEnable) return false;  // back to xAPIC only when disabled
  if (from == 0 && to == (kEnable | kExtd)) return false;        // to x2APIC only from xAPIC
  s_.base = value;
  if (from != to) {
    if (to == 0) {
      s_.id = config_.id;
      set_defaults();
    } else if (to & kExtd) {
      s_.id = config_.id;
      s_.ldr = (s_.id >> 4) << 16 | u32{1} << (s_.id & 15);
    }
  }
  update();
  if (base_change_) base_change_();
  return true;
}

u8 LocalApic::processor_priority() const {
  const int in_service = highest(s_.isr);
  const u8 service_class = in_service < 0 ? 0 : in_service & 0xF0;
  return (s_.tpr & 0xF0) >= service_class ? s_.tpr : service_class;
}

int LocalApic::deliverable() const {
  if (!enabled() || !software_enabled()) return -1;
  const int vector = highest(s_.irr);
  return vector >= 0 && (vector & 0xF0) > (processor_priority() & 0xF0) ? vector : -1;
}

/// Without an enabled APIC the LINT0 pin is the cpu's INTR pin.
bool LocalApic::ext_int_requested() const {
  if (!enabled()) return s_.lint[0];
  const u32 lvt = s_.lvt[kLint0];
  const bool pin = !(lvt & kMasked) && delivery_mode(lvt) == DeliveryMode::ExtInt && s_.lint[0];
  return pin || s_.ext_int;
}

void LocalApic::update() { pins_.set_intr(deliverable() >= 0 || ext_int_requested()); }

std::optional<u8> LocalApic::acknowledge() {
  const int vector = deliverable();
  if (vector >= 0) {
    assign(s_.irr, static_cast<u8>(vector), false);
    assign(s_.isr, static_cast<u8>(vector), true);
    update();
    return static_cast<u8>(vector);
  }
  if (ext_int_requested()) {
    s_.ext_int = false;
    const u8 ext = ext_ack_();
    update();
    return ext;
  }
  // A request that was masked by priority after INTR rose: the spurious vector, no ISR bit.
  if (enabled() && software_enabled() && highest(s_.irr) >= 0) return static_cast<u8>(s_.svr);
  return std::nullopt;
}

void LocalApic::set_task_priority(u8 cr8) {
  s_.tpr = static_cast<u8>(cr8 << 4);
  update();
}

void LocalApic::request(u8 vector, bool level) {
  if (vector < kFirstVector) return report(kReceiveIllegalVector);
  assign(s_.irr, vector, true);
  assign(s_.tmr, vector, level);
  update();
}

void LocalApic::end_of_interrupt() {
  const int top = highest(s_.isr);
  if (top < 0) return;
  const u8 vector = static_cast<u8>(top);
  assign(s_.isr, vector, false);
  for (const Lvt entry : {kLint0, kLint1}) {
    u32& lvt = s_.lvt[entry];
    if (!(lvt & kRemoteIrr) || (lvt & 0xFF) != vector) continue;
    lvt &= ~kRemoteIrr;
    if (s_.lint[entry - kLint0]) fire_lvt(entry);
  }
  if (test(s_.tmr, vector)) bus_.broadcast_eoi(vector);
  update();
}

/// Collects an error for the next latch of ESR and raises the error interrupt.
void LocalApic::report(u8 error) {
  s_.errors |= error;
  const u32 lvt = s_.lvt[kError];
  // An error vector that is itself illegal must not report again.
  if (!(lvt & kMasked) && (lvt & 0xFF) >= kFirstVector) request(static_cast<u8>(lvt), false);
}

/// Raises what a local vector table entry says. False if it is masked.
bool LocalApic::fire_lvt(Lvt entry) {
  u32& lvt = s_.lvt[entry];
  if (!enabled() || (lvt & kMasked)) return false;
  const bool pin = entry == kLint0 || entry == kLint1;
  switch (pin ? delivery_mode(lvt) : DeliveryMode::Fixed) {
    case DeliveryMode::Fixed: {
      // LINT1 is edge triggered always (SDM 3A "Local Vector Table", Trigger Mode).
      const bool level = entry == kLint0 && (lvt & kLevelTriggered);
      if (level) lvt |= kRemoteIrr;
      request(static_cast<u8>(lvt), level);
      break;
    }
    case DeliveryMode::Nmi:
      pins_.pulse_nmi();
      break;
    case DeliveryMode::Init:
      init();
      pins_.pulse_init();
      break;
    case DeliveryMode::ExtInt:
      break;  // by level, see ext_int_requested
    default:
      if (first_times(logged_)) RING3_LOG(GuestErrors, "lapic: LVT {:#x} is not emulated", lvt);
  }
  return true;
}

void LocalApic::set_lint(unsigned pin, bool level) {
  const bool rises = level && !s_.lint[pin];
  s_.lint[pin] = level;
  if (rises && enabled()) fire_lvt(pin == 0 ? kLint0 : kLint1);
  if (rises && !enabled() && pin == 1) pins_.pulse_nmi();
  update();
}

void LocalApic::set_lint0(bool level) { set_lint(0, level); }
void LocalApic::set_lint1(bool level) { set_lint(1, level); }

bool LocalApic::addressed_by(const ApicMessage& m) const {
  if (!enabled()) return false;
  const bool narrow = !x2apic_mode() || !m.ipi;  // I/O APICs have 8-bit destinations
  const u32 broadcast = narrow ? 0xFF : ~u32{0};
  if (m.destination == broadcast) return true;
  if (!m.logical) return m.destination == s_.id;
  if (x2apic_mode())
    return (m.destination >> 16) == (s_.ldr >> 16) && (m.destination & s_.ldr & 0xFFFF);
  const u8 mda = static_cast<u8>(m.destination), ldr = static_cast<u8>(s_.ldr >> 24);
  if (s_.dfr >> 28 == 0xF) return mda & ldr;  // flat
  const bool cluster = mda >> 4 == ldr >> 4 || mda >> 4 == 0xF;
  return s_.dfr >> 28 == 0 && cluster && (mda & ldr & 0xF);
}

bool LocalApic::accept(const ApicMessage& m) {
  if (!enabled()) return false;
  switch (m.mode) {
    case DeliveryMode::Fixed:
    case DeliveryMode::LowestPriority:
      if (!software_enabled()) return false;
      request(m.vector, m.level);
      return true;
    case DeliveryMode::Nmi:
      pins_.pulse_nmi();
      return true;
    case DeliveryMode::Init:
      init();
      pins_.pulse_init();
      return true;
    case DeliveryMode::Startup:
      pins_.pulse_sipi(m.vector);
      return true;
    case DeliveryMode::ExtInt:
      s_.ext_int = true;
      update();
      return true;
    default:
      if (first_times(logged_))
        RING3_LOG(GuestErrors, "lapic: delivery mode {} is not emulated", static_cast<int>(m.mode));
      return true;
  }
}

/// A write to ICR (SDM 3A "Interrupt Command Register").
void LocalApic::send_ipi() {
  const u64 icr = s_.icr;
  ApicMessage m;
  m.destination = static_cast<u32>(x2apic_mode() ? icr >> 32 : icr >> 56);
  m.logical = icr >> 11 & 1;
  m.ipi = true;
  m.mode = delivery_mode(icr);
  m.vector = static_cast<u8>(icr);
  const bool asserted = icr >> 14 & 1, level = icr >> 15 & 1;
  // INIT level de-assert only resynchronized arbitration ids on early parts.
  if (m.mode == DeliveryMode::Init && level && !asserted) return;
  const bool vectored = m.mode == DeliveryMode::Fixed || m.mode == DeliveryMode::LowestPriority;
  if (vectored && m.vector < kFirstVector) return report(kSendIllegalVector);
  switch (icr >> 18 & 3) {
    case 0:
      bus_.deliver(m);
      break;
    case 1:
      accept(m);
      break;
    case 2:
      bus_.deliver_to_all(m, nullptr);
      break;
    case 3:
      bus_.deliver_to_all(m, this);
      break;
  }
}

void LocalApic::fields(FieldVisitor& v) {
  v("base", s_.base)("id", s_.id)("svr", s_.svr)("ldr", s_.ldr)("dfr", s_.dfr);
  v("isr", s_.isr)("tmr", s_.tmr)("irr", s_.irr)("icr", s_.icr)("lvt", s_.lvt);
  v("initial_count", s_.initial_count)("divide", s_.divide)("timer_start", s_.timer_start);
  v("timer_armed", s_.timer_armed)("deadline", s_.deadline)("tpr", s_.tpr);
  v("esr", s_.esr)("errors", s_.errors)("lint", s_.lint)("ext_int", s_.ext_int);
}

void LocalApic::restored() {
  arm_timer();
  update();
  if (base_change_) base_change_();
}

}  // namespace ring3
