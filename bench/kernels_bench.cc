// Matrix products by format and rows: weights streamed (GB/s) and products (GMAC/s), against what
// the machine can read. Threads: WEIR_BENCH_THREADS, or all. One thread is timed by its own CPU
// time, which a busy machine disturbs less; more are timed by the clock.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <cstdlib>
#include <cstring>
#include <numeric>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "base/thread_pool.h"
#include "kernels/isa.h"
#include "kernels/kernel_table.h"
#include "kernels/matmul.h"

namespace weir {
namespace {

struct Shape {
  const char* name;
  size_t outputs, columns;
};

// SmolLM2-135M's and Gemma 3 270M's. The heads are larger than caches, the others are not.
constexpr Shape kShapes[] = {
    {"smollm2/attention", 576, 576}, {"smollm2/up", 1536, 576},      {"smollm2/down", 576, 1536},
    {"smollm2/head", 49152, 576},    {"gemma/attention", 1024, 640}, {"gemma/up", 2048, 640},
    {"gemma/down", 640, 2048},       {"gemma/head", 262144, 640},
};

constexpr DType kTypes[] = {DType::kQ4_0, DType::kQ4_1, DType::kQ5_0, DType::kQ5_1,
                            DType::kQ8_0, DType::kQ4_K, DType::kQ5_K, DType::kQ6_K,
                            DType::kBF16, DType::kF16,  DType::kF32};

ThreadPool& pool() {
  const char* wanted = std::getenv("WEIR_BENCH_THREADS");
  static ThreadPool all(wanted ? std::atoi(wanted)
                               : static_cast<int>(std::thread::hardware_concurrency()));
  return all;
}

// Random bits with scales of 0.01, which all formats bear. Kept: making them takes longest.
const PackedMatrix& weights(DType type, const Shape& shape) {
  static Arena arena;
  static std::pair<std::string, PackedMatrix> last;
  const std::string key = std::string(info(type).name) + shape.name;
  if (last.first == key) return last.second;
  last = {};
  arena = {};
  const size_t row = row_bytes(type, shape.columns);
  std::vector<uint8_t> one(row * kTileRows), bytes(row * shape.outputs);
  std::mt19937 random(1);
  for (uint8_t& b : one) b = static_cast<uint8_t>(random() % 64);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = one[i % one.size()];
  const Tensor tensor{reinterpret_cast<const std::byte*>(bytes.data()), type, shape.outputs,
                      shape.columns};
  last = {key, PackedMatrix(tensor, Arithmetic::kInteger, pool(), arena)};
  return last.second;
}

void multiply(benchmark::State& state, DType type, const Shape& shape, size_t rows) {
  const PackedMatrix& w = weights(type, shape);
  std::vector<float> x(rows * shape.columns), out(rows * shape.outputs);
  std::iota(x.begin(), x.end(), -100.0f);
  Activations activations;
  activations.set(x.data(), rows, shape.columns, w.arithmetic(), pool());
  for (auto _ : state) matmul(pool(), w, activations, out.data(), shape.outputs);
  const double products = static_cast<double>(shape.outputs * shape.columns * rows);
  const double runs = static_cast<double>(state.iterations());
  state.counters["GMAC/s"] = benchmark::Counter(products * runs / 1e9, benchmark::Counter::kIsRate);
  state.counters["GB/s"] =
      benchmark::Counter(static_cast<double>(w.bytes()) * runs / 1e9, benchmark::Counter::kIsRate);
}

// What one row could reach at most: all threads read 256 MiB.
void read_memory(benchmark::State& state) {
  const Buffer buffer(size_t{256} << 20);
  memset(buffer.data(), 1, buffer.size());
  const size_t threads = static_cast<size_t>(pool().size());
  const size_t share = buffer.size() / threads / 4096 * 4096;
  for (auto _ : state)
    pool().for_each(threads,
                    [&](size_t i) { kernels().read_bytes(buffer.data() + i * share, share); });
  state.counters["GB/s"] = benchmark::Counter(
      static_cast<double>(buffer.size()) * static_cast<double>(state.iterations()) / 1e9,
      benchmark::Counter::kIsRate);
}

void quantise(benchmark::State& state) {
  constexpr size_t kRows = 64, kColumns = 576;
  std::vector<float> x(kRows * kColumns);
  std::iota(x.begin(), x.end(), -100.0f);
  Activations activations;
  for (auto _ : state) activations.set(x.data(), kRows, kColumns, Arithmetic::kInteger, pool());
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(x.size()));
}

void pack(benchmark::State& state, DType type) {
  constexpr size_t kRows = 32768, kColumns = 768;
  const std::vector<uint8_t> bytes(kRows * row_bytes(type, kColumns), 17);
  const Tensor tensor{reinterpret_cast<const std::byte*>(bytes.data()), type, kRows, kColumns};
  for (auto _ : state) {
    Arena arena;
    benchmark::DoNotOptimize(PackedMatrix(tensor, Arithmetic::kInteger, pool(), arena).strip(0));
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(bytes.size()));
}

void add_benchmarks() {
  const auto add = [](const std::string& name, auto function) {
    auto* added = benchmark::RegisterBenchmark(name.c_str(), function);
    if (pool().size() > 1) added->UseRealTime();
  };
  add("read_memory", read_memory);
  add("quantise", quantise);
  for (DType type : kTypes) {
    const std::string name(info(type).name);
    add("pack/" + name, [type](benchmark::State& state) { pack(state, type); });
    for (const Shape& shape : kShapes) {
      if (shape.columns % info(type).block_elements != 0) continue;
      for (size_t rows : {1, 4, 16, 64})
        add("matmul/" + name + "/" + shape.name + "/" + std::to_string(rows),
            [=](benchmark::State& state) { multiply(state, type, shape, rows); });
    }
  }
}

}  // namespace
}  // namespace weir

int main(int argc, char** argv) {
  if (const weir::Status status = weir::check_isa(); !status.has_value()) {
    fmt::print(stderr, "{}\n", status.error().message);
    return 1;
  }
  weir::add_benchmarks();
  benchmark::Initialize(&argc, argv);
  benchmark::AddCustomContext("isa", std::string(weir::isa()));
  benchmark::RunSpecifiedBenchmarks();
}
