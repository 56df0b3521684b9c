// Sinks that are read as though they stood right before the rows that follow them, as StreamingLLM
// counts positions inside its cache. Keys stay as they are: the sinks are a list of their own, read
// by the queries moved back by as much, and what both lists give is merged.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "kernels/attention.h"
#include "model/model.h"

namespace weir {

// For one layer of a step; its memory is kept from layer to layer.
class ShiftedSinks {
 public:
  // Rotates `count` heads of queries back by so many positions.
  using RotateBack = std::function<void(float* heads, size_t count, int32_t by)>;

  // `spans` are the step's, one for each of rows.spans. Those whose caches have sinks in the layer
  // are made to give partial results, and spans over the sinks are added.
  void add(uint32_t layer, const Rows& rows, const AttentionShape& shape, const RotateBack& back,
           std::vector<AttentionSpan>& spans);
  // After attend(): puts the partial results together, where add() found any.
  void merge(const AttentionShape& shape, std::span<const AttentionSpan> spans);

 private:
  struct Pair {
    size_t rows_span, sinks_span;
  };
  std::vector<Pair> pairs_;
  std::vector<AttentionList> lists_;
  std::vector<float> q_, out_, max_, sum_;  // Of the sinks' spans; max and sum of the others too.
};

}  // namespace weir
