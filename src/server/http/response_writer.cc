#include "server/http/response_writer.h"

#include <fmt/format.h>

#include <array>
#include <iterator>
#include <utility>

namespace weir::server {
namespace {

constexpr std::array<std::pair<int, std::string_view>, 18> kReasons = {{
    {200, "OK"},
    {204, "No Content"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {411, "Length Required"},
    {413, "Content Too Large"},
    {415, "Unsupported Media Type"},
    {417, "Expectation Failed"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
    {505, "HTTP Version Not Supported"},
}};

std::string head(const HttpResponse& response, bool keep_alive) {
  std::string out;
  auto to = std::back_inserter(out);
  fmt::format_to(to, "HTTP/1.1 {} {}\r\n", response.status, reason_phrase(response.status));
  if (!response.content_type.empty() && response.status != 204)
    fmt::format_to(to, "Content-Type: {}\r\n", response.content_type);
  for (const Header& header : response.headers)
    fmt::format_to(to, "{}: {}\r\n", header.name, header.value);
  fmt::format_to(to, "Connection: {}\r\n", keep_alive ? "keep-alive" : "close");
  return out;
}

}  // namespace

std::string_view reason_phrase(int status) {
  for (const auto& [code, phrase] : kReasons)
    if (code == status) return phrase;
  return "Unknown";
}

std::string whole_response(const HttpResponse& response, bool keep_alive, bool head_only) {
  std::string out = head(response, keep_alive);
  if (response.status != 204) out += fmt::format("Content-Length: {}\r\n", response.body.size());
  out += "\r\n";
  if (!head_only && response.status != 204) out += response.body;
  return out;
}

std::string stream_head(const HttpResponse& response, bool keep_alive, bool chunked) {
  std::string out = head(response, keep_alive);
  out += chunked ? "Transfer-Encoding: chunked\r\n\r\n" : "\r\n";
  return out;
}

std::string chunk(std::string_view bytes) {
  return fmt::format("{:x}\r\n{}\r\n", bytes.size(), bytes);
}

}  // namespace weir::server
