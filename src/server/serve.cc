#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <csignal>
#include <utility>

#include "server/app.h"
#include "server/http/connection.h"
#include "server/http/socket_stream.h"
#include "server/server.h"

namespace weir::server {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr std::chrono::milliseconds kAcceptPause{100};  // After a failure, such as no descriptors.
constexpr std::chrono::seconds kLastWords{2};           // For streams ended at the deadline.

std::vector<std::string> names_of(const TextService& service, const ServerOptions& options) {
  if (!options.served_model_names.empty()) return options.served_model_names;
  return {service.info().name};
}

Status check(const ServerOptions& options) {
  for (const std::string& key : options.api_keys)
    if (key.empty()) return fail(Code::kInvalid, "an API key must not be empty", "api_keys");
  for (const std::string& origin : options.allowed_origins)
    if (!is_origin(origin))
      return fail(Code::kInvalid,
                  fmt::format("'{}' is not an origin: one is written http://host:port", origin),
                  "allowed_origins");
  return {};
}

// One listening socket and its connections, all on one I/O thread.
class Server {
 public:
  Server(TextService& service, const ServerOptions& options)
      : options_(options),
        names_(names_of(service, options)),
        metrics_(names_.front()),
        workplace_(service, metrics_, names_),
        app_(workplace_, options, [this] { stop_if_drained(); }),
        acceptor_(io_),
        signals_(io_),
        shutdown_timer_(io_),
        room_(io_.get_executor()) {}

  ~Server() {
    closing_ = true;
    for (Generation* generation : workplace_.generations) generation->detach();
    workplace_.pool.stop();
    workplace_.pool.join();
  }

  Status listen();
  uint16_t port() const { return acceptor_.local_endpoint().port(); }
  void run();

 private:
  asio::awaitable<void> accept();
  void start(tcp::socket socket);
  void wait_for_signal();
  void drain();
  void stop_if_drained();

  const ServerOptions& options_;
  const std::vector<std::string> names_;
  Metrics metrics_;
  Workplace workplace_;
  App app_;
  asio::io_context io_{1};
  tcp::acceptor acceptor_;
  asio::signal_set signals_;
  asio::steady_timer shutdown_timer_;
  Wakeup room_;  // For one more connection.
  uint32_t connections_ = 0;
  bool closing_ = false;
};

Status Server::listen() {
  error_code error;
  tcp::resolver resolver(io_);
  const auto found =
      resolver.resolve(options_.host, std::to_string(options_.port), tcp::resolver::passive, error);
  if (error || found.empty())
    return fail(Code::kIo, "host: no such address: " + error.message(), "host");
  const tcp::endpoint endpoint = *found.begin();
  acceptor_.open(endpoint.protocol(), error);
  if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor_.bind(endpoint, error);
  if (!error) acceptor_.listen(tcp::acceptor::max_listen_connections, error);
  if (!error) signals_.add(SIGTERM, error);
  if (!error) signals_.add(SIGINT, error);
  if (error)
    return fail(
        Code::kIo,
        fmt::format("cannot listen on {}:{}: {}", options_.host, options_.port, error.message()),
        "port");
  if (options_.api_keys.empty() && !endpoint.address().is_loopback())
    spdlog::warn("listening beyond this machine without an API key");
  return {};
}

void Server::run() {
  wait_for_signal();
  asio::co_spawn(io_, accept(), asio::detached);
  io_.run();
}

asio::awaitable<void> Server::accept() {
  while (acceptor_.is_open()) {
    if (connections_ >= options_.connections_max) {
      co_await room_.wait_until(Clock::time_point::max());
      continue;
    }
    error_code error;
    tcp::socket socket(io_);
    auto token = asio::redirect_error(asio::use_awaitable, error);
    co_await acceptor_.async_accept(socket, token);
    if (!error) {
      start(std::move(socket));
    } else if (acceptor_.is_open()) {
      spdlog::warn("accept: {}", error.message());
      co_await room_.wait_until(Clock::now() + kAcceptPause);
    }
  }
}

void Server::start(tcp::socket socket) {
  ConnectionLimits limits;
  limits.read = {options_.header_bytes_max, options_.body_bytes_max};
  limits.request_timeout = options_.header_timeout;
  limits.idle_timeout = options_.idle_timeout;
  ++connections_;
  Connection::start(make_socket_stream(std::move(socket)), app_, limits, [this] {
    --connections_;
    room_.notify();
  });
}

void Server::wait_for_signal() {
  signals_.async_wait([this](const error_code& error, int) {
    if (error) return;
    if (workplace_.draining) return io_.stop();
    drain();
    wait_for_signal();
  });
}

void Server::drain() {
  spdlog::info("shutting down: {} requests to finish", app_.active());
  workplace_.draining = true;
  error_code ignored;
  acceptor_.close(ignored);
  room_.notify();
  stop_if_drained();
  shutdown_timer_.expires_after(options_.shutdown_timeout);
  shutdown_timer_.async_wait([this](const error_code& error) {
    if (error) return;
    for (Generation* generation : workplace_.generations) generation->cancel();
    shutdown_timer_.expires_after(kLastWords);
    shutdown_timer_.async_wait([this](const error_code& last) {
      if (!last) io_.stop();
    });
  });
}

void Server::stop_if_drained() {
  if (closing_ || !workplace_.draining || app_.active() > 0) return;
  asio::post(io_, [this] {
    if (app_.active() == 0) io_.stop();
  });
}

}  // namespace

Status serve(TextService& service, const ServerOptions& options,
             const std::function<void(uint16_t port)>& listening) {
  WEIR_TRY(check(options));
  try {
    Server server(service, options);
    WEIR_TRY(server.listen());
    if (listening) listening(server.port());
    server.run();
    return {};
  } catch (const std::exception& error) {
    return fail(Code::kInternal, error.what());
  }
}

}  // namespace weir::server
