#include "eval/hold.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "eval/statistics.h"

namespace weir::eval {
namespace {

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// The most that the KV cache takes while one lives.
class PeakWatch {
 public:
  explicit PeakWatch(const Engine& engine) : engine_(engine) {
    thread_ = std::jthread([this](const std::stop_token& stop) {
      while (!stop.stop_requested()) {
        most_ = std::max(most_, engine_.stats().kv_bytes_used);
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
    });
  }
  uint64_t end() {
    thread_ = {};
    return std::max(most_, engine_.stats().kv_bytes_used);
  }

 private:
  const Engine& engine_;
  uint64_t most_ = 0;  // The thread's until it ends.
  std::jthread thread_;
};

}  // namespace

Result<Held> hold(Engine& engine, const std::string& recipe, std::span<const Token> tokens) {
  WEIR_ASSIGN(Sequence sequence, engine.create_sequence(recipe));
  const uint64_t before = engine.stats().kv_bytes_used;
  PeakWatch watch(engine);
  const double start = seconds_now();
  WEIR_TRY(sequence.append(tokens));
  const double end = seconds_now();
  const uint64_t peak = watch.end(), after = engine.stats().kv_bytes_used;
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
