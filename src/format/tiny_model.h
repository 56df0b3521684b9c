// Models of a few kilobytes with weights that look random, for tests of every folder.
#pragma once

#include <cstdint>
#include <string>

#include "format/gguf_writer.h"
#include "format/model_config.h"

namespace weir {

// Four control tokens (0 begins, 1 ends), one token per byte, two merged ones; the rest is
// "w262"...
inline constexpr uint32_t kTinyVocabularyMin = 4 + 256 + 2;

// Sizes of a tiny model. d_model, ffn and heads * head_dim must be multiples of the type's block.
struct TinyModel {
  Architecture architecture = Architecture::kLlama;
  uint32_t layers = 2, d_model = 32, heads = 2, kv_heads = 1, head_dim = 16, ffn = 64;
  uint32_t vocabulary = 300;  // At least kTinyVocabularyMin.
  uint32_t context_tokens_max = 256;
  uint32_t sliding_window = 8;  // gemma3 only
  bool tied_output = true;
  DType type = DType::kF32;  // Of matrices: kF32 or kQ8_0.
  uint64_t seed = 1;
};

// The pieces of such a file, so that a test can leave out or add one.
void write_tiny_metadata(const TinyModel& model, GgufWriter& writer);
void write_tiny_vocabulary(const TinyModel& model, GgufWriter& writer);
void write_tiny_tensors(const TinyModel& model, GgufWriter& writer);

// The whole file. The same bytes for the same values.
std::string tiny_model(const TinyModel& model);

}  // namespace weir
