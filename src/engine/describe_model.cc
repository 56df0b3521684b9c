#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "format/gguf.h"
#include "format/model_config.h"
#include "format/vocabulary.h"
#include "weir/model_summary.h"

namespace weir {
namespace {

void add_config(ModelSummary& s, const ModelConfig& c) {
  s.name = c.name;
  s.architecture = name(c.architecture);
  s.layers = c.layers;
  s.d_model = c.d_model;
  s.heads = c.heads;
  s.kv_heads = c.kv_heads;
  s.head_dim = c.head_dim;
  s.ffn = c.ffn;
  s.vocabulary = c.vocabulary;
  s.context_tokens_max = c.context_tokens_max;
  s.sliding_layers =
      static_cast<uint32_t>(std::count(c.sliding_layers.begin(), c.sliding_layers.end(), true));
  s.sliding_window = s.sliding_layers ? c.sliding_window : 0;
  s.kv_bytes_per_token = c.kv_bytes_per_token(DType::kF16);
}

void add_tensors(ModelSummary& s, std::span<const GgufTensor> tensors) {
  std::map<std::string_view, TensorTypeSummary> types;
  for (const GgufTensor& t : tensors) {
    TensorTypeSummary& type = types[info(t.type).name];
    ++type.tensors;
    type.bytes += t.view.bytes();
    s.tensor_bytes += t.view.bytes();
    s.parameters += t.view.rows * t.view.columns;
  }
  for (auto& [type_name, type] : types) {
    type.type = type_name;
    s.tensor_types.push_back(std::move(type));
  }
  std::sort(s.tensor_types.begin(), s.tensor_types.end(), [](const auto& a, const auto& b) {
    return a.bytes != b.bytes ? a.bytes > b.bytes : a.type < b.type;
  });
}

}  // namespace

Result<ModelSummary> describe_model(const std::filesystem::path& path) {
  WEIR_ASSIGN(const GgufFile file, GgufFile::open(path));
  WEIR_ASSIGN(const ModelConfig config, read_config(file));
  WEIR_ASSIGN(const Vocabulary vocabulary, read_vocabulary(file, config.vocabulary));
  WEIR_ASSIGN(const auto licence, file.find_string("general.license"));
  ModelSummary out;
  out.gguf_version = file.version();
  out.licence = licence.value_or("");
  out.tokenizer = vocabulary.model == "gpt2" ? fmt::format("gpt2 ({})", vocabulary.pre)
                                             : std::string(vocabulary.model);
  out.chat_template = vocabulary.chat_template;
  add_config(out, config);
  add_tensors(out, file.tensors());
  return out;
}

}  // namespace weir
