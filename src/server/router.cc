#include "server/router.h"

#include <charconv>

namespace weir::server {
namespace {

bool path_matches(std::string_view pattern, std::string_view path) {
  const size_t brace = pattern.find('{');
  if (brace == std::string_view::npos) return pattern == path;
  return path.size() > brace && path.starts_with(pattern.substr(0, brace));
}

bool method_matches(std::string_view allowed, std::string_view method) {
  return allowed == method || (allowed == "GET" && method == "HEAD");
}

}  // namespace

Router::Match Router::match(std::string_view method, std::string_view path) const {
  Match match;
  for (const Route& route : routes_) {
    if (!path_matches(route.path, path)) continue;
    if (method_matches(route.method, method)) match.route = &route;
    if (!match.allow.empty()) match.allow += ", ";
    match.allow += route.method;
    if (route.method == "GET") match.allow += ", HEAD";
  }
  if (!match.allow.empty()) match.allow += ", OPTIONS";
  return match;
}

std::string path_argument(std::string_view pattern, std::string_view path) {
  const std::string_view rest = path.substr(pattern.find('{'));
  std::string out;
  for (size_t i = 0; i < rest.size(); ++i) {
    unsigned char byte = 0;
    const char* begin = rest.data() + i + 1;
    if (rest[i] == '%' && i + 2 < rest.size() &&
        std::from_chars(begin, begin + 2, byte, 16).ptr == begin + 2) {
      out += static_cast<char>(byte);
      i += 2;
    } else {
      out += rest[i];
    }
  }
  return out;
}

}  // namespace weir::server
