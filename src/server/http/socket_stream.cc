#include "server/http/socket_stream.h"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

namespace weir::server {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

// What the kernel may hold for a reader that does not read; the rest waits in our own bounded
// queue.
constexpr int kSendBufferBytes = 256 << 10;

class SocketStream : public ByteStream {
 public:
  explicit SocketStream(asio::ip::tcp::socket socket) : socket_(std::move(socket)) {
    error_code ignored;
    socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
    socket_.set_option(asio::socket_base::send_buffer_size(kSendBufferBytes), ignored);
  }

  asio::any_io_executor executor() override { return socket_.get_executor(); }

  asio::awaitable<size_t> read_some(asio::mutable_buffer into, error_code& error) override {
    auto token = asio::redirect_error(asio::use_awaitable, error);
    const size_t count = co_await socket_.async_read_some(into, token);
    co_return count;
  }

  asio::awaitable<size_t> write_some(asio::const_buffer from, error_code& error) override {
    auto token = asio::redirect_error(asio::use_awaitable, error);
    const size_t count = co_await socket_.async_write_some(from, token);
    co_return count;
  }

  void shutdown_output() override {
    error_code ignored;
    socket_.shutdown(asio::socket_base::shutdown_send, ignored);
  }

  void close() override {
    error_code ignored;
    socket_.close(ignored);
  }

  std::string peer() const override {
    error_code error;
    const auto endpoint = socket_.remote_endpoint(error);
    return error ? std::string("unknown") : endpoint.address().to_string();
  }

 private:
  asio::ip::tcp::socket socket_;
};

}  // namespace

std::unique_ptr<ByteStream> make_socket_stream(asio::ip::tcp::socket socket) {
  return std::make_unique<SocketStream>(std::move(socket));
}

}  // namespace weir::server
