// Watching a model compute. Asked for per sequence; costs nothing where it is not asked for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

namespace weir {

enum class Observable : uint32_t {
  kEmbedding = 1 << 0,    // [rows][d_model], what enters the first layer.
  kQuery = 1 << 1,        // [rows][heads * head_dim], rotated, of each layer.
  kKey = 1 << 2,          // [rows][kv_heads * head_dim], rotated, before it is rounded into a page.
  kValue = 1 << 3,        // [rows][kv_heads * head_dim].
  kAttention = 1 << 4,    // [rows][heads * head_dim], before the output projection.
  kLayerOutput = 1 << 5,  // [rows][d_model], the residual stream after each layer.
  kFinalNorm = 1 << 6,  // [rows][d_model], what the output head multiplies; rows with logits only.
  // [rows][heads], of rows that a certifying read method chose pages for: so far may a head's
  // kAttention stand from attention over all rows, at most, in the Euclidean norm.
  kReadBound = 1 << 7,
};

// Values of consecutive positions of one sequence. Valid during the call only.
struct Observation {
  Observable what;
  int layer;         // 0-based; -1 where the value belongs to none.
  int32_t position;  // Of the first row.
  size_t rows, columns;
  std::span<const float> values;  // [rows][columns]
};

// Called on the engine's thread in order of layers; must not call the engine.
using Observer = std::function<void(const Observation&)>;

}  // namespace weir
