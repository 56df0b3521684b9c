// What a model is: the figures of its graph, read from a file's metadata.
//
// Two conventions of GGUF files to know. Files of "llama" have the rows of Q and K permuted, so
// that rotary pairs are (2i, 2i + 1) (`rope_interleaved`); all others pair (i, i + rope_dims / 2)
// as published. Gemma's norms multiply by 1 + weight; in the file the 1 is already added.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "format/gguf.h"
#include "weir/status.h"

namespace weir {

enum class Architecture { kLlama, kQwen2, kQwen3, kGemma3 };
enum class Activation { kSilu, kGeluTanh };

// As general.architecture has it: "llama".
std::string_view name(Architecture architecture);

struct ModelConfig {
  Architecture architecture = Architecture::kLlama;
  std::string name;  // general.name, or the architecture's where it is absent.

  uint32_t layers = 0;
  uint32_t d_model = 0;
  uint32_t heads = 0, kv_heads = 0;  // heads is a multiple of kv_heads.
  uint32_t head_dim = 0;             // Of queries, keys and values alike.
  uint32_t ffn = 0;
  uint32_t vocabulary = 0;          // Rows of the token embedding.
  uint32_t context_tokens_max = 0;  // What the model was trained for.

  float rms_epsilon = 0;
  float embedding_scale = 1;  // Multiplies token embeddings (Gemma: sqrt(d_model)).
  float attention_scale = 1;  // Multiplies q k.

  // Rotation of pair i at position p: p * theta^(-2i / rope_dims) / rope_freqs[i] / rope_factor.
  uint32_t rope_dims = 0;  // Even, at most head_dim; the dimensions after them are not rotated.
  bool rope_interleaved = false;
  double rope_theta = 10000;
  double rope_factor = 1;           // Linear scaling (Chen et al., 2023); 1: none.
  double rope_theta_local = 10000;  // Of sliding layers, which have neither factor nor divisors.

  uint32_t sliding_window = 0;       // Tokens that a sliding layer sees, itself included; 0: none.
  std::vector<bool> sliding_layers;  // [layers]

  Activation activation = Activation::kSilu;
  bool qkv_bias = false;     // Biases of q, k and v.
  bool qk_norm = false;      // RMS norms of each head of q and k, before the rotation.
  bool post_norms = false;   // RMS norms of what attention and feed-forward put out.
  bool tied_output = false;  // The token embedding is the output matrix too.

  // Keys and values of one token in every layer, in type `kv` (kF32, kF16 or kBF16).
  uint64_t kv_bytes_per_token(DType kv) const;
};

// kInvalid: an architecture or a feature (experts, soft caps, YaRN, ...) that weir would compute
// wrongly, named. kCorrupt: a figure that is missing, of a wrong type or out of bounds, by its key.
Result<ModelConfig> read_config(const GgufFile& file);

}  // namespace weir
