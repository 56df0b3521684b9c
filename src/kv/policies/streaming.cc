// StreamingLLM: the first rows, which draw attention whatever they hold, and the latest.
//
// Xiao, Tian, Chen, Han, Lewis: Efficient Streaming Language Models with Attention Sinks, 2023. The
// authors drop a row with each token; here a point comes every so many tokens, and rows keep the
// positions that they were computed at (the authors count positions inside the cache).
#include "kv/scored_policy.h"

namespace weir {
namespace {

class Streaming final : public ScoredPolicy {
 public:
  explicit Streaming(const Arguments& a)
      : ScoredPolicy(a.real("budget"), {a.whole("sinks"), 0, 0}), every_(a.whole("every")) {}

  Points points() const override { return {true, every_, true}; }
  Needs needs() const override { return {}; }
  std::unique_ptr<Policy> fork() const override { return std::make_unique<Streaming>(*this); }

 protected:
  // The later, the better.
  Scores scores(const PolicyView& view, uint32_t layer) const override {
    std::vector<float> out;
    for (int32_t slot = 0; slot < view.rows(layer); ++slot) out.push_back(static_cast<float>(slot));
    return Scores(view.kv_heads, out);
  }

 private:
  int32_t every_;
};

const PolicyEntry entry(
    {"streaming",
     "keep",
     "Xiao, Tian, Chen, Han, Lewis: Efficient Streaming Language Models with Attention Sinks, 2023",
     "the first rows and the latest",
     "nothing",
     4,
     {budget_parameter(0.2), sinks_parameter(4), every_parameter(256)}},
    [](const Arguments& a) -> std::unique_ptr<Policy> { return std::make_unique<Streaming>(a); });

}  // namespace
}  // namespace weir
