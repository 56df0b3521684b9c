#include <algorithm>
#include <utility>

#include "sched/scheduler.h"

namespace weir {
namespace {

// Fills one step.
class Step {
 public:
  explicit Step(const StepLimits& limits)
      : limits_(limits), left_(uint64_t{limits.layers} * static_cast<uint64_t>(limits.rows_max)) {}

  bool full() const { return left_ < limits_.layers; }
  void add(const Candidate& c) {
    if (c.cascade.end > 0) return cascade(c);
    const int32_t rows =
        std::min(std::min(c.known, c.point) - c.computed, rows_left(limits_.layers));
    const bool whole = c.computed + rows == c.known;
    add(c, c.computed, rows, {0, limits_.layers}, whole);
  }

  StepPlan plan;

 private:
  struct Layers {
    uint32_t begin, end;
  };

  int32_t rows_left(uint32_t layers) const {
    return static_cast<int32_t>(std::min<uint64_t>(left_ / layers, INT32_MAX));
  }

  void add(const Candidate& c, int32_t at, int32_t rows, Layers layers, bool whole) {
    if (rows == 0) return;
    left_ -= static_cast<uint64_t>(rows) * (layers.end - layers.begin);
    const Logits logits = layers.end < limits_.layers ? Logits::kNone
                          : c.logits == Logits::kAll  ? Logits::kAll
                          : whole                     ? c.logits
                                                      : Logits::kNone;
    plan.work.push_back({0, c.sequence, at, rows, layers.begin, layers.end, logits});
  }

  // A row through one layer counts as its share of a row through all.
  void cascade(const Candidate& c) {
    const int64_t stop = c.cascade.stop_every;
    int32_t at = c.cascade.at;
    for (uint32_t l = c.cascade.layer; l < limits_.layers; ++l, at = c.computed)
      while (at < c.cascade.end) {
        const auto to = std::min<int64_t>(c.cascade.end, (at / stop + 1) * stop);
        const int32_t rows =
            std::min({static_cast<int32_t>(to) - at, rows_left(1), limits_.rows_max});
        if (rows == 0) return;
        add(c, at, rows, {l, l + 1}, at + rows == c.known);
        at += rows;
      }
  }

  const StepLimits& limits_;
  uint64_t left_;  // Rows through a layer.
};

class Fcfs final : public Scheduler {
 public:
  StepPlan plan(std::span<const Candidate> candidates, const StepLimits& limits) const override {
    Step step(limits);
    const auto decodes = [](const Candidate& c) { return c.admitted && c.known - c.computed == 1; };
    uint32_t running = 0;
    for (const Candidate& c : candidates) running += c.admitted ? c.sequences : 0;
    for (const Candidate& c : candidates)
      if (decodes(c)) step.add(c);

    uint64_t free_bytes = limits.free_bytes;
    for (const Candidate& c : candidates) {
      if (step.full()) break;
      if (decodes(c)) continue;
      if (!c.admitted) {
        if (running + c.sequences > limits.sequences_max || c.peak_bytes > free_bytes) break;
        free_bytes -= c.peak_bytes;
        running += c.sequences;
        step.plan.admitted.push_back(c.sequence);
      }
      step.add(c);
    }
    return std::move(step.plan);
  }
};

}  // namespace

std::unique_ptr<Scheduler> make_fcfs() {
  return std::make_unique<Fcfs>();
}

}  // namespace weir
