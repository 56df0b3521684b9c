#include "base/thread_pool.h"

#include <gtest/gtest.h>

#include <chrono>
#include <numeric>

namespace weir {
namespace {

TEST(ThreadPool, EveryIndexRunsOnce) {
  for (int threads : {1, 2, 3}) {
    ThreadPool pool(threads);
    for (int round = 0; round < 200; ++round) {
      std::vector<int> hits(97);
      pool.for_each(hits.size(), [&](size_t i) { ++hits[i]; });
      EXPECT_EQ(hits, std::vector<int>(97, 1));
    }
  }
}

// Each of two pieces waits for the other, so that no thread can have run both.
TEST(ThreadPool, PiecesRunSideBySide) {
  ThreadPool pool(2);
  for (int round = 0; round < 100; ++round) {
    std::atomic<int> begun{0};
    pool.for_each(2, [&](size_t) {
      ++begun;
      while (begun < 2) std::this_thread::yield();
    });
    EXPECT_EQ(begun, 2);
  }
}

// Jobs that follow at once: a worker that comes late must neither touch the job before nor be
// waited for, and the results of one are there in the next.
TEST(ThreadPool, JobsFollowEachOther) {
  for (int threads : {2, 3, 8}) {
    ThreadPool pool(threads);
    std::vector<int> sums(16);
    for (int round = 0; round < 5000; ++round)
      pool.for_each(sums.size(), [&, add = round % 3](size_t i) { sums[i] += add; });
    EXPECT_EQ(sums, std::vector<int>(16, 4999));
  }
}

TEST(ThreadPool, WakesWorkersThatFellAsleep) {
  ThreadPool pool(2);
  for (int round = 0; round < 3; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    std::atomic<int> begun{0};
    pool.for_each(2, [&](size_t) {
      ++begun;
      while (begun < 2) std::this_thread::yield();  // Both threads must come.
    });
  }
}

}  // namespace
}  // namespace weir
