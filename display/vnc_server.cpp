// SPDX-License-Identifier: MIT
#include "display/vnc_server.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <poll.h>
#include <rfb/rfb.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstring>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "display/frame_pace.h"
#include "display/keysyms.h"
#include "host/wake_pipe.h"

namespace ring3 {
namespace {

constexpr unsigned kFirstPort = 5900, kLastDisplay = 59635;
constexpr u32 kShiftLeft = 0xFFE1, kShiftRight = 0xFFE2;  // keysyms

struct Address {
  in_addr_t interface = htonl(INADDR_ANY);
  int port = 0;
};

Result<Address> parse_address(std::string_view text) {
  constexpr const char* kSyntax = "give :N or HOST:N, where HOST is an IPv4 address or localhost";
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return Error{kSyntax};
  const std::string host(text.substr(0, colon));
  const std::string_view digits = text.substr(colon + 1);
  unsigned display = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), display);
  if (error != std::errc{} || end != digits.data() + digits.size() || display > kLastDisplay)
    return Error{kSyntax};
  Address address;
  address.port = static_cast<int>(kFirstPort + display);
  if (host.empty()) return address;
  in_addr parsed{};
  if (inet_pton(AF_INET, host == "localhost" ? "127.0.0.1" : host.c_str(), &parsed) != 1)
    return Error{kSyntax};
  address.interface = parsed.s_addr;
  return address;
}

/// What a client holds down.
struct Held {
  std::vector<u32> keys;
  u8 buttons = 0;
  int x = 0, y = 0;
  bool has(u32 keysym) const { return std::ranges::count(keys, keysym) > 0; }
};

/// In place of the library's log on standard error.
void say_nothing(const char*, ...) {}

class VncServer final : public HostService {
 public:
  VncServer(Vga& vga, InputSink& input)
      : vga_(vga), screen_(vga), pace_(vga, screen_), input_(input) {}
  ~VncServer() override;
  Status listen(const Address& address);

  void add_handles(std::vector<int>& handles) const override { handles.push_back(wake_.handle()); }
  void serve() override;
  u64 due_in() override { return clients_ ? pace_.wait() : Waiter::kForever; }

 private:
  struct KeyEvent {
    u16 code;
    bool pressed;
  };
  struct PointerEvent {
    int x, y, width, height;
    u8 buttons;
    int wheel;
  };
  struct Event {
    bool is_key;
    KeyEvent key;
    PointerEvent pointer;
  };
  static VncServer& of(rfbClientPtr client) {
    return *static_cast<VncServer*>(client->screen->screenData);
  }
  static rfbNewClientAction arrived(rfbClientPtr client);
  static void left(rfbClientPtr client);
  static void key_pressed(rfbBool down, rfbKeySym keysym, rfbClientPtr client);
  static void pointer_moved(int buttons, int x, int y, rfbClientPtr client);
  static Held& held(rfbClientPtr client) { return *static_cast<Held*>(client->clientData); }
  void add_key(u32 keysym, bool pressed);
  void add_pointer(const Held& held, int wheel);

  void run();
  std::vector<pollfd> sockets();
  void draw();
  void show(const std::vector<Rect>& rects);
  void act(const Event& event);

  Vga& vga_;
  VgaScreen screen_;
  FramePace pace_;
  InputSink& input_;
  WakePipe wake_;      ///< wakes the machine's thread
  WakePipe has_news_;  ///< wakes the clients' thread
  rfbScreenInfoPtr rfb_ = nullptr;
  std::mutex mutex_;        ///< of what follows, and of all of rfb_
  std::vector<u32> frame_;  ///< what the clients see
  std::vector<Event> events_;
  std::atomic<int> clients_{0};
  std::atomic<bool> stop_{false};
  bool drawing_ = false;
  std::thread thread_;
};

VncServer::~VncServer() {
  stop_ = true;
  has_news_.wake();
  if (thread_.joinable()) thread_.join();
  if (!rfb_) return;
  rfbShutdownServer(rfb_, TRUE);
  rfbScreenCleanup(rfb_);
}

Status VncServer::listen(const Address& address) {
  rfbLogEnable(FALSE);
  rfbErr = say_nothing;
  screen_.draw_whole();
  const Picture& picture = screen_.picture();
  frame_ = picture.pixels;
  rfb_ = rfbGetScreen(nullptr, nullptr, picture.width, picture.height, 8, 3, 4);
  if (!rfb_) return Error{"the VNC library refuses"};
  rfb_->frameBuffer = reinterpret_cast<char*>(frame_.data());
  rfb_->screenData = this;
  rfb_->desktopName = "ring3";
  rfb_->alwaysShared = TRUE;
  rfb_->deferUpdateTime = 0;
  rfb_->cursor = nullptr;
  rfb_->serverFormat.redShift = 16;
  rfb_->serverFormat.greenShift = 8;
  rfb_->serverFormat.blueShift = 0;
  rfb_->autoPort = FALSE;
  rfb_->port = address.port;
  rfb_->ipv6port = address.interface == htonl(INADDR_ANY) ? address.port : 0;
  rfb_->listenInterface = address.interface;
  rfb_->kbdAddEvent = key_pressed;
  rfb_->ptrAddEvent = pointer_moved;
  rfb_->newClientHook = arrived;
  rfbInitServer(rfb_);
  if (rfb_->listenSock == RFB_INVALID_SOCKET)
    return Error{fmt::format("cannot listen on port {}: {}; give another display number",
                             address.port, std::strerror(errno ? errno : EADDRINUSE))};
  thread_ = std::thread([this] { run(); });
  return success();
}

// --- The clients' thread.

std::vector<pollfd> VncServer::sockets() {
  const std::lock_guard lock(mutex_);
  std::vector<pollfd> fds{{rfb_->listenSock, POLLIN, 0},
                          {rfb_->listen6Sock, POLLIN, 0},
                          {has_news_.handle(), POLLIN, 0}};
  rfbClientIteratorPtr each = rfbGetClientIterator(rfb_);
  while (const rfbClientPtr client = rfbClientIteratorNext(each))
    fds.push_back({client->sock, POLLIN, 0});
  rfbReleaseClientIterator(each);
  return fds;
}

void VncServer::run() {
  while (!stop_) {
    std::vector<pollfd> fds = sockets();
    poll(fds.data(), fds.size(), -1);
    has_news_.drain();
    const std::lock_guard lock(mutex_);
    const int before = clients_;
    rfbProcessEvents(rfb_, 0);
    if (clients_ != before || !events_.empty()) wake_.wake();
  }
}

rfbNewClientAction VncServer::arrived(rfbClientPtr client) {
  client->clientGoneHook = left;
  client->clientData = new Held;
  ++of(client).clients_;
  return RFB_CLIENT_ACCEPT;
}

/// What it held down goes up.
void VncServer::left(rfbClientPtr client) {
  VncServer& self = of(client);
  Held& held = VncServer::held(client);
  for (const u32 keysym : held.keys) self.add_key(keysym, false);
  if (std::exchange(held.buttons, u8{0})) self.add_pointer(held, 0);
  delete &held;
  client->clientData = nullptr;
  --self.clients_;
}

void VncServer::add_key(u32 keysym, bool pressed) {
  if (const u16 code = key_of_keysym(keysym)) events_.push_back({true, {code, pressed}, {}});
}

/// A client that types 'A' without Shift gets it: there are some that know characters only.
void VncServer::key_pressed(rfbBool down, rfbKeySym keysym, rfbClientPtr client) {
  VncServer& self = of(client);
  Held& held = VncServer::held(client);
  const u32 key = static_cast<u32>(keysym);
  std::erase(held.keys, key);
  if (down) held.keys.push_back(key);
  const bool shifts = down && key_of_keysym(key) && key < 0x7F && key_of_character(key).shift &&
                      !held.has(kShiftLeft) && !held.has(kShiftRight);
  if (shifts) self.add_key(kShiftLeft, true);
  self.add_key(key, down != 0);
  if (shifts) self.add_key(kShiftLeft, false);
}

void VncServer::add_pointer(const Held& held, int wheel) {
  events_.push_back({false, {}, {held.x, held.y, rfb_->width, rfb_->height, held.buttons, wheel}});
}

/// RFC 6143 "PointerEvent": bits 0-2 left, middle, right; 3 and 4 are the wheel's notches.
void VncServer::pointer_moved(int buttons, int x, int y, rfbClientPtr client) {
  Held& held = VncServer::held(client);
  const int fresh = buttons & ~std::exchange(held.buttons, static_cast<u8>(buttons));
  held.x = x;
  held.y = y;
  of(client).add_pointer(held, (fresh >> 4 & 1) - (fresh >> 3 & 1));
  rfbDefaultPtrAddEvent(buttons, x, y, client);
}

// --- The machine's thread.

void VncServer::act(const Event& event) {
  if (!event.is_key) {
    const PointerEvent& p = event.pointer;
    return input_.pointer(p.x, p.y, p.width, p.height, p.buttons & 7, p.wheel);
  }
  input_.key(event.key.code, event.key.pressed);
}

void VncServer::serve() {
  wake_.drain();
  std::vector<Event> events;
  if (const std::unique_lock lock(mutex_, std::try_to_lock); lock) events.swap(events_);
  for (const Event& event : events) act(event);
  if (clients_ > 0) {
    drawing_ = true;
    draw();
  } else if (std::exchange(drawing_, false)) {
    vga_.stop_watching();
  }
}

void VncServer::draw() {
  if (!pace_.due()) return;
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock) return pace_.postpone();  // a client is being served
  show(screen_.refresh());
  pace_.drawn();
  has_news_.wake();
}

void VncServer::show(const std::vector<Rect>& rects) {
  const Picture& picture = screen_.picture();
  if (picture.width != rfb_->width || picture.height != rfb_->height) {
    frame_ = picture.pixels;
    rfbNewFramebuffer(rfb_, reinterpret_cast<char*>(frame_.data()), picture.width, picture.height,
                      8, 3, 4);
    rfb_->serverFormat.redShift = 16;
    rfb_->serverFormat.greenShift = 8;
    rfb_->serverFormat.blueShift = 0;
    return;
  }
  for (const Rect& r : rects) {
    for (int y = r.y; y < r.y + r.height; ++y)
      std::copy_n(picture.row(y) + r.x, r.width,
                  &frame_[static_cast<size_t>(y) * static_cast<size_t>(picture.width) +
                          static_cast<size_t>(r.x)]);
    rfbMarkRectAsModified(rfb_, r.x, r.y, r.x + r.width, r.y + r.height);
  }
}

}  // namespace

Result<std::unique_ptr<HostService>> open_vnc(Vga& vga, InputSink& input,
                                              std::string_view address) {
  const auto parsed = parse_address(address);
  if (!parsed) return Error{parsed.error()};
  auto server = std::make_unique<VncServer>(vga, input);
  if (Status listening = server->listen(*parsed); !listening) return Error{listening.error()};
  return std::unique_ptr<HostService>(std::move(server));
}

}  // namespace ring3
