// How fast a model is here (docs/bench.md says what each figure is).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "weir/engine.h"

namespace weir::cli {

struct SpeedRun {
  uint32_t prompt_tokens = 512, gen_tokens = 64;
  uint32_t depth = 0;  // Tokens that each sequence holds before anything is timed.
  uint32_t batch = 1;  // Sequences at once.
  uint32_t repeat = 5;
  uint64_t seed = 1;  // Of the token ids.
};

// Tokens per second, all sequences together, of each repetition. Empty where there was nothing to
// time.
struct Speeds {
  std::vector<double> prefill, decode;
};

// One repetition more than asked for: the first warms up and does not count.
Result<Speeds> measure_speed(Engine& engine, const SpeedRun& run);

double best(const std::vector<double>& values);    // 0 of none.
double median(const std::vector<double>& values);  // 0 of none.

uint64_t peak_rss_bytes();  // Of this process since it began.

}  // namespace weir::cli
