#include "server/cors.h"

#include <algorithm>

#include "server/http/head_parser.h"

namespace weir::server {
namespace {

constexpr std::string_view kHeaders = "Authorization, Content-Type, X-Request-Id";
constexpr size_t kAskedBytesMax = 4096;

// What is always allowed, and the names asked for: SDKs send some of their own, and none of them
// means anything here. Nothing that is not a list of names is echoed.
std::string allowed_headers(std::string_view asked) {
  std::string out(kHeaders);
  if (asked.size() > kAskedBytesMax) return out;
  while (!asked.empty()) {
    const size_t end = std::min(asked.find(','), asked.size());
    const std::string_view name = trim(asked.substr(0, end));
    asked.remove_prefix(std::min(end + 1, asked.size()));
    if (is_token(name)) out.append(", ").append(name);
  }
  return out;
}

}  // namespace

bool is_origin(std::string_view text) {
  if (text == "*" || text == "null") return true;
  const size_t scheme = text.find("://");
  if (scheme == std::string_view::npos || scheme == 0) return false;
  const std::string_view host = text.substr(scheme + 3);
  return !host.empty() && host.find_first_of("/?#@ ") == std::string_view::npos;
}

std::string_view Cors::allowed(std::string_view origin) const {
  if (origin.empty()) return {};
  for (const std::string& known : origins_) {
    if (known == "*") return "*";
    if (known == origin) return known;
  }
  return {};
}

void Cors::decorate(const HttpRequest& request, HttpResponse& response) const {
  if (origins_.empty()) return;
  const std::string_view origin = allowed(request.header("origin"));
  response.headers.push_back({"Vary", "Origin"});
  if (origin.empty()) return;
  response.headers.push_back({"Access-Control-Allow-Origin", std::string(origin)});
  response.headers.push_back({"Access-Control-Expose-Headers", "X-Request-Id, Retry-After"});
}

void Cors::preflight(const HttpRequest& request, std::string_view allow,
                     HttpResponse& response) const {
  if (allowed(request.header("origin")).empty()) return;
  if (request.header("access-control-request-method").empty()) return;
  response.headers.push_back({"Access-Control-Allow-Methods", std::string(allow)});
  response.headers.push_back({"Access-Control-Allow-Headers",
                              allowed_headers(request.header("access-control-request-headers"))});
  response.headers.push_back({"Access-Control-Max-Age", "600"});
}

}  // namespace weir::server
