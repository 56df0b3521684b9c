// HTTP messages as plain data.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace weir::server {

struct Header {
  std::string name, value;
};

struct HttpRequest {
  std::string method, path, query;  // `path` as sent: nothing of ours needs percent-encoding.
  int minor_version = 1;            // HTTP/1.x.
  bool keep_alive = true;
  std::vector<Header> headers;  // Names in lower case.
  std::string body;
  std::string id;  // X-Request-Id: the client's, or made here.

  // The first value, or empty.
  std::string_view header(std::string_view lower_case_name) const {
    for (const Header& header : headers)
      if (header.name == lower_case_name) return header.value;
    return {};
  }
};

struct HttpResponse {
  int status = 200;
  std::string body;
  std::string content_type = "application/json";
  std::vector<Header> headers;
  bool close = false;  // The connection ends after it.
};

// Why a request was not even looked at.
struct Refusal {
  int status = 400;
  std::string message;
};

}  // namespace weir::server
