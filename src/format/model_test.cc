// Configuration, weights and vocabulary of tiny models with one thing changed.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>

#include "format/altered_gguf.h"
#include "format/tiny_model.h"

namespace weir {
namespace {

using testing::HasSubstr;

std::string tiny(Architecture architecture) {
  TinyModel model;
  model.architecture = architecture;
  return tiny_model(model);
}

// A model whose bytes live as long as it.
struct Opened {
  explicit Opened(std::string_view text)
      : bytes(text), model(std::move(read_model(GgufFile::parse(bytes.span()).value())).value()) {}
  ExactBytes bytes;
  ModelFile model;
};

void expect_refusal(std::string_view file, Code code, const std::string& says) {
  const auto error = refusal(file);
  ASSERT_TRUE(error.has_value()) << "taken: " << says;
  EXPECT_EQ(error->code, code) << error->message;
  EXPECT_THAT(error->message, HasSubstr(says));
}

std::string u32(uint32_t value) {
  return raw_bytes(value);
}
std::string f32(float value) {
  return raw_bytes(value);
}
std::string text(std::string_view value) {
  return raw_bytes(uint64_t{value.size()}) + std::string(value);
}

TEST(ModelConfig, FollowsTheArchitecture) {
  const struct {
    Architecture architecture;
    bool interleaved, bias, qk_norm, post_norms;
    Activation activation;
  } cases[] = {
      {Architecture::kLlama, true, false, false, false, Activation::kSilu},
      {Architecture::kQwen2, false, true, false, false, Activation::kSilu},
      {Architecture::kQwen3, false, false, true, false, Activation::kSilu},
      {Architecture::kGemma3, false, false, true, true, Activation::kGeluTanh},
  };
  for (const auto& expected : cases) {
    const Opened opened(tiny(expected.architecture));
    const ModelConfig& c = opened.model.config;
    SCOPED_TRACE(name(c.architecture));
    EXPECT_EQ(c.architecture, expected.architecture);
    EXPECT_EQ(c.rope_interleaved, expected.interleaved);
    EXPECT_EQ(c.qkv_bias, expected.bias);
    EXPECT_EQ(c.qk_norm, expected.qk_norm);
    EXPECT_EQ(c.post_norms, expected.post_norms);
    EXPECT_EQ(c.activation, expected.activation);
    const LayerWeights& w = opened.model.weights.layers.at(1);
    EXPECT_EQ(w.q_bias.empty(), !expected.bias);
    EXPECT_EQ(w.k_norm.empty(), !expected.qk_norm);
    EXPECT_EQ(w.post_ffn_norm.empty(), !expected.post_norms);
    EXPECT_EQ(c.rope_dims, 16u);
    EXPECT_EQ(c.attention_scale, 0.25f);
    EXPECT_EQ(c.kv_bytes_per_token(DType::kF16), 2u * 2 * 16 * 2);
  }
}

TEST(ModelConfig, ListsKnownArchitectures) {
  const Rewriter good(tiny(Architecture::kLlama));
  expect_refusal(good.with_entry("general.architecture", GgufType::kString, text("mamba")),
                 Code::kInvalid, "\"mamba\"; weir runs llama, qwen2, qwen3, gemma3");
}

TEST(ModelConfig, RefusesForeignFeatures) {
  const Rewriter good(tiny(Architecture::kGemma3));
  for (const char* key : {"final_logit_softcapping", "attn_logit_softcapping", "attention.scale",
                          "attention.clamp_kqv", "logit_scale", "residual_scale"})
    expect_refusal(good.with_entry(fmt::format("gemma3.{}", key), GgufType::kFloat32, f32(30)),
                   Code::kInvalid, key);
  const auto with = [&](const char* key, GgufType type, const std::string& value) {
    return good.with_entry(key, type, value);
  };
  const char* cap = "gemma3.final_logit_softcapping";
  EXPECT_FALSE(refusal(with(cap, GgufType::kFloat32, f32(0))).has_value());
  expect_refusal(with(cap, GgufType::kString, text("0")), Code::kInvalid, cap);
  expect_refusal(with("gemma3.expert_count", GgufType::kUint32, u32(8)), Code::kInvalid,
                 "gemma3.expert_count is 8");
  EXPECT_FALSE(refusal(with("gemma3.expert_count", GgufType::kUint32, u32(0))).has_value());
  expect_refusal(with("gemma3.attention.causal", GgufType::kBool, std::string(1, '\0')),
                 Code::kInvalid, "causal is false");
  EXPECT_FALSE(refusal(with("gemma3.attention.causal", GgufType::kBool, "\x01")).has_value());
}

TEST(ModelConfig, ReadsRopeScaling) {
  const Rewriter good(tiny(Architecture::kLlama));
  const auto factor = [&](const std::string& file) {
    return Opened(file).model.config.rope_factor;
  };
  EXPECT_EQ(factor(tiny(Architecture::kLlama)), 1);
  const std::string scaled =
      good.with_entry("llama.rope.scaling.factor", GgufType::kFloat32, f32(4));
  EXPECT_EQ(factor(scaled), 4);
  EXPECT_EQ(factor(good.with_entry("llama.rope.scale_linear", GgufType::kFloat32, f32(2))), 2);
  EXPECT_EQ(factor(good.with_entry("llama.rope.scaling.factor", GgufType::kFloat32, f32(0))), 1);
  const auto typed = [&](std::string_view type) {
    return Rewriter(scaled).with_entry("llama.rope.scaling.type", GgufType::kString, text(type));
  };
  EXPECT_EQ(factor(typed("linear")), 4);
  EXPECT_EQ(factor(typed("none")), 1);
  expect_refusal(typed("yarn"), Code::kInvalid, "llama.rope.scaling.type is \"yarn\"");
  expect_refusal(good.with_entry("llama.rope.dimension_count", GgufType::kUint32, u32(15)),
                 Code::kCorrupt, "an even number");
  expect_refusal(good.with_entry("llama.rope.dimension_count", GgufType::kUint32, u32(18)),
                 Code::kCorrupt, "from 1 to 16");
}

TEST(ModelConfig, ReadsRopeDivisors) {
  const Rewriter good(tiny(Architecture::kLlama));
  expect_refusal(good.with_tensor("rope_freqs.weight", DType::kF32, {8}), Code::kCorrupt,
                 "rope_freqs.weight holds 0");
  expect_refusal(good.with_tensor("rope_freqs.weight", DType::kF32, {7}), Code::kCorrupt,
                 "rope_freqs.weight is 7x1; 8x1");
  GgufWriter out;
  write_tiny_metadata({}, out);
  write_tiny_vocabulary({}, out);
  write_tiny_tensors({}, out);
  std::string divisors;
  for (int i = 0; i < 8; ++i) divisors += f32(1.0f + static_cast<float>(i));
  out.tensor("rope_freqs.weight", DType::kF32, std::array<uint64_t, 1>{8}, divisors);
  const Opened opened(out.finish());
  EXPECT_EQ(opened.model.weights.rope_freqs.floats()[7], 8.0f);
}

TEST(ModelConfig, ReadsSlidingLayers) {
  TinyModel model;
  model.architecture = Architecture::kGemma3;
  model.layers = 7;
  const Rewriter good(tiny_model(model));
  const std::string key = "gemma3.attention.sliding_window_pattern";
  const auto layers = [&](const std::string& file) {
    std::string out;
    const Opened opened(file);
    for (const bool sliding : opened.model.config.sliding_layers) out += sliding ? 's' : 'g';
    return out;
  };
  EXPECT_EQ(layers(tiny_model(model)), "sssssgs");
  EXPECT_EQ(layers(good.with_entry(key, GgufType::kUint32, u32(2))), "sgsgsgs");
  EXPECT_EQ(layers(good.with_entry(key, GgufType::kUint32, u32(1))), "ggggggg");
  const std::string window = "gemma3.attention.sliding_window";
  EXPECT_EQ(layers(good.without_entry(window)), "ggggggg");
  const auto flags = [](std::string_view bytes) {
    return raw_bytes(uint32_t{7}) + raw_bytes(uint64_t{bytes.size()}) + std::string(bytes);
  };
  EXPECT_EQ(layers(good.with_entry(key, GgufType::kArray, flags({"\1\0\0\1\0\0\1", 7}))),
            "sggsggs");
  expect_refusal(good.with_entry(key, GgufType::kArray, flags("\1\1")), Code::kCorrupt,
                 "7 is right, one per layer");
  const Rewriter llama(tiny(Architecture::kLlama));
  expect_refusal(llama.with_entry("llama.attention.sliding_window", GgufType::kUint32, u32(64)),
                 Code::kInvalid, "llama.attention.sliding_window is 64");
  EXPECT_FALSE(
      refusal(llama.with_entry("llama.attention.sliding_window", GgufType::kUint32, u32(256)))
          .has_value());
}

// The published configurations divide queries by sqrt(256) in all sizes of Gemma 3 but the largest.
TEST(ModelConfig, ScalesGemmasAttention) {
  TinyModel model;
  model.architecture = Architecture::kGemma3;
  model.d_model = 128;
  EXPECT_EQ(Opened(tiny_model(model)).model.config.attention_scale, 0.25f);
  EXPECT_EQ(Opened(tiny_model(model)).model.config.embedding_scale, std::sqrt(128.0f));
  model.layers = 62;
  EXPECT_EQ(Opened(tiny_model(model)).model.config.attention_scale, 0.125f);
}

TEST(ModelConfig, RefusesHeadsThatDoNotFit) {
  const Rewriter good(tiny(Architecture::kLlama));
  const auto with = [&](const char* key, uint32_t value) {
    return good.with_entry(fmt::format("llama.attention.{}", key), GgufType::kUint32, u32(value));
  };
  expect_refusal(with("head_count_kv", 3), Code::kCorrupt, "a divisor of");
  expect_refusal(with("value_length", 8), Code::kInvalid, "values of 8");
  expect_refusal(Rewriter(with("head_count", 3)).without_entry("llama.attention.key_length"),
                 Code::kCorrupt, "no multiple of 3 heads");
  expect_refusal(good.with_entry("llama.vocab_size", GgufType::kUint32, u32(299)), Code::kCorrupt,
                 "llama.vocab_size is 299");
}

TEST(Weights, ErrorsNameTheTensor) {
  for (const Architecture a :
       {Architecture::kLlama, Architecture::kQwen2, Architecture::kQwen3, Architecture::kGemma3}) {
    const Rewriter good(tiny(a));
    for (const GgufTensor& t : good.file().tensors()) {
      const std::string tensor(t.name);
      if (tensor == "token_embd.weight") continue;
      expect_refusal(good.without_tensor(tensor), Code::kCorrupt, tensor);
      std::vector<uint64_t> shape(t.shape.begin(), t.shape.begin() + t.dimensions);
      ++shape[0];
      expect_refusal(good.with_tensor(tensor, DType::kF32, shape), Code::kCorrupt, tensor);
      --shape[0];
      if (t.dimensions == 1)
        expect_refusal(good.with_tensor(tensor, DType::kF16, shape), Code::kCorrupt,
                       tensor + " is a vector of F16");
      shape.push_back(2);
      expect_refusal(good.with_tensor(tensor, DType::kF32, shape), Code::kCorrupt, tensor);
    }
    expect_refusal(good.without_tensor("token_embd.weight"), Code::kCorrupt, "token_embd.weight");
    expect_refusal(good.with_tensor("blk.2.attn_q.weight", DType::kF32, {32, 32}), Code::kCorrupt,
                   "blk.2.attn_q.weight has no place");
    expect_refusal(good.with_tensor("output.bias", DType::kF32, {300}), Code::kCorrupt,
                   "output.bias has no place");
  }
}

TEST(Weights, OutputIsTheEmbeddingWhereTied) {
  TinyModel model;
  const Opened tied(tiny_model(model));
  EXPECT_TRUE(tied.model.config.tied_output);
  EXPECT_EQ(tied.model.weights.output.data, tied.model.weights.token_embedding.data);
  model.tied_output = false;
  const Opened separate(tiny_model(model));
  EXPECT_FALSE(separate.model.config.tied_output);
  EXPECT_NE(separate.model.weights.output.data, separate.model.weights.token_embedding.data);
}

// A llama file may have biases: all of them in all layers, or none.
TEST(Weights, LlamaMayHaveBiases) {
  const Rewriter good(tiny(Architecture::kLlama));
  expect_refusal(good.with_tensor("blk.0.attn_q.bias", DType::kF32, {32}), Code::kCorrupt,
                 "blk.0.attn_k.bias is missing");
  expect_refusal(good.with_tensor("blk.1.attn_q.bias", DType::kF32, {32}), Code::kCorrupt,
                 "blk.1.attn_q.bias has no place");
}

TEST(Vocabulary, ReadsEachField) {
  const Opened gpt2(tiny(Architecture::kQwen2));
  const Vocabulary& v = gpt2.model.vocabulary;
  EXPECT_EQ(v.model, "gpt2");
  EXPECT_EQ(v.pre, "smollm");
  EXPECT_EQ(v.tokens.size(), 300u);
  EXPECT_EQ(v.tokens[4 + 'a'], "a");
  EXPECT_EQ(v.token_types[1], 3);
  EXPECT_EQ(v.merges, (std::vector<std::string_view>{"t h", "i n"}));
  EXPECT_TRUE(v.scores.empty());
  EXPECT_EQ(v.bos, 0);
  EXPECT_EQ(v.eos, 1);
  EXPECT_EQ(v.unknown, 2);
  EXPECT_EQ(v.eot, std::nullopt);
  EXPECT_EQ(v.add_bos, false);
  EXPECT_EQ(v.add_eos, std::nullopt);
  const Opened llama(tiny(Architecture::kGemma3));
  EXPECT_EQ(llama.model.vocabulary.scores.size(), 300u);
  EXPECT_EQ(llama.model.vocabulary.token_types[4], 6);
}

TEST(Vocabulary, FindsEnds) {
  const Rewriter good(tiny(Architecture::kLlama));
  const std::string with_eot =
      good.with_entry("tokenizer.ggml.eot_token_id", GgufType::kUint32, u32(3));
  EXPECT_EQ(Opened(with_eot).model.vocabulary.end_of_generation, (std::vector<int32_t>{1, 3}));
  // <|im_end|> ends a turn even where no id says so, but not as plain text.
  const std::string silent = good.without_entry("tokenizer.ggml.eos_token_id");
  EXPECT_EQ(Opened(silent).model.vocabulary.end_of_generation, (std::vector<int32_t>{1}));
  std::string types = raw_bytes(uint32_t{5}) + raw_bytes(uint64_t{300});
  for (int i = 0; i < 300; ++i) types += raw_bytes(int32_t{1});
  const std::string plain =
      Rewriter(silent).with_entry("tokenizer.ggml.token_type", GgufType::kArray, types);
  EXPECT_TRUE(Opened(plain).model.vocabulary.end_of_generation.empty());
}

TEST(Vocabulary, RefusesByKey) {
  const Rewriter good(tiny(Architecture::kGemma3));
  for (const char* key : {"bos", "eos", "eot", "eom", "unknown", "padding"})
    expect_refusal(good.with_entry(fmt::format("tokenizer.ggml.{}_token_id", key),
                                   GgufType::kUint32, u32(300)),
                   Code::kCorrupt, fmt::format("tokenizer.ggml.{}_token_id is 300", key));
  const auto array = [&](const char* key, GgufType type, uint64_t size, const std::string& bytes) {
    return good.with_entry(key, GgufType::kArray,
                           raw_bytes(static_cast<uint32_t>(type)) + raw_bytes(size) + bytes);
  };
  const std::string zeros(1200, '\0');
  expect_refusal(array("tokenizer.ggml.token_type", GgufType::kInt32, 300, zeros), Code::kCorrupt,
                 "tokenizer.ggml.token_type holds 0 for token 0");
  expect_refusal(array("tokenizer.ggml.token_type", GgufType::kInt32, 299, zeros.substr(4)),
                 Code::kCorrupt, "tokenizer.ggml.token_type has 299 elements; 300");
  expect_refusal(array("tokenizer.ggml.scores", GgufType::kFloat32, 299, zeros.substr(4)),
                 Code::kCorrupt, "tokenizer.ggml.scores has 299");
  expect_refusal(
      array("tokenizer.ggml.scores", GgufType::kFloat32, 300, f32(NAN) + zeros.substr(4)),
      Code::kCorrupt, "tokenizer.ggml.scores holds nan for token 0");
  expect_refusal(array("tokenizer.ggml.tokens", GgufType::kString, 150, zeros), Code::kCorrupt,
                 "tokenizer.ggml.tokens has 150 elements; 300");
}

TEST(Digest, ChangesWithEveryByte) {
  TinyModel model;
  model.layers = 1;
  const std::string good = tiny_model(model);
  const auto digest = [](const std::string& file) { return Opened(file).model.digest; };
  EXPECT_EQ(digest(good).size(), 64u);
  EXPECT_EQ(digest(good), digest(std::string(good)));
  std::string changed = good;
  changed.back() = static_cast<char>(changed.back() ^ 1);
  EXPECT_NE(digest(changed), digest(good));
  EXPECT_NE(digest(Rewriter(good).with_entry("general.name", GgufType::kString, text("x"))),
            digest(good));
}

// Pieces are hashed by several threads: a change in any one shows, and the result does not vary.
TEST(Digest, CoversLargeData) {
  const uint64_t floats = (uint64_t{9} << 20) / 4 + 8;
  GgufWriter out;
  out.tensor("a", DType::kF32, std::array{floats}, std::string(floats * 4, 'x'));
  std::string file = out.finish();
  const auto digest = [&] {
    const ExactBytes bytes(file);
    return model_digest(GgufFile::parse(bytes.span()).value());
  };
  const std::string first = digest();
  EXPECT_EQ(digest(), first);
  for (const size_t at : {file.size() - 1, file.size() - (size_t{5} << 20)}) {
    file[at] = 'y';
    EXPECT_NE(digest(), first);
    file[at] = 'x';
  }
}

TEST(OpenModel, ReadsAFile) {
  const auto path =
      std::filesystem::temp_directory_path() / fmt::format("weir_open_model_{}.gguf", ::getpid());
  ASSERT_TRUE(write_file_atomically(path, tiny(Architecture::kQwen3)).has_value());
  auto opened = open_model(path);
  std::filesystem::remove(path);
  ASSERT_TRUE(opened.has_value()) << opened.error().message;
  const ModelFile moved = std::move(*opened);  // Views outlive a move.
  EXPECT_EQ(moved.config.name, "tiny qwen3");
  EXPECT_EQ(moved.weights.output_norm.floats().size(), 32u);
  EXPECT_EQ(moved.vocabulary.tokens[1], "<|im_end|>");
  EXPECT_EQ(open_model(path).error().code, Code::kNotFound);
}

}  // namespace
}  // namespace weir
