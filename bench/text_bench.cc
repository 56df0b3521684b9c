// Encoding and decoding speed, in bytes of text per second on one thread. WEIR_BENCH_TEXT names a
// text file; the default is an English licence that every Debian has, 16 times over.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <string>

#include "weir/engine.h"

namespace weir {
namespace {

const std::string& text() {
  static const std::string whole = [] {
    const char* named = std::getenv("WEIR_BENCH_TEXT");
    std::ifstream file(named ? named : "/usr/share/common-licenses/GPL-3", std::ios::binary);
    const std::string once{std::istreambuf_iterator<char>(file), {}};
    std::string repeated;
    for (int i = named ? 1 : 16; i > 0; --i) repeated += once;
    return repeated;
  }();
  return whole;
}

// Null if the model has not been pulled.
const Engine* engine_of(const std::string& model) {
  static std::map<std::string, std::unique_ptr<Engine>> engines;
  if (!engines.contains(model)) {
    engines[model] = Engine::open(model, EngineOptions()).value_or(nullptr);
  }
  return engines[model].get();
}

void encode(benchmark::State& state, const std::string& model) {
  const Engine* engine = engine_of(model);
  if (engine == nullptr || text().empty()) return state.SkipWithError("no model or no text");
  for (auto _ : state) benchmark::DoNotOptimize(engine->tokenize(text(), false, false));
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(text().size()));
}

void decode(benchmark::State& state, const std::string& model) {
  const Engine* engine = engine_of(model);
  if (engine == nullptr || text().empty()) return state.SkipWithError("no model or no text");
  const auto tokens = engine->tokenize(text(), false, false).value_or(std::vector<Token>());
  for (auto _ : state) benchmark::DoNotOptimize(engine->detokenize(tokens));
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(text().size()));
}

BENCHMARK_CAPTURE(encode, smollm2, "smollm2")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(encode, gemma3, "gemma3-270m")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(decode, smollm2, "smollm2")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(decode, gemma3, "gemma3-270m")->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace weir

BENCHMARK_MAIN();
