#include "server/api/generation.h"

#include <boost/asio/post.hpp>
#include <iterator>
#include <utility>

namespace weir::server {

Result<std::shared_ptr<Generation>> Generation::start(TextService& service,
                                                      std::vector<Request> requests,
                                                      boost::asio::any_io_executor executor,
                                                      Hooks hooks, size_t events_max) {
  auto self =
      std::make_shared<Generation>(service, std::move(executor), std::move(hooks), events_max);
  for (uint32_t i = 0; i < requests.size(); ++i) {
    auto handler = [self, i](const Event& event) { self->push(i, event); };
    // The job is accepted or refused as one: by what its first prompt finds.
    if (i > 0) requests[i].companion = self->ids_.front();
    auto id = service.submit(std::move(requests[i]), std::move(handler));
    if (!id) {
      self->detach();
      return fail(std::move(id.error()));
    }
    self->ids_.push_back(*id);
  }
  return self;
}

Generation::Generation(TextService& service, boost::asio::any_io_executor executor, Hooks hooks,
                       size_t events_max)
    : service_(service),
      executor_(std::move(executor)),
      hooks_(std::move(hooks)),
      events_max_(events_max) {}

// On the engine's thread: must not wait for a client. The post stays under the lock so that after
// detach() the executor is not touched.
void Generation::push(uint32_t prompt, const Event& event) {
  const std::lock_guard lock(mutex_);
  if (closed_ || overrun_) return;
  if (queue_.size() >= events_max_) {
    overrun_ = true;
  } else {
    queue_.push_back({prompt, event});
  }
  if (woken_ && !overrun_) return;
  woken_ = true;
  boost::asio::post(executor_, [self = shared_from_this()] { self->wake(); });
}

void Generation::wake() {
  if (overrun()) {
    cancel();
    if (hooks_.overrun) hooks_.overrun();
  }
  if (hooks_.arrived) hooks_.arrived();
}

std::vector<Arrival> Generation::take() {
  const std::lock_guard lock(mutex_);
  woken_ = false;
  std::vector<Arrival> out(std::make_move_iterator(queue_.begin()),
                           std::make_move_iterator(queue_.end()));
  queue_.clear();
  return out;
}

bool Generation::overrun() const {
  const std::lock_guard lock(mutex_);
  return overrun_;
}

void Generation::cancel() {
  for (const RequestId id : ids_) service_.cancel(id);
}

void Generation::detach() {
  hooks_ = {};
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(closed_, true)) return;
    queue_.clear();
  }
  cancel();
}

}  // namespace weir::server
