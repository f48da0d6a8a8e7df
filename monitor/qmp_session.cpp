// SPDX-License-Identifier: MIT
#include "monitor/qmp_session.h"

#include <fmt/format.h>

#include <chrono>

#include "monitor/info.h"

namespace ring3 {
namespace {

constexpr size_t kLongest = 1 << 20;

Json error_json(std::string_view kind, const std::string& text) {
  return {{"error", {{"class", kind}, {"desc", text}}}};
}

Json timestamp() {
  using namespace std::chrono;
  const auto now = duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
  return {{"seconds", now / 1'000'000}, {"microseconds", now % 1'000'000}};
}

/// Who did it: the guest, or a command.
Json cause(bool asked, std::string_view what) {
  return {{"guest", !asked},
          {"reason", fmt::format("{}-{}", asked ? "host-qmp" : "guest", what)}};
}

Json event_json(const Machine& machine, MachineEvent event) {
  switch (event) {
    case MachineEvent::Stop:
      return {{"event", "STOP"}};
    case MachineEvent::Resume:
      return {{"event", "RESUME"}};
    case MachineEvent::Reset:
      return {{"event", "RESET"},
              {"data", cause(machine.reset_asked,
                             machine.reset_asked ? "system-reset" : "reset")}};
    case MachineEvent::PowerDown:
      return {{"event", "POWERDOWN"}};
    case MachineEvent::Shutdown:
      return {{"event", "SHUTDOWN"},
              {"data", cause(machine.quit_asked, machine.quit_asked ? "quit" : "shutdown")}};
    case MachineEvent::Step:
      break;
  }
  return nullptr;
}

const Command* find_qmp(const std::string& name) {
  for (const Command& c : commands())
    if (!c.qmp.empty() && c.qmp == name) return &c;
  return nullptr;
}

bool has_parameter(const Command& command, const std::string& name) {
  std::string_view list = command.parameters;
  while (!list.empty()) {
    const size_t end = std::min(list.find(' '), list.size());
    std::string_view word = list.substr(0, end);
    if (word.starts_with('?') || word.starts_with('*')) word.remove_prefix(1);
    if (word == name) return true;
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return false;
}

}  // namespace

QmpSession::QmpSession(Machine& machine, Send send) : machine_(machine), send_(std::move(send)) {
  this->send({{"QMP", {{"version", version_json()}, {"capabilities", Json::array()}}}});
}

/// Objects need no separator between them: braces are counted.
void QmpSession::feed(u8 byte) {
  const char c = static_cast<char>(byte);
  if (depth_ == 0 && c != '{') {
    // Not an object: reported once a line, so that a person with netcat sees it.
    if (c == '\n' && !text_.empty()) message(std::exchange(text_, {}));
    if (byte > ' ' && text_.size() < kLongest) text_ += c;
    return;
  }
  if (text_.size() < kLongest) text_ += c;
  if (in_string_) {
    in_string_ = escaped_ || c != '"';
    escaped_ = !escaped_ && c == '\\';
    return;
  }
  in_string_ = c == '"';
  if (c == '{') ++depth_;
  if (c == '}' && --depth_ == 0) message(std::exchange(text_, {}));
}

void QmpSession::message(const std::string& text) {
  const Json request = Json::parse(text, nullptr, false);
  Json reply = request.is_object() ? answer(request)
                                   : error_json("GenericError", "JSON parse error, not an object");
  if (request.is_object() && request.contains("id")) reply["id"] = request["id"];
  send(reply);
}

Json QmpSession::answer(const Json& request) {
  if (!request.contains("execute") || !request["execute"].is_string())
    return error_json("GenericError", "QMP input lacks member 'execute'");
  const std::string name = request["execute"];
  if (name == "qmp_capabilities") {
    if (negotiated_) return error_json("CommandNotFound", "capabilities were negotiated before");
    negotiated_ = true;
    return {{"return", Json::object()}};
  }
  if (!negotiated_)
    return error_json("CommandNotFound",
                      "Expecting capabilities negotiation with 'qmp_capabilities'");
  return execute(request);
}

Json QmpSession::execute(const Json& request) {
  const std::string name = request["execute"];
  const Command* command = find_qmp(name);
  if (!command)
    return error_json("CommandNotFound", fmt::format("The command {} has not been found", name));
  Arguments arguments;
  Json given = Json::object();
  if (request.contains("arguments")) given = request["arguments"];
  if (!given.is_object()) return error_json("GenericError", "'arguments' must be an object");
  for (const auto& [key, value] : given.items()) {
    if (!has_parameter(*command, key))
      return error_json("GenericError", fmt::format("Parameter '{}' is unexpected", key));
    arguments[key] = value.is_string() ? value.get<std::string>() : value.dump();
  }
  if (!command->parameters.empty() && !command->parameters.starts_with('?') && arguments.empty())
    return error_json("GenericError",
                      fmt::format("Parameter '{}' is missing", command->parameters));
  Result<Json> result = command->run(machine_, arguments);
  if (!result) return error_json("GenericError", result.error());
  return {{"return", *result}};
}

void QmpSession::on_event(MachineEvent event) {
  Json json = event_json(machine_, event);
  if (json.is_null() || !negotiated_) return;
  json["timestamp"] = timestamp();
  send(json);
}

/// Guests' bytes may be in a text (names, memory): what is not UTF-8 is replaced.
void QmpSession::send(const Json& json) {
  send_(json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\r\n");
}

}  // namespace ring3
