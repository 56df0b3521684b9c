// H2O: rows that have got the most attention so far (heavy hitters), and the latest.
//
// Zhang, Sheng, Zhou, Chen, Zheng, Cai, Song, Tian, Re, Barrett, Wang, Chen: H2O: Heavy-Hitter
// Oracle for Efficient Generative Inference of Large Language Models, 2023. As the authors' code
// has it: each row's probabilities are added up over all queries since it came, a KV head's over
// its query heads; half of the budget is the latest rows. The authors drop a row with each token
// after the prompt; here a point comes every so many tokens.
#include "kv/scored_policy.h"

namespace weir {
namespace {

class H2o final : public ScoredPolicy {
 public:
  explicit H2o(const Arguments& a)
      : ScoredPolicy(a.real("budget"), {a.whole("sinks"), a.real("recent"), 0}),
        every_(a.whole("every")) {}

  Points points() const override { return {true, every_, false}; }
  Needs needs() const override { return {0, true}; }
  std::unique_ptr<Policy> fork() const override { return std::make_unique<H2o>(*this); }

 protected:
  Scores scores(const PolicyView& view, uint32_t layer) const override {
    const uint32_t group = view.heads / view.kv_heads;
    Scores out;
    for (uint32_t h = 0; h < view.kv_heads; ++h) {
      std::vector<float> sum(static_cast<size_t>(view.rows(layer)));
      for (uint32_t head = h * group; head < (h + 1) * group; ++head)
        for (size_t row = 0; row < sum.size(); ++row) sum[row] += view.mass(layer, head)[row];
      out.push_back(std::move(sum));
    }
    return out;
  }

 private:
  int32_t every_;
};

const PolicyEntry entry(
    {"h2o",
     "keep",
     "Zhang, Sheng, Zhou, Chen, Zheng, Cai, Song, Tian, Re, Barrett, Wang, Chen: H2O: Heavy-Hitter "
     "Oracle for Efficient Generative Inference of Large Language Models, 2023",
     "rows that have got the most attention so far, and the latest",
     "attention of every query",
     4,
     {budget_parameter(0.2), sinks_parameter(0), recent_parameter(0.5), every_parameter(64)},
     4},
    [](const Arguments& a) -> std::unique_ptr<Policy> { return std::make_unique<H2o>(a); });

}  // namespace
}  // namespace weir
