// Ada-KV: heads of a layer share its budget by the votes that their rows get, so that a head whose
// attention is spread out keeps more rows than one that looks at a few.
//
// Feng, Lv, Cao, Xie, Zhou: Ada-KV: Optimizing KV Cache Eviction by Adaptive Budget Allocation for
// Efficient LLM Inference, 2024, over SnapKV's votes, as in the authors' code: of all heads' rows
// before the window, the best take the layer's budget; a head's number of those, less a share of it
// that goes to all heads alike, is what the head keeps, beside the window. The authors round that
// number to the nearest, here it is rounded down: the budget is a bound. They copy keys and values
// to all query heads; a KV head here has the votes of its query heads.
#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>

#include "kv/scored_policy.h"
#include "kv/window_votes.h"

namespace weir {
namespace {

struct Vote {
  float score;
  uint32_t head;
  size_t slot;
};

// Of the best `count` rows before the window, how many are each head's. Ties go to the lower head,
// then to the lower slot.
std::vector<int32_t> best_of_all(const std::vector<std::vector<float>>& votes, int32_t window,
                                 size_t count) {
  std::vector<Vote> all;
  for (uint32_t h = 0; h < votes.size(); ++h)
    for (size_t s = 0; s + static_cast<size_t>(window) < votes[h].size(); ++s)
      all.push_back(
          {std::isnan(votes[h][s]) ? -std::numeric_limits<float>::infinity() : votes[h][s], h, s});
  const auto before = [](const Vote& a, const Vote& b) {
    return std::tuple(-a.score, a.head, a.slot) < std::tuple(-b.score, b.head, b.slot);
  };
  count = std::min(count, all.size());
  std::nth_element(all.begin(), all.begin() + static_cast<ptrdiff_t>(count), all.end(), before);
  std::vector<int32_t> out(votes.size());
  for (size_t i = 0; i < count; ++i) ++out[all[i].head];
  return out;
}

class AdaKv final : public Policy {
 public:
  explicit AdaKv(const Arguments& a)
      : budget_(a.real("budget")),
        floor_(a.real("floor")),
        window_(a.whole("window")),
        pooling_(pooling_of(a)) {}

  Points points() const override { return {true, 0, false}; }
  Needs needs() const override { return {window_, false}; }
  LayerRows kept_max(int32_t prompt) const override { return budget_rows(budget_, prompt); }
  bool ragged() const override { return true; }
  std::unique_ptr<Policy> fork() const override { return std::make_unique<AdaKv>(*this); }

  std::vector<Edit> plan(const PolicyView& view) override {
    const int32_t budget = budget_rows(budget_, view.prompt);
    std::vector<Edit> edits;
    for (const uint32_t layer : view.layers) {
      int64_t rows = 0;
      for (uint32_t h = 0; h < view.kv_heads; ++h) rows += view.rows(layer, h);
      if (rows > int64_t{budget} * view.kv_heads) edits.push_back(plan_layer(view, layer, budget));
    }
    return edits;
  }

 private:
  Edit plan_layer(const PolicyView& view, uint32_t layer, int32_t budget) const {
    const auto votes = window_votes(view, layer, pooling_);
    const int32_t window = std::min(window_, budget), voted = budget - window;
    const auto alike = static_cast<int32_t>(floor_ * voted);
    const auto best = best_of_all(votes, window, static_cast<size_t>(voted) * votes.size());
    Edit edit{layer, {}};
    for (size_t h = 0; h < votes.size(); ++h) {
      const auto own = static_cast<int32_t>((1 - floor_) * best[h]);
      edit.heads.push_back({best_slots(votes[h], alike + own + window, 0, window), {}});
    }
    return edit;
  }

  double budget_, floor_;
  int32_t window_;
  Pooling pooling_;
};

const PolicyEntry entry(
    {"adakv",
     "keep",
     "Feng, Lv, Cao, Xie, Zhou: Ada-KV: Optimizing KV Cache Eviction by Adaptive Budget Allocation "
     "for Efficient LLM Inference, 2024",
     "SnapKV's rows, of which heads of a layer keep more or fewer",
     "attention of the prompt's last queries",
     4,
     {budget_parameter(0.2),
      {"floor", "share of the budget that all heads have alike", 0.2, 0, 1},
      window_parameter(),
      kernel_parameter(7),
      pooling_parameter(true)}},
    [](const Arguments& a) -> std::unique_ptr<Policy> { return std::make_unique<AdaKv>(a); });

}  // namespace
}  // namespace weir
