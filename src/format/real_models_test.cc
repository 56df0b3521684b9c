// The published models, where they are at hand: $WEIR_TEST_MODELS, or the directory that
// `weir model pull` fills.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdlib>

#include "format/model_file.h"

namespace weir {
namespace {

std::filesystem::path models_directory() {
  const auto env = [](const char* name) {
    const char* value = std::getenv(name);
    return std::filesystem::path(value ? value : "");
  };
  if (const auto given = env("WEIR_TEST_MODELS"); !given.empty()) return given;
  if (const auto cache = env("WEIR_CACHE"); !cache.empty()) return cache / "models";
  if (const auto cache = env("XDG_CACHE_HOME"); !cache.empty()) return cache / "weir/models";
  return env("HOME") / ".cache/weir/models";
}

std::string summary(const ModelFile& m) {
  const ModelConfig& c = m.config;
  return fmt::format(
      "{} ({}): {} layers, d {}, {} heads, {} kv heads, head {}, ffn {}, vocabulary {}, context "
      "{}, "
      "window {}, rope {} of {} dims{}, {} tensors, {} header bytes, eog {}, digest {}",
      c.name, name(c.architecture), c.layers, c.d_model, c.heads, c.kv_heads, c.head_dim, c.ffn,
      c.vocabulary, c.context_tokens_max, c.sliding_window, c.rope_theta, c.rope_dims,
      c.rope_interleaved ? ", interleaved" : "", m.file.tensors().size(), m.file.header().size(),
      m.vocabulary.end_of_generation.size(), m.digest.substr(0, 16));
}

bool is_bf16(float value) {
  return (std::bit_cast<uint32_t>(value) & 0xffff) == 0;
}

#define OPEN_OR_SKIP(model, file_name)                                                \
  const auto path = models_directory() / file_name;                                   \
  if (!std::filesystem::exists(path)) GTEST_SKIP() << file_name << " is not at hand"; \
  auto opened = open_model(path);                                                     \
  ASSERT_TRUE(opened.has_value()) << opened.error().message;                          \
  const ModelFile model = std::move(*opened);                                         \
  std::puts(summary(model).c_str())

TEST(RealModels, SmolLm2) {
  OPEN_OR_SKIP(m, "smollm2.gguf");
  const ModelConfig& c = m.config;
  EXPECT_EQ(c.architecture, Architecture::kLlama);
  EXPECT_EQ(c.layers, 30u);
  EXPECT_EQ(c.d_model, 576u);
  EXPECT_EQ(c.heads, 9u);
  EXPECT_EQ(c.kv_heads, 3u);
  EXPECT_EQ(c.head_dim, 64u);
  EXPECT_EQ(c.ffn, 1536u);
  EXPECT_EQ(c.vocabulary, 49152u);
  EXPECT_EQ(c.context_tokens_max, 8192u);
  EXPECT_EQ(c.rope_theta, 100000);
  EXPECT_TRUE(c.rope_interleaved);
  EXPECT_TRUE(c.tied_output);
  EXPECT_EQ(c.kv_bytes_per_token(DType::kF16), 30u * 3 * 64 * 2 * 2);
  EXPECT_EQ(m.weights.token_embedding.type, DType::kQ8_0);
  EXPECT_EQ(m.weights.output.data, m.weights.token_embedding.data);
  for (const LayerWeights& l : m.weights.layers) EXPECT_EQ(l.down.type, DType::kQ4_1);
  EXPECT_EQ(m.vocabulary.model, "gpt2");
  EXPECT_EQ(m.vocabulary.pre, "smollm");
  EXPECT_EQ(m.vocabulary.merges.size(), 48900u);
  EXPECT_EQ(m.vocabulary.bos, 1);
  EXPECT_EQ(m.vocabulary.eos, 2);
  EXPECT_EQ(m.vocabulary.end_of_generation, (std::vector<int32_t>{0, 2}));
  EXPECT_NE(m.vocabulary.chat_template.find("<|im_start|>"), std::string_view::npos);
}

TEST(RealModels, Gemma3) {
  OPEN_OR_SKIP(m, "gemma3-270m.gguf");
  const ModelConfig& c = m.config;
  EXPECT_EQ(c.architecture, Architecture::kGemma3);
  EXPECT_EQ(c.layers, 18u);
  EXPECT_EQ(c.d_model, 640u);
  EXPECT_EQ(c.heads, 4u);
  EXPECT_EQ(c.kv_heads, 1u);
  EXPECT_EQ(c.head_dim, 256u);
  EXPECT_EQ(c.ffn, 2048u);
  EXPECT_EQ(c.vocabulary, 262144u);
  EXPECT_EQ(c.context_tokens_max, 32768u);
  EXPECT_EQ(c.sliding_window, 512u);
  for (uint32_t l = 0; l < c.layers; ++l) EXPECT_EQ(c.sliding_layers[l], l % 6 != 5) << l;
  EXPECT_EQ(c.rope_theta, 1e6);
  EXPECT_EQ(c.rope_theta_local, 1e4);
  EXPECT_FALSE(c.rope_interleaved);
  EXPECT_EQ(c.attention_scale, 1.0f / 16);
  EXPECT_EQ(c.embedding_scale, std::sqrt(640.0f));
  EXPECT_EQ(m.vocabulary.model, "llama");
  EXPECT_EQ(m.vocabulary.scores.size(), 262144u);
  EXPECT_EQ(m.vocabulary.eos, 1);
  EXPECT_EQ(m.vocabulary.end_of_generation, (std::vector<int32_t>{1, 106}));
  // Gemma's norms multiply by 1 + weight, and were published in BF16. That not all of the file's
  // values are of BF16, but all are so when 1 is taken off, shows that the 1 has been added.
  size_t values = 0, as_stored = 0, less_one = 0;
  for (const LayerWeights& l : m.weights.layers)
    for (const float w : l.k_norm.floats()) {
      ++values;
      as_stored += is_bf16(w);
      less_one += is_bf16(w - 1);
    }
  EXPECT_EQ(less_one, values);
  EXPECT_LT(as_stored, values);
}

}  // namespace
}  // namespace weir
