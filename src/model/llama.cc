// Llama (Touvron et al., 2023; Llama 3: Grattafiori et al., 2024), SmolLM2 and kin: pre-norm,
// grouped queries, rotary positions, SwiGLU.
#include "model/decoder.h"

namespace weir {
namespace {

class Llama final : public Decoder {
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
    feed_forward(w, rows, silu_multiply);
    observe(Observable::kLayerOutput, l, rows, rows.x, config().d_model);
  }
};

}  // namespace

std::unique_ptr<Model> make_llama(const ModelFile& file, Arithmetic arithmetic, ThreadPool& pool,
                                  const PackProgress& progress) {
  return std::make_unique<Llama>(file, arithmetic, pool, progress);
}

}  // namespace weir
