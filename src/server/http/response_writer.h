// Responses as bytes.
#pragma once

#include <string>
#include <string_view>

#include "server/http/message.h"

namespace weir::server {

std::string_view reason_phrase(int status);

// Status line and fields with Content-Length; the body too unless the request was HEAD.
std::string whole_response(const HttpResponse& response, bool keep_alive, bool head_only);

// The head of a body that comes in pieces: chunked, or until the connection closes (HTTP/1.0).
std::string stream_head(const HttpResponse& response, bool keep_alive, bool chunked);

// One piece as a chunk. `bytes` must not be empty: an empty chunk ends a body.
std::string chunk(std::string_view bytes);
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

}  // namespace weir::server
