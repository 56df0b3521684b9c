// StreamingLLM: the first rows, which draw attention whatever they hold, and the latest.
//
// Xiao, Tian, Chen, Han, Lewis: Efficient Streaming Language Models with Attention Sinks, 2023. The
// authors drop a row with each token; here a point comes every so many tokens. They count positions
// inside the cache: with shift=1 the first rows are read as though they stood right before the
// others, so that no distance grows; with shift=0 every row is read where it stands.
#include <algorithm>

#include "kv/scored_policy.h"

namespace weir {
namespace {

class Streaming final : public ScoredPolicy {
 public:
  explicit Streaming(const Arguments& a)
      : ScoredPolicy(a.real("budget"), {a.whole("sinks"), 0, 0}),
        every_(a.whole("every")),
        sinks_(a.whole("shift") == 1 ? a.whole("sinks") : 0) {}

  Points points() const override { return {true, every_, true}; }
  Needs needs() const override { return {}; }
  std::unique_ptr<Policy> fork() const override { return std::make_unique<Streaming>(*this); }
  std::vector<Edit> plan(const PolicyView& view) override {
    std::vector<Edit> edits = ScoredPolicy::plan(view);
    for (Edit& edit : edits)
      edit.sinks = std::min(sinks_, static_cast<int32_t>(edit.heads[0].kept.size()));
    return edits;
  }

 protected:
  // The later, the better.
  Scores scores(const PolicyView& view, uint32_t layer) const override {
    std::vector<float> out;
    for (int32_t slot = 0; slot < view.rows(layer); ++slot) out.push_back(static_cast<float>(slot));
    return Scores(view.kv_heads, out);
  }

 private:
  int32_t every_, sinks_;
};

const PolicyEntry entry(
    {"streaming",
     "keep",
     "Xiao, Tian, Chen, Han, Lewis: Efficient Streaming Language Models with Attention Sinks, 2023",
     "the first rows and the latest",
     "nothing",
     4,
     {budget_parameter(0.2),
      sinks_parameter(4),
      every_parameter(256),
      {"shift", "1: sinks are read right before the rest; 0: where they stand", 1, 0, 1, true}}},
    [](const Arguments& a) -> std::unique_ptr<Policy> { return std::make_unique<Streaming>(a); });

}  // namespace
}  // namespace weir
