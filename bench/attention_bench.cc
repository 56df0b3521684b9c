// Attention of SmolLM2 and Gemma 3 by depth: prefill of a whole prompt and one token after others.
// GFLOP/s count the slots that rows see; `peak` is their share of what the cores' multiply-adds
// could do, `GB/s` the keys and values read once per call. WEIR_BENCH_THREADS and timing are those
// of kernels_bench.cc.
#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <cstdlib>
#include <random>
#include <thread>
#include <vector>

#include "base/thread_pool.h"
#include "kernels/attention.h"
#include "tensor/tensor.h"

namespace weir {
namespace {

struct Model {
  const char* name;
  int heads, kv_heads, head_dim, window;
};

constexpr Model kModels[] = {
    {"smollm2", 9, 3, 64, 0}, {"gemma/full", 4, 1, 256, 0}, {"gemma/window", 4, 1, 256, 512}};

ThreadPool& pool() {
  const char* wanted = std::getenv("WEIR_BENCH_THREADS");
  static ThreadPool all(wanted ? std::atoi(wanted)
                               : static_cast<int>(std::thread::hardware_concurrency()));
  return all;
}

// Independent chains of fused multiply-adds, enough to fill two units: float operations a second.
[[gnu::target("avx2,fma")]] double measure_peak() {
  using Eight = float __attribute__((vector_size(32)));
  constexpr int kChains = 12, kRounds = 4'000'000;
  const auto now = [] {  // CPU time: other programs' share of the core does not count.
    timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
  };
  double best = 0;
  for (int attempt = 0; attempt < 5; ++attempt) {
    Eight sum[kChains] = {}, factor = {1};
    asm volatile("" : "+x"(factor));
    const double start = now();
    for (int i = 0; i < kRounds; ++i)
#pragma GCC unroll 12
      for (Eight& s : sum) asm volatile("vfmadd231ps %1, %1, %0" : "+x"(s) : "x"(factor));
    best = std::max(best, 16.0 * kChains * kRounds / (now() - start));
  }
  return best;
}

double peak() {
  static const double measured = measure_peak();
  return measured;
}

// Lists of random pages, of several layers, so that decode finds none of them in a cache.
struct Cache {
  Cache(const Model& model, DType kv, int slots, int layers)
      : half(page_half_bytes(kv, model.head_dim)),
        pages_per_list((slots + kPageSlots - 1) / kPageSlots),
        memory(2 * half * pages_per_list * model.kv_heads * layers),
        pages(static_cast<size_t>(layers) * model.kv_heads),
        lists(layers) {
    // Random signs and mantissas about 1/8 in all three types.
    std::mt19937 random(1);
    for (size_t i = 0; i < memory.size() / 2; ++i)
      memory.as<uint16_t>()[i] =
          static_cast<uint16_t>((kv == DType::kF16 ? 0x3000 : 0x3E00) | (random() & 0x807F));
    const std::byte* at = memory.data();
    for (auto& list : pages)
      for (int p = 0; p < pages_per_list; ++p, at += 2 * half) list.push_back({at, at + half});
    for (int l = 0; l < layers; ++l)
      for (int h = 0; h < model.kv_heads; ++h) lists[l].push_back({pages[l * model.kv_heads + h]});
  }
  size_t half;
  int pages_per_list;
  Buffer memory;
  std::vector<std::vector<AttentionPage>> pages;
  std::vector<std::vector<AttentionList>> lists;  // [layer][KV head]
};

// `rows` tokens after `depth` others.
void run(benchmark::State& state, const Model& model, DType kv, int depth, int rows) {
  const int slots = depth + rows;
  const size_t bytes =
      page_half_bytes(kv, model.head_dim) / kPageSlots * 2 * slots * model.kv_heads;
  const int layers =
      rows > 1 ? 1 : static_cast<int>(std::max<size_t>(1, (size_t{96} << 20) / bytes));
  Cache cache(model, kv, slots, layers);
  std::vector<float> q(static_cast<size_t>(rows) * model.heads * model.head_dim, 0.1f),
      out(q.size());
  for (auto& layer : cache.lists)
    for (AttentionList& list : layer) list.slot = depth;
  const AttentionShape shape = {model.heads, model.kv_heads, model.head_dim,
                                kv,          model.window,   0.125f};
  size_t layer = 0;
  for (auto _ : state) {
    const AttentionSpan span = {cache.lists[layer++ % layers], rows, q.data(), out.data()};
    attend(pool(), shape, {&span, 1});
  }
  double seen = 0, read = slots;
  for (int r = 0; r < rows; ++r)
    seen += model.window ? std::min(depth + r + 1, model.window) : depth + r + 1;
  if (model.window) read = std::min(slots, model.window + rows - 1);
  const double flop = 4 * seen * model.heads * model.head_dim;
  const auto rate = [](double amount) {
    return benchmark::Counter(amount / 1e9, benchmark::Counter::kIsIterationInvariantRate);
  };
  state.counters["GFLOP/s"] = rate(flop);
  state.counters["GB/s"] = rate(static_cast<double>(bytes) * read / slots);
  state.counters["peak"] = benchmark::Counter(flop / peak() / pool().size(),
                                              benchmark::Counter::kIsIterationInvariantRate);
}

void add(const Model& model, DType kv, const char* what, int depth, int rows) {
  auto* made = benchmark::RegisterBenchmark(
      fmt::format("{}/{}/{}/{}", what, model.name, info(kv).name, std::max(depth, rows)).c_str(),
      [=](benchmark::State& state) { run(state, model, kv, depth, rows); });
  if (pool().size() > 1) made->UseRealTime();
}

}  // namespace
}  // namespace weir

int main(int argc, char** argv) {
  using weir::DType;
  for (const weir::Model& model : weir::kModels)
    for (const int tokens : {512, 4096})
      for (const DType kv : {DType::kBF16, DType::kF16, DType::kF32}) {
        weir::add(model, kv, "prefill", 0, tokens);
        weir::add(model, kv, "decode", tokens, 1);
      }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
}
