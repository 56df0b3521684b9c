// Errors in OpenAI's shape: {"error": {"message", "type", "param", "code"}}.
#pragma once

#include <string>
#include <string_view>

#include "server/http/message.h"
#include "weir/status.h"

namespace weir::server {

// An error's place in HTTP: status, OpenAI's type and code. Empty code: null.
struct ApiError {
  int status = 500;
  std::string type = "server_error";
  std::string code;
  std::string message;
  std::string param;
};

// Maps an engine's or a parser's error. What only concerns the server's insides (kInternal, kIo,
// kCorrupt) is logged and told as one fixed sentence.
ApiError to_api_error(const Error& error, bool draining);

// An error whose message begins with one of these marks gets the code that follows from it.
inline constexpr std::string_view kContextMark = "This model's context";

std::string error_json(const ApiError& error);
HttpResponse error_response(const ApiError& error);

// An error of HTTP itself, by its status.
ApiError http_error(int status, std::string message);

}  // namespace weir::server
