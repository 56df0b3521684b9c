#include "server/http/request_reader.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "server/http/head_parser.h"

namespace weir::server {
namespace {

namespace http = boost::beast::http;

// A chunk's size line with its extension, or all trailers: what cannot be taken within these bytes
// is refused.
constexpr size_t kFramingBytesMax = 8 << 10;
constexpr size_t kEmptyLineBytesMax = 8;

}  // namespace

// Beast takes the body apart; the head reaches it only after our stricter reading.
struct RequestReader::Body {
  http::request_parser<http::string_body> parser;
};

RequestReader::RequestReader(const ReadLimits& limits) : limits_(limits) {}
RequestReader::RequestReader(RequestReader&&) noexcept = default;
RequestReader& RequestReader::operator=(RequestReader&&) noexcept = default;
RequestReader::~RequestReader() = default;

size_t RequestReader::feed(std::string_view bytes) {
  if (state_ == State::kEmpty || state_ == State::kHead) return feed_head(bytes);
  if (state_ == State::kBody) return feed_body(bytes);
  return 0;
}

size_t RequestReader::feed_head(std::string_view bytes) {
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (!may_follow(head_.empty() ? '\0' : head_.back(), bytes[i])) {
      fail(400, "The head has a byte that may not stand there.");
      return i;
    }
    head_ += bytes[i];
    if (head_.find_first_not_of("\r\n") == std::string::npos) {
      if (head_.size() > kEmptyLineBytesMax) fail(400, "There are empty lines before the request.");
      if (state_ == State::kFailed) return i + 1;
      continue;
    }
    if (state_ == State::kEmpty) {
      state_ = State::kHead;
      head_.erase(0, head_.size() - 1);
    }
    if (head_.size() > limits_.header_bytes) {
      fail(431, "The request's head is too large.");
      return i + 1;
    }
    if (head_.ends_with("\r\n\r\n")) {
      end_head();
      return i + 1;
    }
  }
  return bytes.size();
}

void RequestReader::end_head() {
  if (auto refusal = parse_head(head_, request_)) {
    fail(refusal->status, std::move(refusal->message));
    return;
  }
  body_ = std::make_unique<Body>();
  body_->parser.eager(true);
  body_->parser.header_limit(limits_.header_bytes + 1);
  body_->parser.body_limit(limits_.body_bytes);
  boost::system::error_code error;
  body_->parser.put(boost::asio::buffer(head_), error);
  if (error == http::error::body_limit) return fail(413, "The request's body is too large.");
  if (error && error != http::error::need_more) return fail(400, "The request is malformed.");
  state_ = body_->parser.is_done() ? State::kComplete : State::kBody;
  head_ = {};
}

size_t RequestReader::feed_body(std::string_view bytes) {
  if (bytes.empty()) return 0;
  boost::system::error_code error;
  const size_t taken = body_->parser.put(boost::asio::buffer(bytes), error);
  if (error == http::error::body_limit) {
    fail(413, "The request's body is too large.");
  } else if (error && error != http::error::need_more) {
    fail(400, "The request's body is malformed.");
  } else if (body_->parser.is_done()) {
    request_.body = std::move(body_->parser.get().body());
    state_ = State::kComplete;
  } else if (bytes.size() - taken > kFramingBytesMax) {
    fail(400, "A chunk's size line or the trailers are too long.");
  }
  return taken;
}

void RequestReader::fail(int status, std::string message) {
  state_ = State::kFailed;
  failure_ = {status, std::move(message)};
  body_.reset();
}

}  // namespace weir::server
