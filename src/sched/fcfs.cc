#include <algorithm>

#include "sched/scheduler.h"

namespace weir {
namespace {

class Fcfs final : public Scheduler {
 public:
  StepPlan plan(std::span<const Candidate> candidates, const StepLimits& limits) const override {
    StepPlan out;
    int32_t left = limits.rows_max;
    const auto add = [&](const Candidate& c) {
      const int32_t rows = std::min(std::min(c.known, c.point) - c.computed, left);
      if (rows == 0) return;
      left -= rows;
      const bool whole = c.computed + rows == c.known;
      const Logits logits = c.logits == Logits::kAll ? Logits::kAll
                            : whole                  ? c.logits
                                                     : Logits::kNone;
      out.work.push_back({0, c.sequence, c.computed, rows, 0, limits.layers, logits});
    };

    const auto decodes = [](const Candidate& c) { return c.admitted && c.known - c.computed == 1; };
    uint32_t running = 0;
    for (const Candidate& c : candidates) running += c.admitted ? c.sequences : 0;
    for (const Candidate& c : candidates)
      if (decodes(c)) add(c);

    uint64_t free_bytes = limits.free_bytes;
    for (const Candidate& c : candidates) {
      if (left == 0) break;
      if (decodes(c)) continue;
      if (!c.admitted) {
        if (running + c.sequences > limits.sequences_max || c.peak_bytes > free_bytes) break;
        free_bytes -= c.peak_bytes;
        running += c.sequences;
        out.admitted.push_back(c.sequence);
      }
      add(c);
    }
    return out;
  }
};

}  // namespace

std::unique_ptr<Scheduler> make_fcfs() {
  return std::make_unique<Fcfs>();
}

}  // namespace weir
