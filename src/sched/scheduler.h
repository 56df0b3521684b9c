// Decides what the next step computes. A pure function of plain data: it knows no tensor, no model
// and no clock, so that the same code runs in a simulator.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "sched/plan.h"

namespace weir {

// Rows that pass one layer after the other: all of them through a layer before any through the
// next.
//
//   layer 2   |        |        |
//   layer 1   |========|  at    |         end
//   layer 0   |========|========|========|
struct Cascade {
  int32_t end = 0;     // Of its rows; 0: there is none.
  uint32_t layer = 0;  // That rows pass at present; those before `at` have.
  int32_t at = 0;
  int32_t stop_every = INT32_MAX;  // No work crosses a multiple of it.
};

// One sequence as the scheduler sees it.
struct Candidate {
  uint64_t sequence = 0;
  int32_t known = 0;        // Tokens there are to compute.
  int32_t computed = 0;     // Tokens computed so far; less than known.
  uint64_t peak_bytes = 0;  // What it may come to use; promised when it is admitted.
  uint32_t sequences = 1;   // What it counts as, now and later: a prompt, as its choices to come.
  bool admitted = false;
  Logits logits =
      Logits::kLast;  // Of its last known token, or of all; kLast gives none before the end.
  // A step may compute rows up to this position and no further: something happens there before the
  // next are computed. More than `computed`.
  int32_t point = INT32_MAX;
  Cascade cascade = {};  // Of its rows from `computed` on, if they are to pass in one.
};

struct StepLimits {
  int32_t rows_max = 0;
  uint32_t sequences_max = 0;  // No candidate is more than that by itself.
  uint64_t free_bytes = 0;     // Of the budget, not yet promised.
  uint32_t layers = 0;
};

class Scheduler {
 public:
  virtual ~Scheduler() = default;
  // `candidates` in order of arrival. REQUIRES limits.rows_max > 0. Every plan makes progress if
  // any candidate is admitted or can be.
  virtual StepPlan plan(std::span<const Candidate> candidates, const StepLimits& limits) const = 0;
};

// First come, first served: what runs decodes first (a row each), then prompts are computed in
// chunks, oldest first, up to the step's rows. Who does not fit waits, and those behind wait too.
std::unique_ptr<Scheduler> make_fcfs();

}  // namespace weir
