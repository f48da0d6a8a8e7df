// SPDX-License-Identifier: MIT
#include "devices/ide/ide_controller.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/log.h"

namespace ring3 {
namespace {

enum Control : u8 { kIntrqOff = 2, kSoftReset = 4, kHighOrderByte = 0x80 };
enum BusMasterCommand : u8 { kStart = 1, kToMemory = 8 };
enum BusMasterStatus : u8 { kActive = 1, kDmaError = 2, kInterrupt = 4, kDrivesCanDma = 0x60 };
enum BusMasterRegister : u32 { kBmCommand = 0, kBmStatus = 2, kBmTable = 4 };
constexpr u8 kSecondDevice = 0x10;
constexpr u32 kLastDescriptor = 0x8000'0000;

}  // namespace

/// Walks the table of physical region descriptors: address, byte count (0: 64 KiB), end flag.
class IdeController::Descriptors final : public DmaChannel {
 public:
  Descriptors(DmaMemory& memory, u32 table) : memory_(memory), next_(table) {}

  bool to_memory(std::span<const u8> in) override {
    return move(in.size(),
                [&](size_t at, size_t n) { memory_.write(address_, in.subspan(at, n)); });
  }
  bool from_memory(std::span<u8> out) override {
    return move(out.size(),
                [&](size_t at, size_t n) { memory_.read(address_, out.subspan(at, n)); });
  }
  bool used_up() const { return left_ == 0 && last_; }

 private:
  template <class Piece>
  bool move(size_t size, Piece&& piece) {
    for (size_t done = 0; done < size;) {
      if (left_ == 0 && !fetch()) return false;
      const u32 n = static_cast<u32>(std::min<size_t>(left_, size - done));
      piece(done, n);
      address_ += n;
      left_ -= n;
      done += n;
    }
    return true;
  }
  bool fetch() {
    if (last_) return false;
    address_ = memory_.read<u32>(next_) & ~1u;
    const u32 word = memory_.read<u32>(next_ + 4);
    left_ = word & 0xFFFE ? word & 0xFFFE : 0x10000;
    last_ = word & kLastDescriptor;
    next_ += 8;
    return true;
  }

  DmaMemory& memory_;
  u32 next_;
  u32 address_ = 0, left_ = 0;
  bool last_ = false;
};

IdeController::IdeController(PhysicalMemory& memory, std::array<IrqLine, kChannels> irq)
    : memory_(memory), irq_(std::move(irq)) {
  for (Channel& c : channels_)
    for (auto& device : c.devices) device = std::make_unique<NoAtaDevice>(nullptr);
}

void IdeController::place(unsigned channel, unsigned unit, std::unique_ptr<AtaDevice> device) {
  auto& place = channels_[channel].devices[unit];
  RING3_CHECK(!place->present(), "IDE {}.{} is taken", channel, unit);
  place = std::move(device);
}

/// The two devices hear the same device register.
AtaDevice& IdeController::selected(Channel& c) {
  return *c.devices[(c.devices[0]->read(AtaDevice::kDevice, false) & kSecondDevice) ? 1 : 0];
}

void IdeController::update_irq(unsigned channel) {
  Channel& c = channels_[channel];
  const bool line = selected(c).intrq() && !(c.s.control & kIntrqOff);
  if (line && !c.s.line) c.s.status |= kInterrupt;
  c.s.line = line;
  irq_[channel].set(line);
}

u32 IdeController::read_command_block(Channel& c, u32 reg, Width width) {
  AtaDevice& device = selected(c);
  if (reg == AtaDevice::kData) return device.read_data(width);
  if (width != Width::Byte) return open_bus(width);
  if (!c.devices[0]->present() && !c.devices[1]->present()) return 0;
  const bool own = reg == AtaDevice::kCommand || reg == AtaDevice::kErrorFeatures;
  if (own && !device.present()) return 0;
  return device.read(static_cast<AtaDevice::Register>(reg), c.s.control & kHighOrderByte);
}

void IdeController::write_command_block(unsigned channel, u32 reg, Width width, u32 value) {
  Channel& c = channels_[channel];
  if (reg == AtaDevice::kData) return selected(c).write_data(width, value);
  if (width != Width::Byte) return;
  // Any write to the command block shows the low halves again.
  c.s.control &= static_cast<u8>(~kHighOrderByte);
  const u8 byte = static_cast<u8>(value);
  constexpr u8 kExecuteDiagnostic = 0x90;
  if (reg == AtaDevice::kCommand && byte != kExecuteDiagnostic) {
    selected(c).write(AtaDevice::kCommand, byte);
    return run_dma(channel);
  }
  for (auto& device : c.devices) device->write(static_cast<AtaDevice::Register>(reg), byte);
  update_irq(channel);
}

void IdeController::write_control(unsigned channel, u8 value) {
  Channel& c = channels_[channel];
  const bool released = c.s.control & ~value & kSoftReset;
  c.s.control = value;
  if (released)
    for (auto& device : c.devices) device->reset();
  update_irq(channel);
}

u8 IdeController::read_bus_master(const Channel& c, u32 reg) const {
  switch (reg) {
    case kBmCommand:
      return c.s.command;
    case kBmStatus:
      return c.s.status;
    case 1:
    case 3:
      return 0xFF;
    default:
      return static_cast<u8>(c.s.table >> (8 * (reg - kBmTable)));
  }
}

void IdeController::write_bus_master(unsigned channel, u32 reg, u8 value) {
  State& s = channels_[channel].s;
  if (reg == kBmCommand) {
    const bool starts = value & ~s.command & kStart;
    s.command = value & (kStart | kToMemory);
    if (!(s.command & kStart)) s.status &= static_cast<u8>(~kActive);
    if (starts) s.status |= kActive;
    return run_dma(channel);
  }
  if (reg == kBmStatus) {
    // Error and interrupt are cleared by writing 1; the drives' capability bits are plain storage.
    s.status = static_cast<u8>((s.status & ~(value & (kDmaError | kInterrupt)) & ~kDrivesCanDma) |
                               (value & kDrivesCanDma));
    return;
  }
  if (reg < kBmTable) return;
  const unsigned shift = 8 * (reg - kBmTable);
  s.table = ((s.table & ~(0xFFu << shift)) | u32{value} << shift) & ~3u;
}

/// Runs when the bus master is started and the selected drive waits for it, whichever came last.
void IdeController::run_dma(unsigned channel) {
  Channel& c = channels_[channel];
  AtaDevice& device = selected(c);
  if (!(c.s.status & kActive) || !bus_master_) return;
  const auto wanted =
      c.s.command & kToMemory ? AtaDevice::Dma::ToMemory : AtaDevice::Dma::FromMemory;
  if (device.dma() != wanted) return;
  Descriptors descriptors(memory_, c.s.table);
  const bool complete = device.run_dma(descriptors);
  // The bus master stays active if there was more room than data.
  if (!complete || descriptors.used_up()) c.s.status &= static_cast<u8>(~kActive);
}

u32 IdeController::read(u32 offset, Width width) {
  if (offset >= kBusMaster) {
    u32 value = 0;
    for (u32 i = 0; i < bytes(width); ++i) {
      const u32 reg = (offset - kBusMaster + i) % kBusMasterSize;
      value |= u32{read_bus_master(channels_[reg / 8], reg % 8)} << (8 * i);
    }
    return value;
  }
  Channel& c = channels_[offset / 0x10];
  if (offset % 0x10 < 8) return read_command_block(c, offset % 0x10, width);
  if (offset % 0x10 != 8 || width != Width::Byte) return open_bus(width);
  const bool any = c.devices[0]->present() || c.devices[1]->present();
  return any && selected(c).present() ? selected(c).status() : 0;
}

void IdeController::write(u32 offset, Width width, u32 value) {
  if (offset >= kBusMaster) {
    for (u32 i = 0; i < bytes(width); ++i) {
      const u32 reg = (offset - kBusMaster + i) % kBusMasterSize;
      write_bus_master(reg / 8, reg % 8, static_cast<u8>(value >> (8 * i)));
    }
    return;
  }
  const unsigned channel = offset / 0x10;
  if (offset % 0x10 < 8) return write_command_block(channel, offset % 0x10, width, value);
  if (offset % 0x10 == 8 && width == Width::Byte) write_control(channel, static_cast<u8>(value));
}

void IdeController::reset() {
  for (unsigned channel = 0; channel < kChannels; ++channel) {
    channels_[channel].s = State{};
    for (auto& device : channels_[channel].devices) device->hard_reset();
    update_irq(channel);
  }
}

void IdeController::fields(FieldVisitor& v) {
  for (unsigned channel = 0; channel < kChannels; ++channel) {
    State& s = channels_[channel].s;
    const std::string prefix = fmt::format("channel{}", channel);
    v(prefix + ".control", s.control)(prefix + ".line", s.line)(prefix + ".command", s.command)(
        prefix + ".status", s.status)(prefix + ".table", s.table);
    for (unsigned unit = 0; unit < kPerChannel; ++unit)
      channels_[channel].devices[unit]->fields(v, fmt::format("{}.{}", prefix, unit));
  }
}

void IdeController::restored() {
  for (unsigned channel = 0; channel < kChannels; ++channel) update_irq(channel);
}

}  // namespace ring3
