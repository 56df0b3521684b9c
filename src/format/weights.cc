#include "format/weights.h"

#include <fmt/format.h>

#include <cmath>

namespace weir {
namespace {

tl::unexpected<Error> corrupt(std::string_view tensor, std::string_view what) {
  return fail(Code::kCorrupt, fmt::format("tensor {} {}", tensor, what));
}

// Takes tensors by name and remembers which were taken.
class TensorTaker {
 public:
  explicit TensorTaker(const GgufFile& file) : file_(file), taken_(file.tensors().size()) {}

  bool has(std::string_view name) const { return file_.find(name) != nullptr; }

  Status matrix(std::string_view name, size_t rows, size_t columns, Tensor& out) {
    const GgufTensor* t = file_.find(name);
    if (!t) return corrupt(name, fmt::format("is missing; {}x{} is right", columns, rows));
    if (t->dimensions > 2 || t->view.rows != rows || t->view.columns != columns)
      return corrupt(
          name, fmt::format("is {}x{}{}; {}x{} is right", t->view.columns, t->view.rows,
                            t->dimensions > 2 ? " in more than 2 dimensions" : "", columns, rows));
    taken_[static_cast<size_t>(t - file_.tensors().data())] = true;
    out = t->view;
    return {};
  }

  Status vector(std::string_view name, size_t size, Tensor& out) {
    WEIR_TRY(matrix(name, 1, size, out));
    if (out.type == DType::kF32) return {};
    return corrupt(name, fmt::format("is a vector of {}; F32 is right", info(out.type).name));
  }

  Status all_taken() const {
    for (size_t i = 0; i < taken_.size(); ++i)
      if (!taken_[i])
        return corrupt(file_.tensors()[i].name, "has no place in this architecture's graph");
    return {};
  }

 private:
  const GgufFile& file_;
  std::vector<bool> taken_;
};

Status read_layer(TensorTaker& tensors, const ModelConfig& c, uint32_t l, LayerWeights& w) {
  const size_t q_dim = size_t{c.heads} * c.head_dim, kv_dim = size_t{c.kv_heads} * c.head_dim;
  const auto matrix = [&](std::string_view name, size_t rows, size_t columns, Tensor& out) {
    return tensors.matrix(fmt::format("blk.{}.{}.weight", l, name), rows, columns, out);
  };
  const auto vector = [&](std::string_view name, size_t size, Tensor& out) {
    return tensors.vector(fmt::format("blk.{}.{}", l, name), size, out);
  };
  WEIR_TRY(vector("attn_norm.weight", c.d_model, w.attn_norm));
  WEIR_TRY(matrix("attn_q", q_dim, c.d_model, w.q));
  WEIR_TRY(matrix("attn_k", kv_dim, c.d_model, w.k));
  WEIR_TRY(matrix("attn_v", kv_dim, c.d_model, w.v));
  WEIR_TRY(matrix("attn_output", c.d_model, q_dim, w.attn_out));
  WEIR_TRY(vector("ffn_norm.weight", c.d_model, w.ffn_norm));
  WEIR_TRY(matrix("ffn_gate", c.ffn, c.d_model, w.gate));
  WEIR_TRY(matrix("ffn_up", c.ffn, c.d_model, w.up));
  WEIR_TRY(matrix("ffn_down", c.d_model, c.ffn, w.down));
  if (c.qkv_bias) {
    WEIR_TRY(vector("attn_q.bias", q_dim, w.q_bias));
    WEIR_TRY(vector("attn_k.bias", kv_dim, w.k_bias));
    WEIR_TRY(vector("attn_v.bias", kv_dim, w.v_bias));
  }
  if (c.qk_norm) {
    WEIR_TRY(vector("attn_q_norm.weight", c.head_dim, w.q_norm));
    WEIR_TRY(vector("attn_k_norm.weight", c.head_dim, w.k_norm));
  }
  if (c.post_norms) {
    WEIR_TRY(vector("post_attention_norm.weight", c.d_model, w.post_attn_norm));
    WEIR_TRY(vector("post_ffw_norm.weight", c.d_model, w.post_ffn_norm));
  }
  return {};
}

// Llama 3's divisors of the rotation, one per pair.
Status read_rope_freqs(TensorTaker& tensors, const ModelConfig& c, Tensor& out) {
  constexpr std::string_view kName = "rope_freqs.weight";
  if (c.architecture == Architecture::kGemma3 || !tensors.has(kName)) return {};
  WEIR_TRY(tensors.vector(kName, c.rope_dims / 2, out));
  for (const float divisor : out.floats())
    if (!std::isfinite(divisor) || divisor <= 0)
      return corrupt(kName, fmt::format("holds {}; finite divisors above 0 are right", divisor));
  return {};
}

}  // namespace

Result<ModelWeights> read_weights(const GgufFile& file, const ModelConfig& config) {
  TensorTaker tensors(file);
  ModelWeights weights;
  const size_t rows = config.vocabulary, d = config.d_model;
  WEIR_TRY(tensors.matrix("token_embd.weight", rows, d, weights.token_embedding));
  WEIR_TRY(tensors.vector("output_norm.weight", d, weights.output_norm));
  weights.output = weights.token_embedding;
  if (!config.tied_output) WEIR_TRY(tensors.matrix("output.weight", rows, d, weights.output));
  WEIR_TRY(read_rope_freqs(tensors, config, weights.rope_freqs));
  for (uint32_t l = 0; l < config.layers; ++l)
    WEIR_TRY(read_layer(tensors, config, l, weights.layers.emplace_back()));
  WEIR_TRY(tensors.all_taken());
  return weights;
}

}  // namespace weir
