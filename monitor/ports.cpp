// SPDX-License-Identifier: MIT
#include "monitor/ports.h"

#include <array>

namespace ring3 {

SocketPort::SocketPort(Pc& pc, std::unique_ptr<Listener> listener, OpenSession open)
    : listener_(std::move(listener)), open_(std::move(open)) {
  pc.observe([this](MachineEvent event) {
    if (session_) session_->on_event(event);
  });
  pc.add_service(*this);
}

void SocketPort::add_handles(std::vector<int>& handles) const {
  handles.push_back(connection_ ? connection_->handle() : listener_->handle());
}

void SocketPort::accept() {
  connection_ = listener_->accept();
  if (connection_)
    session_ = open_([this](std::string_view bytes) { connection_->send(bytes); });
}

void SocketPort::serve() {
  if (!connection_) accept();
  if (!connection_) return;
  std::array<u8, 4096> bytes;
  while (const size_t n = connection_->receive(bytes))
    for (const u8 byte : std::span(bytes).first(n)) session_->feed(byte);
  if (!connection_->closed() && !session_->finished()) return;
  session_.reset();
  connection_.reset();
}

void SocketPort::wait_for_client() {
  while (!connection_) {
    listener_->wait_for_client();
    accept();
  }
}

StreamPort::StreamPort(Pc& pc, ByteSource& in, ByteSink& out, const OpenSession& open)
    : in_(in), session_(open(send_to(out))) {
  pc.observe([this](MachineEvent event) { session_->on_event(event); });
  pc.add_service(*this);
}

void StreamPort::add_handles(std::vector<int>& handles) const { handles.push_back(in_.handle()); }

void StreamPort::serve() {
  std::array<u8, 256> bytes;
  const size_t n = in_.ended() ? 0 : in_.take(bytes);
  for (const u8 byte : std::span(bytes).first(n)) session_->feed(byte);
}

Session::Send send_to(ByteSink& sink) {
  return [&sink](std::string_view text) {
    for (const char c : text) sink.put(static_cast<u8>(c));
    sink.flush();
  };
}

}  // namespace ring3
