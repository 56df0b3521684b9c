// A base line: rows stay by chance. What a method is worth is what it is better by.
#include "base/scatter.h"
#include "kv/scored_policy.h"

namespace weir {
namespace {

class Random final : public ScoredPolicy {
 public:
  explicit Random(const Arguments& a)
      : ScoredPolicy(a.real("budget"), {a.whole("sinks"), a.real("recent"), 0}),
        every_(a.whole("every")),
        seed_(static_cast<uint64_t>(a.real("seed"))) {}

  Points points() const override { return {true, every_, false}; }
  Needs needs() const override { return {}; }
  std::unique_ptr<Policy> fork() const override { return std::make_unique<Random>(*this); }

 protected:
  // A row's luck follows from the seed and its place, so that it is the same however it comes to
  // be asked for; 24 bits of it are a float's.
  Scores scores(const PolicyView& view, uint32_t layer) const override {
    Scores out(view.kv_heads);
    for (uint32_t h = 0; h < view.kv_heads; ++h)
      for (int32_t slot = 0; slot < view.rows(layer); ++slot) {
        const auto position = static_cast<uint64_t>(view.position(layer, h, slot));
        const uint64_t luck = scatter(scatter(scatter(scatter(seed_) + layer) + h) + position);
        out[h].push_back(static_cast<float>(luck >> 40));
      }
    return out;
  }

 private:
  int32_t every_;
  uint64_t seed_;
};

const PolicyEntry entry({"random",
                         "keep",
                         "a base line",
                         "rows by chance",
                         "nothing",
                         4,
                         {budget_parameter(0.2),
                          sinks_parameter(0),
                          recent_parameter(0),
                          every_parameter(0),
                          {"seed", "of the choice", 0, 0, 1e15, true}}},
                        [](const Arguments& a) -> std::unique_ptr<Policy> {
                          return std::make_unique<Random>(a);
                        });

}  // namespace
}  // namespace weir
