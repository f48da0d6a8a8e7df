// SPDX-License-Identifier: MIT
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

}  // namespace ring3
