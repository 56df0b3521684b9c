#include "eval/attention_error.h"

#include <algorithm>
#include <cmath>

namespace weir::eval {

double relative_distance(std::span<const float> of, std::span<const float> from) {
  double apart = 0, size = 0;
  for (size_t i = 0; i < from.size(); ++i) {
    const double difference = double{of[i]} - from[i];
    apart += difference * difference, size += double{from[i]} * from[i];
  }
  return apart == 0 ? 0 : std::sqrt(apart / size);
}

double mean(const HeadGrid& grid) {
  double sum = 0;
  for (const auto& row : grid)
    for (const double cell : row) sum += cell;
  return sum / static_cast<double>(grid.size() * grid[0].size());
}

HeadGrid mean(std::span<const HeadGrid> grids) {
  HeadGrid out = grids[0];
  for (size_t layer = 0; layer < out.size(); ++layer)
    for (size_t head = 0; head < out[layer].size(); ++head) {
      double sum = 0;
      for (const HeadGrid& grid : grids) sum += grid[layer][head];
      out[layer][head] = sum / static_cast<double>(grids.size());
    }
  return out;
}

AttentionErrors::AttentionErrors(const ModelInfo& model, std::span<Sequence> sequences)
    : layers_(model.layers),
      heads_(model.heads),
      head_dim_(model.head_dim),
      outputs_(sequences.size(), std::vector<float>(layers_ * heads_ * head_dim_)),
      sums_(sequences.size(), HeadGrid(layers_, std::vector<double>(heads_))) {
  for (size_t i = 0; i < sequences.size(); ++i)
    sequences[i].observe(static_cast<uint32_t>(Observable::kAttention), [to = outputs_[i].data()](
                                                                            const Observation& o) {
      std::ranges::copy(o.values, to + static_cast<size_t>(o.layer) * o.columns);
    });
}

void AttentionErrors::add() {
  ++steps_;
  const auto head_of = [&](size_t sequence, size_t layer, size_t head) {
    return std::span<const float>(outputs_[sequence])
        .subspan((layer * heads_ + head) * head_dim_, head_dim_);
  };
  const size_t reference = outputs_.size() - 1;
  for (size_t i = 0; i < reference; ++i)
    for (size_t layer = 0; layer < layers_; ++layer)
      for (size_t head = 0; head < heads_; ++head)
        sums_[i][layer][head] +=
            relative_distance(head_of(i, layer, head), head_of(reference, layer, head));
}

HeadGrid AttentionErrors::means(size_t sequence) const {
  HeadGrid out = sums_[sequence];
  for (auto& row : out)
    for (double& cell : row) cell /= static_cast<double>(steps_);
  return out;
}

}  // namespace weir::eval
