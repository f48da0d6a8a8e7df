// SPDX-License-Identifier: MIT
// Draws a VGA's screen, and of it only what changed. Text and planar modes are drawn as the CRTC
// scans them out; VBE modes from the linear frame buffer.
// Not emulated: overscan border, horizontal skew, the beam's timing (a picture is one moment).
#pragma once

#include <array>
#include <vector>

#include "devices/vga.h"
#include "display/picture.h"

namespace ring3 {

class VgaScreen {
 public:
  explicit VgaScreen(Vga& vga) : vga_(vga), s_(vga.state()) {}

  /// Brings the picture up to date; the parts that changed. Costs nothing if nothing did.
  std::vector<Rect> refresh();
  /// Draws everything, and leaves the device's record of changes to who follows it.
  void draw_whole();
  const Picture& picture() const { return picture_; }
  /// True if refresh() would find work.
  bool stale();
  /// When a blinking cursor or character changes next; kNever if none shows.
  Nanos next_blink();

  /// One cell of a text mode.
  struct Cell {
    u8 character = ' ', attribute = 7;
    bool cursor = false, hidden = false;  ///< hidden: in the dark half of its blinking
    bool operator==(const Cell&) const = default;
  };
  struct Text {
    int columns = 0, rows = 0;
    std::vector<Cell> cells;
    bool blinks = false;  ///< attribute bit 7 is blinking, else a bright background
  };
  /// The characters of a text mode; no rows in others. For terminals.
  Text text();

 private:
  enum class Kind : u8 { Blank, Text, Planar, Packed };
  struct Mode {
    Kind kind = Kind::Blank;
    int width = 0, height = 0;
    bool operator==(const Mode&) const = default;
  };
  /// A row of characters as far as it shows.
  struct TextRow {
    int y = 0, lines = 0;
    u8 first_scan = 0;
    bool doubled = false, split = false;
    u16 address = 0;
    bool same_place(const TextRow& o) const {
      return y == o.y && lines == o.lines && first_scan == o.first_scan && split == o.split;
    }
  };

  Mode mode() const;
  bool phase(Nanos period);
  void load_palette();
  void draw(const Vga::Changes& changes);
  void draw_kind(const Vga::Changes& changes, bool all);
  /// Copies a line into the picture and widens `changed_` by what differs.
  void put_line(int y, const u32* line);
  void flush_changed();

  // vga_text.cpp
  static u8 next_scan(const TextRow& row);
  std::vector<TextRow> text_rows() const;
  Cell cell_at(u16 address) const;
  bool text_style_changed();
  void draw_text(bool all);
  void draw_cell(const TextRow& row, int column, const Cell& cell);
  u32 glyph_line(const Cell& cell, u8 scan) const;
  bool in_cursor(const Cell& cell, u8 scan) const;

  // vga_graphics.cpp
  void draw_planar();
  void expand_line(u16 address, u8 scan, unsigned clocks, u32* out) const;
  void draw_packed(const Vga::Changes& changes, bool all);
  void draw_packed_line(u64 start, u32* out) const;
  void draw_vbe_planar();

  Vga& vga_;
  const VgaState& s_;
  Picture picture_;
  Mode mode_;
  bool drawn_ = false;
  bool cursor_phase_ = true, text_phase_ = true;
  u32 palette16_[16] = {}, palette256_[256] = {};
  std::vector<TextRow> rows_;
  std::vector<Cell> cells_;           ///< of all rows, as drawn
  std::array<u32, 24> text_style_{};  ///< what all cells depend on
  bool anything_blinks_ = false;
  std::vector<Rect> rects_;
  Rect changed_;  ///< lines that differ, not yet in rects_
  std::vector<u32> line_;
};

}  // namespace ring3
