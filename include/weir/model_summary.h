// What a model file holds, told without loading its weights.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "weir/status.h"

namespace weir {

// The tensors of one element type, "Q4_1" say.
struct TensorTypeSummary {
  std::string type;
  uint64_t tensors = 0, bytes = 0;
};

// Sizes in elements unless named bytes.
struct ModelSummary {
  std::string name, architecture;
  std::string licence;  // As the file states it, or empty.
  uint32_t gguf_version = 0;
  uint32_t layers = 0, d_model = 0, heads = 0, kv_heads = 0, head_dim = 0, ffn = 0, vocabulary = 0;
  uint32_t context_tokens_max = 0;  // What the model was trained for.
  uint32_t sliding_window = 0;      // Tokens that a sliding layer sees; 0: there are none such.
  uint32_t sliding_layers = 0;
  std::string tokenizer;  // "gpt2 (smollm)", "llama".
  uint64_t parameters = 0, tensor_bytes = 0;
  uint64_t kv_bytes_per_token = 0;              // In 16 bits, while no window is full.
  std::vector<TensorTypeSummary> tensor_types;  // Most bytes first.
  std::string chat_template;                    // Jinja source, or empty.
};

// Reads the header of a GGUF file. Errors as Engine::open's: they name what is wrong with the file.
Result<ModelSummary> describe_model(const std::filesystem::path& path);

}  // namespace weir
