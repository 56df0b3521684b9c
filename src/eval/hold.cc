#include "eval/hold.h"

#include <chrono>

#include "eval/statistics.h"

namespace weir::eval {
namespace {

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

Result<Held> hold(Engine& engine, const std::string& recipe, std::span<const Token> tokens) {
  WEIR_ASSIGN(Sequence sequence, engine.create_sequence(recipe));
  const uint64_t before = engine.stats().kv_bytes_used;
  engine.take_kv_bytes_peak();
  const double start = seconds_now();
  WEIR_TRY(sequence.append(tokens));
  const double end = seconds_now();
  const uint64_t peak = engine.take_kv_bytes_peak(), after = engine.stats().kv_bytes_used;
  return Held{std::move(sequence), end - start, after - before, peak - before};
}

Result<double> decode_seconds(const Sequence& sequence, Token token) {
  constexpr int kTimed = 4;
  WEIR_ASSIGN(Sequence fork, sequence.fork());
  WEIR_TRY(fork.append({&token, 1}));  // Copies the page that is shared.
  std::vector<double> seconds;
  for (int i = 0; i < kTimed; ++i) {
    const double start = seconds_now();
    WEIR_TRY(fork.append({&token, 1}));
    seconds.push_back(seconds_now() - start);
  }
  return median(seconds);
}

Status step(Engine& engine, std::span<Sequence* const> sequences, std::span<const Token> tokens) {
  std::vector<Append> appends;
  for (size_t i = 0; i < sequences.size(); ++i)
    appends.push_back({sequences[i], tokens.subspan(i, 1)});
  return engine.append(appends);
}

}  // namespace weir::eval
