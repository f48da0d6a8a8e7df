// SPDX-License-Identifier: MIT
// Where clients come from: a socket, the terminal. Served by the machine's loop, so that commands
// run between two slices of the guest.
#pragma once

#include <functional>
#include <memory>

#include "host/byte_io.h"
#include "host/service.h"
#include "host/socket.h"
#include "monitor/session.h"

namespace ring3 {

using OpenSession = std::function<std::unique_ptr<Session>(Session::Send)>;

/// One client at a time; the next one waits.
class SocketPort final : public HostService {
 public:
  SocketPort(Pc& pc, std::unique_ptr<Listener> listener, OpenSession open);
  void add_handles(std::vector<int>& handles) const override;
  void serve() override;
  void wait_for_client();

 private:
  void accept();

  std::unique_ptr<Listener> listener_;
  OpenSession open_;
  std::unique_ptr<Connection> connection_;
  std::unique_ptr<Session> session_;  // after connection_: it sends until its end
};

/// A stream that is always there.
class StreamPort final : public HostService {
 public:
  StreamPort(Pc& pc, ByteSource& in, ByteSink& out, const OpenSession& open);
  void add_handles(std::vector<int>& handles) const override;
  void serve() override;

 private:
  ByteSource& in_;
  std::unique_ptr<Session> session_;
};

/// Sends to a sink at once.
Session::Send send_to(ByteSink& sink);

}  // namespace ring3
