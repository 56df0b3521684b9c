#include "kv/scored_policy.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace weir {

Parameter budget_parameter(double initial) {
  return {"budget", "rows that stay in a KV head: a share of the prompt's up to 1, else a number",
          initial, 0.001, 1 << 24};
}
Parameter sinks_parameter(double initial) {
  return {"sinks", "first rows that always stay", initial, 0, 1 << 20, true};
}
Parameter recent_parameter(double initial) {
  return {"recent", "share of the budget that the last rows have in any case", initial, 0, 1};
}
Parameter every_parameter(double initial) {
  return {"every", "plans again after every so many tokens; 0: at the ends of prompts only",
          initial, 0,
          1 << 20, true,
          {},      kEveryLeast};
}

int32_t budget_rows(double budget, int32_t prompt) {
  return std::max(1, static_cast<int32_t>(budget <= 1 ? budget * prompt : budget));
}

std::vector<int32_t> best_slots(std::span<const float> scores, int32_t count, int32_t sinks,
                                int32_t recent) {
  const auto rows = static_cast<int32_t>(scores.size());
  std::vector<int32_t> slots(scores.size());
  std::iota(slots.begin(), slots.end(), 0);
  if (count >= rows) return slots;
  sinks = std::min(sinks, count);
  recent = std::min(recent, count - sinks);
  // What is protected first, then by score. A comparison with NaN would be no order.
  const auto rank = [&](int32_t slot) {
    const float score = scores[static_cast<size_t>(slot)];
    const bool stays = slot < sinks || slot >= rows - recent;
    const float known = std::isnan(score) ? -std::numeric_limits<float>::infinity() : score;
    return std::pair(stays, known);
  };
  const auto before = [&](int32_t a, int32_t b) {
    const auto left = rank(a), right = rank(b);
    return left != right ? left > right : a < b;
  };
  std::nth_element(slots.begin(), slots.begin() + count, slots.end(), before);
  slots.resize(static_cast<size_t>(count));
  std::ranges::sort(slots);
  return slots;
}

std::vector<float> pooled(std::span<const float> scores, int32_t kernel, bool greatest) {
  const auto rows = static_cast<int32_t>(scores.size());
  std::vector<float> out(scores.size());
  for (int32_t i = 0; i < rows; ++i) {
    float sum = 0;
    for (int32_t j = std::max(0, i - kernel / 2); j <= std::min(rows - 1, i + kernel / 2); ++j) {
      const float score = scores[static_cast<size_t>(j)];
      sum = greatest ? std::max(sum, score) : sum + score;
    }
    out[static_cast<size_t>(i)] = sum;
  }
  return out;
}

std::vector<Edit> ScoredPolicy::plan(const PolicyView& view) {
  const int32_t budget = budget_rows(budget_, view.prompt);
  const int32_t recent =
      std::max(protected_.recent_rows, static_cast<int32_t>(protected_.recent_share * budget));
  std::vector<Edit> edits;
  for (const uint32_t layer : view.layers) {
    if (view.rows(layer) <= budget) continue;
    const Scores all = scores(view, layer);
    Edit edit{layer, {}};
    for (const std::vector<float>& head : all)
      edit.heads.push_back({best_slots(head, budget, protected_.sinks, recent), {}});
    edits.push_back(std::move(edit));
  }
  return edits;
}

}  // namespace weir
