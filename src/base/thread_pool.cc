#include "base/thread_pool.h"

#include <sched.h>

#include <algorithm>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "base/check.h"

namespace weir {
namespace {

// Long enough to bridge the gap between two phases of a step, short enough to leave the core to
// others when the engine is idle. Threads that share a core give it up at once: whoever they wait
// for may be the one that needs it.
constexpr int kSpins = 20'000;
constexpr int kSpinsShared = 50;

int spins_for(int threads) {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  const bool shared =
      sched_getaffinity(0, sizeof cores, &cores) == 0 && CPU_COUNT(&cores) < threads;
  return shared ? kSpinsShared : kSpins;
}

void pause() {
#if defined(__x86_64__)
  _mm_pause();
#else
  std::this_thread::yield();
#endif
}

}  // namespace

ThreadPool::ThreadPool(int threads) : spins_(spins_for(threads)) {
  WEIR_CHECK(threads >= 1, "{} threads", threads);
  for (int me = 1; me < threads; ++me) workers_.emplace_back([this, me] { work(me); });
}

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
    ++turn_;
  }
  wake_.notify_all();
  for (std::thread& t : workers_) t.join();
}

void ThreadPool::run(const std::function<void(int me)>& job) {
  if (workers_.empty()) return job(0);
  job_ = &job;
  busy_.store(static_cast<int>(workers_.size()), std::memory_order_relaxed);
  turn_.fetch_add(1);  // Sequentially consistent with asleep_ below: one of the two sees the other.
  if (asleep_.load() > 0) {
    const std::lock_guard lock(mutex_);
    wake_.notify_all();
  }
  job(0);
  for (int spins = 0; spins < spins_ && busy_.load(std::memory_order_acquire) > 0; ++spins) pause();
  for (int left; (left = busy_.load(std::memory_order_acquire)) > 0;) busy_.wait(left);
  job_ = nullptr;
}

void ThreadPool::for_each(size_t count, const std::function<void(size_t i)>& body) {
  if (workers_.empty() || count <= 1) {
    for (size_t i = 0; i < count; ++i) body(i);
    return;
  }
  std::atomic<size_t> next{0};
  run([&](int) {
    for (size_t i; (i = next.fetch_add(1, std::memory_order_relaxed)) < count;) body(i);
  });
}

void ThreadPool::work(int me) {
  uint32_t seen = 0;
  for (;;) {
    for (int spins = 0; turn_.load(std::memory_order_acquire) == seen && spins < spins_; ++spins)
      pause();
    if (turn_.load() == seen) {
      std::unique_lock lock(mutex_);
      ++asleep_;
      wake_.wait(lock, [&] { return turn_.load() != seen; });
      --asleep_;
    }
    seen = turn_.load(std::memory_order_acquire);
    if (stop_) return;
    (*job_)(me);
    if (busy_.fetch_sub(1, std::memory_order_acq_rel) == 1) busy_.notify_one();
  }
}

}  // namespace weir
