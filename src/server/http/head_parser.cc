#include "server/http/head_parser.h"

#include <algorithm>
#include <cctype>

namespace weir::server {
namespace {

using MaybeRefusal = std::optional<Refusal>;

MaybeRefusal refuse(std::string message, int status = 400) {
  return Refusal{status, std::move(message)};
}

bool is_token_char(char c) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return std::isalnum(static_cast<unsigned char>(c)) || kMarks.find(c) != std::string_view::npos;
}

bool is_digits(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_token_char);
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

std::string_view trim(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

namespace {

MaybeRefusal parse_version(std::string_view version, HttpRequest& request) {
  const bool formed = version.size() == 8 && version.starts_with("HTTP/") && version[6] == '.' &&
                      is_digits(version.substr(5, 1)) && is_digits(version.substr(7, 1));
  if (!formed) return refuse("The request line must end with HTTP/1.1.");
  if (version[5] != '1') return refuse("Only HTTP/1.0 and HTTP/1.1 are spoken here.", 505);
  request.minor_version = version[7] == '0' ? 0 : 1;
  return {};
}

// origin-form, absolute-form and, for OPTIONS, asterisk-form (RFC 9112, 3.2).
MaybeRefusal parse_target(std::string_view target, HttpRequest& request) {
  const auto visible = [](char c) { return c > 0x20 && c < 0x7f && c != '#'; };
  if (!std::all_of(target.begin(), target.end(), visible))
    return refuse("The request target has a character that no URI may have.");
  if (target == "*" && request.method == "OPTIONS") {
    request.path.assign(1, '*');
    return {};
  }
  if (const std::string start = lower(target.substr(0, 8)); start.starts_with("http://")) {
    const size_t slash = target.find('/', 7);
    target = slash == std::string_view::npos ? "/" : target.substr(slash);
  }
  if (!target.starts_with('/')) return refuse("The request target must be a path.");
  const size_t mark = target.find('?');
  request.path = target.substr(0, mark);
  request.query = mark == std::string_view::npos ? "" : target.substr(mark + 1);
  return {};
}

MaybeRefusal parse_request_line(std::string_view line, HttpRequest& request) {
  const size_t first = line.find(' '), last = line.rfind(' ');
  if (first == std::string_view::npos || first == last)
    return refuse("The request line must be METHOD TARGET HTTP/1.1.");
  request.method = line.substr(0, first);
  if (!is_token(request.method) || request.method.size() > 32)
    return refuse("The method is not a token.");
  if (auto bad = parse_version(line.substr(last + 1), request)) return bad;
  return parse_target(line.substr(first + 1, last - first - 1), request);
}

MaybeRefusal parse_field(std::string_view line, HttpRequest& request) {
  if (request.headers.size() == kHeadersMax) return refuse("Too many header fields.", 431);
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return refuse("A header field has no colon.");
  if (!is_token(line.substr(0, colon)))
    return refuse("A header field's name is not a token followed by a colon.");
  request.headers.push_back(
      {lower(line.substr(0, colon)), std::string(trim(line.substr(colon + 1)))});
  return {};
}

size_t count(const HttpRequest& request, std::string_view name) {
  return static_cast<size_t>(std::count_if(request.headers.begin(), request.headers.end(),
                                           [&](const Header& h) { return h.name == name; }));
}

MaybeRefusal check_host(const HttpRequest& request) {
  const size_t hosts = count(request, "host");
  if (hosts > 1) return refuse("There must be one Host field.");
  if (hosts == 0) {
    if (request.minor_version == 0) return {};
    return refuse("The Host field is missing.");
  }
  const std::string_view host = request.header("host");
  const auto allowed = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) ||
           std::string_view("-._~:[]%").find(c) != std::string_view::npos;
  };
  if (!std::all_of(host.begin(), host.end(), allowed))
    return refuse("The Host field is malformed.");
  return {};
}

MaybeRefusal check_length(const HttpRequest& request) {
  const size_t lengths = count(request, "content-length");
  const size_t encodings = count(request, "transfer-encoding");
  if (lengths > 1 || encodings > 1) return refuse("The body's length is given more than once.");
  if (lengths + encodings > 1)
    return refuse("Content-Length and Transfer-Encoding exclude each other.");
  if (lengths == 1) {
    const std::string_view length = request.header("content-length");
    if (!is_digits(length) || length.size() > 18)
      return refuse("Content-Length must be a decimal number.");
  }
  if (encodings == 1) {
    if (request.minor_version == 0) return refuse("HTTP/1.0 has no Transfer-Encoding.");
    if (lower(request.header("transfer-encoding")) != "chunked")
      return refuse("Transfer-Encoding may only be chunked.");
  }
  return {};
}

// `close` and `keep-alive` among the tokens of Connection.
void read_connection(HttpRequest& request) {
  request.keep_alive = request.minor_version == 1;
  for (const Header& header : request.headers) {
    if (header.name != "connection") continue;
    const std::string value = lower(header.value);
    if (value.find("close") != std::string::npos) {
      request.keep_alive = false;
      return;
    }
    if (value.find("keep-alive") != std::string::npos) request.keep_alive = true;
  }
}

}  // namespace

bool may_follow(char previous, char byte) {
  if ((previous == '\r') != (byte == '\n')) return false;
  const auto code = static_cast<unsigned char>(byte);
  return (code >= 0x20 && code != 0x7f) || byte == '\t' || byte == '\r' || byte == '\n';
}

std::optional<Refusal> parse_head(std::string_view head, HttpRequest& request) {
  size_t end = head.find("\r\n");
  if (auto bad = parse_request_line(head.substr(0, end), request)) return bad;
  for (size_t begin = end + 2; begin < head.size(); begin = end + 2) {
    end = head.find("\r\n", begin);
    if (end == begin) break;
    if (auto bad = parse_field(head.substr(begin, end - begin), request)) return bad;
  }
  if (auto bad = check_host(request)) return bad;
  if (auto bad = check_length(request)) return bad;
  read_connection(request);
  return {};
}

}  // namespace weir::server
