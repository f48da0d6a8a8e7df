// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <sstream>

#include "fake_board.h"
#include "monitor/qmp_session.h"

namespace ring3 {
namespace {

class Client {
 public:
  explicit Client(FakeBoard& board)
      : session(board.machine, [this](std::string_view text) { received += text; }) {}

  /// The last object that came in answer.
  Json ask(std::string_view text) {
    received.clear();
    for (const char c : text) session.feed(static_cast<u8>(c));
    return last();
  }
  Json last() const {
    std::istringstream lines(received);
    std::string line, found;
    while (std::getline(lines, line)) found = line;
    return found.empty() ? Json() : Json::parse(found);
  }
  std::string received;
  QmpSession session;
};

std::string error_class(const Json& reply) {
  return reply.contains("error") ? reply["error"]["class"].get<std::string>() : "";
}

}  // namespace

TEST_CASE("QMP: greeting, then capabilities first") {
  FakeBoard board;
  Client client(board);
  CHECK(client.last()["QMP"]["version"].contains("qemu"));
  CHECK(error_class(client.ask(R"({"execute":"query-status"})")) == "CommandNotFound");
  CHECK(client.ask(R"({"execute":"qmp_capabilities"})") == Json{{"return", Json::object()}});
  CHECK(client.ask(R"({"execute":"query-status"})")["return"]["status"] == "running");
}

TEST_CASE("QMP: ids, strings with braces, objects without separators -> one reply each") {
  FakeBoard board;
  Client client(board);
  client.ask(R"({"execute":"qmp_capabilities"})");
  const Json reply =
      client.ask(R"({"execute":"stop"}{ "id" : "}\"{", "execute" : "query-status" })");
  CHECK(reply["id"] == "}\"{");
  CHECK(reply["return"]["running"] == false);
}

TEST_CASE("QMP: bad requests -> errors, the session goes on") {
  FakeBoard board;
  Client client(board);
  client.ask(R"({"execute":"qmp_capabilities"})");
  CHECK(error_class(client.ask("hello\n")) == "GenericError");
  CHECK(error_class(client.ask(R"({"a":})")) == "GenericError");
  CHECK(error_class(client.ask(R"({"execute":5})")) == "GenericError");
  CHECK(error_class(client.ask(R"({"execute":"nope"})")) == "CommandNotFound");
  CHECK(error_class(client.ask(R"({"execute":"stop","arguments":7})")) == "GenericError");
  CHECK(error_class(client.ask(R"({"execute":"stop","arguments":{"x":1}})")) == "GenericError");
  CHECK(error_class(client.ask(R"({"execute":"screendump"})")) == "GenericError");
  CHECK(client.ask(R"({"execute":"query-name"})")["return"]["name"] == "test");
}

TEST_CASE("QMP: what happens to the machine -> events with a time") {
  FakeBoard board;
  Client client(board);
  client.ask(R"({"execute":"qmp_capabilities"})");
  board.pc.observe([&client](MachineEvent event) { client.session.on_event(event); });
  client.ask(R"({"execute":"stop"})");
  CHECK(client.received.find(R"({"event":"STOP","timestamp":{"seconds":)") == 0);
  client.ask(R"({"execute":"system_powerdown"})");
  CHECK(client.received.find(R"({"event":"POWERDOWN")") == 0);
}

TEST_CASE("QMP: human-monitor-command -> the monitor's text") {
  FakeBoard board;
  Client client(board);
  client.ask(R"({"execute":"qmp_capabilities"})");
  CHECK(client.ask(R"({"execute":"human-monitor-command",
                       "arguments":{"command-line":"info status"}})")["return"] ==
        "VM status: running\n");
}

TEST_CASE("QMP: send-key and input-send-event -> keys by name and number; nonsense -> an error") {
  FakeBoard board;
  Client client(board);
  client.ask(R"({"execute":"qmp_capabilities"})");
  const auto bytes = [&board] {
    std::vector<u8> got;
    I8042& keyboard = board.pc.keyboard();
    while (keyboard.read(I8042::kCommand, Width::Byte) & 1)
      got.push_back(static_cast<u8>(keyboard.read(I8042::kData, Width::Byte)));
    return got;
  };
  client.ask(
      R"({"execute":"send-key","arguments":{"keys":[{"type":"qcode","data":"shift"},
          {"type":"number","data":30}],"hold-time":0}})");
  CHECK(bytes() == std::vector<u8>{0x2A, 0x1E, 0x9E, 0xAA});
  const Json pressed = client.ask(
      R"({"execute":"input-send-event","arguments":{"events":[{"type":"key","data":{"down":true,
          "key":{"type":"qcode","data":"up"}}},{"type":"rel","data":{"axis":"x","value":5}},
          {"type":"abs","data":{"axis":"y","value":5}},
          {"type":"btn","data":{"down":true,"button":"left"}}]}})");
  CHECK(pressed.contains("return"));
  CHECK(bytes() == std::vector<u8>{0xE0, 0x48});
  for (const char* events :
       {"1", "[1]", R"([{"type":"key"}])", R"([{"type":"btn","data":{"down":1,"button":"left"}}])",
        R"([{"type":"abs","data":{"axis":"z","value":1}}])", R"([{"type":"key","data":
          {"down":true,"key":{"type":"qcode","data":7}}}])",
        R"([{"type":"nothing","data":{}}])"}) {
    CAPTURE(events);
    const std::string request =
        fmt::format(R"({{"execute":"input-send-event","arguments":{{"events":{}}}}})", events);
    CHECK(error_class(client.ask(request)) == "GenericError");
  }
  CHECK(error_class(client.ask(R"({"execute":"send-key","arguments":{"keys":[{}]}})")) ==
        "GenericError");
}

}  // namespace ring3
