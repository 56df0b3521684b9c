// One client's connection: requests in, one at a time, each answered before the next is looked at.
//
// A second coroutine reads ahead all the while, into a small bounded buffer, so that a client that
// goes away is noticed whatever the connection is doing. Pipelined requests wait in that buffer; if
// it is full for long, the connection ends with the answer under way.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "server/http/byte_stream.h"
#include "server/http/exchange.h"
#include "server/http/request_reader.h"

namespace weir::server {

struct ConnectionLimits {
  ReadLimits read;
  std::chrono::milliseconds request_timeout{10'000};  // From a request's first byte to its last.
  std::chrono::milliseconds idle_timeout{
      60'000};  // Between requests; for a write without progress.
};

class Connection : public std::enable_shared_from_this<Connection>, private Exchange {
 public:
  // Serves the stream on its executor until it ends; then calls `ended`. The application must
  // outlive that.
  static void start(std::unique_ptr<ByteStream> stream, Application& application,
                    const ConnectionLimits& limits, std::function<void()> ended);

  Connection(std::unique_ptr<ByteStream> stream, Application& application,
             const ConnectionLimits& limits);

 private:
  using Void = boost::asio::awaitable<void>;
  using Bool = boost::asio::awaitable<bool>;

  Void run();
  Bool receive(RequestReader& reader);
  Bool advance(RequestReader& reader);
  Bool head_arrived(RequestReader& reader);
  Void answer(RequestReader& reader);
  Void linger();

  Void read_ahead();
  void answer_no_more();
  void input_ended();

  Bool send(std::string_view bytes);
  void arm_write_timer();
  void prepare(HttpResponse& response);

  const HttpRequest& request() const override { return *request_; }
  Void reply(HttpResponse response) override;
  Bool begin_stream(HttpResponse response) override;
  Bool stream(std::string bytes) override;
  Void end_stream() override;
  bool gone() const override { return input_ended_ || broken_; }
  void when_gone(std::function<void()> hook) override;
  void abort() override;
  Wakeup& wakeup() override { return wakeup_; }

  std::unique_ptr<ByteStream> stream_;
  Application& application_;
  ConnectionLimits limits_;

  size_t discarded_ = 0;  // While lingering, or behind a long answer.
  std::string inbox_;     // Read but not yet understood.
  bool input_ended_ = false, broken_ = false, discard_input_ = false, answering_ = false;
  Wakeup wakeup_, room_;
  boost::asio::steady_timer write_timer_;

  HttpRequest* request_ = nullptr;  // The one being answered.
  bool keep_alive_ = true, chunked_ = false;
  Served served_;
  std::function<void()> gone_hook_;
};

}  // namespace weir::server
