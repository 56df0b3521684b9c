#include "server/http/connection.h"

#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <utility>

#include "server/http/response_writer.h"

namespace weir::server {
namespace {

namespace asio = boost::asio;

constexpr int kClientLeft = 499;
constexpr size_t kInboxBytesMax = 64 << 10;
constexpr size_t kWriteBytesMax = 64 << 10;
constexpr std::chrono::milliseconds kLinger{1'000};
constexpr size_t kDiscardedBytesMax = 32 << 20;
// For so long a full inbox may wait for the answer before it.
constexpr std::chrono::milliseconds kPatience{100};

}  // namespace

void Connection::start(std::unique_ptr<ByteStream> stream, Application& application,
                       const ConnectionLimits& limits, std::function<void()> ended) {
  auto executor = stream->executor();
  auto self = std::make_shared<Connection>(std::move(stream), application, limits);
  auto serve = [](std::shared_ptr<Connection> me, std::function<void()> done) -> Void {
    co_await me->run();
    me->abort();
    done();
  };
  auto read = [](std::shared_ptr<Connection> me) -> Void { co_await me->read_ahead(); };
  asio::co_spawn(executor, serve(self, std::move(ended)), asio::detached);
  asio::co_spawn(executor, read(self), asio::detached);
}

Connection::Connection(std::unique_ptr<ByteStream> stream, Application& application,
                       const ConnectionLimits& limits)
    : stream_(std::move(stream)),
      application_(application),
      limits_(limits),
      wakeup_(stream_->executor()),
      room_(stream_->executor()),
      write_timer_(stream_->executor()) {}

asio::awaitable<void> Connection::run() {
  bool more = true;
  while (more) {
    RequestReader reader(limits_.read);
    more = co_await receive(reader);
    if (!more) break;
    co_await answer(reader);
    more = keep_alive_ && !broken_;
  }
  if (!broken_) co_await linger();
}

// True when a whole request is there; false when the connection is to end.
asio::awaitable<bool> Connection::receive(RequestReader& reader) {
  auto deadline = Clock::now() + limits_.idle_timeout;
  bool started = false;
  while (!broken_) {
    const bool going = co_await advance(reader);
    if (!going) co_return false;
    if (reader.state() == RequestReader::State::kComplete) co_return true;
    if (input_ended_) co_return false;
    const bool under_way = reader.state() != RequestReader::State::kEmpty;
    if (under_way != started)
      deadline = Clock::now() + (under_way ? limits_.request_timeout : limits_.idle_timeout);
    started = under_way;
    const bool notified = co_await wakeup_.wait_until(deadline);
    if (notified && Clock::now() < deadline) continue;
    if (started) {
      Refusal late{408, "The request took too long to arrive."};
      HttpResponse response = application_.refusal(late);
      keep_alive_ = false;
      request_ = nullptr;
      co_await reply(std::move(response));
    }
    co_return false;
  }
  co_return false;
}

// Feeds what has been read. False: the request was refused, and answered.
asio::awaitable<bool> Connection::advance(RequestReader& reader) {
  using State = RequestReader::State;
  while (!inbox_.empty() && reader.state() != State::kComplete) {
    const bool before_head = reader.state() < State::kBody;
    const size_t taken = reader.feed(inbox_);
    inbox_.erase(0, taken);
    room_.notify();
    if (reader.state() == State::kFailed) {
      HttpResponse response = application_.refusal(reader.failure());
      request_ = nullptr;
      keep_alive_ = false;
      co_await reply(std::move(response));
      co_return false;
    }
    if (before_head && reader.state() >= State::kBody) {
      const bool welcome = co_await head_arrived(reader);
      if (!welcome) co_return false;
    }
    if (taken == 0) break;
  }
  co_return true;
}

asio::awaitable<bool> Connection::head_arrived(RequestReader& reader) {
  HttpRequest& request = reader.request();
  const bool waiting_for_body = reader.state() == RequestReader::State::kBody;
  keep_alive_ = request.keep_alive;
  auto refused = application_.admit(request);
  const std::string_view expect = request.header("expect");
  if (!refused && !expect.empty() && expect != "100-continue" && expect != "100-Continue")
    refused = application_.refusal({417, "Of expectations only 100-continue is known."});
  if (refused) {
    // The body is not read, so the connection cannot go on; without one it can.
    if (waiting_for_body || refused->close) keep_alive_ = false;
    request_ = &request;
    const auto begin = Clock::now();
    served_ = {};
    co_await reply(std::move(*refused));
    served_.duration = Clock::now() - begin;
    application_.served(request, served_);
    request_ = nullptr;
    if (!keep_alive_) co_return false;
    reader = RequestReader(limits_.read);
    co_return true;
  }
  if (!expect.empty() && waiting_for_body && request.minor_version == 1) {
    const bool sent = co_await send("HTTP/1.1 100 Continue\r\n\r\n");
    co_return sent;
  }
  co_return true;
}

asio::awaitable<void> Connection::answer(RequestReader& reader) {
  request_ = &reader.request();
  served_ = {};
  const auto begin = Clock::now();
  answering_ = true;
  const bool handled = co_await application_.handle(*this);
  answering_ = false;
  gone_hook_ = nullptr;
  if (broken_) served_.status = handled ? kClientLeft : 500;
  served_.duration = Clock::now() - begin;
  application_.served(*request_, served_);
  request_ = nullptr;
}

// Closing with unread input makes the kernel send a reset, which may overtake the answer. So the
// output is ended first, and input thrown away for a while.
asio::awaitable<void> Connection::linger() {
  stream_->shutdown_output();
  discard_input_ = true;
  inbox_.clear();
  room_.notify();
  const auto deadline = Clock::now() + kLinger;
  while (!gone() && Clock::now() < deadline) co_await wakeup_.wait_until(deadline);
}

asio::awaitable<void> Connection::read_ahead() {
  std::array<char, 16 << 10> bytes;
  while (!broken_) {
    if (inbox_.size() + bytes.size() > kInboxBytesMax) {
      const bool room = co_await room_.wait_until(Clock::now() + kPatience);
      if (!room && answering_) answer_no_more();
      continue;
    }
    boost::system::error_code error;
    auto into = asio::buffer(bytes);
    const size_t count = co_await stream_->read_some(into, error);
    if (discard_input_) {
      discarded_ += count;
      if (discarded_ > kDiscardedBytesMax) error = asio::error::eof;
    } else {
      inbox_.append(bytes.data(), count);
    }
    if (error) {
      if (error != asio::error::eof) broken_ = true;
      break;
    }
    if (!discard_input_) wakeup_.notify();
  }
  input_ended();
}

// With the inbox full nothing would be read, and the client's end not be noticed behind it. So the
// connection ends with the answer under way; whoever pipelines asks again, as HTTP has it.
void Connection::answer_no_more() {
  keep_alive_ = false;
  discard_input_ = true;
  inbox_.clear();
}

void Connection::input_ended() {
  input_ended_ = true;
  if (auto hook = std::exchange(gone_hook_, nullptr)) hook();
  wakeup_.notify();
}

asio::awaitable<bool> Connection::send(std::string_view bytes) {
  while (!bytes.empty() && !broken_) {
    arm_write_timer();
    boost::system::error_code error;
    auto piece = asio::buffer(bytes.data(), std::min(bytes.size(), kWriteBytesMax));
    const size_t count = co_await stream_->write_some(piece, error);
    served_.bytes += count;
    if (error) broken_ = true;
    bytes.remove_prefix(count);
  }
  write_timer_.cancel();
  co_return !broken_;
}

void Connection::arm_write_timer() {
  write_timer_.expires_after(limits_.idle_timeout);
  write_timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
    auto me = weak.lock();
    if (!error && me && me->write_timer_.expiry() <= Clock::now()) me->abort();
  });
}

void Connection::prepare(HttpResponse& response) {
  if (response.close || application_.draining()) keep_alive_ = false;
  if (request_) application_.decorate(*request_, response);
  served_.status = response.status;
}

asio::awaitable<void> Connection::reply(HttpResponse response) {
  prepare(response);
  const bool head_only = request_ && request_->method == "HEAD";
  const std::string bytes = whole_response(response, keep_alive_, head_only);
  co_await send(bytes);
}

asio::awaitable<bool> Connection::begin_stream(HttpResponse response) {
  prepare(response);
  chunked_ = request_->minor_version == 1;
  if (!chunked_) keep_alive_ = false;
  const std::string bytes = stream_head(response, keep_alive_, chunked_);
  const bool sent = co_await send(bytes);
  co_return sent;
}

asio::awaitable<bool> Connection::stream(std::string bytes) {
  if (bytes.empty()) co_return !broken_;
  if (chunked_) bytes = chunk(bytes);
  const bool sent = co_await send(bytes);
  co_return sent;
}

asio::awaitable<void> Connection::end_stream() {
  if (chunked_) co_await send(kLastChunk);
}

void Connection::when_gone(std::function<void()> hook) {
  gone_hook_ = std::move(hook);
}

void Connection::abort() {
  broken_ = true;
  write_timer_.cancel();
  stream_->close();
  room_.notify();
  wakeup_.notify();
}

}  // namespace weir::server
