// Which web pages may call the server (Fetch standard, "CORS protocol").
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "server/http/message.h"

namespace weir::server {

// Whether a browser could send it as Origin ("https://host" or "https://host:port"), or "*".
bool is_origin(std::string_view text);

class Cors {
 public:
  // Origins as browsers send them, or "*" for any.
  explicit Cors(std::vector<std::string> origins) : origins_(std::move(origins)) {}

  // Adds the fields that let the page at the request's Origin read the answer, if it may.
  void decorate(const HttpRequest& request, HttpResponse& response) const;
  // The same for a preflight: `allow` lists the methods of the path.
  void preflight(const HttpRequest& request, std::string_view allow, HttpResponse& response) const;

 private:
  std::string_view allowed(std::string_view origin) const;

  std::vector<std::string> origins_;
};

}  // namespace weir::server
