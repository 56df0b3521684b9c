#include "engine/generation_queue.h"

#include <fmt/format.h>

#include <utility>

namespace weir {

GenerationQueue::GenerationQueue(Loop& loop, GenerationContext context,
                                 const EngineOptions& options)
    : loop_(loop), context_(std::move(context)), options_(options) {
  context_.admitted = [this](const Generation& g) {
    const std::lock_guard lock(mutex_);
    --waiting_;
    waiting_tokens_ -= g.request().prompt.size();
  };
  context_.over = [this](Generation& g) { forget(g); };
}

Result<RequestId> GenerationQueue::submit(Request request, EventHandler handler) {
  RequestId id;
  {
    const std::lock_guard lock(mutex_);
    const uint64_t tokens = request.prompt.size();
    if (draining_) return fail(Code::kUnavailable, "the server is shutting down");
    if (waiting_ >= options_.queue_requests_max ||
        waiting_tokens_ + tokens > options_.queue_tokens_max)
      return fail(Code::kUnavailable,
                  fmt::format("the queue is full: {} requests with {} tokens wait", waiting_,
                              waiting_tokens_));
    id = ++last_id_;
    ++waiting_;
    ++alive_;
    waiting_tokens_ += tokens;
  }
  auto generation = std::make_shared<std::unique_ptr<Generation>>(
      std::make_unique<Generation>(id, std::move(request), std::move(handler), context_));
  loop_.post([this, id, generation] {
    Generation& g = *(generations_[id] = std::move(*generation));
    g.start();
  });
  return id;
}

void GenerationQueue::cancel(RequestId id) {
  loop_.post([this, id] {
    if (const auto found = generations_.find(id); found != generations_.end())
      found->second->cancel();
  });
}

// The step may still hold pointers to its streams: it is destroyed when they are forgotten.
void GenerationQueue::forget(Generation& generation) {
  {
    const std::lock_guard lock(mutex_);
    if (generation.waiting()) {
      --waiting_;
      waiting_tokens_ -= generation.request().prompt.size();
    }
    prompt_tokens_ += generation.request().prompt.size();
    generated_tokens_ += generation.generated();
  }
  loop_.leave_when_done([this, id = generation.id()] {
    generations_.erase(id);
    const std::lock_guard lock(mutex_);
    if (--alive_ == 0) empty_.notify_all();
  });
}

bool GenerationQueue::drain(std::chrono::milliseconds deadline) {
  std::unique_lock lock(mutex_);
  draining_ = true;
  const auto empty = [&] { return alive_ == 0; };
  if (empty_.wait_for(lock, deadline, empty)) return true;
  loop_.post([this] {
    for (auto& [id, generation] : generations_) generation->cancel();
  });
  empty_.wait(lock, empty);
  return false;
}

void GenerationQueue::report(EngineStats& stats) const {
  const std::lock_guard lock(mutex_);
  stats.requests_waiting = waiting_;
  stats.requests_running = alive_ - waiting_;
  stats.waiting_tokens = waiting_tokens_;
  stats.prompt_tokens = prompt_tokens_;
  stats.generated_tokens = generated_tokens_;
}

}  // namespace weir
