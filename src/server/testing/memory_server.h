// A whole server without sockets: bytes in, bytes out.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "server/app.h"
#include "server/http/connection.h"
#include "server/testing/fake_service.h"

namespace weir::server {

// The client's end of a connection: hands out the pieces one read at a time, then waits; the end of
// input comes when the server ends its output, or by hang_up().
class MemoryStream : public ByteStream {
 public:
  MemoryStream(boost::asio::io_context& io, std::vector<std::string> pieces)
      : io_(io), pieces_(pieces.begin(), pieces.end()), change_(io.get_executor()) {}

  boost::asio::any_io_executor executor() override { return io_.get_executor(); }

  boost::asio::awaitable<size_t> read_some(boost::asio::mutable_buffer into,
                                           boost::system::error_code& error) override {
    co_await boost::asio::post(io_, boost::asio::use_awaitable);
    while (pieces_.empty() && !hung_up_ && !closed_)
      co_await change_.wait_until(Clock::time_point::max());
    if (closed_ || pieces_.empty()) {
      if (closed_) error = boost::asio::error::operation_aborted;
      if (!closed_) error = boost::asio::error::eof;
      co_return 0;
    }
    std::string& piece = pieces_.front();
    const size_t count = std::min(piece.size(), into.size());
    std::copy_n(piece.data(), count, static_cast<char*>(into.data()));
    piece.erase(0, count);
    if (piece.empty()) pieces_.pop_front();
    co_return count;
  }

  boost::asio::awaitable<size_t> write_some(boost::asio::const_buffer from,
                                            boost::system::error_code& error) override {
    co_await boost::asio::post(io_, boost::asio::use_awaitable);
    if (closed_) {
      error = boost::asio::error::broken_pipe;
      co_return 0;
    }
    // Short writes: half at a time.
    const size_t count = (from.size() + 1) / 2;
    output.append(static_cast<const char*>(from.data()), count);
    co_return count;
  }

  void shutdown_output() override { hang_up(); }
  void close() override {
    closed_ = true;
    change_.notify();
  }
  std::string peer() const override { return "memory"; }

  void hang_up() {
    hung_up_ = true;
    change_.notify();
  }

  std::string output;

 private:
  boost::asio::io_context& io_;
  std::deque<std::string> pieces_;
  Wakeup change_;
  bool hung_up_ = false, closed_ = false;
};

class MemoryServer {
 public:
  explicit MemoryServer(ServerOptions options = {})
      : options_(std::move(options)), app(workplace, options_, [] {}) {}
  ~MemoryServer() {
    for (Generation* generation : workplace.generations) generation->detach();
    workplace.pool.join();
  }

  // Everything that the server sends to a client that sends these pieces and closes when nothing
  // happens any more.
  std::string serve(std::vector<std::string> pieces) {
    auto owned = std::make_unique<MemoryStream>(io_, std::move(pieces));
    MemoryStream* stream = owned.get();
    std::string output;
    bool ended = false;
    ConnectionLimits limits;
    limits.read = {options_.header_bytes_max, options_.body_bytes_max};
    Connection::start(std::move(owned), app, limits, [&] {
      output = std::move(stream->output);
      ended = true;
    });
    while (!ended) {
      io_.restart();  // It stops whenever it runs out of work.
      if (io_.poll() > 0) continue;
      if (app.active() == 0) stream->hang_up();
      io_.run_one_for(std::chrono::milliseconds(1));
    }
    io_.poll();
    return output;
  }

  FakeService service;

 private:
  ServerOptions options_;
  Metrics metrics_{"fake"};

 public:
  Workplace workplace{service, metrics_, {"fake", "org/alias"}};

 private:
  boost::asio::io_context io_{1};

 public:
  App app;
};

// A POST of JSON, whole.
inline std::string post_request(std::string_view path, std::string_view body,
                                std::string_view more_headers = {}) {
  std::string request = "POST " + std::string(path) + " HTTP/1.1\r\nHost: x\r\n";
  request += "Content-Type: application/json\r\nConnection: close\r\n";
  request += more_headers;
  request += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n";
  request += body;
  return request;
}

}  // namespace weir::server
