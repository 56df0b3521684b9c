// What decoder-only transformers have in common: the pieces of a layer, as an architecture's file
// puts them together. Shapes: n rows, d = d_model.
#pragma once

#include <initializer_list>
#include <memory>
#include <span>
#include <vector>

#include "kernels/elementwise.h"
#include "kv/retrieval.h"
#include "model/model.h"
#include "model/shifted_sinks.h"

namespace weir {

// One layer's weights as the kernels want them; absent ones are empty.
struct DecoderLayer {
  std::span<const float> attn_norm, post_attn_norm, ffn_norm, post_ffn_norm;  // [d]
  std::span<const float> q_norm, k_norm;                                      // [head_dim]
  std::span<const float> q_bias, k_bias, v_bias;  // [heads * head_dim], [kv_heads * head_dim]
  PackedMatrix q, k, v, out, gate, up, down;
};

class Decoder : public Model {
 public:
  Decoder(const ModelFile& file, Arithmetic arithmetic, ThreadPool& pool,
          const PackProgress& progress);

  CacheShape cache_shape(DType kv, uint32_t step_tokens_max) const override;
  uint64_t weight_bytes() const override;
  void begin(const Rows& rows) override;
  void embed(std::span<const int32_t> tokens, const Rows& rows) override;
  void head(const Rows& rows, std::span<const uint32_t> picked, float* logits) override;

 protected:
  const DecoderLayer& weights(uint32_t l) const { return layers_[l]; }
  const ModelConfig& config() const { return config_; }

  // hidden = norm(x) * weight, each row.
  void norm(const Rows& rows, std::span<const float> weight);
  // q, k, v = the projections of hidden.
  void project_qkv(const DecoderLayer& w, const Rows& rows);
  // Adds biases and norms each head of q and k, where the layer does; rotates q and k to their
  // positions; writes k and v into the caches. One pass over each row.
  void finish_qkv(uint32_t l, const Rows& rows);
  // attended = softmax(q k) v over what the layer's reach allows.
  void attend_layer(uint32_t l, const Rows& rows);
  // x += attended W_O; or, where the layer norms its output, x += norm(attended W_O).
  void project_out(const DecoderLayer& w, const Rows& rows);
  // x += down(activation(gate) * up) of hidden, normed likewise where the layer says so.
  using Activation = Activations::Activation;
  void feed_forward(const DecoderLayer& w, const Rows& rows, Activation activation);
  // Tells who watches.
  void observe(Observable what, uint32_t l, const Rows& rows, const float* values, size_t columns);

 private:
  // matmul, timed where it is asked for.
  void multiply(Profile::Kind kind, const Activations& x, std::initializer_list<Product> products);
  Profile::Work attention_work(uint32_t l, const Rows& rows) const;
  void finish_heads(float* row, size_t heads, std::span<const float> bias,
                    std::span<const float> norm, const float* cosine, const float* sine) const;
  AttentionShape gather_queries(uint32_t l, const Rows& rows);
  void observe_bounds(uint32_t l, const Rows& rows);
  void rotate_back(float* heads, size_t count, int32_t by) const;
  void add_normed(const float* y, std::span<const float> weight, const Rows& rows);
  bool local(uint32_t l) const;

  ModelConfig config_;
  Arithmetic arithmetic_;
  ThreadPool& pool_;
  Arena arena_;
  PackedMatrix embedding_, output_;  // output_ is empty where the embedding serves as the head.
  std::span<const float> output_norm_;
  std::vector<DecoderLayer> layers_;
  RopeTable rope_, local_rope_;

  // Of the step at hand; they grow to the largest step seen.
  std::vector<float> cosine_, sine_, local_cosine_, local_sine_;  // [n][head_dim / 2]
  std::vector<float> hidden_, q_, k_, v_, attended_, wide_, picked_;
  std::vector<uint32_t> span_of_;       // [n] The span of each row.
  std::vector<AttentionList> lists_;    // [spans][kv_heads]
  std::vector<AttentionSpan> queries_;  // [spans], then those over sinks.
  ShiftedSinks sinks_;
  std::vector<Retrieval::Reader> readers_;  // Those of the spans that retrieve in the layer.
  Retrieval retrieval_{pool_};
  Activations input_, gated_;
};

// The architectures, one file each.
std::unique_ptr<Model> make_llama(const ModelFile&, Arithmetic, ThreadPool&, const PackProgress&);
std::unique_ptr<Model> make_qwen2(const ModelFile&, Arithmetic, ThreadPool&, const PackProgress&);
std::unique_ptr<Model> make_qwen3(const ModelFile&, Arithmetic, ThreadPool&, const PackProgress&);
std::unique_ptr<Model> make_gemma3(const ModelFile&, Arithmetic, ThreadPool&, const PackProgress&);

}  // namespace weir
