#include "base/thread_pool.h"

#include <immintrin.h>
#include <sched.h>

#include <algorithm>

#include "base/check.h"
#include "base/float_mode.h"

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

constexpr uint64_t kOpen = uint64_t{1} << 31;

uint32_t turn_of(uint64_t state) {
  return static_cast<uint32_t>(state >> 32);
}

}  // namespace

ThreadPool::ThreadPool(int threads) : spins_(spins_for(threads)) {
  WEIR_CHECK(threads >= 1, "{} threads", threads);
  for (int i = 1; i < threads; ++i) workers_.emplace_back([this] { work(); });
}

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
    turn_ += uint64_t{1} << 32;
  }
  wake_.notify_all();
  for (std::thread& t : workers_) t.join();
}

void ThreadPool::for_each(size_t count, const std::function<void(size_t i)>& body) {
  if (workers_.empty() || count <= 1) {
    for (size_t i = 0; i < count; ++i) body(i);
    return;
  }
  body_ = &body;
  count_ = count;
  next_.store(0, std::memory_order_relaxed);
  finished_.store(0, std::memory_order_relaxed);
  const uint64_t turn = uint64_t{turn_of(turn_.load(std::memory_order_relaxed)) + 1} << 32;
  // Sequentially consistent with asleep_: one of the two sees the other.
  turn_.store(turn | kOpen);
  if (asleep_.load() > 0) {
    const std::lock_guard lock(mutex_);
    wake_.notify_all();
  }
  take_pieces();
  const int joined = static_cast<int>(turn_.fetch_and(~kOpen) & (kOpen - 1));
  for (int spins = 0; spins < spins_ && finished_.load(std::memory_order_acquire) < joined; ++spins)
    _mm_pause();
  for (int done; (done = finished_.load(std::memory_order_acquire)) < joined;) finished_.wait(done);
}

void ThreadPool::take_pieces() {
  for (size_t i; (i = next_.fetch_add(1, std::memory_order_relaxed)) < count_;) (*body_)(i);
}

// False if that job takes nobody any more.
bool ThreadPool::join(uint32_t turn) {
  uint64_t state = turn_.load(std::memory_order_acquire);
  while (turn_of(state) == turn && (state & kOpen))
    if (turn_.compare_exchange_weak(state, state + 1, std::memory_order_acq_rel)) return true;
  return false;
}

void ThreadPool::work() {
  const FloatMode mode;
  uint32_t seen = 0;
  const auto unchanged = [&] { return turn_of(turn_.load(std::memory_order_acquire)) == seen; };
  for (;;) {
    for (int spins = 0; unchanged() && spins < spins_; ++spins) _mm_pause();
    if (turn_of(turn_.load()) == seen) {
      std::unique_lock lock(mutex_);
      ++asleep_;
      wake_.wait(lock, [&] { return turn_of(turn_.load()) != seen; });
      --asleep_;
    }
    seen = turn_of(turn_.load(std::memory_order_acquire));
    if (stop_) return;
    if (!join(seen)) continue;
    take_pieces();
    finished_.fetch_add(1, std::memory_order_acq_rel);
    finished_.notify_one();
  }
}

}  // namespace weir
