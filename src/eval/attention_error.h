// How far what attention gives under a recipe is from what it gives over the full cache.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "weir/engine.h"

namespace weir::eval {

// A value for each query head of each layer.
using HeadGrid = std::vector<std::vector<double>>;  // [layers][heads]

// ||of - from|| / ||from||, in the Euclidean norm. REQUIRES as many values; of equal ones 0.
double relative_distance(std::span<const float> of, std::span<const float> from);

// The mean of all cells. REQUIRES some, and rows of one length.
double mean(const HeadGrid& grid);
// Cell by cell. REQUIRES some, of one shape.
HeadGrid mean(std::span<const HeadGrid> grids);

// Compares sequences that are fed the same tokens one by one, of which the last is the reference.
class AttentionErrors {
 public:
  // Observes them from here on; none may be appended to once this is gone.
  AttentionErrors(const ModelInfo& model, std::span<Sequence> sequences);

  // Each of them got a token in the step that has just ended.
  void add();
  // The relative distance of each head's output, before the output projection, from the
  // reference's: means over the steps. REQUIRES a step.
  HeadGrid means(size_t sequence) const;

 private:
  size_t layers_, heads_, head_dim_;
  std::vector<std::vector<float>> outputs_;  // [sequence][layers * heads * head_dim], the latest.
  std::vector<HeadGrid> sums_;               // [sequence], the last one's stay 0.
  size_t steps_ = 0;
};

}  // namespace weir::eval
