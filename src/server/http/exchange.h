// One request and the ways to answer it; and the application that answers.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <optional>
#include <string>

#include "server/http/message.h"
#include "server/http/wakeup.h"

namespace weir::server {

// What a handler sees of its connection. Lives until the handler has returned; all of it on the
// I/O thread. Answer once: reply(), or begin_stream(), stream()..., end_stream().
class Exchange {
 public:
  virtual ~Exchange() = default;
  virtual const HttpRequest& request() const = 0;

  virtual boost::asio::awaitable<void> reply(HttpResponse response) = 0;
  // `response` without a body. False from here on means that the client is gone.
  virtual boost::asio::awaitable<bool> begin_stream(HttpResponse response) = 0;
  virtual boost::asio::awaitable<bool> stream(std::string bytes) = 0;
  virtual boost::asio::awaitable<void> end_stream() = 0;

  // The client has reset the connection or closed its side. A half-close counts: it cannot be told
  // from a close, and work that nobody reads must stop.
  virtual bool gone() const = 0;
  // Called once, as soon as gone() becomes true; null takes it back.
  virtual void when_gone(std::function<void()> hook) = 0;
  // Closes the connection at once; pending writes fail.
  virtual void abort() = 0;
  // Notified when the client goes, and by whomever the handler hands it to.
  virtual Wakeup& wakeup() = 0;
};

// What a served request was, for logs and metrics.
struct Served {
  int status = 0;  // 499: the client left before it had its answer.
  uint64_t bytes = 0;
  Clock::duration duration{};
};

class Application {
 public:
  virtual ~Application() = default;
  // Called with the head alone, before the body is read: gives the request its id, and may refuse.
  virtual std::optional<HttpResponse> admit(HttpRequest& request) = 0;
  // False: the handler failed, and aborted the exchange.
  virtual boost::asio::awaitable<bool> handle(Exchange& exchange) = 0;
  // The answer to bytes that are no request.
  virtual HttpResponse refusal(const Refusal& why) = 0;
  // Fields that every answer to this request has.
  virtual void decorate(const HttpRequest& request, HttpResponse& response) = 0;
  virtual void served(const HttpRequest& request, const Served& served) = 0;
  // After the present request no other is taken on a connection.
  virtual bool draining() const = 0;
};

}  // namespace weir::server
