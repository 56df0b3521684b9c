// The engine's thread: takes what callers hand in, asks the scheduler, runs the step.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "engine/runner.h"
#include "engine/stream.h"
#include "kv/page_pool.h"
#include "sched/scheduler.h"
#include "weir/engine.h"

namespace weir {

class Loop {
 public:
  // Builds what must live on the loop's thread (and spins up its pool) inside that thread.
  struct Parts {
    Model* model;
    PagePool* pages;
    const Scheduler* scheduler;
    uint32_t layers, d_model, vocabulary;
    int32_t step_rows_max;
    uint32_t sequences_max;
  };
  explicit Loop(const Parts& parts);
  ~Loop() { end(); }

  // Runs what was posted, cancels every driver, ends the thread. Nothing may be posted after it.
  void end();

  // Runs `task` on the loop's thread between steps. From any thread.
  void post(std::function<void()> task);
  // Likewise, and waits for it. Not from the loop's own thread.
  void call(const std::function<void()>& task);

  // --- On the loop's thread only ---
  uint64_t new_id() { return ++last_id_; }
  // A stream with tokens to compute joins, in order of arrival; the driver stays its owner's. A
  // stream leaves by being marked done; then `left` is told, and the stream may be destroyed.
  void join(Stream& stream);
  void leave_when_done(std::function<void()> destroy) { leaving_.push_back(std::move(destroy)); }

  uint64_t steps() const { return steps_.load(std::memory_order_relaxed); }
  // Of requests, computed so far.
  uint64_t prompt_tokens() const { return prompt_tokens_.load(std::memory_order_relaxed); }
  uint32_t running() const { return running_.load(std::memory_order_relaxed); }
  std::chrono::steady_clock::time_point last_step() const {
    return std::chrono::steady_clock::time_point(
        std::chrono::steady_clock::duration(last_step_.load(std::memory_order_relaxed)));
  }

 private:
  void work();
  bool take_tasks();
  bool step();
  void forget_done();

  Parts parts_;
  Runner runner_;
  std::vector<Stream*> active_;  // In order of arrival.
  std::vector<Candidate> candidates_;
  std::vector<std::function<void()>> leaving_;
  uint64_t last_id_ = 0;
  bool stalled_ = false;  // What is active waits for memory that only a task can free.

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> tasks_;
  bool stop_ = false;

  std::atomic<uint64_t> steps_{0}, prompt_tokens_{0};
  std::atomic<uint32_t> running_{0};
  std::atomic<int64_t> last_step_{0};
  std::thread thread_;
};

}  // namespace weir
