#include "server/http/wakeup.h"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

namespace weir::server {

void Wakeup::notify() {
  notified_ = true;
  timer_.cancel();
}

boost::asio::awaitable<bool> Wakeup::wait_until(Clock::time_point deadline) {
  if (!notified_) {
    timer_.expires_at(deadline);
    boost::system::error_code ignored;
    auto token = boost::asio::redirect_error(boost::asio::use_awaitable, ignored);
    co_await timer_.async_wait(token);
  }
  co_return std::exchange(notified_, false);
}

}  // namespace weir::server
