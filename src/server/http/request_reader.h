// Bytes in, one request out: no sockets, no waiting. A connection keeps one reader per request.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "server/http/message.h"

namespace weir::server {

struct ReadLimits {
  uint32_t header_bytes = 16 << 10;
  uint64_t body_bytes = 8 << 20;
};

class RequestReader {
 public:
  enum class State {
    kEmpty,     // Nothing but empty lines before a request.
    kHead,      // In the head.
    kBody,      // The head is whole; the body is not.
    kComplete,  // The request is whole.
    kFailed,    // failure() says why; the connection cannot go on.
  };

  explicit RequestReader(const ReadLimits& limits);
  RequestReader(RequestReader&&) noexcept;
  RequestReader& operator=(RequestReader&&) noexcept;
  ~RequestReader();

  // Takes bytes and says how many it took. It stops after the head, and after the request: what
  // follows belongs to the next one. Bytes not taken are to be offered again, with more behind.
  size_t feed(std::string_view bytes);

  State state() const { return state_; }
  HttpRequest& request() { return request_; }
  const Refusal& failure() const { return failure_; }

 private:
  struct Body;
  size_t feed_head(std::string_view bytes);
  size_t feed_body(std::string_view bytes);
  void end_head();
  void fail(int status, std::string message);

  ReadLimits limits_;
  State state_ = State::kEmpty;
  std::string head_;
  HttpRequest request_;
  Refusal failure_;
  std::unique_ptr<Body> body_;
};

}  // namespace weir::server
