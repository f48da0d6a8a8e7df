// SPDX-License-Identifier: MIT
#include "tests/fuzz/player.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <iterator>

#include "tests/fuzz/regions.h"

namespace ring3::fuzz {
namespace {

constexpr unsigned kMostDrawn = 4, kMostRestored = 2;

unsigned region_of(const Op& op) { return op.select & 63; }
/// Ports: 1, 2 or 4 bytes; memory: 8 as well.
unsigned size_of(const Op& op) { return 1u << (op.select >> 6); }
Width port_width(const Op& op) { return static_cast<Width>(std::min(size_of(op), 4u)); }

/// A value for 8 bytes: small negative numbers are filled with ones.
u64 wide(u32 value) { return value >= 0xFF00'0000 ? value | ~u64{0xFFFF'FFFF} : value; }

}  // namespace

void Player::play() {
  // Power-off and the debug exit end a run; the program goes on.
  while (!done()) {
    board_.pc().cpu().signals &= ~u32{kSignalStop};
    board_.pc().run(*this);
  }
}

Exit Player::run(Cpu& cpu, u64 deadline) {
  while (cpu.state.instructions < deadline) {
    if (done()) {
      board_.pc().leave(0);
      return Exit::Signal;
    }
    do_op(decode(program_.subspan(at_).first<kOpSize>()));
    at_ += kOpSize;
    ++played_;
    ++cpu.state.instructions;
    // What a cpu would do with these is not the devices' matter.
    cpu.signals &= ~u32{kSignalNmi | kSignalInit | kSignalSipi | kSignalDebug};
    if (cpu.signals & (kSignalReset | kSignalStop | kSignalEvents)) return Exit::Signal;
    if (std::exchange(sleep_, false)) return Exit::Halted;
  }
  return Exit::Deadline;
}

void Player::do_op(const Op& op) {
  Pc& pc = board_.pc();
  switch (op.kind) {
    case Kind::Out:
    case Kind::In:
    case Kind::OutRepeat:
    case Kind::InRepeat:
      return port(op);
    case Kind::MemoryOut:
    case Kind::MemoryIn:
      return memory(op);
    case Kind::Ram:
    case Kind::RamFill:
      return ram(op);
    case Kind::Descriptor:
      return descriptor(op);
    case Kind::Prd:
      return prd(op);
    case Kind::PciOut:
    case Kind::PciIn:
      return pci(op);
    case Kind::Pass:
      return pass(op);
    case Kind::Sleep:
      sleep_ = pc.clock().next_deadline() != kNever;
      return;
    case Kind::Type:
      if (op.value & 0x100) return pc.serial(op.select & 3)->receive_break();
      return board_.type(op.select & 3, static_cast<u8>(op.value));
    case Kind::Key:
      return pc.input().key(op.offset, op.value & 1);
    case Kind::Pointer:
      return pointer(op);
    case Kind::Backdoor:
      return backdoor(op);
    case Kind::Interrupt:
      return interrupt(op);
    case Kind::ApicMsr:
      return apic_msr(op);
    case Kind::Medium:
      return board_.set_media_broken(op.value);
    case Kind::Draw:
      return draw();
    case Kind::Restore:
      return restore();
    case Kind::Line:
    case Kind::kCount:
      return line(op);
  }
}

/// A few ports past a region's end are reached too.
void Player::port(const Op& op) {
  IoBus& io = board_.pc().io();
  const PortRegion region = port_region(board_.pc(), region_of(op));
  const u16 at = static_cast<u16>(region.base + op.offset % (region.count + 2u));
  const Width width = port_width(op);
  switch (op.kind) {
    case Kind::Out:
      return io.write(at, width, op.value & open_bus(width));
    case Kind::In:
      return void(io.read(at, width));
    case Kind::OutRepeat:
      for (u32 n = op.value >> 16 & 1023, v = op.value & 0xFFFF; n; --n, ++v)
        io.write(at, width, (v | v << 16) & open_bus(width));
      return;
    default:
      for (u32 n = op.value & 1023; n; --n) io.read(at, width);
  }
}

void Player::memory(const Op& op) {
  PhysicalMemory& memory = board_.pc().memory();
  const Window w = window(board_.pc(), region_of(op));
  const u64 scale = std::max<u64>(w.size >> 16, 1);
  const u64 at = w.start + op.offset * scale % (w.size + 8);
  std::array<u8, 8> bytes;
  store(bytes.data(), wide(op.value));
  const auto part = std::span(bytes).first(size_of(op));
  op.kind == Kind::MemoryOut ? memory.write(PhysAddr{at}, part) : memory.read(PhysAddr{at}, part);
}

void Player::ram(const Op& op) {
  PhysicalMemory& memory = board_.pc().memory();
  const u64 at = dma_address(board_.pc(), region_of(op)) + op.offset % kPageSize;
  if (op.kind == Kind::RamFill) {
    const std::vector<u8> fill(op.value >> 8 & 0xFFFF, static_cast<u8>(op.value));
    return memory.write(PhysAddr{at}, fill);
  }
  std::array<u8, 8> bytes;
  store(bytes.data(), wide(op.value));
  memory.write(PhysAddr{at}, std::span<const u8>(bytes).first(size_of(op)));
}

/// Index, flags and next in `offset` (6, 3, 6 bits); page number and length in `value` (8, 24).
void Player::descriptor(const Op& op) {
  PhysicalMemory& memory = board_.pc().memory();
  const u64 at = dma_address(board_.pc(), region_of(op)) + 16 * (op.offset & 63);
  memory.write<u64>(PhysAddr{at}, dma_address(board_.pc(), op.value & 0xFF));
  memory.write<u32>(PhysAddr{at + 8}, op.value >> 8);
  memory.write<u16>(PhysAddr{at + 12}, op.offset >> 6 & 7);
  memory.write<u16>(PhysAddr{at + 14}, op.offset >> 9 & 63);
}

/// Index in `offset`; page number, count and end of table in `value` (8, 16, bit 31).
void Player::prd(const Op& op) {
  PhysicalMemory& memory = board_.pc().memory();
  const u64 at = dma_address(board_.pc(), region_of(op)) + 8 * (op.offset & 511);
  memory.write<u32>(PhysAddr{at}, static_cast<u32>(dma_address(board_.pc(), op.value & 0xFF)));
  memory.write<u32>(PhysAddr{at + 4}, (op.value >> 8 & 0xFFFF) | (op.value & 0x8000'0000));
}

void Player::pci(const Op& op) {
  IoBus& io = board_.pc().io();
  const auto& function = kFunctions[region_of(op) % std::size(kFunctions)];
  const u32 reg = op.offset & 0xFF;
  io.write(layout::kPciConfig, Width::Dword,
           1u << 31 | u32{function[0]} << 11 | u32{function[1]} << 8 | (reg & ~3u));
  const u16 port = static_cast<u16>(layout::kPciConfig + 4 + (reg & 3));
  const Width width = port_width(op);
  if (op.kind == Kind::PciIn) return void(io.read(port, width));
  io.write(port, width, op.value & open_bus(width));
}

/// At most some hours: as a suspended host.
void Player::pass(const Op& op) {
  constexpr u64 kLongest = u64{1} << 44;
  const u64 time = std::min(u64{op.value} << (op.offset & 31), kLongest);
  board_.pc().cpu().state.instructions += time >> 3;
}

void Player::interrupt(const Op& op) {
  Pc& pc = board_.pc();
  if (pc.cpu().signals & kSignalIntr) static_cast<void>(pc.cpu().apic->acknowledge());
  if (op.select & 1) pc.io().write(layout::kPicMaster, Width::Byte, 0x20);
  if (op.select & 2) pc.io().write(layout::kPicSlave, Width::Byte, 0x20);
  if (op.select & 4) pc.memory().write<u32>(PhysAddr{layout::kLocalApic + 0xB0}, 0);
}

void Player::apic_msr(const Op& op) {
  ApicPort& apic = *board_.pc().cpu().apic;
  const u64 value = wide(op.value) << (op.offset >> 8 & 31);
  switch (op.select & 7) {
    case 0:
      return void(apic.set_apic_base(op.value));
    case 1:
      return apic.set_task_priority(op.value & 15);
    case 2:
      return apic.set_tsc_deadline(value);
    case 3:
      return void(apic.set_apic_base(layout::kLocalApic | (op.value & 0xD00)));
    case 4:
    case 5:
      return void(apic.read_x2apic(op.offset & 0xFF));
    default:
      return void(apic.write_x2apic(op.offset & 0xFF, value));
  }
}

void Player::draw() {
  if (drawn_++ >= kMostDrawn) return;
  board_.screen().refresh();
  board_.screen().text();
}

/// A board that was saved and restored is the same board, once counters have caught up with time.
void Player::restore() {
  if (restored_++ >= kMostRestored) return;
  board_.restore(board_.save());
  const Fields before = board_.save();
  board_.restore(before);
  const Fields after = board_.save();
  for (size_t i = 0; i < before.size(); ++i) {
    if (before[i] == after[i]) continue;
    std::fprintf(stderr, "field %s changed by save and restore\n", before[i].first.c_str());
    std::abort();
  }
}

void Player::line(const Op& op) {
  switch (op.select & 3) {
    case 0:
      return board_.pc().request_reset();
    case 1:
      return board_.pc().press_power_button();
    default:
      return board_.pc().acpi().raise_gpe(op.select >> 2 & 15);
  }
}

void Player::pointer(const Op& op) {
  PcInput& input = board_.pc().input();
  const u8 buttons = op.select >> 1 & 7;
  const int wheel = (op.select >> 4) - 8;
  if (op.select & 1)
    return input.point(op.offset % (PcInput::kMostAbsolute + 1),
                       op.value % (PcInput::kMostAbsolute + 1), wheel, buttons);
  input.move(static_cast<i16>(op.offset), static_cast<i16>(op.value), wheel, buttons);
}

void Player::backdoor(const Op& op) {
  constexpr u32 kMagic = 0x564D'5868;
  Pc& pc = board_.pc();
  pc.cpu().state.gpr[kRax] = kMagic ^ op.offset;
  pc.cpu().state.gpr[kRbx] = op.value;
  pc.cpu().state.gpr[kRcx] = op.select;
  static_cast<void>(pc.io().read(VmMouse::kPort, Width::Dword));
}

}  // namespace ring3::fuzz
