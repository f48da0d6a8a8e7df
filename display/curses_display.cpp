// SPDX-License-Identifier: MIT
#include "display/curses_display.h"

#define NCURSES_NOMACROS 1
#define NCURSES_WIDECHAR 1
#include <curses.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <clocale>
#include <utility>

#include "display/frame_pace.h"
#include "display/keysyms.h"

namespace ring3 {
namespace {

constexpr wint_t kPrefix = 1;  // Ctrl-A
constexpr u16 kShift = 0x2A, kControl = 0x1D;

// Code page 437 as the VGA's font draws it.
constexpr wchar_t kLow[] = L" ☺☻♥♦♣♠•◘○◙♂♀♪♫☼►◄↕‼¶§▬↨↑↓→←∟↔▲▼";
constexpr wchar_t kHigh[] =
    L"ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄"
    L"▌▐▀"
    L"αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■ ";
static_assert(std::size(kLow) == 33 && std::size(kHigh) == 129);

wchar_t glyph(u8 character) {
  if (character < 0x20) return kLow[character];
  if (character == 0x7F) return L'⌂';
  return character < 0x80 ? static_cast<wchar_t>(character) : kHigh[character - 0x80];
}

/// The VGA's colours have blue in bit 0, the terminal's red.
constexpr short terminal_color(unsigned color) {
  return static_cast<short>((color & 2) | (color & 1) << 2 | (color >> 2 & 1));
}

struct CursesKey {
  int key;
  u16 code;
};
constexpr CursesKey kKeys[] = {
    {KEY_UP, 0xE048},   {KEY_DOWN, 0xE050}, {KEY_LEFT, 0xE04B},    {KEY_RIGHT, 0xE04D},
    {KEY_HOME, 0xE047}, {KEY_END, 0xE04F},  {KEY_PPAGE, 0xE049},   {KEY_NPAGE, 0xE051},
    {KEY_IC, 0xE052},   {KEY_DC, 0xE053},   {KEY_BACKSPACE, 0x0E}, {KEY_ENTER, 0xE01C},
    {KEY_F(1), 0x3B},   {KEY_F(2), 0x3C},   {KEY_F(3), 0x3D},      {KEY_F(4), 0x3E},
    {KEY_F(5), 0x3F},   {KEY_F(6), 0x40},   {KEY_F(7), 0x41},      {KEY_F(8), 0x42},
    {KEY_F(9), 0x43},   {KEY_F(10), 0x44},  {KEY_F(11), 0x57},     {KEY_F(12), 0x58},
};

class CursesDisplay final : public HostService {
 public:
  CursesDisplay(Vga& vga, InputSink& input, std::function<void()> quit)
      : screen_(vga), pace_(vga, screen_), input_(input), quit_(std::move(quit)) {}
  ~CursesDisplay() override;
  Status open();

  void add_handles(std::vector<int>& handles) const override {
    if (!ended_) handles.push_back(STDIN_FILENO);
  }
  void serve() override;
  u64 due_in() override { return pace_.wait(); }

 private:
  void type(wint_t character, bool is_key);
  void press(TypedKey key);
  void draw();
  void draw_text(const VgaScreen::Text& text);

  VgaScreen screen_;
  FramePace pace_;
  InputSink& input_;
  std::function<void()> quit_;
  SCREEN* terminal_ = nullptr;
  bool after_prefix_ = false, ended_ = false;
};

CursesDisplay::~CursesDisplay() {
  if (!terminal_) return;
  endwin();
  delscreen(terminal_);
}

Status CursesDisplay::open() {
  if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
    return Error{"needs a terminal; run ring3 in one, or give -display none or vnc=:N"};
  std::setlocale(LC_CTYPE, "");
  terminal_ = newterm(nullptr, stdout, stdin);
  if (!terminal_) return Error{"ncurses does not know this terminal; set TERM"};
  set_term(terminal_);
  raw();
  noecho();
  nonl();
  set_escdelay(25);
  keypad(stdscr, TRUE);
  nodelay(stdscr, TRUE);
  start_color();
  for (unsigned pair = 1; pair < 64; ++pair)
    init_pair(static_cast<short>(pair), terminal_color(pair & 7), terminal_color(pair >> 3));
  return success();
}

void CursesDisplay::press(TypedKey key) {
  if (!key.code) return;
  if (key.shift) input_.key(kShift, true);
  if (key.control) input_.key(kControl, true);
  input_.key(key.code, true);
  input_.key(key.code, false);
  if (key.control) input_.key(kControl, false);
  if (key.shift) input_.key(kShift, false);
}

/// Ctrl-A X quits, Ctrl-A Ctrl-A is Ctrl-A.
void CursesDisplay::type(wint_t character, bool is_key) {
  if (is_key) {
    for (const CursesKey& key : kKeys)
      if (key.key == static_cast<int>(character)) press({key.code});
    return;
  }
  if (!after_prefix_ && character == kPrefix) {
    after_prefix_ = true;
    return;
  }
  if (std::exchange(after_prefix_, false) && (character == 'x' || character == 'X')) return quit_();
  press(key_of_character(static_cast<u32>(character)));
}

void CursesDisplay::serve() {
  wint_t character = 0;
  for (int got; (got = get_wch(&character)) != ERR;) type(character, got == KEY_CODE_YES);
  draw();
}

void CursesDisplay::draw() {
  if (!pace_.due()) return;
  screen_.refresh();
  pace_.drawn();
  const VgaScreen::Text text = screen_.text();
  if (text.rows == 0) {
    erase();
    const std::string size =
        fmt::format("{}x{} graphics", screen_.picture().width, screen_.picture().height);
    mvaddstr(0, 0, size.c_str());
  } else {
    draw_text(text);
  }
  ::refresh();
}

void CursesDisplay::draw_text(const VgaScreen::Text& text) {
  const int rows = std::min(text.rows, getmaxy(stdscr));
  const int columns = std::min(text.columns, getmaxx(stdscr));
  int cursor_y = -1, cursor_x = 0;
  for (int y = 0; y < rows; ++y) {
    for (int x = 0; x < columns; ++x) {
      const VgaScreen::Cell& cell = text.cells[static_cast<size_t>(y * text.columns + x)];
      const wchar_t shown[2] = {glyph(cell.character), 0};
      const u8 attribute = cell.attribute;
      const attr_t bold = attribute & 8 ? A_BOLD : A_NORMAL;
      const attr_t blink = text.blinks && (attribute & 0x80) ? A_BLINK : A_NORMAL;
      const short pair = static_cast<short>((attribute >> 4 & 7) * 8 + (attribute & 7));
      cchar_t drawn;
      // Pair 0 is the terminal's own: black on black is drawn as blanks.
      setcchar(&drawn, pair ? shown : L" ", bold | blink, pair, nullptr);
      mvadd_wch(y, x, &drawn);
      if (cell.cursor) cursor_y = y, cursor_x = x;
    }
  }
  curs_set(cursor_y >= 0);
  if (cursor_y >= 0) ::move(cursor_y, cursor_x);
}

}  // namespace

Result<std::unique_ptr<HostService>> open_curses(Vga& vga, InputSink& input,
                                                 std::function<void()> quit) {
  auto display = std::make_unique<CursesDisplay>(vga, input, std::move(quit));
  if (Status opened = display->open(); !opened) return Error{opened.error()};
  return std::unique_ptr<HostService>(std::move(display));
}

}  // namespace ring3
