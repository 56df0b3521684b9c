// The tensors of a model by their role, each checked for its shape. Views into the file.
#pragma once

#include <vector>

#include "format/gguf.h"
#include "format/model_config.h"
#include "tensor/tensor.h"
#include "weir/status.h"

namespace weir {

// Matrices are [outputs][inputs] in the file's type; norms and biases are F32 vectors. Absent ones
// are empty.
struct LayerWeights {
  Tensor attn_norm;               // [d_model]
  Tensor q, k, v;                 // [heads or kv_heads * head_dim][d_model]
  Tensor q_bias, k_bias, v_bias;  // [heads or kv_heads * head_dim]
  Tensor q_norm, k_norm;          // [head_dim]
  Tensor attn_out;                // [d_model][heads * head_dim]
  Tensor post_attn_norm;          // [d_model]
  Tensor ffn_norm;                // [d_model]
  Tensor gate, up;                // [ffn][d_model]
  Tensor down;                    // [d_model][ffn]
  Tensor post_ffn_norm;           // [d_model]
};

struct ModelWeights {
  Tensor token_embedding;            // [vocabulary][d_model]
  Tensor output;                     // [vocabulary][d_model]; the embedding itself where tied.
  Tensor output_norm;                // [d_model]
  Tensor rope_freqs;                 // [rope_dims / 2] divisors, finite and positive, or empty.
  std::vector<LayerWeights> layers;  // [layers]
};

// kCorrupt, naming the tensor: one that is missing, has another shape, is a vector of another type
// than F32, or has no place in the graph.
Result<ModelWeights> read_weights(const GgufFile& file, const ModelConfig& config);

}  // namespace weir
