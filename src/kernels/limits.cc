#include "kernels/limits.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <functional>

#include "base/thread_pool.h"
#include "kernels/kernel_table.h"
#include "tensor/tensor.h"

namespace weir {
namespace {

constexpr int kRepeats = 5;
constexpr size_t kRounds = size_t{1} << 22;
constexpr size_t kReadBytes = size_t{512} << 20;

// Seconds of the quickest run of one job to each thread.
double quickest(ThreadPool& pool, const std::function<void(size_t)>& job) {
  double best = 1e9;
  for (int i = 0; i < kRepeats; ++i) {
    const auto start = std::chrono::steady_clock::now();
    pool.for_each(static_cast<size_t>(pool.size()), job);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    best = std::min(best, took.count());
  }
  return best;
}

}  // namespace

MachineLimits measure_limits(ThreadPool& pool) {
  const Kernels& k = kernels();
  const double threads = pool.size();
  MachineLimits limits;
  limits.integer_macs_per_s = threads * static_cast<double>(k.byte_macs_a_round * kRounds) /
                              quickest(pool, [&](size_t) { k.multiply_bytes(kRounds); });
  limits.float_macs_per_s = threads * static_cast<double>(k.float_macs_a_round * kRounds) /
                            quickest(pool, [&](size_t) { k.multiply_floats(kRounds); });
  Buffer memory(kReadBytes);
  const size_t share = kReadBytes / static_cast<size_t>(pool.size()) / 4096 * 4096;
  const auto at = [&](size_t i) { return memory.data() + i * share; };
  std::memset(memory.data(), 1, kReadBytes);
  limits.read_bytes_per_s = threads * static_cast<double>(share) /
                            quickest(pool, [&](size_t i) { k.read_bytes(at(i), share); });
  return limits;
}

}  // namespace weir
