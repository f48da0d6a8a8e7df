// SPDX-License-Identifier: MIT
// POSIX sockets, non-blocking. Names are numeric addresses or what the host resolves.
#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "host/socket.h"

namespace ring3 {
namespace {

constexpr int kPatience = 1000;  // ms

void set_up(int fd) {
  fcntl(fd, F_SETFD, FD_CLOEXEC);
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

class SocketConnection final : public Connection {
 public:
  explicit SocketConnection(int fd) : fd_(fd) {
    set_up(fd);
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // of no effect on a path
  }
  ~SocketConnection() override { close(fd_); }
  size_t receive(std::span<u8> out) override;
  void send(std::string_view bytes) override;
  bool closed() const override { return closed_; }
  int handle() const override { return closed_ ? -1 : fd_; }

 private:
  int fd_;
  bool closed_ = false;
};

size_t SocketConnection::receive(std::span<u8> out) {
  if (closed_) return 0;
  const ssize_t n = recv(fd_, out.data(), out.size(), 0);
  if (n > 0) return static_cast<size_t>(n);
  closed_ = n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
  return 0;
}

void SocketConnection::send(std::string_view bytes) {
  while (!closed_ && !bytes.empty()) {
    const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n >= 0) {
      bytes.remove_prefix(static_cast<size_t>(n));
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      pollfd p{fd_, POLLOUT, 0};
      closed_ = poll(&p, 1, kPatience) == 0;
    } else if (errno != EINTR) {
      closed_ = true;
    }
  }
}

class SocketListener final : public Listener {
 public:
  SocketListener(int fd, std::string path) : fd_(fd), path_(std::move(path)) { set_up(fd); }
  ~SocketListener() override {
    close(fd_);
    if (!path_.empty()) unlink(path_.c_str());
  }
  std::unique_ptr<Connection> accept() override {
    const int fd = ::accept(fd_, nullptr, nullptr);
    return fd < 0 ? nullptr : std::make_unique<SocketConnection>(fd);
  }
  void wait_for_client() override {
    pollfd p{fd_, POLLIN, 0};
    while (poll(&p, 1, -1) < 0 && errno == EINTR) {
    }
  }
  int handle() const override { return fd_; }

 private:
  int fd_;
  std::string path_;  ///< to be removed at the end
};

Error error_of(std::string_view what) {
  return {fmt::format("{}: {}", what, std::strerror(errno))};
}

/// A socket file left behind by a process that is gone is in the way.
Status make_room(const std::string& path, const sockaddr_un& name) {
  struct stat s {};
  if (lstat(path.c_str(), &s) != 0) return success();
  if (!S_ISSOCK(s.st_mode)) return Error{fmt::format("{}: is there and is no socket", path)};
  const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  const bool served =
      fd >= 0 && connect(fd, reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0;
  if (fd >= 0) close(fd);
  if (served) return Error{fmt::format("{}: in use by another program", path)};
  unlink(path.c_str());
  return success();
}

Result<std::unique_ptr<Listener>> listen_unix(const std::string& path) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof name.sun_path)
    return Error{
        fmt::format("{}: a socket's path has 1 to {} characters", path, sizeof name.sun_path - 1)};
  std::memcpy(name.sun_path, path.data(), path.size());
  if (Status room = make_room(path, name); !room) return Error{room.error()};
  const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  if (fd < 0) return error_of(path);
  if (bind(fd, reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0 || listen(fd, 1) != 0) {
    const Error error = error_of(path);
    close(fd);
    return error;
  }
  return std::unique_ptr<Listener>(std::make_unique<SocketListener>(fd, path));
}

Result<std::unique_ptr<Listener>> listen_tcp(const SocketAddress& address) {
  const std::string host = address.host.empty() ? "127.0.0.1" : address.host;
  const std::string what = fmt::format("{}:{}", host, address.port);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int failed =
      getaddrinfo(host.c_str(), std::to_string(address.port).c_str(), &hints, &found);
  if (failed != 0) return Error{fmt::format("{}: {}", what, gai_strerror(failed))};
  const int fd = socket(found->ai_family, found->ai_socktype, found->ai_protocol);
  const int on = 1;
  if (fd >= 0) setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const bool listens =
      fd >= 0 && bind(fd, found->ai_addr, found->ai_addrlen) == 0 && listen(fd, 1) == 0;
  const Error error = error_of(what);
  freeaddrinfo(found);
  if (listens) return std::unique_ptr<Listener>(std::make_unique<SocketListener>(fd, ""));
  if (fd >= 0) close(fd);
  return error;
}

}  // namespace

Result<std::unique_ptr<Listener>> Listener::open(const SocketAddress& address) {
  return address.kind == SocketAddress::Kind::Unix ? listen_unix(address.path)
                                                   : listen_tcp(address);
}

}  // namespace ring3
