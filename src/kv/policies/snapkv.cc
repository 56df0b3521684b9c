// SnapKV: the prompt's last queries vote for the rows before them.
//
// Li, Huang, Yang, Venkitesh, Locatelli, Ye, Cai, Lewis, Chen: SnapKV: LLM Knows What You are
// Looking for Before Generation, 2024. As the authors' code has it: probabilities of the last
// `window` queries over all rows, summed over those queries for each row before the window, pooled
// along the rows (zeros past the ends), the best rows and the window itself stay. The authors
// choose for each query head, having copied keys and values to all of them; a KV head here has the
// mean of its query heads' votes.
#include "kv/scored_policy.h"
#include "kv/window_votes.h"

namespace weir {
namespace {

class SnapKv final : public ScoredPolicy {
 public:
  explicit SnapKv(const Arguments& a)
      : ScoredPolicy(a.real("budget"), {a.whole("sinks"), 0, a.whole("window")}),
        window_(a.whole("window")),
        pooling_(pooling_of(a)) {}

  Points points() const override { return {true, 0, false}; }
  Needs needs() const override { return {window_, false}; }
  std::unique_ptr<Policy> fork() const override { return std::make_unique<SnapKv>(*this); }

 protected:
  Scores scores(const PolicyView& view, uint32_t layer) const override {
    return window_votes(view, layer, pooling_);
  }

 private:
  int32_t window_;
  Pooling pooling_;
};

const PolicyEntry entry(
    {"snapkv",
     "keep",
     "Li, Huang, Yang, Venkitesh, Locatelli, Ye, Cai, Lewis, Chen: SnapKV: LLM Knows What You are "
     "Looking for Before Generation, 2024",
     "rows that the prompt's last queries attend to",
     "attention of the prompt's last queries",
     4,
     {budget_parameter(0.2), sinks_parameter(0), window_parameter(), kernel_parameter(5),
      pooling_parameter(false)}},
    [](const Arguments& a) -> std::unique_ptr<Policy> { return std::make_unique<SnapKv>(a); });

}  // namespace
}  // namespace weir
