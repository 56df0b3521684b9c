// Work that takes long runs on a small pool, so that the I/O thread never waits for it.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/thread_pool.hpp>
#include <exception>
#include <functional>
#include <memory>
#include <optional>

#include "server/http/wakeup.h"
#include "weir/status.h"

namespace weir::server {

// Runs `work` (which returns a Result) on the pool; the awaiting coroutine goes on where it was.
// What `work` refers to must outlive the pool's last job.
template <typename T>
boost::asio::awaitable<Result<T>> offload(boost::asio::thread_pool& pool,
                                          std::function<Result<T>()> work) {
  struct Slot {
    explicit Slot(const boost::asio::any_io_executor& executor) : ready(executor) {}
    std::optional<Result<T>> result;
    Wakeup ready;
  };
  const boost::asio::any_io_executor home = co_await boost::asio::this_coro::executor;
  auto slot = std::make_shared<Slot>(home);
  // The pool's last act is to hand the slot back: its timer dies on the I/O thread.
  boost::asio::post(pool, [waiting = slot, home, work = std::move(work)]() mutable {
    std::optional<Result<T>> result;
    try {
      result.emplace(work());
    } catch (const std::exception& error) {
      result.emplace(fail(Code::kInternal, error.what()));
    }
    auto deliver = [waiting = std::move(waiting), result = std::move(result)]() mutable {
      waiting->result = std::move(result);
      waiting->ready.notify();
    };
    boost::asio::post(home, std::move(deliver));
  });
  while (!slot->result) co_await slot->ready.wait_until(Clock::time_point::max());
  co_return std::move(*slot->result);
}

}  // namespace weir::server
