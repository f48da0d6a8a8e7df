// SPDX-License-Identifier: MIT
// The VGA's place on the board: PCI windows, reset, what changed for who draws the screen, and the
// state that a video BIOS leaves.
#include "devices/vga.h"

#include <algorithm>
#include <utility>

#include "base/bits.h"
#include "base/check.h"
#include "devices/edid.h"
#include "devices/vga_font.h"

namespace ring3 {
namespace {

// BAR 2 (QEMU "standard VGA"): EDID, ports 3C0h-3DFh, DISPI registers, byte order.
constexpr u32 kMmioPorts = 0x400, kMmioVbe = 0x500, kMmioExtra = 0x600;
constexpr u32 kPreferredWidth = 1280, kPreferredHeight = 800;
constexpr u32 kLittleEndian = 0x1E1E'1E1E;

// Mode 3 with 9 by 16 dots, 720 by 400: what every VGA BIOS sets (IBM VGA Technical Reference).
constexpr u8 kMode3Misc = 0x67;
constexpr u8 kMode3Seq[5] = {0x03, 0x00, 0x03, 0x00, 0x02};
constexpr u8 kMode3Crtc[25] = {0x5F, 0x4F, 0x50, 0x82, 0x55, 0x81, 0xBF, 0x1F, 0x00,
                               0x4F, 0x0D, 0x0E, 0x00, 0x00, 0x00, 0x00, 0x9C, 0x8E,
                               0x8F, 0x28, 0x1F, 0x96, 0xB9, 0xA3, 0xFF};
constexpr u8 kMode3Gfx[9] = {0x00, 0x00, 0x00, 0x00, 0x00, 0x10, 0x0E, 0x0F, 0xFF};
constexpr u8 kMode3Attr[21] = {0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x14, 0x07, 0x38, 0x39, 0x3A,
                               0x3B, 0x3C, 0x3D, 0x3E, 0x3F, 0x0C, 0x00, 0x0F, 0x08, 0x00};

}  // namespace

Vga::Vga(EventClock& clock, PhysicalMemory& memory, std::vector<u8> rom)
    : clock_(clock),
      map_(memory),
      video_(memory.device_ram()),
      rom_(std::move(rom)),
      place_direct_(clock, [this] { add_direct_window(); }),
      function_(video_.size(), rom_.size(), [this] { place_windows(); }),
      dirty_(video_.size() >> kPageShift, true) {
  RING3_CHECK(video_.size() >= kPlanarBytes && (video_.size() & (video_.size() - 1)) == 0,
              "{} bytes of video memory", video_.size());
  map_.add_mmio({kWindow}, kWindowSize, window_);
  map_.set_watcher(PhysicalMemory::kWatchScreen, this);
  reset();
}

Vga::~Vga() { map_.set_watcher(PhysicalMemory::kWatchScreen, nullptr); }

// Video memory keeps what it holds, but for the place of its bytes, which chain-4 decides.
void Vga::reset() {
  s_ = VgaState{};
  s_.vbe[VgaState::kVbeId] = 0xB0C5;
  limit_vbe();
  place_direct_window();
  touch_all();
  fonts_changed_ = true;
}

void Vga::set_up_as_firmware() {
  function_.set_up_as_firmware();
  s_.misc_output = kMode3Misc;
  std::ranges::copy(kMode3Seq, s_.seq.begin());
  std::ranges::copy(kMode3Crtc, s_.crtc.begin());
  std::ranges::copy(kMode3Gfx, s_.gfx.begin());
  std::ranges::copy(kMode3Attr, s_.attr.begin());
  s_.attr_index = 0x20;
  // The 64 colours of the EGA: bits 0-2 two thirds of blue, green, red; bits 3-5 one third.
  for (u8 i = 0; i < 64; ++i) {
    const auto level = [i](unsigned bit) {
      return static_cast<u8>((i >> bit & 1) * 42 + (i >> (bit + 3) & 1) * 21);
    };
    const u8 rgb[3] = {level(2), level(1), level(0)};
    std::copy_n(rgb, 3, &s_.dac[size_t{i} * 3]);
  }
  constexpr u32 kBlank = 0x0720;  // a space, light grey on black
  for (u32 o = 0; o < 0x8000; o += 2) store<u32>(&video_[s_.planes_at(o)], kBlank);
  for (u32 c = 0; c < 256; ++c)
    for (u32 line = 0; line < 16; ++line)
      video_[s_.planes_at(c * 32 + line) + 2] = kVgaFont[c * 16 + line];
  touch_all();
  fonts_changed_ = true;
}

void Vga::fields(FieldVisitor& v) { s_.fields(v); }

void Vga::restored() {
  place_direct_window();
  touch_all();
  fonts_changed_ = true;
}

/// Moves the windows to where the BARs are, or takes them away.
void Vga::place_windows() {
  const auto frame_buffer = function_.window(VgaFunction::kFrameBuffer);
  const auto registers = function_.window(VgaFunction::kRegisters);
  const auto rom = rom_.empty() ? std::nullopt : function_.rom_address();
  if (frame_buffer != frame_buffer_) {
    if (frame_buffer_) map_.remove_device_ram({*frame_buffer_}, video_.size());
    if (frame_buffer) map_.add_device_ram_below({*frame_buffer}, video_.size(), 0);
    frame_buffer_ = frame_buffer;
  }
  const auto place = [this](std::optional<u64>& at, std::optional<u64> wanted, MmioHandler& handler,
                            u64 size) {
    if (at == wanted) return;
    if (at) map_.remove_mmio(handler);
    if (wanted) map_.add_mmio_below({*wanted & ~kPageMask}, size, handler);
    at = wanted;
  };
  place(registers_at_, registers, registers_, kMmioSize);
  place(rom_at_, rom, rom_window_, (rom_.size() + kPageMask) & ~kPageMask);
}

u64 Vga::Rom::mmio_read(u64 offset, unsigned size) {
  u64 value = 0;
  for (u64 i = 0; i < size; ++i)
    value |= u64{offset + i < vga.rom_.size() ? vga.rom_[offset + i] : u8{0xFF}} << (8 * i);
  return value;
}

u64 Vga::Registers::mmio_read(u64 offset, unsigned size) {
  const u32 at = static_cast<u32>(offset);
  u64 value = 0;
  if (at >= kMmioVbe && at < kMmioVbe + 2 * VgaState::kVbeRegisters) {
    for (unsigned i = 0; i < size; i += 2)
      value |= u64{vga.vbe_value(static_cast<u16>((at + i - kMmioVbe) >> 1))} << (8 * i);
    return size == 1 && (at & 1) ? value >> 8 & 0xFF : value;
  }
  for (unsigned i = 0; i < size; ++i) value |= u64{read_byte(at + i)} << (8 * i);
  return value;
}

u8 Vga::Registers::read_byte(u32 at) {
  if (at < edid.size()) return edid[at];
  if (at >= kMmioPorts && at < kMmioPorts + 0x20) return vga.read_port(at - kMmioPorts + 0x10);
  constexpr u32 kExtra[2] = {8, kLittleEndian};  // their size, the byte order
  if (at >= kMmioExtra && at < kMmioExtra + sizeof kExtra)
    return static_cast<u8>(kExtra[(at - kMmioExtra) / 4] >> (8 * (at & 3)));
  return at < kMmioPorts ? 0 : 0xFF;
}

void Vga::Registers::mmio_write(u64 offset, unsigned size, u64 value) {
  const u32 at = static_cast<u32>(offset);
  if (at >= kMmioPorts && at < kMmioPorts + 0x20) {
    for (unsigned i = 0; i < size; ++i)
      vga.write_port(at + i - kMmioPorts + 0x10, static_cast<u8>(value >> (8 * i)));
  } else if (at >= kMmioVbe && at < kMmioVbe + 2 * VgaState::kVbeRegisters && size > 1) {
    const u16 index = vga.s_.vbe_index;
    for (unsigned i = 0; i < size; i += 2) {
      vga.s_.vbe_index = static_cast<u16>((at + i - kMmioVbe) >> 1);
      vga.write_vbe_register(static_cast<u16>(value >> (8 * i)));
    }
    vga.s_.vbe_index = index;
  }
}

Vga::Registers::Registers(Vga& v) : vga(v), edid(make_edid(kPreferredWidth, kPreferredHeight)) {}

void Vga::touch_all() {
  std::fill(dirty_.begin(), dirty_.end(), true);
  touch_registers();
}

void Vga::on_watched_write(PhysAddr address, u64 size) {
  const PhysPage page = map_.page(address);
  const u64 at = static_cast<u64>(page.host - video_.data()) + address.offset();
  if (at >= video_.size()) return;
  touch(static_cast<u32>(at));
  if (at < kPlanarBytes) fonts_changed_ = true;
  map_.unwatch_device_ram(at & ~kPageMask, 1, PhysicalMemory::kWatchScreen);
  (void)size;  // a write never leaves its page
}

Vga::Changes Vga::take_changes() {
  if (!watching_) touch_all();
  Changes changes{std::exchange(registers_changed_, false), std::exchange(fonts_changed_, false),
                  std::vector<bool>(dirty_.size())};
  std::swap(changes.pages, dirty_);
  // Pages that were written run unwatched since: watch them again, run by run.
  const size_t pages = changes.pages.size();
  for (size_t i = 0; i < pages; ++i) {
    if (!changes.pages[i]) continue;
    size_t end = i;
    while (end < pages && changes.pages[end]) ++end;
    map_.watch_device_ram(i << kPageShift, end - i, PhysicalMemory::kWatchScreen);
    i = end;
  }
  watching_ = true;
  changed_ = false;
  return changes;
}

void Vga::stop_watching() {
  map_.unwatch_device_ram(0, dirty_.size(), PhysicalMemory::kWatchScreen);
  watching_ = false;
}

}  // namespace ring3
