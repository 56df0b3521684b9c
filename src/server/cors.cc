#include "server/cors.h"

namespace weir::server {

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
  response.headers.push_back(
      {"Access-Control-Allow-Headers", "Authorization, Content-Type, X-Request-Id"});
  response.headers.push_back({"Access-Control-Max-Age", "600"});
}

}  // namespace weir::server
