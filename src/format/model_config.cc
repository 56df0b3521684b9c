#include "format/model_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace weir {
namespace {

// Largest figures taken: far above any model, low enough that no product of three wraps.
constexpr uint64_t kLayersMax = 1024, kWidthMax = 1 << 20, kHeadsMax = 4096, kHeadDimMax = 4096;
constexpr uint64_t kTokensMax = 1 << 30, kVocabularyMax = 1 << 24, kExtentMax = 1 << 20;

// What follows from the architecture alone.
struct Traits {
  Architecture architecture;
  std::string_view name;
  bool rope_interleaved, qkv_bias, qk_norm, post_norms;
  Activation activation;
};
constexpr Traits kArchitectures[] = {
    {Architecture::kLlama, "llama", true, false, false, false, Activation::kSilu},
    {Architecture::kQwen2, "qwen2", false, true, false, false, Activation::kSilu},
    {Architecture::kQwen3, "qwen3", false, false, true, false, Activation::kSilu},
    {Architecture::kGemma3, "gemma3", false, false, true, true, Activation::kGeluTanh},
};

// Features that would change the numbers: a file may state them at the value that does nothing.
constexpr struct {
  std::string_view key;
  uint64_t neutral;
} kForeign[] = {
    {"expert_count", 0},
    {"attn_logit_softcapping", 0},
    {"final_logit_softcapping", 0},
    {"logit_scale", 1},
    {"residual_scale", 1},
    {"embedding_scale", 1},
    {"attention.scale", 0},
    {"attention.clamp_kqv", 0},
    {"attention.max_alibi_bias", 0},
    {"attention.causal", 1},
    {"attention.shared_kv_layers", 0},
    {"use_parallel_residual", 0},
    {"nextn_predict_layers", 0},
    {"rope.scaling.attn_factor", 1},
};

Result<const Traits*> find_traits(std::string_view name) {
  std::string known;
  for (const Traits& t : kArchitectures) {
    if (t.name == name) return &t;
    known += fmt::format("{}{}", known.empty() ? "" : ", ", t.name);
  }
  return fail(Code::kInvalid, fmt::format("general.architecture is \"{}\"; weir runs {}",
                                          name.substr(0, 60), known));
}

// Reads the keys of one architecture into a config, each group of figures on its own.
class ConfigReader {
 public:
  ConfigReader(const GgufFile& file, const Traits& traits) : file_(file), prefix_(traits.name) {
    config_.architecture = traits.architecture;
    config_.rope_interleaved = traits.rope_interleaved;
    config_.qkv_bias = traits.qkv_bias || file.find("blk.0.attn_q.bias") != nullptr;
    config_.qk_norm = traits.qk_norm;
    config_.post_norms = traits.post_norms;
    config_.activation = traits.activation;
    config_.tied_output = file.find("output.weight") == nullptr;
  }

  Result<ModelConfig> run() {
    WEIR_TRY(refuse_foreign());
    WEIR_TRY(read_name());
    WEIR_TRY(read_sizes());
    WEIR_TRY(read_heads());
    WEIR_TRY(read_vocabulary_size());
    WEIR_TRY(read_rope());
    WEIR_TRY(read_windows());
    read_scales();
    return std::move(config_);
  }

 private:
  std::string key(std::string_view name) const { return fmt::format("{}.{}", prefix_, name); }
  bool gemma() const { return config_.architecture == Architecture::kGemma3; }

  Result<uint32_t> figure(std::string_view name, uint64_t max) const {
    WEIR_ASSIGN(const uint64_t value, file_.unsigned_at(key(name), 1, max));
    return static_cast<uint32_t>(value);
  }
  Result<uint32_t> figure_or(std::string_view name, uint64_t max, uint32_t absent) const {
    WEIR_ASSIGN(const auto value, file_.find_unsigned(key(name), 1, max));
    return static_cast<uint32_t>(value.value_or(absent));
  }

  Status refuse_foreign() const;
  Status read_name();
  Status read_sizes();
  Status read_heads();
  Status read_vocabulary_size();
  Status read_rope();
  Status read_rope_factor();
  Status read_windows();
  Status read_pattern();
  void read_scales();

  const GgufFile& file_;
  std::string_view prefix_;
  ModelConfig config_;
};

Status ConfigReader::refuse_foreign() const {
  for (const auto& feature : kForeign) {
    const std::string name = key(feature.key);
    const GgufEntry* entry = file_.find_entry(name);
    if (!entry) continue;
    const auto neutral = static_cast<double>(feature.neutral);
    const auto flag = file_.find_bool(name);
    if (file_.find_unsigned(name, feature.neutral, feature.neutral).has_value() ||
        file_.find_float(name, neutral, neutral).has_value() ||
        (flag.has_value() && **flag == (feature.neutral != 0)))
      continue;
    return fail(Code::kInvalid, fmt::format("{} is {}; weir's {} models have none of that", name,
                                            describe(*entry), prefix_));
  }
  return {};
}

Status ConfigReader::read_name() {
  WEIR_ASSIGN(const auto name, file_.find_string("general.name"));
  config_.name = name.value_or(prefix_);
  return {};
}

Status ConfigReader::read_sizes() {
  WEIR_ASSIGN(config_.layers, figure("block_count", kLayersMax));
  WEIR_ASSIGN(config_.d_model, figure("embedding_length", kWidthMax));
  WEIR_ASSIGN(config_.ffn, figure("feed_forward_length", kWidthMax));
  WEIR_ASSIGN(config_.context_tokens_max, figure("context_length", kTokensMax));
  WEIR_ASSIGN(const double epsilon,
              file_.float_at(key("attention.layer_norm_rms_epsilon"), 1e-12, 0.1));
  config_.rms_epsilon = static_cast<float>(epsilon);
  return {};
}

Status ConfigReader::read_heads() {
  ModelConfig& c = config_;
  WEIR_ASSIGN(c.heads, figure("attention.head_count", kHeadsMax));
  WEIR_ASSIGN(c.kv_heads, figure_or("attention.head_count_kv", kHeadsMax, c.heads));
  if (c.heads % c.kv_heads != 0)
    return fail(Code::kCorrupt, fmt::format("{} is {}; a divisor of {}'s {} is right",
                                            key("attention.head_count_kv"), c.kv_heads,
                                            key("attention.head_count"), c.heads));
  const std::string length = key("attention.key_length");
  if (!file_.find_entry(length) && c.d_model % c.heads != 0)
    return fail(Code::kCorrupt, fmt::format("{} is missing, and {}'s {} is no multiple of {} heads",
                                            length, key("embedding_length"), c.d_model, c.heads));
  WEIR_ASSIGN(c.head_dim, figure_or("attention.key_length", kHeadDimMax, c.d_model / c.heads));
  WEIR_ASSIGN(const uint32_t value_length,
              figure_or("attention.value_length", kHeadDimMax, c.d_model / c.heads));
  if (value_length == c.head_dim && uint64_t{c.heads} * c.head_dim <= kExtentMax) return {};
  return fail(Code::kInvalid,
              fmt::format("{} heads have keys of {} and values of {}; weir takes the same length "
                          "for both, and at most {} in all",
                          c.heads, c.head_dim, value_length, kExtentMax));
}

Status ConfigReader::read_vocabulary_size() {
  const GgufTensor* embedding = file_.find("token_embd.weight");
  if (!embedding) return fail(Code::kCorrupt, "tensor token_embd.weight is missing");
  const uint64_t rows = embedding->view.rows;
  if (rows > kVocabularyMax)
    return fail(Code::kCorrupt, fmt::format("tensor token_embd.weight has {} rows; weir takes {}",
                                            rows, kVocabularyMax));
  config_.vocabulary = static_cast<uint32_t>(rows);
  WEIR_TRY(file_.find_unsigned(key("vocab_size"), rows, rows));
  return {};
}

Status ConfigReader::read_rope() {
  ModelConfig& c = config_;
  WEIR_ASSIGN(c.rope_dims, figure_or("rope.dimension_count", c.head_dim, c.head_dim));
  if (c.rope_dims % 2 != 0)
    return fail(Code::kCorrupt, fmt::format("{} is {}; an even number is right",
                                            key("rope.dimension_count"), c.rope_dims));
  constexpr double kThetaMax = 1e12;
  WEIR_ASSIGN(const auto theta, file_.find_float(key("rope.freq_base"), 1, kThetaMax));
  c.rope_theta = theta.value_or(gemma() ? 1e6 : 1e4);
  WEIR_ASSIGN(const auto local, file_.find_float(key("rope.freq_base_swa"), 1, kThetaMax));
  c.rope_theta_local = local.value_or(1e4);
  return read_rope_factor();
}

// Without a type, a factor is linear scaling; 0 says there is none.
Status ConfigReader::read_rope_factor() {
  const std::string type_key = key("rope.scaling.type");
  WEIR_ASSIGN(const auto type, file_.find_string(type_key));
  if (type && *type != "none" && *type != "linear")
    return fail(Code::kInvalid, fmt::format("{} is {}; weir scales \"none\" or \"linear\"",
                                            type_key, describe(*file_.find_entry(type_key))));
  constexpr double kFactorMax = 1e4;
  WEIR_ASSIGN(const auto factor, file_.find_float(key("rope.scaling.factor"), 0, kFactorMax));
  WEIR_ASSIGN(const auto old, file_.find_float(key("rope.scale_linear"), 0, kFactorMax));
  const double value = factor ? *factor : old.value_or(1);
  config_.rope_factor = value == 0 || type == "none" ? 1 : value;
  return {};
}

Status ConfigReader::read_windows() {
  ModelConfig& c = config_;
  c.sliding_layers.assign(c.layers, false);
  const std::string window_key = key("attention.sliding_window");
  WEIR_ASSIGN(const auto window, file_.find_unsigned(window_key, 0, kTokensMax));
  if (window.value_or(0) == 0) return {};
  if (gemma()) {
    c.sliding_window = static_cast<uint32_t>(*window);
    return read_pattern();
  }
  if (*window >= c.context_tokens_max) return {};
  return fail(Code::kInvalid, fmt::format("{} is {}; weir's {} models see their whole context",
                                          window_key, *window, prefix_));
}

// Which layers slide: all but each sixth, or as the file says by a period or layer by layer.
Status ConfigReader::read_pattern() {
  std::vector<bool>& sliding = config_.sliding_layers;
  const std::string pattern = key("attention.sliding_window_pattern");
  const GgufEntry* entry = file_.find_entry(pattern);
  if (!entry || entry->type != GgufType::kArray) {
    WEIR_ASSIGN(const uint32_t period,
                figure_or("attention.sliding_window_pattern", kLayersMax, 6));
    for (size_t l = 0; l < sliding.size(); ++l) sliding[l] = (l + 1) % period != 0;
    return {};
  }
  WEIR_ASSIGN(const GgufArray flags, file_.array_at(pattern, GgufType::kBool));
  if (flags.size != sliding.size())
    return fail(Code::kCorrupt, fmt::format("{} has {} elements; {} is right, one per layer",
                                            pattern, flags.size, sliding.size()));
  for (size_t l = 0; l < sliding.size(); ++l) sliding[l] = flags.at<uint8_t>(l) != 0;
  return {};
}

// Gemma 3 scales queries by head_dim^-0.5; only its largest model, which alone has 62 layers, by
// (d_model / heads)^-0.5 (query_pre_attn_scalar of the published configurations: 256, and 168).
void ConfigReader::read_scales() {
  constexpr uint32_t kLayersOfGemma27b = 62;
  ModelConfig& c = config_;
  double scaled_dim = c.head_dim;
  if (gemma()) {
    c.embedding_scale = std::sqrt(static_cast<float>(c.d_model));
    if (c.layers == kLayersOfGemma27b) scaled_dim = c.d_model / c.heads;
  }
  c.attention_scale = static_cast<float>(1 / std::sqrt(scaled_dim));
}

}  // namespace

std::string_view name(Architecture architecture) {
  return std::find_if(std::begin(kArchitectures), std::end(kArchitectures),
                      [&](const Traits& t) { return t.architecture == architecture; })
      ->name;
}

uint64_t ModelConfig::kv_bytes_per_token(DType kv) const {
  return uint64_t{2} * layers * kv_heads * row_bytes(kv, head_dim);
}

Result<ModelConfig> read_config(const GgufFile& file) {
  WEIR_ASSIGN(const std::string_view architecture, file.string_at("general.architecture"));
  WEIR_ASSIGN(const Traits* traits, find_traits(architecture));
  return ConfigReader(file, *traits).run();
}

}  // namespace weir
