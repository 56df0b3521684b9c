// SnapKV: the prompt's last queries vote for the rows before them.
//
// Li, Huang, Yang, Venkitesh, Locatelli, Ye, Cai, Lewis, Chen: SnapKV: LLM Knows What You are
// Looking for Before Generation, 2024. As the authors' code has it: probabilities of the last
// `window` queries over all rows, summed over those queries for each row before the window, pooled
// along the rows (zeros past the ends), the best rows and the window itself stay. The authors
// choose for each query head, having copied keys and values to all of them; a KV head here has the
// mean of its query heads' votes.
#include <algorithm>

#include "kv/scored_policy.h"

namespace weir {
namespace {

class SnapKv final : public ScoredPolicy {
 public:
  explicit SnapKv(const Arguments& a)
      : ScoredPolicy(a.real("budget"), {a.whole("sinks"), 0, a.whole("window")}),
        window_(a.whole("window")),
        kernel_(a.whole("kernel")),
        greatest_(a.word("pooling") == "max") {}

  Points points() const override { return {true, 0, false}; }
  Needs needs() const override { return {window_, false}; }
  std::unique_ptr<Policy> fork() const override { return std::make_unique<SnapKv>(*this); }

 protected:
  Scores scores(const PolicyView& view, uint32_t layer) const override {
    const WindowAttention seen = view.window(layer);
    const uint32_t group = view.heads / view.kv_heads;
    Scores out;
    for (uint32_t h = 0; h < view.kv_heads; ++h) {
      std::vector<float> votes(static_cast<size_t>(std::max(0, seen.rows - seen.queries)));
      for (uint32_t head = h * group; head < (h + 1) * group; ++head)
        for (int32_t query = 0; query < seen.queries; ++query)
          for (size_t row = 0; row < votes.size(); ++row) votes[row] += seen.of(head, query)[row];
      out.push_back(pooled(votes, kernel_, greatest_));
      out.back().resize(static_cast<size_t>(seen.rows));  // The window's rows stay anyway.
    }
    return out;
  }

 private:
  int32_t window_, kernel_;
  bool greatest_;
};

const PolicyEntry entry(
    {"snapkv",
     "keep",
     "Li, Huang, Yang, Venkitesh, Locatelli, Ye, Cai, Lewis, Chen: SnapKV: LLM Knows What You are "
     "Looking for Before Generation, 2024",
     "rows that the prompt's last queries attend to",
     "attention of the prompt's last queries",
     4,
     {budget_parameter(0.2),
      sinks_parameter(0),
      {"window", "last queries that vote; their rows stay", 32, 1, 512, true},
      {"kernel", "neighbouring rows whose votes are pooled", 7, 1, 255, true},
      {"pooling", "how they are", 0, 0, 1, true, {"avg", "max"}}}},
    [](const Arguments& a) -> std::unique_ptr<Policy> { return std::make_unique<SnapKv>(a); });

}  // namespace
}  // namespace weir
