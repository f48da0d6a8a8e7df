// SPDX-License-Identifier: MIT
#include "display/sdl_display.h"

#include <SDL.h>
#include <fmt/format.h>

#include <cstdlib>
#include <string>
#include <utility>

#include "display/frame_pace.h"

namespace ring3 {
namespace {

/// SDL has no handle to wait on: its events are looked at this often, in nanoseconds.
constexpr u64 kTick = 20'000'000;

// Set 1 codes by SDL's scan codes, which are USB usages ("HID Usage Tables", keyboard page).
constexpr u16 kCodes[] = {
    0,      0,      0,      0,      0x1E,   0x30,   0x2E,   0x20,   0x12,   0x21,   0x22,   0x23,
    0x17,   0x24,   0x25,   0x26,   0x32,   0x31,   0x18,   0x19,   0x10,   0x13,   0x1F,   0x14,
    0x16,   0x2F,   0x11,   0x2D,   0x15,   0x2C,   0x02,   0x03,   0x04,   0x05,   0x06,   0x07,
    0x08,   0x09,   0x0A,   0x0B,   0x1C,   0x01,   0x0E,   0x0F,   0x39,   0x0C,   0x0D,   0x1A,
    0x1B,   0x2B,   0x2B,   0x27,   0x28,   0x29,   0x33,   0x34,   0x35,   0x3A,   0x3B,   0x3C,
    0x3D,   0x3E,   0x3F,   0x40,   0x41,   0x42,   0x43,   0x44,   0x57,   0x58,   0xE037, 0x46,
    0xE11D, 0xE052, 0xE047, 0xE049, 0xE053, 0xE04F, 0xE051, 0xE04D, 0xE04B, 0xE050, 0xE048, 0x45,
    0xE035, 0x37,   0x4A,   0x4E,   0xE01C, 0x4F,   0x50,   0x51,   0x4B,   0x4C,   0x4D,   0x47,
    0x48,   0x49,   0x52,   0x53,   0x56,   0xE05D,
};
constexpr u16 kModifiers[] = {0x1D, 0x2A, 0x38, 0xE05B, 0xE01D, 0x36, 0xE038, 0xE05C};

u16 code_of(SDL_Scancode scancode) {
  const size_t at = static_cast<size_t>(scancode);
  if (at < std::size(kCodes)) return kCodes[at];
  const size_t modifier = at - SDL_SCANCODE_LCTRL;
  return modifier < std::size(kModifiers) ? kModifiers[modifier] : u16{0};
}

/// SDL's drivers with a screen: with no desktop it would go on where nobody sees it, which is a
/// display for who asks for it only. Wayland's library complains on standard error without its
/// directory.
std::string drivers_with_screen() {
  std::string all;
  for (int i = 0; i < SDL_GetNumVideoDrivers(); ++i) {
    const std::string name = SDL_GetVideoDriver(i);
    if (name == "offscreen" || name == "dummy" || name == "evdev") continue;
    if (name == "wayland" && !std::getenv("XDG_RUNTIME_DIR")) continue;
    all += (all.empty() ? "" : ",") + name;
  }
  return all;
}

class SdlDisplay final : public HostService {
 public:
  SdlDisplay(Vga& vga, InputSink& input, std::function<void()> quit)
      : screen_(vga), pace_(vga, screen_), input_(input), quit_(std::move(quit)) {}
  ~SdlDisplay() override;
  Status open();

  void add_handles(std::vector<int>&) const override {}
  void serve() override;
  u64 due_in() override { return std::min(kTick, pace_.wait()); }

 private:
  void act(const SDL_Event& event);
  void point(int x, int y, u32 buttons, int wheel);
  void show(const std::vector<Rect>& rects);
  void present();
  bool resize();

  VgaScreen screen_;
  FramePace pace_;
  InputSink& input_;
  std::function<void()> quit_;
  bool video_ = false;
  SDL_Window* window_ = nullptr;
  SDL_Renderer* renderer_ = nullptr;
  SDL_Texture* texture_ = nullptr;
  int width_ = 0, height_ = 0;
};

SdlDisplay::~SdlDisplay() {
  if (texture_) SDL_DestroyTexture(texture_);
  if (renderer_) SDL_DestroyRenderer(renderer_);
  if (window_) SDL_DestroyWindow(window_);
  if (video_) SDL_QuitSubSystem(SDL_INIT_VIDEO);
}

Status SdlDisplay::open() {
  SDL_SetMainReady();
  SDL_SetHint(SDL_HINT_NO_SIGNAL_HANDLERS, "1");
  if (!SDL_GetHint(SDL_HINT_VIDEODRIVER))
    SDL_SetHint(SDL_HINT_VIDEODRIVER, drivers_with_screen().c_str());
  const auto failure = [] {
    return Error{fmt::format("SDL: {}; give -display vnc=:N, or run in a desktop", SDL_GetError())};
  };
  if (SDL_InitSubSystem(SDL_INIT_VIDEO) != 0) return failure();
  video_ = true;
  window_ =
      SDL_CreateWindow("ring3", SDL_WINDOWPOS_UNDEFINED, SDL_WINDOWPOS_UNDEFINED, 720, 400, 0);
  if (window_) renderer_ = SDL_CreateRenderer(window_, -1, SDL_RENDERER_SOFTWARE);
  if (!renderer_) return failure();
  return success();
}

void SdlDisplay::point(int x, int y, u32 buttons, int wheel) {
  const u8 down = static_cast<u8>((buttons & SDL_BUTTON_LMASK ? InputSink::kLeft : 0) |
                                  (buttons & SDL_BUTTON_MMASK ? InputSink::kMiddle : 0) |
                                  (buttons & SDL_BUTTON_RMASK ? InputSink::kRight : 0));
  input_.pointer(x, y, std::max(width_, 1), std::max(height_, 1), down, wheel);
}

void SdlDisplay::act(const SDL_Event& event) {
  int x = 0, y = 0;
  switch (event.type) {
    case SDL_QUIT:
      return quit_();
    case SDL_KEYDOWN:
    case SDL_KEYUP:
      if (const u16 code = code_of(event.key.keysym.scancode))
        input_.key(code, event.type == SDL_KEYDOWN);
      return;
    case SDL_WINDOWEVENT:
      if (event.window.event == SDL_WINDOWEVENT_EXPOSED && texture_) present();
      return;
    case SDL_MOUSEMOTION:
      return point(event.motion.x, event.motion.y, event.motion.state, 0);
    case SDL_MOUSEBUTTONDOWN:
    case SDL_MOUSEBUTTONUP:
      return point(event.button.x, event.button.y, SDL_GetMouseState(&x, &y), 0);
    case SDL_MOUSEWHEEL: {
      const u32 buttons = SDL_GetMouseState(&x, &y);
      return point(x, y, buttons, -event.wheel.y);
    }
    default:
      return;
  }
}

void SdlDisplay::serve() {
  SDL_Event event;
  while (SDL_PollEvent(&event)) act(event);
  if (!pace_.due()) return;
  show(screen_.refresh());
  pace_.drawn();
}

/// The window and its texture as large as the picture; true if they are new.
bool SdlDisplay::resize() {
  const Picture& picture = screen_.picture();
  if (picture.width == width_ && picture.height == height_) return false;
  width_ = picture.width;
  height_ = picture.height;
  SDL_SetWindowSize(window_, width_, height_);
  if (texture_) SDL_DestroyTexture(texture_);
  texture_ = SDL_CreateTexture(renderer_, SDL_PIXELFORMAT_RGB888, SDL_TEXTUREACCESS_STREAMING,
                               width_, height_);
  return true;
}

void SdlDisplay::show(const std::vector<Rect>& rects) {
  const Picture& picture = screen_.picture();
  const std::vector<Rect> whole{picture.bounds()};
  const bool fresh = resize();
  for (const Rect& r : fresh ? whole : rects) {
    const SDL_Rect part{r.x, r.y, r.width, r.height};
    SDL_UpdateTexture(texture_, &part, picture.row(r.y) + r.x, picture.width * 4);
  }
  present();
}

void SdlDisplay::present() {
  SDL_RenderCopy(renderer_, texture_, nullptr, nullptr);
  SDL_RenderPresent(renderer_);
}

}  // namespace

Result<std::unique_ptr<HostService>> open_sdl(Vga& vga, InputSink& input,
                                              std::function<void()> quit) {
  auto display = std::make_unique<SdlDisplay>(vga, input, std::move(quit));
  if (Status opened = display->open(); !opened) return Error{opened.error()};
  return std::unique_ptr<HostService>(std::move(display));
}

}  // namespace ring3
