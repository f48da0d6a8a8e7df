// SPDX-License-Identifier: MIT
// Stream sockets for people's tools: a listener on a path or a TCP port, one client at a time.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/types.h"

namespace ring3 {

struct SocketAddress {
  enum class Kind : u8 { Unix, Tcp } kind = Kind::Unix;
  std::string path;  ///< of Unix
  std::string host;  ///< of Tcp; empty: the loopback address
  u16 port = 0;
  bool operator==(const SocketAddress&) const = default;
};

class Connection {
 public:
  virtual ~Connection() = default;
  /// Takes what is there; 0 if there is nothing now. Never blocks.
  virtual size_t receive(std::span<u8> out) = 0;
  /// Sends all. A client that takes nothing for a second loses the connection.
  virtual void send(std::string_view bytes) = 0;
  virtual bool closed() const = 0;  ///< by the client, or by an error
  virtual int handle() const = 0;   ///< for Waiter; -1 once closed
};

class Listener {
 public:
  /// Error: why not, with the address. A socket file that nobody serves is replaced.
  static Result<std::unique_ptr<Listener>> open(const SocketAddress& address);
  virtual ~Listener() = default;
  /// The next client, or null. Never blocks.
  virtual std::unique_ptr<Connection> accept() = 0;
  virtual void wait_for_client() = 0;
  virtual int handle() const = 0;
};

}  // namespace ring3
