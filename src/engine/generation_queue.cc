#include "engine/generation_queue.h"

#include <utility>

#include "engine/request_check.h"

namespace weir {

GenerationQueue::GenerationQueue(Loop& loop, GenerationContext context,
                                 const EngineOptions& options)
    : loop_(loop),
      context_(std::move(context)),
      options_(options),
      line_({options.sequences_max, context_.pages.budget(), options.queue_requests_max,
             options.queue_tokens_max}) {
  context_.admitted = [this](const Generation& g) {
    const std::lock_guard lock(mutex_);
    line_.admit(g.id());
  };
  context_.choice_ended = [this](const Generation& g) {
    const std::lock_guard lock(mutex_);
    line_.shrink(g.id());
  };
  context_.generated = [this](uint32_t tokens) { generated_tokens_ += tokens; };
  context_.over = [this](Generation& g) { forget(g); };
}

Result<RequestId> GenerationQueue::submit(Request request, EventHandler handler) {
  WEIR_TRY(check_choices(request, options_));
  const Need need{request.choices, Generation::peak_bytes(request, context_),
                  request.prompt.size()};
  RequestId id;
  {
    const std::lock_guard lock(mutex_);
    if (draining_) return fail(Code::kUnavailable, "the server is shutting down");
    WEIR_TRY(line_.add(last_id_ + 1, need, request.companion != 0));
    id = ++last_id_;
    ++alive_;
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
    line_.remove(generation.id());
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
  stats.requests_waiting = line_.requests();
  stats.requests_running = alive_ - line_.requests();
  stats.waiting_tokens = line_.tokens();
  stats.prompt_tokens = loop_.prompt_tokens();
  stats.generated_tokens = generated_tokens_;
}

}  // namespace weir
