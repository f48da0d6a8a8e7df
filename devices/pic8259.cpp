// SPDX-License-Identifier: MIT
#include "devices/pic8259.h"

#include <bit>

#include "base/bits.h"

namespace ring3 {
namespace {

constexpr unsigned kCascade = 2;
constexpr unsigned kSpurious = 7;
// IRQ 0, 1, 2, 8 and 13 are edge triggered whatever the guest writes (PIIX datasheet, ELCR).
constexpr u8 kElcrMask[2] = {0xF8, 0xDE};

namespace icw1 {
constexpr u8 kIc4 = 0x01, kSngl = 0x02, kSelect = 0x10;
}
namespace icw4 {
constexpr u8 kAeoi = 0x02, kSfnm = 0x10;
}
namespace ocw2 {
constexpr u8 kEoi = 0x20, kSl = 0x40, kR = 0x80;
}
namespace ocw3 {
constexpr u8 kRis = 0x01, kRr = 0x02, kPoll = 0x04, kSelect = 0x08, kSmm = 0x20, kEsmm = 0x40;
}

constexpr u8 mask_of(int ir) { return static_cast<u8>(1 << ir); }

}  // namespace

void Pic8259::Chip::set_line(unsigned ir, bool level) {
  const u8 mask = mask_of(static_cast<int>(ir));
  const bool rises = level && !(lines & mask);
  lines = level ? lines | mask : lines & ~mask;
  // A request must stay until the acknowledge: in both modes IRR falls with its input.
  if (!level) {
    irr &= ~mask;
  } else if (rises || (elcr & mask)) {
    irr |= mask;
  }
}

int Pic8259::Chip::highest(u8 requests) const {
  if (!requests) return -1;
  const unsigned first = (lowest + 1) & 7;
  const u8 rotated = std::rotr(requests, static_cast<int>(first));
  return static_cast<int>((static_cast<unsigned>(std::countr_zero(rotated)) + first) & 7);
}

int Pic8259::Chip::pending() const {
  const int request = highest(irr & ~imr);
  if (request < 0) return -1;
  u8 serving = isr;
  if (special_mask) serving &= ~imr;
  // Special fully nested mode: the slave may interrupt again while its IR is in service.
  if (special_fully_nested) serving &= ~mask_of(kCascade);
  const int current = highest(serving);
  const auto rank = [&](int ir) { return (ir - lowest - 1) & 7; };
  return current < 0 || rank(request) < rank(current) ? request : -1;
}

void Pic8259::Chip::accept(int ir) {
  if (!(elcr & mask_of(ir))) irr &= ~mask_of(ir);
  if (!auto_eoi) {
    isr |= mask_of(ir);
  } else if (rotate_on_aeoi) {
    lowest = static_cast<u8>(ir);
  }
}

u8 Pic8259::Chip::take_poll() {
  poll = false;
  const int ir = pending();
  if (ir < 0) return 0;
  accept(ir);
  return static_cast<u8>(0x80 | ir);
}

void Pic8259::Chip::write_icw1(u8 value) {
  // The edge sense circuit is reset: an input must rise again.
  irr = lines & elcr;
  isr = imr = 0;
  lowest = 7;
  special_mask = read_isr = poll = false;
  auto_eoi = rotate_on_aeoi = special_fully_nested = false;
  single = value & icw1::kSngl;
  needs_icw4 = value & icw1::kIc4;
  init_step = 2;
}

void Pic8259::Chip::write_odd(u8 value) {
  switch (init_step) {
    case 2:
      vector_base = value & 0xF8;
      init_step = !single ? 3 : needs_icw4 ? 4 : 0;
      break;
    case 3:
      init_step = needs_icw4 ? 4 : 0;
      break;
    case 4:
      auto_eoi = value & icw4::kAeoi;
      special_fully_nested = value & icw4::kSfnm;
      init_step = 0;
      break;
    default:
      imr = value;
  }
}

void Pic8259::Chip::end_of_interrupt(u8 value) {
  // A non-specific EOI skips bits that are masked in special mask mode.
  const u8 candidates = special_mask ? isr & ~imr : isr;
  const int ir = value & ocw2::kSl ? value & 7 : highest(candidates);
  if (ir < 0) return;
  isr &= ~mask_of(ir);
  if (value & ocw2::kR) lowest = static_cast<u8>(ir);
}

void Pic8259::Chip::write_ocw2(u8 value) {
  if (value & ocw2::kEoi) return end_of_interrupt(value);
  if (!(value & ocw2::kSl)) {
    rotate_on_aeoi = value & ocw2::kR;
  } else if (value & ocw2::kR) {
    lowest = value & 7;
  }
}

void Pic8259::Chip::write_ocw3(u8 value) {
  if (value & ocw3::kPoll) poll = true;
  if (value & ocw3::kRr) read_isr = value & ocw3::kRis;
  if (value & ocw3::kEsmm) special_mask = value & ocw3::kSmm;
}

void Pic8259::Chip::fields(FieldVisitor& v, const std::string& prefix) {
  v(prefix + "irr", irr)(prefix + "isr", isr)(prefix + "imr", imr)(prefix + "lines", lines);
  v(prefix + "elcr", elcr)(prefix + "vector_base", vector_base)(prefix + "lowest", lowest);
  v(prefix + "init_step", init_step)(prefix + "single", single);
  v(prefix + "needs_icw4", needs_icw4)(prefix + "auto_eoi", auto_eoi);
  v(prefix + "rotate_on_aeoi", rotate_on_aeoi)(prefix + "special_mask", special_mask);
  v(prefix + "special_fully_nested", special_fully_nested);
  v(prefix + "read_isr", read_isr)(prefix + "poll", poll);
}

Pic8259::Pic8259(IrqLine intr) : intr_(std::move(intr)) {}

void Pic8259::update() {
  s_.chip[0].set_line(kCascade, s_.chip[1].pending() >= 0);
  intr_.set(intr());
}

void Pic8259::set_irq(unsigned irq, bool level) {
  if (irq >= 16 || irq == kCascade) return;
  s_.chip[irq / 8].set_line(irq % 8, level);
  update();
}

IrqLine Pic8259::line(unsigned irq) {
  return IrqLine([this, irq](bool level) { set_irq(irq, level); });
}

u8 Pic8259::acknowledge_slave() {
  Chip& slave = s_.chip[1];
  const int ir = slave.pending();
  if (ir >= 0) slave.accept(ir);
  // INT of the slave falls during the acknowledge, so that its next request makes an edge.
  s_.chip[0].set_line(kCascade, false);
  return static_cast<u8>(slave.vector_base + (ir < 0 ? kSpurious : static_cast<unsigned>(ir)));
}

u8 Pic8259::acknowledge() {
  Chip& master = s_.chip[0];
  const int ir = master.pending();
  u8 vector = static_cast<u8>(master.vector_base + kSpurious);
  if (ir >= 0) {
    master.accept(ir);
    vector = ir == kCascade ? acknowledge_slave() : static_cast<u8>(master.vector_base + ir);
  }
  update();
  return vector;
}

u32 Pic8259::read(u32 offset, Width width) {
  if (offset >= kElcr + 2) return open_bus(width);
  if (offset >= kElcr) return s_.chip[offset - kElcr].elcr;
  Chip& chip = s_.chip[offset / 2];
  if (chip.poll) {
    const u8 value = chip.take_poll();
    update();
    return value;
  }
  if (offset & 1) return chip.imr;
  return chip.read_isr ? chip.isr : chip.irr;
}

void Pic8259::write(u32 offset, Width, u32 value) {
  if (offset >= kElcr + 2) return;
  const u8 byte = static_cast<u8>(value);
  Chip& chip = s_.chip[offset >= kElcr ? offset - kElcr : offset / 2];
  if (offset >= kElcr) {
    chip.elcr = byte & kElcrMask[offset - kElcr];
    chip.irr |= chip.lines & chip.elcr;
  } else if (offset & 1) {
    chip.write_odd(byte);
  } else if (byte & icw1::kSelect) {
    chip.write_icw1(byte);
  } else if (byte & ocw3::kSelect) {
    chip.write_ocw3(byte);
  } else {
    chip.write_ocw2(byte);
  }
  update();
}

void Pic8259::reset() {
  for (Chip& chip : s_.chip) {
    const u8 lines = chip.lines;  // driven by the devices
    chip = Chip{};
    chip.lines = lines;
  }
  s_.chip[0].lines &= ~mask_of(kCascade);
  update();
}

void Pic8259::fields(FieldVisitor& v) {
  s_.chip[0].fields(v, "master.");
  s_.chip[1].fields(v, "slave.");
}

}  // namespace ring3
