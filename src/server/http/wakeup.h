// A flag that one coroutine waits for. Set and waited for on the I/O thread only.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>

namespace weir::server {

using Clock = std::chrono::steady_clock;

class Wakeup {
 public:
  explicit Wakeup(const boost::asio::any_io_executor& executor) : timer_(executor) {}

  void notify();
  // Returns at once if notified since the last wait. False: the deadline passed instead.
  boost::asio::awaitable<bool> wait_until(Clock::time_point deadline);

 private:
  boost::asio::steady_timer timer_;
  bool notified_ = false;
};

}  // namespace weir::server
