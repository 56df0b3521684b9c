// CAKE: the budget is divided over layers by how much each prefers to keep.
//
// Qin, Cao, Lin, Hu, Fan, Cheng, Lin, Li: CAKE: Cascading and Adaptive KV Cache Eviction with Layer
// Preferences, 2025. As the authors' code has it: of the probabilities that the prompt's last
// `window` queries give to the rows before them, a layer's entropy H is summed over heads, queries
// and rows, and its shift V is the variance over the queries, summed over heads and rows; a layer
// prefers H^(1/tau1) V^(1/tau2). A row's score is its mean over the queries and `gamma` times its
// variance, pooled over `kernel` neighbours, and a KV head has the mean of its query heads. The
// window stays in every layer; what is left of the budget is divided by preference. While decoding
// layers keep their shares, equal ones where the prompt was within the budget, and the last query
// chooses. (One query has no variance: where none prefers anything, shares are equal.)
//
// Layers evict one after the other, each down to its share of the whole budget among those that
// have seen the prompt, and again as others join (the cascade): no more than a few are ever whole.
// Where all layers see a prompt's end at once the plan is the same, for shares only shrink as
// layers become known, and scores stay what they were. For that rows are divided by divide_rows();
// the authors round shares down and hand the rest out evenly, which can give a layer a row that it
// has lost. They let a prompt stay whole up to `window` rows over the budget, which is hard here,
// and drop a row with each token after it; here a point comes every so many tokens.
#include <algorithm>
#include <bit>

#include "kernels/elementwise.h"
#include "kv/scored_policy.h"

namespace weir {
namespace {

constexpr size_t kLanes = 16;

// ln x to about 2^-22 for normal x > 0; in operations that every compiler rounds alike.
float logarithm(float x) {
  // x = m 2^n with m in [sqrt 1/2, sqrt 2]; ln m = 2 artanh((m - 1) / (m + 1)).
  const uint32_t bits = std::bit_cast<uint32_t>(x) - 0x3F3504F3;
  const auto n = static_cast<float>(static_cast<int32_t>(bits) >> 23);
  const float m = std::bit_cast<float>((bits & 0x007FFFFF) + 0x3F3504F3);
  const float s = (m - 1) / (m + 1), square = s * s;
  float sum = 2.0f / 9;
  sum = sum * square + 2.0f / 7;
  sum = sum * square + 2.0f / 5;
  sum = sum * square + 2.0f / 3;
  return n * 0x1.62e43p-1f + (s * (sum * square + 2) + n * -0x1.05c61p-29f);
}

// Sums of -p ln p: lanes, added in order.
double entropy(std::span<const float> p) {
  constexpr float kLeast = 1e-10f;
  float lanes[kLanes] = {};
  const auto add = [&](size_t at, size_t count) {
    for (size_t i = 0; i < count; ++i) lanes[i] -= p[at + i] * logarithm(p[at + i] + kLeast);
  };
  size_t at = 0;
  for (; at + kLanes <= p.size(); at += kLanes) add(at, kLanes);
  add(at, p.size() - at);
  double sum = 0;
  for (const float lane : lanes) sum += lane;
  return sum;
}

// Of one query head's attention to the rows before the window.
struct HeadLook {
  std::vector<float> mean, variance;  // [rows], over the queries.
  double entropy = 0, shift = 0;      // Sums over the rows.
};

HeadLook look_at(const WindowAttention& seen, uint32_t head, size_t rows) {
  const auto queries = static_cast<float>(seen.queries);
  HeadLook out{std::vector<float>(rows), std::vector<float>(rows)};
  for (int32_t q = 0; q < seen.queries; ++q) {
    const std::span<const float> p = seen.of(head, q).first(rows);
    for (size_t row = 0; row < rows; ++row) out.mean[row] += p[row];
    out.entropy += entropy(p);
  }
  for (float& mean : out.mean) mean /= queries;
  for (int32_t q = 0; q < seen.queries && queries > 1; ++q) {
    const std::span<const float> p = seen.of(head, q).first(rows);
    for (size_t row = 0; row < rows; ++row) {
      const float off = p[row] - out.mean[row];
      out.variance[row] += off * off / (queries - 1);
    }
  }
  for (const float variance : out.variance) out.shift += variance;
  return out;
}

class Cake final : public Policy {
 public:
  explicit Cake(const Arguments& a)
      : budget_(a.real("budget")),
        tau1_(a.real("tau1")),
        tau2_(a.real("tau2")),
        gamma_(static_cast<float>(a.real("gamma"))),
        window_(a.whole("window")),
        kernel_(a.whole("kernel")),
        every_(a.whole("every")) {}

  Points points() const override { return {true, every_, false, true}; }
  Needs needs() const override { return {window_, false, 1}; }
  std::unique_ptr<Policy> fork() const override { return std::make_unique<Cake>(*this); }

  LayerRows kept_max(int32_t prompt) const override {
    const auto mean = static_cast<uint64_t>(budget_rows(budget_, prompt));
    if (prompt == divided_at_) return {LayerRows::of(shares_).most, mean};
    return {std::max(static_cast<uint64_t>(prompt), mean), mean};
  }

  std::vector<Edit> plan(const PolicyView& view) override {
    if (view.prompt == divided_at_ && view.length > view.prompt) {
      std::vector<Look> now;
      for (const uint32_t layer : view.layers) now.push_back(look(view, layer));
      return evict(view, now, shares_);
    }
    if (looks_.empty() && within_budget(view)) return {};
    while (looks_.size() < view.layers.size())
      looks_.push_back(look(view, view.layers[looks_.size()]));
    const std::vector<int32_t> shares = divide(view);
    std::vector<Edit> edits;
    if (!shares.empty()) edits = evict(view, looks_, shares);
    if (looks_.size() < view.layers_in_all) return edits;
    if (!shares.empty()) shares_ = shares, divided_at_ = view.prompt;
    looks_.clear();
    return edits;
  }

 private:
  struct Look {
    int32_t rows = 0;                        // That the layer had.
    std::vector<std::vector<float>> scores;  // [kv_heads][rows], of those that it has.
    double preference = 0;
  };

  Look look(const PolicyView& view, uint32_t layer) const {
    const WindowAttention seen = view.window(layer);
    const uint32_t group = view.heads / view.kv_heads;
    const auto before = static_cast<size_t>(std::max(0, seen.rows - window_));
    Look out{seen.rows, {}};
    double spread = 0, shift = 0;
    for (uint32_t head = 0; head < view.heads; ++head) {
      if (head % group == 0) out.scores.emplace_back(static_cast<size_t>(seen.rows));
      const HeadLook mine = look_at(seen, head, before);
      spread += mine.entropy, shift += mine.shift;
      for (size_t row = 0; row < mine.mean.size(); ++row)
        out.scores.back()[row] += mine.mean[row] + gamma_ * mine.variance[row];
    }
    for (auto& scores : out.scores) scores = pooled(scores, kernel_, false);
    out.preference = exact_exp(exact_log(spread) / tau1_ + exact_log(shift) / tau2_);
    return out;
  }

  uint64_t total(const PolicyView& view) const {
    return static_cast<uint64_t>(budget_rows(budget_, view.prompt)) * view.layers_in_all;
  }

  // Whether nothing is to go from any layer, so that none need be looked at.
  bool within_budget(const PolicyView& view) const {
    uint64_t all = 0;
    for (const uint32_t layer : view.layers) all += static_cast<uint64_t>(view.rows(layer));
    return view.layers.size() == view.layers_in_all && all <= total(view);
  }

  // Of the whole budget, among the layers that were looked at. No layer gets more rows than the
  // prompt has, or than the budget where that is more. Empty: all rows are within the budget.
  std::vector<int32_t> divide(const PolicyView& view) const {
    const int32_t budget = budget_rows(budget_, view.prompt);
    std::vector<double> preferences;
    std::vector<int32_t> rows;
    uint64_t all = 0;
    for (const Look& look : looks_) {
      preferences.push_back(look.preference);
      rows.push_back(std::min(look.rows, std::max(view.prompt, budget)));
      all += static_cast<uint64_t>(look.rows);
    }
    if (all <= total(view)) return {};
    return divide_rows(total(view), preferences, std::min(window_, budget), rows);
  }

  // Down to these shares; the scores of what goes go too.
  std::vector<Edit> evict(const PolicyView& view, std::vector<Look>& looks,
                          std::span<const int32_t> shares) const {
    std::vector<Edit> edits;
    for (size_t i = 0; i < looks.size(); ++i) {
      if (view.rows(view.layers[i]) <= shares[i]) continue;
      edits.push_back({view.layers[i], {}});
      for (std::vector<float>& scores : looks[i].scores) {
        std::vector<int32_t> kept = best_slots(scores, shares[i], 0, window_);
        for (size_t slot = 0; slot < kept.size(); ++slot)
          scores[slot] = scores[static_cast<size_t>(kept[slot])];
        scores.resize(kept.size());
        edits.back().heads.push_back({std::move(kept), {}});
      }
    }
    return edits;
  }

  double budget_, tau1_, tau2_;
  float gamma_;
  int32_t window_, kernel_, every_;
  std::vector<Look> looks_;      // In a cascade, of the layers so far.
  std::vector<int32_t> shares_;  // Rows of each layer,
  int32_t divided_at_ = 0;       // since the prompt that ended here.
};

const PolicyEntry entry(
    {"cake",
     "keep",
     "Qin, Cao, Lin, Hu, Fan, Cheng, Lin, Li: CAKE: Cascading and Adaptive KV Cache Eviction with "
     "Layer Preferences, 2025",
     "rows that the prompt's last queries attend to, more of them in layers that prefer it",
     "attention of the prompt's last queries",
     4,
     {budget_parameter(0.2),
      {"window", "last queries that choose; their rows stay", 32, 1, 128, true},
      {"kernel", "neighbouring rows whose scores are pooled", 5, 1, 255, true},
      {"gamma", "what a row's variance over the queries counts, against its mean", 200, 0, 1e6},
      {"tau1", "the higher, the less a layer's entropy counts", 1, 0.1, 10},
      {"tau2", "the higher, the less its variance counts", 1, 0.1, 10},
      every_parameter(64)}},
    [](const Arguments& a) -> std::unique_ptr<Policy> { return std::make_unique<Cake>(a); });

}  // namespace
}  // namespace weir
