// What most keep methods have in common: a budget of rows, the first and the last rows protected,
// and for all others a score. A method that is a score derives from ScoredPolicy.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "kv/policy.h"

namespace weir {

// Points stand at least so many tokens apart: a plan may look at every row and copies those that
// stay, on the thread that serves all sequences, and chunks of a prompt may end at each.
inline constexpr int32_t kEveryLeast = 16;

// Parameters with a method's own defaults.
Parameter budget_parameter(double initial);
Parameter sinks_parameter(double initial);
Parameter recent_parameter(double initial);
Parameter every_parameter(double initial);

// Up to 1 a share of the prompt's rows, above that a number of rows. At least one.
int32_t budget_rows(double budget, int32_t prompt);

// Which of the slots [0, scores.size()) stay, ascending: the first `sinks` of them, the last
// `recent`, then the best scores, `count` in all. Ties go to the lower slot; NaN is the worst
// score.
std::vector<int32_t> best_slots(std::span<const float> scores, int32_t count, int32_t sinks,
                                int32_t recent);

// Of each row: the sum, or the greatest, of the scores of `kernel` neighbours around it, zeros past
// the ends. An average's divisor is the same everywhere and changes no order.
std::vector<float> pooled(std::span<const float> scores, int32_t kernel, bool greatest);

// Rows that stay whatever their score.
struct Protected {
  int32_t sinks = 0;        // The first so many,
  double recent_share = 0;  // this share of the budget, of the last,
  int32_t recent_rows = 0;  // and at least so many of them.
};

class ScoredPolicy : public Policy {
 public:
  // Scores of a layer's rows, [kv_heads][rows]: the higher stay.
  using Scores = std::vector<std::vector<float>>;

  ScoredPolicy(double budget, const Protected& rows) : budget_(budget), protected_(rows) {}

  LayerRows kept_max(int32_t prompt) const override { return budget_rows(budget_, prompt); }
  std::vector<Edit> plan(const PolicyView& view) override;

 protected:
  virtual Scores scores(const PolicyView& view, uint32_t layer) const = 0;

 private:
  double budget_;
  Protected protected_;
};

}  // namespace weir
