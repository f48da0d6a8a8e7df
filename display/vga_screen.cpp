// SPDX-License-Identifier: MIT
#include "display/vga_screen.h"

#include <algorithm>
#include <cstring>

namespace ring3 {
namespace {

// A frame of 70 Hz; the cursor is 8 frames on and 8 off, characters 16 and 16.
constexpr Nanos kFrame = kNanosPerSecond / 70, kCursorPhase = 8 * kFrame, kTextPhase = 16 * kFrame;

}  // namespace

VgaScreen::Mode VgaScreen::mode() const {
  Mode m;
  if (s_.vbe_enabled()) {
    m.kind = Kind::Packed;
    m.width = s_.vbe[VgaState::kVbeXres];
    m.height = s_.vbe[VgaState::kVbeYres];
  } else {
    const bool text = !s_.graphics();
    const int dots = text ? static_cast<int>(s_.char_dots()) : 8;
    const int wide = s_.seq[VgaState::kClockingMode] & 8 ? 2 : 1;
    m.kind = text ? Kind::Text : Kind::Planar;
    m.width = (s_.crtc[VgaState::kHDisplayEnd] + 1) * dots * wide;
    m.height = static_cast<int>(s_.v_display());
  }
  if (!s_.screen_on()) m.kind = Kind::Blank;
  return m;
}

bool VgaScreen::phase(Nanos period) { return vga_.time() / period % 2 == 0; }

bool VgaScreen::stale() {
  if (!drawn_ || vga_.changed()) return true;
  return anything_blinks_ &&
         (cursor_phase_ != phase(kCursorPhase) || text_phase_ != phase(kTextPhase));
}

Nanos VgaScreen::next_blink() {
  return anything_blinks_ ? (vga_.time() / kCursorPhase + 1) * kCursorPhase : kNever;
}

void VgaScreen::load_palette() {
  for (unsigned i = 0; i < 256; ++i) palette256_[i] = s_.color(static_cast<u8>(i & s_.dac_mask));
  const u8 planes = s_.attr[VgaState::kPlaneEnable];
  for (unsigned i = 0; i < 16; ++i)
    palette16_[i] = s_.color(s_.attribute_color(static_cast<u8>(i & planes)));
}

std::vector<Rect> VgaScreen::refresh() {
  if (!stale()) return {};
  draw(vga_.take_changes());
  return std::exchange(rects_, {});
}

void VgaScreen::draw_whole() {
  drawn_ = false;
  draw({true, true, std::vector<bool>(vga_.memory().size() >> kPageShift, true)});
  rects_.clear();
}

void VgaScreen::draw(const Vga::Changes& changes) {
  cursor_phase_ = phase(kCursorPhase);
  text_phase_ = phase(kTextPhase);
  const Mode now = mode();
  const bool all = !drawn_ || now != mode_;
  if (picture_.width != now.width || picture_.height != now.height)
    picture_ = Picture(now.width, now.height);
  mode_ = now;
  drawn_ = true;
  if (changes.registers) load_palette();
  draw_kind(changes, all);
  flush_changed();
  if (all) rects_ = {picture_.bounds()};
}

void VgaScreen::draw_kind(const Vga::Changes& changes, bool all) {
  const bool legacy_written =
      std::find(changes.pages.begin(), changes.pages.begin() + (Vga::kPlanarBytes >> kPageShift),
                true) != changes.pages.begin() + (Vga::kPlanarBytes >> kPageShift);
  if (mode_.kind != Kind::Text) anything_blinks_ = false;
  switch (mode_.kind) {
    case Kind::Blank:
      if (all) std::ranges::fill(picture_.pixels, 0);
      return;
    case Kind::Text:
      return draw_text(text_style_changed() || changes.fonts || all);
    case Kind::Planar:
      if (all || changes.registers || legacy_written) draw_planar();
      return;
    case Kind::Packed:
      if (s_.vbe[VgaState::kVbeBpp] == 4) return draw_vbe_planar();
      return draw_packed(changes, all || changes.registers);
  }
}

void VgaScreen::put_line(int y, const u32* line) {
  u32* const old = picture_.row(y);
  const int width = picture_.width;
  if (std::memcmp(old, line, static_cast<size_t>(width) * 4) == 0) return;
  const int first = static_cast<int>(std::mismatch(old, old + width, line).first - old);
  int last = width - 1;
  while (old[last] == line[last]) --last;
  std::copy(line + first, line + last + 1, old + first);
  if (changed_.height && changed_.y + changed_.height != y) flush_changed();
  if (!changed_.height) changed_ = {first, y, last + 1 - first, 0};
  const int right = std::max(changed_.x + changed_.width, last + 1);
  changed_.x = std::min(changed_.x, first);
  changed_.width = right - changed_.x;
  changed_.height = y + 1 - changed_.y;
}

void VgaScreen::flush_changed() {
  if (changed_.height) rects_.push_back(changed_);
  changed_ = {};
}

}  // namespace ring3
