// SPDX-License-Identifier: MIT
// A VNC client (libvncclient) at our server: it sees the screen and its changes, its keys and
// pointer arrive. Without libvncserver the error is tested.
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <cstdlib>
#include <cstring>

#include "display/vnc_server.h"
#include "tests/devices/contract.h"

using namespace ring3;
using namespace ring3::test;

namespace {

struct Typed final : InputSink {
  std::vector<u16> keys;
  int x = -1, y = -1, wheel = 0;
  u8 buttons = 0;
  void key(u16 code, bool pressed) override { keys.push_back(pressed ? code : code | 0x80); }
  void pointer(int px, int py, int, int, u8 down, int notches) override {
    x = px, y = py, buttons = down, wheel += notches;
  }
};

struct Host {
  Bench bench;
  PhysicalMemory memory{1 << 20, 4 << 20};
  Vga vga{bench.clock, memory};
  Typed typed;
  Host() {
    vga.set_up_as_firmware();
    memory.write<u16>({0xB8000}, 0x0FDB);
  }
};

}  // namespace

#ifdef RING3_HAVE_VNC
#include <rfb/rfbclient.h>

namespace {

/// The first free display number from 40 on, and its server.
std::pair<std::unique_ptr<HostService>, int> open_somewhere(Host& host) {
  for (int number = 40; number < 140; ++number)
    if (auto server = open_vnc(host.vga, host.typed, fmt::format("127.0.0.1:{}", number)); server)
      return {std::move(*server), number};
  return {};
}

struct Client {
  explicit Client(int number) : rfb(rfbGetClient(8, 3, 4)) {
    rfbEnableClientLogging = FALSE;
    rfb->serverHost = strdup("127.0.0.1");
    rfb->serverPort = 5900 + number;
    rfb->format.redShift = 16;
    rfb->format.greenShift = 8;
    rfb->format.blueShift = 0;
    rfb->canHandleNewFBSize = TRUE;
    rfb->GotFrameBufferUpdate = [](rfbClient* c, int, int, int width, int height) {
      auto* self = static_cast<Client*>(rfbClientGetClientData(c, &kTag));
      ++self->updates;
      self->pixels = width * height;
    };
    rfbClientSetClientData(rfb, &kTag, this);
    if (!rfbInitClient(rfb, nullptr, nullptr)) rfb = nullptr;
  }
  Client(const Client&) = delete;
  ~Client() {
    if (!rfb) return;
    free(rfb->frameBuffer);
    rfb->frameBuffer = nullptr;
    rfbClientCleanup(rfb);
  }
  u32 pixel(int x, int y) const {
    return reinterpret_cast<const u32*>(rfb->frameBuffer)[y * rfb->width + x] & 0xFFFFFF;
  }
  static inline char kTag = 0;
  rfbClient* rfb;
  int updates = 0, pixels = 0;  ///< rectangles that came, the size of the last one
};

/// Serves both sides for some milliseconds. False: the connection is gone.
bool exchange_once(HostService& server, Client& client) {
  server.serve();
  // The library reads ahead, and waits for the socket only.
  const int ready = client.rfb->buffered ? 1 : WaitForMessage(client.rfb, 5'000);
  return ready == 0 || (ready > 0 && HandleRFBServerMessage(client.rfb));
}

/// Serves both sides until `done`, or for a minute, which a loaded machine may need part of.
template <class Done>
bool exchange(HostService& server, Client& client, Done done) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (std::chrono::steady_clock::now() < end) {
    server.serve();
    if (done()) return true;
    if (!exchange_once(server, client)) return false;
  }
  return false;
}

}  // namespace

TEST_CASE("vnc: a client connects -> it sees the screen, then what changes") {
  Host host;
  auto [server, number] = open_somewhere(host);
  REQUIRE(server);
  Client client(number);
  REQUIRE(client.rfb);
  CHECK(client.rfb->width == 720);
  CHECK(exchange(*server, client, [&] { return client.pixel(0, 0) == 0xFFFFFF; }));
  host.memory.write<u16>({0xB8000 + 160}, 0x0CDB);
  CHECK(exchange(*server, client, [&] { return client.pixel(0, 16) == 0xFF5757; }));
}

TEST_CASE("vnc: the mode changes -> the client's picture has the new size") {
  Host host;
  auto [server, number] = open_somewhere(host);
  REQUIRE(server);
  Client client(number);
  REQUIRE(client.rfb);
  const std::pair<u16, u16> settings[] = {{VgaState::kVbeXres, 640},
                                          {VgaState::kVbeYres, 480},
                                          {VgaState::kVbeBpp, 32},
                                          {VgaState::kVbeEnable, 0x41}};
  for (const auto& [index, value] : settings) {
    host.vga.write(Vga::kVbeOffset, Width::Word, index);
    host.vga.write(Vga::kVbeOffset + 1, Width::Word, value);
  }
  host.memory.write<u32>({0xFD00'0000}, 0x123456);
  CHECK(exchange(*server, client, [&] {
    return client.rfb->width == 640 && client.rfb->height == 480 && client.pixel(0, 0) == 0x123456;
  }));
}

TEST_CASE("vnc: keys and pointer of a client -> arrive as set 1 codes and places") {
  Host host;
  auto [server, number] = open_somewhere(host);
  REQUIRE(server);
  Client client(number);
  REQUIRE(client.rfb);
  const auto type = [&client](u32 keysym) {
    SendKeyEvent(client.rfb, keysym, TRUE);
    SendKeyEvent(client.rfb, keysym, FALSE);
  };
  SendKeyEvent(client.rfb, 0xFFE1, TRUE);
  type('A');
  SendKeyEvent(client.rfb, 0xFFE1, FALSE);
  type(0xFF52);
  type('b');
  SendPointerEvent(client.rfb, 100, 50, rfbButton1Mask);
  SendPointerEvent(client.rfb, 100, 50, rfbButton1Mask | rfbButton5Mask);
  CHECK(exchange(*server, client, [&] { return host.typed.wheel == 1; }));
  CHECK(host.typed.keys == std::vector<u16>{0x2A, 0x1E, 0x9E, 0xAA, 0xE048, 0xE0C8, 0x30, 0xB0});
  CHECK(host.typed.x == 100);
  CHECK(host.typed.y == 50);
  CHECK(host.typed.buttons == InputSink::kLeft);
}

TEST_CASE("vnc: a character of Shift without Shift -> Shift is pressed around it") {
  Host host;
  auto [server, number] = open_somewhere(host);
  REQUIRE(server);
  Client client(number);
  REQUIRE(client.rfb);
  SendKeyEvent(client.rfb, '%', TRUE);
  SendKeyEvent(client.rfb, '%', FALSE);
  CHECK(exchange(*server, client, [&] { return host.typed.keys.size() == 4; }));
  CHECK(host.typed.keys == std::vector<u16>{0x2A, 0x06, 0xAA, 0x86});
}

TEST_CASE("vnc: a client leaves with keys and buttons down -> they go up") {
  Host host;
  auto [server, number] = open_somewhere(host);
  REQUIRE(server);
  {
    Client client(number);
    REQUIRE(client.rfb);
    SendKeyEvent(client.rfb, 0xFFE3, TRUE);
    SendPointerEvent(client.rfb, 10, 10, rfbButton3Mask);
    CHECK(exchange(*server, client, [&] { return host.typed.buttons != 0; }));
  }
  for (int i = 0; i < 1000 && host.typed.keys.size() < 2; ++i) {
    usleep(5'000);
    server->serve();
  }
  CHECK(host.typed.keys == std::vector<u16>{0x1D, 0x9D});
  CHECK(host.typed.buttons == 0);
}

TEST_CASE("vnc: a screen that stands still -> the machine may sleep, and nothing is sent") {
  Host host;
  auto [server, number] = open_somewhere(host);
  REQUIRE(server);
  CHECK(server->due_in() == ~u64{0});                  // nobody looks
  host.vga.write(0x3D4 - 0x3B0, Width::Word, 0x200A);  // no cursor
  Client client(number);
  REQUIRE(client.rfb);
  CHECK(exchange(*server, client, [&] { return client.pixel(0, 0) == 0xFFFFFF; }));
  for (int i = 0; i < 20; ++i) exchange_once(*server, client);
  CHECK(server->due_in() == ~u64{0});
  client.updates = 0;
  for (int i = 0; i < 100; ++i) exchange_once(*server, client);
  CHECK(client.updates == 0);
  host.memory.write<u16>({0xB8000 + 160}, 0x0CDB);
  CHECK(server->due_in() < 40'000'000);
  CHECK(exchange(*server, client, [&] { return client.updates > 0; }));
  CHECK(client.pixels == 9 * 16);  // one character
}

TEST_CASE("vnc: the port is in use -> an error that says so") {
  Host host;
  auto [server, number] = open_somewhere(host);
  REQUIRE(server);
  const auto second = open_vnc(host.vga, host.typed, fmt::format("127.0.0.1:{}", number));
  REQUIRE_FALSE(second);
  CHECK(second.error().find(fmt::format("cannot listen on port {}", 5900 + number)) == 0);
}

TEST_CASE("vnc: nobody looks -> the guest's writes are not watched") {
  Host host;
  auto [server, number] = open_somewhere(host);
  REQUIRE(server);
  {
    Client client(number);
    REQUIRE(client.rfb);
    REQUIRE(exchange(*server, client, [&] { return host.memory.watched({0xFD00'0000}); }));
  }
  for (int i = 0; i < 1000 && host.memory.watched({0xFD00'0000}); ++i) {
    usleep(5'000);
    server->serve();
  }
  CHECK_FALSE(host.memory.watched({0xFD00'0000}));
}
#endif

TEST_CASE("vnc: an address that is none -> an error with the syntax, or that VNC is missing") {
  Host host;
  for (const char* address : {"", "1", ":", ":x", ":99999", "nowhere:1", ":1,password=on"}) {
    CAPTURE(address);
    const auto server = open_vnc(host.vga, host.typed, address);
    REQUIRE_FALSE(server);
    CHECK_FALSE(server.error().empty());
  }
}
