// TOVA: the last query chooses.
//
// Oren, Hassid, Yarden, Adi, Schwartz: Transformers are Multi-State RNNs, 2024. As the authors'
// code has it: a layer's rows are ranked by the last query's probabilities, averaged over all
// heads, so that its heads keep the same rows; no row is protected. The authors drop a row with
// each token; here a point comes every so many tokens.
#include "kv/scored_policy.h"

namespace weir {
namespace {

class Tova final : public ScoredPolicy {
 public:
  explicit Tova(const Arguments& a)
      : ScoredPolicy(a.real("budget"), {a.whole("sinks"), a.real("recent"), 0}),
        every_(a.whole("every")) {}

  Points points() const override { return {true, every_, false}; }
  Needs needs() const override { return {1, false}; }
  std::unique_ptr<Policy> fork() const override { return std::make_unique<Tova>(*this); }

 protected:
  Scores scores(const PolicyView& view, uint32_t layer) const override {
    const WindowAttention seen = view.window(layer);
    std::vector<float> sum(static_cast<size_t>(seen.rows));
    for (uint32_t head = 0; head < view.heads && seen.queries > 0; ++head)
      for (size_t row = 0; row < sum.size(); ++row) sum[row] += seen.of(head, 0)[row];
    return Scores(view.kv_heads, sum);
  }

 private:
  int32_t every_;
};

const PolicyEntry entry(
    {"tova",
     "keep",
     "Oren, Hassid, Yarden, Adi, Schwartz: Transformers are Multi-State RNNs, 2024",
     "rows that the last query attends to, the same in all heads of a layer",
     "attention of the last query",
     4,
     {budget_parameter(0.2), sinks_parameter(0), recent_parameter(0), every_parameter(64)}},
    [](const Arguments& a) -> std::unique_ptr<Policy> { return std::make_unique<Tova>(a); });

}  // namespace
}  // namespace weir
