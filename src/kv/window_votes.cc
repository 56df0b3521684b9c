#include "kv/window_votes.h"

#include <algorithm>

#include "kv/scored_policy.h"

namespace weir {

Parameter window_parameter() {
  return {"window", "last queries that vote; their rows stay", 32, 1, 128, true};
}
Parameter kernel_parameter(double initial) {
  return {"kernel", "neighbouring rows whose votes are pooled", initial, 1, 255, true};
}
Parameter pooling_parameter(bool greatest) {
  return {"pooling", "how they are", greatest ? 1.0 : 0.0, 0, 1, true, {"avg", "max"}};
}

Pooling pooling_of(const Arguments& arguments) {
  return {arguments.whole("kernel"), arguments.word("pooling") == "max"};
}

std::vector<std::vector<float>> window_votes(const PolicyView& view, uint32_t layer,
                                             const Pooling& pooling) {
  const WindowAttention seen = view.window(layer);
  const uint32_t group = view.heads / view.kv_heads;
  std::vector<std::vector<float>> out;
  for (uint32_t h = 0; h < view.kv_heads; ++h) {
    const int32_t rows = view.rows(layer, h);
    std::vector<float> votes(static_cast<size_t>(std::max(0, rows - seen.queries)));
    for (uint32_t head = h * group; head < (h + 1) * group; ++head)
      for (int32_t query = 0; query < seen.queries; ++query)
        for (size_t row = 0; row < votes.size(); ++row) votes[row] += seen.of(head, query)[row];
    out.push_back(pooled(votes, pooling.kernel, pooling.greatest));
    out.back().resize(static_cast<size_t>(rows));
  }
  return out;
}

}  // namespace weir
