// A fixed set of threads that compute together: the caller is one of them. Work is handed over by a
// barrier on which workers spin for a while and then sleep, since a layer has several barriers and
// lasts some hundred microseconds. All threads run with the same floating-point mode (round to
// nearest, denormals kept).
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

  // Runs job(me) once on each thread, me in [0, size()), and returns when all are done.
  void run(const std::function<void(int me)>& job);

  // Runs body(i) for each i in [0, count), pieces handed out dynamically. What a piece computes may
  // not depend on who runs it.
  void for_each(size_t count, const std::function<void(size_t i)>& body);

 private:
  void work(int me);

  int spins_;
  std::vector<std::thread> workers_;
  const std::function<void(int)>* job_ = nullptr;
  alignas(64) std::atomic<uint32_t> turn_{0};  // Counts jobs; workers wait for it to change.
  alignas(64) std::atomic<int> busy_{0};       // Workers that have not finished the job.
  std::atomic<int> asleep_{0};
  std::atomic<bool> stop_{false};
  std::mutex mutex_;
  std::condition_variable wake_;
};

}  // namespace weir
