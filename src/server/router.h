// The one table of what can be asked. It answers requests, says which need a key, and is what
// /openapi.json and the tests of keys are made from.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "server/http/exchange.h"

namespace weir::server {

enum class Access { kPublic, kKey };

using Handler = std::function<boost::asio::awaitable<void>(Exchange&)>;

struct Route {
  std::string_view method;
  std::string_view path;  // A last part in braces stands for the rest of the path.
  Access access = Access::kKey;
  bool works = false;  // Makes the model work: refused while the server shuts down.
  Handler handler;
  std::string_view summary;
  std::string_view request_schema;   // Names of components in /openapi.json; empty: none.
  std::string_view response_schema;  // Empty: plain text.
};

class Router {
 public:
  explicit Router(std::vector<Route> routes) : routes_(std::move(routes)) {}

  struct Match {
    const Route* route = nullptr;  // Null: no such path, or not with this method.
    std::string allow;             // Methods of the path; empty: no such path.
  };
  Match match(std::string_view method, std::string_view path) const;
  std::span<const Route> routes() const { return routes_; }

 private:
  std::vector<Route> routes_;
};

// What the braces of a pattern matched, percent-decoded.
std::string path_argument(std::string_view pattern, std::string_view path);

}  // namespace weir::server
