#include "engine/loop.h"

#include <algorithm>
#include <future>
#include <utility>

#include "base/check.h"
#include "base/float_mode.h"

namespace weir {

Loop::Loop(const Parts& parts)
    : parts_(parts),
      runner_(*parts.model, parts.d_model, parts.vocabulary),
      thread_([this] { work(); }) {}

void Loop::end() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void Loop::post(std::function<void()> task) {
  {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
  }
  wake_.notify_one();
}

void Loop::call(const std::function<void()>& task) {
  std::promise<void> done;
  post([&] {
    task();
    done.set_value();
  });
  done.get_future().wait();
}

void Loop::join(Stream& stream) {
  WEIR_CHECK(stream.driver && stream.known() > stream.cache.length(), "known {} computed {}",
             stream.known(), stream.cache.length());
  stream.done = false;
  active_.push_back(&stream);
}

void Loop::work() {
  const FloatMode mode;
  while (take_tasks()) {
    stalled_ = !step();
    if (!stalled_) ++steps_;
    last_step_ = std::chrono::steady_clock::now().time_since_epoch().count();
  }
  for (Stream* s : std::vector<Stream*>(active_))
    if (!s->done) s->driver->cancel();
  forget_done();
}

// Waits for something to do: a task, or a step that is not known to be empty. False at the end.
bool Loop::take_tasks() {
  std::deque<std::function<void()>> tasks;
  {
    std::unique_lock lock(mutex_);
    wake_.wait(lock, [&] { return stop_ || !tasks_.empty() || (!active_.empty() && !stalled_); });
    tasks.swap(tasks_);
    if (stop_ && tasks.empty()) return false;
  }
  for (const auto& task : tasks) task();
  forget_done();
  return true;
}

// One step: what there is, what of it to compute, compute it.
bool Loop::step() {
  candidates_.clear();
  for (const Stream* s : active_)
    candidates_.push_back({s->id, s->known(), s->cache.length(), s->peak_bytes, s->sequences,
                           s->admitted, s->wanted, s->next_point(), s->cascade()});
  const StepPlan plan = parts_.scheduler->plan(
      candidates_, {parts_.step_rows_max, parts_.sequences_max,
                    parts_.pages->budget() - parts_.pages->promised(), parts_.layers});
  const auto find = [&](uint64_t id) {
    return *std::ranges::find(active_, id, [](const Stream* s) { return s->id; });
  };
  for (uint64_t id : plan.admitted) {
    find(id)->admitted = true;
    find(id)->driver->admit();
  }
  std::vector<Stream*> streams(plan.work.size());
  std::ranges::transform(plan.work, streams.begin(),
                         [&](const Work& w) { return find(w.sequence); });
  // Before anyone hears of the step: who does may ask for the figure.
  for (size_t i = 0; i < streams.size(); ++i) {
    const Work& w = plan.work[i];
    if (w.layer_end < parts_.layers) continue;
    const int32_t end = std::min(w.position + w.rows, streams[i]->prompt);
    prompt_tokens_ += static_cast<uint64_t>(std::max(end - w.position, 0));
  }
  runner_.run(plan, streams);
  forget_done();
  return !plan.work.empty();
}

void Loop::forget_done() {
  std::erase_if(active_, [](const Stream* s) { return s->done; });
  running_ = static_cast<uint32_t>(std::ranges::count_if(active_, &Stream::admitted));
  for (const auto& destroy : std::exchange(leaving_, {})) destroy();
}

}  // namespace weir
