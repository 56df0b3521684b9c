// A fixed set of threads that compute together: the caller is one of them. Workers spin for a while
// between jobs and then sleep, since a layer has several jobs and lasts some hundred microseconds.
// A job is pieces that threads take as they come: a worker that comes late, because the system has
// given its core to someone else, finds them done and nobody has waited for it. Workers run
// in weir's floating-point mode (float_mode.h), and so must the caller.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace weir {

// Not for use from two threads at once: the engine's loop owns it. Jobs may not start jobs.
class ThreadPool {
 public:
  // `threads` counts the caller; 1 runs everything inline.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int size() const { return static_cast<int>(workers_.size()) + 1; }

  // Runs body(i) for each i in [0, count), pieces handed out in order as threads come free. What a
  // piece computes may not depend on who runs it.
  void for_each(size_t count, const std::function<void(size_t i)>& body);

 private:
  void work();
  void take_pieces();
  bool join(uint32_t turn);

  int spins_;
  std::vector<std::thread> workers_;
  // The job at hand. Only those who have joined it touch it; the caller lets nobody join when the
  // last piece is taken, and waits for those who have.
  const std::function<void(size_t)>* body_ = nullptr;
  size_t count_ = 0;
  alignas(64) std::atomic<size_t> next_{0};    // The piece to take.
  alignas(64) std::atomic<uint64_t> turn_{0};  // Jobs begun << 32 | kOpen | workers that joined.
  alignas(64) std::atomic<int> finished_{0};   // Workers that joined and are done.
  std::atomic<int> asleep_{0};
  std::atomic<bool> stop_{false};
  std::mutex mutex_;
  std::condition_variable wake_;
};

}  // namespace weir
