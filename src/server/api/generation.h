// A job at work: its requests in the engine, and a bounded queue of their events between the
// engine's thread and the I/O thread.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "server/service.h"

namespace weir::server {

// How many events may wait for a streaming client that reads more slowly than the engine writes:
// some steps' worth.
constexpr size_t stream_events_max(size_t choices) {
  return choices < 64 ? 4096 : 64 * choices;
}

struct Arrival {
  uint32_t prompt = 0;
  Event event;
};

// All but the engine's handler runs on the executor's one thread.
class Generation : public std::enable_shared_from_this<Generation> {
 public:
  struct Hooks {
    std::function<void()> arrived;  // There is something to take().
    std::function<void()> overrun;  // The queue was full: the generation is cancelled.
  };

  // Submits all requests or, if one is refused, none. Those after the first may wait beyond the
  // bounds of the engine's queue, as they came with it.
  static Result<std::shared_ptr<Generation>> start(TextService& service,
                                                   std::vector<Request> requests,
                                                   boost::asio::any_io_executor executor,
                                                   Hooks hooks, size_t events_max);
  Generation(TextService& service, boost::asio::any_io_executor executor, Hooks hooks,
             size_t events_max);

  // What has arrived since the last call, in order.
  std::vector<Arrival> take();
  bool overrun() const;

  // Ends the requests; their EndEvents still arrive.
  void cancel();
  // Cancels, and lets go: nothing arrives any more and no hook is called.
  void detach();

 private:
  void push(uint32_t prompt, const Event& event);
  void wake();

  TextService& service_;
  boost::asio::any_io_executor executor_;
  Hooks hooks_;
  const size_t events_max_;
  std::vector<RequestId> ids_;

  mutable std::mutex mutex_;  // Guards what follows.
  std::deque<Arrival> queue_;
  bool woken_ = false, overrun_ = false, closed_ = false;
};

// Detaches when a handler ends, however it ends.
class GenerationGuard {
 public:
  explicit GenerationGuard(std::shared_ptr<Generation> generation)
      : generation_(std::move(generation)) {}
  GenerationGuard(const GenerationGuard&) = delete;
  GenerationGuard& operator=(const GenerationGuard&) = delete;
  ~GenerationGuard() { generation_->detach(); }
  Generation* operator->() const { return generation_.get(); }

 private:
  std::shared_ptr<Generation> generation_;
};

}  // namespace weir::server
