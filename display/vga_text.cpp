// SPDX-License-Identifier: MIT
// Text modes: cells, glyphs from plane 2, cursor and blinking.
#include <algorithm>
#include <utility>

#include "display/vga_beam.h"
#include "display/vga_screen.h"

namespace ring3 {
namespace {

enum AttrMode : u8 { kMonochrome = 2, kLineGraphics = 4, kBlink = 8, kPanTopOnly = 0x20 };

/// Character map `number` in plane 2: bit 2 stands for the 8 KiB between the first four.
constexpr u16 font_at(u8 number) {
  return static_cast<u16>((number & 3) * 0x4000 + (number >> 2) * 0x2000);
}

}  // namespace

u8 VgaScreen::next_scan(const TextRow& row) {
  return static_cast<u8>((row.first_scan + (row.doubled ? row.lines / 2 : row.lines)) & 31);
}

std::vector<VgaScreen::TextRow> VgaScreen::text_rows() const {
  std::vector<TextRow> rows;
  VgaBeam beam(s_);
  const bool doubled = s_.crtc[VgaState::kMaxScanLine] & 0x80;
  for (int y = 0; y < mode_.height; ++y, beam.next_line()) {
    const bool same = !rows.empty() && rows.back().address == beam.address() &&
                      rows.back().split == beam.split() && beam.scan() == next_scan(rows.back());
    if (!same) rows.push_back({y, 0, beam.scan(), doubled, beam.split(), beam.address()});
    ++rows.back().lines;
  }
  return rows;
}

VgaScreen::Cell VgaScreen::cell_at(u16 address) const {
  const u8* const planes = &vga_.memory()[s_.planes_at(vga_memory_address(s_, address, 0))];
  Cell cell{planes[0], planes[1]};
  const u16 cursor =
      static_cast<u16>(s_.crtc[VgaState::kCursorHigh] << 8 | s_.crtc[VgaState::kCursorLow]);
  const u8 start = s_.crtc[VgaState::kCursorStart], end = s_.crtc[VgaState::kCursorEnd] & 31;
  cell.cursor = cursor == address && !(start & 0x20) && (start & 31) <= end;
  cell.hidden = (cell.attribute & 0x80) && (s_.attr[VgaState::kAttrMode] & kBlink);
  return cell;
}

/// The colours and registers on which every cell depends.
bool VgaScreen::text_style_changed() {
  std::array<u32, 24> style{};
  std::copy_n(palette16_, 16, style.begin());
  style[16] = s_.seq[VgaState::kClockingMode] | s_.seq[VgaState::kCharMap] << 8;
  style[17] = s_.attr[VgaState::kAttrMode] | s_.attr[VgaState::kPelPanning] << 8;
  style[18] = s_.crtc[VgaState::kUnderline] | s_.crtc[VgaState::kCursorStart] << 8 |
              s_.crtc[VgaState::kCursorEnd] << 16;
  return std::exchange(text_style_, style) != style;
}

void VgaScreen::draw_text(bool all) {
  const int columns = s_.crtc[VgaState::kHDisplayEnd] + 1;
  std::vector<TextRow> rows = text_rows();
  const bool panned = (s_.attr[VgaState::kPelPanning] & 15) != (s_.char_dots() == 9 ? 8 : 0);
  const int drawn = columns + panned;
  if (!std::ranges::equal(rows, rows_, [](auto& a, auto& b) { return a.same_place(b); }))
    all = true;
  rows_ = std::move(rows);
  cells_.resize(rows_.size() * static_cast<size_t>(drawn));
  anything_blinks_ = false;
  for (size_t r = 0; r < rows_.size(); ++r) {
    for (int c = 0; c < drawn; ++c) {
      Cell cell = cell_at(static_cast<u16>(rows_[r].address + c));
      anything_blinks_ |= cell.cursor || cell.hidden;
      cell.cursor &= cursor_phase_;
      cell.hidden &= !text_phase_;
      Cell& old = cells_[r * static_cast<size_t>(drawn) + static_cast<size_t>(c)];
      if (!all && old == cell) continue;
      old = cell;
      draw_cell(rows_[r], c, cell);
    }
  }
  if (all) rects_ = {picture_.bounds()};
}

/// The dots of a glyph's line, leftmost in the highest of 9 bits.
u32 VgaScreen::glyph_line(const Cell& cell, u8 scan) const {
  const u8 select = s_.seq[VgaState::kCharMap];
  const u8 map = cell.attribute & 8 ? static_cast<u8>((select >> 2 & 3) | (select >> 3 & 4))
                                    : static_cast<u8>((select & 3) | (select >> 2 & 4));
  const u16 at = static_cast<u16>(font_at(map) + cell.character * 32 + scan);
  const u32 dots = vga_.memory()[s_.planes_at(at) + 2];
  // The ninth dot repeats the eighth for C0h-DFh only, so that boxes close.
  const bool repeats = (cell.character & 0xE0) == 0xC0 &&
                       (s_.attr[VgaState::kAttrMode] & kLineGraphics) && (dots & 1);
  return dots << 1 | (repeats ? 1 : 0);
}

bool VgaScreen::in_cursor(const Cell& cell, u8 scan) const {
  return cell.cursor && scan >= (s_.crtc[VgaState::kCursorStart] & 31) &&
         scan <= (s_.crtc[VgaState::kCursorEnd] & 31);
}

void VgaScreen::draw_cell(const TextRow& row, int column, const Cell& cell) {
  const u8 mode = s_.attr[VgaState::kAttrMode];
  const int dots = static_cast<int>(s_.char_dots());
  const int wide = s_.seq[VgaState::kClockingMode] & 8 ? 2 : 1;
  const u8 pan_reg = s_.attr[VgaState::kPelPanning] & 15;
  int pan = dots == 9 ? (pan_reg + 1) % 9 : pan_reg & 7;
  if (row.split && (mode & kPanTopOnly)) pan = 0;
  const u8 attribute = cell.attribute;
  const u32 back = palette16_[mode & kBlink ? attribute >> 4 & 7 : attribute >> 4];
  const u32 fore = cell.hidden ? back : palette16_[attribute & 15];
  const bool underlined = (mode & kMonochrome) && (attribute & 7) == 1;
  const int left = std::max((column * dots - pan) * wide, 0);
  const int right = std::min(((column + 1) * dots - pan) * wide, picture_.width);
  if (left >= right) return;
  for (int y = 0; y < row.lines; ++y) {
    const u8 scan = static_cast<u8>(row.first_scan + (row.doubled ? y / 2 : y)) & 31;
    u32 bits = glyph_line(cell, scan);
    if (in_cursor(cell, scan) || (underlined && scan == (s_.crtc[VgaState::kUnderline] & 31)))
      bits = 0x1FF;
    u32* const out = picture_.row(row.y + y);
    for (int x = left; x < right; ++x)
      out[x] = bits >> (8 - (x / wide + pan - column * dots)) & 1 ? fore : back;
  }
  const Rect rect{left, row.y, right - left, row.lines};
  Rect* const last = rects_.empty() ? nullptr : &rects_.back();
  const bool joins =
      last && last->y == rect.y && last->height == rect.height && last->x + last->width == rect.x;
  if (joins) last->width += rect.width;
  if (!joins) rects_.push_back(rect);
}

VgaScreen::Text VgaScreen::text() {
  Text text;
  mode_ = mode();
  if (mode_.kind != Kind::Text) return text;
  text.blinks = s_.attr[VgaState::kAttrMode] & kBlink;
  text.columns = s_.crtc[VgaState::kHDisplayEnd] + 1;
  for (const TextRow& row : text_rows()) {
    ++text.rows;
    for (int c = 0; c < text.columns; ++c)
      text.cells.push_back(cell_at(static_cast<u16>(row.address + c)));
  }
  return text;
}

}  // namespace ring3
