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

TEST(ThreadPool, EachThreadRunsTheJobOnce) {
  ThreadPool pool(3);
  std::vector<int> ran(3);
  pool.run([&](int me) { ++ran[me]; });
  EXPECT_EQ(ran, (std::vector<int>{1, 1, 1}));
}

TEST(ThreadPool, WakesWorkersThatFellAsleep) {
  ThreadPool pool(2);
  for (int round = 0; round < 3; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    std::atomic<int> ran{0};
    pool.run([&](int) { ++ran; });
    EXPECT_EQ(ran, 2);
  }
}

}  // namespace
}  // namespace weir
