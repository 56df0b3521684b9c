// What one step computes, as plain data.
#pragma once

#include <cstdint>
#include <vector>

namespace weir {

enum class Logits : uint8_t { kNone, kLast, kAll };

// Rows of one sequence: positions [position, position + rows) through layers [layer_begin,
// layer_end). Tokens are embedded where layer_begin is 0, logits made only where layer_end is the
// last.
struct Work {
  uint32_t model = 0;
  uint64_t sequence = 0;
  int32_t position = 0;
  int32_t rows = 0;
  uint32_t layer_begin = 0, layer_end = 0;
  Logits logits = Logits::kNone;
};

struct StepPlan {
  std::vector<uint64_t> admitted;  // Sequences whose memory is promised before the work runs.
  std::vector<Work> work;
};

}  // namespace weir
