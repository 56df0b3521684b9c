#include "server/api/errors.h"

#include <spdlog/spdlog.h>

#include <boost/json.hpp>
#include <utility>

#include "server/api/utf8.h"

namespace weir::server {
namespace {

constexpr std::string_view kInvalidRequest = "invalid_request_error";

ApiError unavailable(const Error& error, bool draining) {
  if (draining) return {503, "server_error", "shutting_down", "The server is shutting down.", ""};
  return {429, "rate_limit_error", "rate_limit_exceeded", error.message, error.param};
}

}  // namespace

ApiError to_api_error(const Error& error, bool draining) {
  switch (error.code) {
    case Code::kInvalid: {
      const bool context = error.message.starts_with(kContextMark);
      return {400, std::string(kInvalidRequest), context ? "context_length_exceeded" : "",
              error.message, error.param};
    }
    case Code::kNotFound:
      return {404, std::string(kInvalidRequest), error.param == "model" ? "model_not_found" : "",
              error.message, error.param};
    case Code::kUnavailable:
      return unavailable(error, draining);
    case Code::kCancelled:
      return {503, "server_error", draining ? "shutting_down" : "cancelled",
              draining ? "The server is shutting down." : "The request was cancelled.", ""};
    case Code::kCorrupt:
    case Code::kIo:
    case Code::kInternal:
      break;
  }
  spdlog::error("internal error: {}", error.message);
  return {500, "server_error", "internal_error", "The server failed to compute an answer.", ""};
}

std::string error_json(const ApiError& error) {
  namespace json = boost::json;
  const auto or_null = [](const std::string& text) {
    return text.empty() ? json::value(nullptr) : json::value(to_valid_utf8(text));
  };
  json::object inner;
  inner["message"] = to_valid_utf8(error.message);
  inner["type"] = error.type;
  inner["param"] = or_null(error.param);
  inner["code"] = or_null(error.code);
  return json::serialize(json::object{{"error", std::move(inner)}});
}

HttpResponse error_response(const ApiError& error) {
  HttpResponse response;
  response.status = error.status;
  response.body = error_json(error);
  if (error.status == 429) response.headers.push_back({"Retry-After", "1"});
  if (error.status == 503) {
    response.headers.push_back({"Retry-After", "5"});
    response.close = true;
  }
  if (error.status == 401) response.headers.push_back({"WWW-Authenticate", "Bearer"});
  return response;
}

ApiError http_error(int status, std::string message) {
  const bool ours = status >= 500;
  return {status, ours ? "server_error" : std::string(kInvalidRequest), "", std::move(message), ""};
}

}  // namespace weir::server
