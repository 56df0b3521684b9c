// Gemma 3 (Gemma Team, 2025): norms before and after each block, heads of queries and keys normed,
// five layers with a sliding window to one without, each kind with its own rotary base, GeGLU.
#include "model/decoder.h"

namespace weir {
namespace {

class Gemma3 final : public Decoder {
 public:
  using Decoder::Decoder;

  void layer(uint32_t l, const Rows& rows) override {
    const DecoderLayer& w = weights(l);
    norm(rows, w.attn_norm);
    project_qkv(w, rows);
    finish_qkv(l, rows);
    attend_layer(l, rows);
    project_out(w, rows);
    norm(rows, w.ffn_norm);
    feed_forward(w, rows, gelu_multiply);
    observe(Observable::kLayerOutput, l, rows, rows.x, config().d_model);
  }
};

}  // namespace

std::unique_ptr<Model> make_gemma3(const ModelFile& file, Arithmetic arithmetic, ThreadPool& pool,
                                   const PackProgress& progress) {
  return std::make_unique<Gemma3>(file, arithmetic, pool, progress);
}

}  // namespace weir
