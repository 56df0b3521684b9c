// What a connection needs of its transport, so that tests can put memory in a socket's place.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/system/error_code.hpp>
#include <string>

namespace weir::server {

class ByteStream {
 public:
  virtual ~ByteStream() = default;
  virtual boost::asio::any_io_executor executor() = 0;
  // Bytes read: at least one, or zero with `error` set (the end of input is asio::error::eof).
  virtual boost::asio::awaitable<size_t> read_some(boost::asio::mutable_buffer into,
                                                   boost::system::error_code& error) = 0;
  virtual boost::asio::awaitable<size_t> write_some(boost::asio::const_buffer from,
                                                    boost::system::error_code& error) = 0;
  // No more output; input goes on.
  virtual void shutdown_output() = 0;
  // Ends all pending operations with an error.
  virtual void close() = 0;
  virtual std::string peer() const = 0;
};

}  // namespace weir::server
