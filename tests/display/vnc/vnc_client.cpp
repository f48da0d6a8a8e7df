// SPDX-License-Identifier: MIT
// vnc_client HOST PORT: a VNC client (libvncclient) for scripts. Commands on standard input, each
// answered by lines of which the last is "ok" or "failed":
//   wait SECONDS TEXT   until the screen shows TEXT, read by the VGA's font; failed: the screen
//   type TEXT           its characters; \n is Enter
//   key KEYSYM          hexadecimal: down and up
//   move X Y BUTTONS    the pointer, with the buttons of a sum of 1, 2, 4
//   watch SECONDS       follows the screen: "rectangles N pixels M" that came meanwhile
//   save FILE           the picture as PPM
#include <fmt/format.h>
#include <rfb/rfbclient.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <utility>

#include "base/types.h"
#include "devices/vga_font.h"

namespace {

using namespace ring3;
using Clock = std::chrono::steady_clock;

constexpr int kLines = 16;  ///< of a character
constexpr int kSlice = 20'000;

struct Counters {
  u64 rectangles = 0, pixels = 0;
};
Counters counters;

struct Client {
  rfbClient* rfb = nullptr;

  bool connect(const char* host, int port) {
    rfb = rfbGetClient(8, 3, 4);
    rfbEnableClientLogging = FALSE;
    rfb->serverHost = strdup(host);
    rfb->serverPort = port;
    rfb->format.redShift = 16;
    rfb->format.greenShift = 8;
    rfb->format.blueShift = 0;
    rfb->canHandleNewFBSize = TRUE;
    rfb->GotFrameBufferUpdate = [](rfbClient*, int, int, int width, int height) {
      ++counters.rectangles;
      counters.pixels += static_cast<u64>(width) * static_cast<u64>(height);
    };
    return rfbInitClient(rfb, nullptr, nullptr);
  }
  /// Handles what comes within a slice of time.
  bool follow() {
    // The library reads ahead, and waits for the socket only.
    const int ready = rfb->buffered ? 1 : WaitForMessage(rfb, kSlice);
    return ready == 0 || (ready > 0 && HandleRFBServerMessage(rfb));
  }
  u32 pixel(int x, int y) const {
    return reinterpret_cast<const u32*>(rfb->frameBuffer)[y * rfb->width + x] & 0xFFFFFF;
  }
  /// A character by its dots: those that differ from the first one, or all others.
  char character(int x, int y) const {
    u8 dots[kLines] = {};
    for (int line = 0; line < kLines; ++line)
      for (int dot = 0; dot < 8; ++dot)
        if (pixel(x + dot, y + line) != pixel(x, y)) dots[line] |= static_cast<u8>(0x80 >> dot);
    for (u8 code = 0x20; code < 0x7F; ++code)
      if (std::memcmp(dots, kVgaFont + code * kLines, kLines) == 0) return static_cast<char>(code);
    return '?';
  }
  std::string text() const {
    const int step = rfb->height == 400 && rfb->width % 9 == 0 ? 9 : 8;
    std::string all;
    for (int y = 0; y + kLines <= rfb->height; y += kLines) {
      std::string line;
      for (int x = 0; x + 8 <= rfb->width; x += step) line += character(x, y);
      all += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
    }
    return all;
  }
  void press(u32 keysym) {
    SendKeyEvent(rfb, keysym, TRUE);
    SendKeyEvent(rfb, keysym, FALSE);
  }
};

bool wait_for(Client& client, double seconds, const std::string& text) {
  const auto end = Clock::now() + std::chrono::duration<double>(seconds);
  u64 seen = ~u64{0};
  while (Clock::now() < end) {
    if (std::exchange(seen, counters.rectangles) != counters.rectangles &&
        client.text().find(text) != std::string::npos)
      return true;
    if (!client.follow()) break;
  }
  std::cout << client.text();
  return false;
}

bool watch(Client& client, double seconds) {
  const Counters before = counters;
  const auto end = Clock::now() + std::chrono::duration<double>(seconds);
  while (Clock::now() < end)
    if (!client.follow()) return false;
  std::cout << fmt::format("rectangles {} pixels {}\n", counters.rectangles - before.rectangles,
                           counters.pixels - before.pixels);
  return true;
}

void type(Client& client, const std::string& text) {
  for (size_t i = 0; i < text.size(); ++i) {
    const bool enter = text.compare(i, 2, "\\n") == 0;
    client.press(enter ? 0xFF0D : static_cast<u8>(text[i]));
    i += enter;
  }
}

bool save(const Client& client, const std::string& path) {
  std::ofstream file(path, std::ios::binary);
  file << fmt::format("P6\n{} {}\n255\n", client.rfb->width, client.rfb->height);
  for (int y = 0; y < client.rfb->height; ++y)
    for (int x = 0; x < client.rfb->width; ++x)
      for (const int shift : {16, 8, 0}) file.put(static_cast<char>(client.pixel(x, y) >> shift));
  return file.flush().good();
}

bool run(Client& client, std::istringstream line) {
  std::string command, text;
  double seconds = 0;
  line >> command;
  if (command == "wait" || command == "watch") line >> seconds;
  if (command == "move") {
    int x = 0, y = 0, buttons = 0;
    line >> x >> y >> buttons;
    return SendPointerEvent(client.rfb, x, y, buttons);
  }
  std::getline(line >> std::ws, text);
  if (command == "wait") return wait_for(client, seconds, text);
  if (command == "watch") return watch(client, seconds);
  if (command == "save") return save(client, text);
  if (command == "key") return client.press(static_cast<u32>(std::stoul(text, nullptr, 16))), true;
  if (command != "type") return false;
  type(client, text);
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  Client client;
  if (argc != 3 || !client.connect(argv[1], std::atoi(argv[2]))) {
    std::cout << "failed" << std::endl;
    return 1;
  }
  std::cout << "ok" << std::endl;
  for (std::string line; std::getline(std::cin, line);)
    std::cout << (run(client, std::istringstream(line)) ? "ok" : "failed") << std::endl;
}
