#include "model/model.h"

#include <fmt/format.h>

#include "model/decoder.h"

namespace weir {
namespace {

using Maker = std::unique_ptr<Model> (*)(const ModelFile&, Arithmetic, ThreadPool&,
                                         const PackProgress&);

// The one table of architectures; format refuses files of any other.
constexpr struct {
  Architecture architecture;
  Maker make;
} kGraphs[] = {
    {Architecture::kLlama, make_llama},
    {Architecture::kQwen2, make_qwen2},
    {Architecture::kQwen3, make_qwen3},
    {Architecture::kGemma3, make_gemma3},
};

Status check_width(const char* field, size_t width) {
  if (width % kQuantBlock == 0) return {};
  return fail(Code::kInvalid, fmt::format("{} is {}; weir's kernels take multiples of {}", field,
                                          width, kQuantBlock));
}

}  // namespace

Result<std::unique_ptr<Model>> Model::create(const ModelFile& file, Arithmetic arithmetic,
                                             ThreadPool& pool, const PackProgress& progress) {
  const ModelConfig& c = file.config;
  WEIR_TRY(check_width("the embedding length", c.d_model));
  WEIR_TRY(check_width("the feed-forward length", c.ffn));
  WEIR_TRY(check_width("heads times head size", size_t{c.heads} * c.head_dim));
  if (c.head_dim % 16 != 0 || c.head_dim > 256)
    return fail(Code::kInvalid,
                fmt::format("the head size is {}; weir's attention takes multiples of 16 "
                            "up to 256",
                            c.head_dim));
  for (const auto& graph : kGraphs)
    if (graph.architecture == c.architecture) return graph.make(file, arithmetic, pool, progress);
  return fail(Code::kInvalid, "the model's architecture has no graph");
}

}  // namespace weir
