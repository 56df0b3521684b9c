#include "format/tiny_model.h"

#include <fmt/format.h>

#include <cmath>

#include "base/check.h"

namespace weir {
namespace {

constexpr int32_t kControl = 3, kNormal = 1, kByte = 6;

// Floats in [-1, 1) from a xorshift generator: tests want the same bytes everywhere.
class Noise {
 public:
  explicit Noise(uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15u + 1) {}
  float next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return static_cast<float>(static_cast<int64_t>(state_) >> 40) / static_cast<float>(1 << 23);
  }

 private:
  uint64_t state_;
};

template <typename T>
void append(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof(T));
}

// Values around `mean` that keep activations near 1 where `inputs` of them are summed.
std::string noise_f32(Noise& noise, size_t n, float mean, size_t inputs) {
  const float amplitude = 1 / std::sqrt(static_cast<float>(inputs));
  std::string out;
  for (size_t i = 0; i < n; ++i) append(out, mean + amplitude * noise.next());
  return out;
}

// Q8_0 blocks: a half-precision scale of 2^-9, then 32 signed bytes.
std::string noise_q8_0(Noise& noise, size_t n) {
  constexpr uint16_t kScale = 0x1800;
  std::string out;
  for (size_t i = 0; i < n; ++i) {
    if (i % 32 == 0) append(out, kScale);
    append(out, static_cast<int8_t>(noise.next() * 127));
  }
  return out;
}

// Writes tensors one after the other, from one stream of noise.
class TensorMaker {
 public:
  TensorMaker(const TinyModel& model, GgufWriter& writer)
      : model_(model), writer_(writer), noise_(model.seed) {}

  void vector(const std::string& name, uint64_t n, float mean) {
    writer_.tensor(name, DType::kF32, std::array{n}, noise_f32(noise_, n, mean, 100));
  }

  void matrix(const std::string& name, uint64_t rows, uint64_t columns) {
    const std::string data = model_.type == DType::kQ8_0
                                 ? noise_q8_0(noise_, rows * columns)
                                 : noise_f32(noise_, rows * columns, 0, columns);
    writer_.tensor(name, model_.type, std::array{columns, rows}, data);
  }

  void layer(const std::string& at) {
    const uint64_t d = model_.d_model, q_dim = uint64_t{model_.heads} * model_.head_dim;
    const uint64_t kv_dim = uint64_t{model_.kv_heads} * model_.head_dim;
    vector(at + "attn_norm.weight", d, 1);
    matrix(at + "attn_q.weight", q_dim, d);
    matrix(at + "attn_k.weight", kv_dim, d);
    matrix(at + "attn_v.weight", kv_dim, d);
    matrix(at + "attn_output.weight", d, q_dim);
    vector(at + "ffn_norm.weight", d, 1);
    matrix(at + "ffn_gate.weight", model_.ffn, d);
    matrix(at + "ffn_up.weight", model_.ffn, d);
    matrix(at + "ffn_down.weight", d, model_.ffn);
    extras(at, q_dim, kv_dim);
  }

 private:
  // What some architectures have and others not.
  void extras(const std::string& at, uint64_t q_dim, uint64_t kv_dim) {
    const Architecture a = model_.architecture;
    if (a == Architecture::kQwen2) {
      vector(at + "attn_q.bias", q_dim, 0);
      vector(at + "attn_k.bias", kv_dim, 0);
      vector(at + "attn_v.bias", kv_dim, 0);
    }
    if (a == Architecture::kQwen3 || a == Architecture::kGemma3) {
      vector(at + "attn_q_norm.weight", model_.head_dim, 1);
      vector(at + "attn_k_norm.weight", model_.head_dim, 1);
    }
    if (a == Architecture::kGemma3) {
      vector(at + "post_attention_norm.weight", model_.d_model, 1);
      vector(at + "post_ffw_norm.weight", model_.d_model, 1);
    }
  }

  const TinyModel& model_;
  GgufWriter& writer_;
  Noise noise_;
};

void write_tokenizer_kind(const TinyModel& model, GgufWriter& writer) {
  const bool sentencepiece = model.architecture == Architecture::kGemma3;
  writer.string("tokenizer.ggml.model", sentencepiece ? "llama" : "gpt2");
  writer.string("tokenizer.ggml.pre", sentencepiece ? "default" : "smollm");
  writer.u32("tokenizer.ggml.bos_token_id", 0).u32("tokenizer.ggml.eos_token_id", 1);
  writer.u32("tokenizer.ggml.unknown_token_id", 2);
  writer.boolean("tokenizer.ggml.add_bos_token", sentencepiece);
  writer.boolean("tokenizer.ggml.add_space_prefix", false);
}

// UTF-8 of a code point below 0x800.
std::string utf8(uint32_t c) {
  if (c < 0x80) return std::string(1, static_cast<char>(c));
  return {static_cast<char>(0xc0 | (c >> 6)), static_cast<char>(0x80 | (c & 0x3f))};
}

// The character that byte-level BPE writes for a byte: itself where it is printable in Latin-1,
// else the next of U+0100 and on (Radford et al., 2019).
std::string byte_level(uint32_t byte) {
  const auto printable = [](uint32_t b) {
    return (b > 0x20 && b < 0x7f) || (b > 0xa0 && b != 0xad);
  };
  if (printable(byte)) return utf8(byte);
  uint32_t before = 0;
  for (uint32_t b = 0; b < byte; ++b) before += !printable(b);
  return utf8(0x100 + before);
}

}  // namespace

void write_tiny_metadata(const TinyModel& model, GgufWriter& writer) {
  const std::string arch(name(model.architecture));
  const auto u32 = [&](const char* key, uint32_t value) { writer.u32(arch + "." + key, value); };
  writer.string("general.architecture", arch).string("general.name", "tiny " + arch);
  u32("block_count", model.layers);
  u32("context_length", model.context_tokens_max);
  u32("embedding_length", model.d_model);
  u32("feed_forward_length", model.ffn);
  u32("attention.head_count", model.heads);
  u32("attention.head_count_kv", model.kv_heads);
  u32("attention.key_length", model.head_dim);
  u32("attention.value_length", model.head_dim);
  u32("vocab_size", model.vocabulary);
  writer.f32(arch + ".attention.layer_norm_rms_epsilon", 1e-5f);
  writer.f32(arch + ".rope.freq_base", 10000);
  if (model.architecture == Architecture::kGemma3)
    u32("attention.sliding_window", model.sliding_window);
}

void write_tiny_vocabulary(const TinyModel& model, GgufWriter& writer) {
  WEIR_CHECK(model.vocabulary >= kTinyVocabularyMin, "vocabulary {}", model.vocabulary);
  const bool sentencepiece = model.architecture == Architecture::kGemma3;
  std::vector<std::string> tokens = {"<|start|>", "<|im_end|>", "<|unknown|>", "<|pad|>"};
  std::vector<int32_t> types(tokens.size(), kControl);
  for (uint32_t b = 0; b < 256; ++b) {
    tokens.push_back(sentencepiece ? fmt::format("<0x{:02X}>", b) : byte_level(b));
    types.push_back(sentencepiece ? kByte : kNormal);
  }
  tokens.insert(tokens.end(), {"th", "in"});  // What the merges make.
  while (tokens.size() < model.vocabulary) tokens.push_back(fmt::format("w{}", tokens.size()));
  types.resize(tokens.size(), kNormal);
  write_tokenizer_kind(model, writer);
  writer.strings("tokenizer.ggml.tokens", tokens).i32s("tokenizer.ggml.token_type", types);
  const std::vector<float> scores(tokens.size(), -1.0f);
  if (sentencepiece) writer.f32s("tokenizer.ggml.scores", scores);
  const std::vector<std::string> merges = {"t h", "i n"};
  if (!sentencepiece) writer.strings("tokenizer.ggml.merges", merges);
}

void write_tiny_tensors(const TinyModel& model, GgufWriter& writer) {
  TensorMaker make(model, writer);
  make.matrix("token_embd.weight", model.vocabulary, model.d_model);
  make.vector("output_norm.weight", model.d_model, 1);
  if (!model.tied_output) make.matrix("output.weight", model.vocabulary, model.d_model);
  for (uint32_t l = 0; l < model.layers; ++l) make.layer(fmt::format("blk.{}.", l));
}

std::string tiny_model(const TinyModel& model) {
  GgufWriter writer;
  write_tiny_metadata(model, writer);
  write_tiny_vocabulary(model, writer);
  write_tiny_tensors(model, writer);
  return writer.finish();
}

}  // namespace weir
