#include "server/app.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cctype>
#include <utility>

#include "server/api/envelope.h"
#include "server/api/errors.h"
#include "server/http/head_parser.h"
#include "server/routes.h"

namespace weir::server {
namespace {

namespace asio = boost::asio;

// A client's X-Request-Id goes into answers and logs, so it may only be plain.
bool is_usable_id(std::string_view id) {
  constexpr size_t kIdBytesMax = 128;
  return !id.empty() && id.size() <= kIdBytesMax && std::all_of(id.begin(), id.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '.';
  });
}

// Of the parameters only charset says something of the bytes.
bool is_json(std::string_view content_type) {
  std::string type = lower(content_type);
  std::erase_if(type, [](char c) { return c == ' ' || c == '\t' || c == '"'; });
  size_t at = type.find(';');
  if (type.substr(0, at) != "application/json") return false;
  while (at != std::string::npos) {
    const size_t end = type.find(';', at + 1);
    const std::string parameter = type.substr(at + 1, end - at - 1);
    if (parameter.starts_with("charset=") && parameter != "charset=utf-8") return false;
    at = end;
  }
  return true;
}

HttpResponse simple_error(int status, std::string message) {
  return error_response(http_error(status, std::move(message)));
}

// A page of another origin can make a browser send text forms without asking first, but not JSON.
std::optional<HttpResponse> check_body_kind(const HttpRequest& request) {
  const std::string_view type = request.header("content-type");
  if (type.empty())
    return simple_error(415, "Content-Type is missing; it must be application/json.");
  if (!is_json(type)) return simple_error(415, "Content-Type must be application/json, in UTF-8.");
  if (!request.header("content-encoding").empty())
    return simple_error(415, "Content-Encoding is not supported.");
  return {};
}

// Counts the requests being handled.
class Count {
 public:
  Count(size_t& count, const std::function<void()>& idle) : count_(count), idle_(idle) { ++count_; }
  ~Count() {
    if (--count_ == 0) idle_();
  }
  Count(const Count&) = delete;
  Count& operator=(const Count&) = delete;

 private:
  size_t& count_;
  const std::function<void()>& idle_;
};

}  // namespace

App::App(Workplace& workplace, const ServerOptions& options, std::function<void()> idle)
    : workplace_(workplace),
      router_(make_routes(workplace)),
      keys_(options.api_keys),
      cors_(options.allowed_origins),
      idle_(std::move(idle)) {}

std::optional<HttpResponse> App::admit(HttpRequest& request) {
  const std::string_view id = request.header("x-request-id");
  request.id = is_usable_id(id) ? std::string(id) : random_hex(16);
  if (request.method == "OPTIONS") return options_response(request);
  return check_route(request);
}

std::optional<HttpResponse> App::check_route(const HttpRequest& request) const {
  const Router::Match match = router_.match(request.method, request.path);
  if (match.allow.empty()) return simple_error(404, "There is nothing at this path.");
  if (!match.route) {
    HttpResponse response = simple_error(405, "This path does not take this method.");
    response.headers.push_back({"Allow", match.allow});
    return response;
  }
  if (match.route->access == Access::kKey && !keys_.opens(request.header("authorization"))) {
    return error_response({401, "invalid_request_error", "invalid_api_key",
                           "A valid API key must be sent as 'Authorization: Bearer KEY'.", ""});
  }
  if (match.route->works && workplace_.draining)
    return error_response(to_api_error({Code::kUnavailable, "", ""}, true));
  if (match.route->method == "POST") return check_body_kind(request);
  return {};
}

HttpResponse App::options_response(const HttpRequest& request) const {
  std::string allow = router_.match("OPTIONS", request.path).allow;
  if (request.path == "*") allow = "GET, HEAD, POST, OPTIONS";
  if (allow.empty()) return simple_error(404, "There is nothing at this path.");
  HttpResponse response;
  response.status = 204;
  response.headers.push_back({"Allow", allow});
  cors_.preflight(request, allow, response);
  return response;
}

asio::awaitable<bool> App::handle(Exchange& exchange) {
  const Count count(active_, idle_);
  const HttpRequest& request = exchange.request();
  const Route* route = router_.match(request.method, request.path).route;
  bool failed = false;
  try {
    co_await route->handler(exchange);
  } catch (const std::exception& error) {
    spdlog::error("{}: {}", route->path, error.what());
    failed = true;
  }
  if (failed) exchange.abort();
  co_return !failed;
}

HttpResponse App::refusal(const Refusal& why) {
  HttpResponse response = simple_error(why.status, why.message);
  response.close = true;
  return response;
}

void App::decorate(const HttpRequest& request, HttpResponse& response) {
  if (!request.id.empty()) response.headers.push_back({"X-Request-Id", request.id});
  cors_.decorate(request, response);
}

void App::served(const HttpRequest& request, const Served& served) {
  const Router::Match match = router_.match(request.method, request.path);
  const std::string_view path = match.route ? match.route->path : "other";
  const std::string_view method = match.route ? std::string_view(request.method) : "other";
  workplace_.metrics.http_request(path, method, served.status, served.duration);
  spdlog::info("{} {} {} {} bytes {:.1f} ms id={}", method, path, served.status, served.bytes,
               std::chrono::duration<double, std::milli>(served.duration).count(), request.id);
}

}  // namespace weir::server
