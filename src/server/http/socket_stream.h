// A TCP socket as a ByteStream.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <memory>

#include "server/http/byte_stream.h"

namespace weir::server {

std::unique_ptr<ByteStream> make_socket_stream(boost::asio::ip::tcp::socket socket);

}  // namespace weir::server
