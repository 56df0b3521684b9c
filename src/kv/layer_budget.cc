#include "kv/layer_budget.h"

#include <numeric>

#include "base/check.h"
#include "base/number.h"
#include "kernels/layout.h"

namespace weir {
namespace {

uint64_t sum(std::span<const int32_t> rows) {
  return std::accumulate(rows.begin(), rows.end(), uint64_t{0});
}

// Without what is none.
std::vector<double> known(std::span<const double> weights) {
  std::vector<double> out;
  for (const double w : weights) out.push_back(w > 0 ? w : 0);
  if (std::ranges::all_of(out, [](double w) { return w == 0; })) std::ranges::fill(out, 1);
  return out;
}

}  // namespace

LayerRows LayerRows::of(std::span<const int32_t> rows) {
  if (rows.empty()) return {};
  return {static_cast<uint64_t>(std::ranges::max(rows)),
          ceil_div<uint64_t>(sum(rows), rows.size())};
}

uint64_t LayerRows::pages(uint64_t layers) const {
  return std::min(ceil_div<uint64_t>(most, kPageSlots) * layers,
                  (mean + kPageSlots - 1) * layers / kPageSlots);
}

std::vector<int32_t> divide_rows(uint64_t total, std::span<const double> weights, int32_t least,
                                 std::span<const int32_t> rows) {
  WEIR_CHECK(weights.size() == rows.size(), "{} weights of {} layers", weights.size(), rows.size());
  const std::vector<double> weight = known(weights);
  const size_t layers = rows.size();
  std::vector<int32_t> out;
  for (const int32_t r : rows) out.push_back(std::min(r, least));
  WEIR_CHECK(sum(out) <= total, "{} rows, of which {} are the least", total, sum(out));
  for (uint64_t left = std::min(total, sum(rows)) - sum(out); left > 0; --left) {
    size_t best = layers;
    double best_claim = -1;
    for (size_t l = 0; l < layers; ++l) {
      const double claim = weight[l] / (2.0 * (out[l] - std::min(rows[l], least)) + 1);
      if (out[l] < rows[l] && claim > best_claim) best = l, best_claim = claim;
    }
    ++out[best];
  }
  return out;
}

}  // namespace weir
