#include "engine/load.h"

#include <fmt/format.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>

#include "base/float_mode.h"
#include "kernels/isa.h"
#include "kernels/layout.h"

namespace weir {
namespace {

constexpr int kThreadsMax = 256;

int cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  return sched_getaffinity(0, sizeof set, &set) == 0 ? std::max(1, CPU_COUNT(&set)) : 1;
}

uint64_t machine_bytes() {
  return static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) *
         static_cast<uint64_t>(sysconf(_SC_PAGE_SIZE));
}

Status check_range(const char* field, uint64_t value, uint64_t least, uint64_t most) {
  if (value >= least && value <= most) return {};
  return fail(Code::kInvalid, fmt::format("{} must be {} to {}, not {}", field, least, most, value),
              field);
}

// Bounds, and what the caller left to us.
Result<EngineOptions> resolve(EngineOptions o) {
  if (o.threads == 0) o.threads = std::min(cores(), kThreadsMax);
  if (o.threads < 0)
    return fail(Code::kInvalid,
                fmt::format("threads must be 0 to {}, not {}", kThreadsMax, o.threads), "threads");
  WEIR_TRY(check_range("threads", static_cast<uint64_t>(o.threads), 1, kThreadsMax));
  WEIR_TRY(check_range("max-num-seqs", o.sequences_max, 1, 4096));
  WEIR_TRY(check_range("max-num-batched-tokens", o.step_tokens_max, o.sequences_max, 65536));
  if (o.kv_bytes_max == 0) o.kv_bytes_max = machine_bytes() / 4;
  if (o.kv_type == "auto") o.kv_type = "f16";
  return o;
}

Result<DType> kv_type(const std::string& name) {
  if (name == "f16") return DType::kF16;
  if (name == "bf16") return DType::kBF16;
  if (name == "f32") return DType::kF32;
  return fail(Code::kInvalid,
              fmt::format("kv-cache-dtype must be auto, f16, bf16 or f32, not {}", name),
              "kv-cache-dtype");
}

Result<Arithmetic> arithmetic(const std::string& name) {
  if (name == "integer") return Arithmetic::kInteger;
  if (name == "float") return Arithmetic::kFloat;
  return fail(Code::kInvalid, fmt::format("arithmetic must be integer or float, not {}", name),
              "arithmetic");
}

// The longest sequence whose keys and values fit into the budget, up to `most`.
uint32_t tokens_that_fit(const CacheShape& shape, const PagePool& pages, uint32_t most) {
  uint32_t fit = 0;
  for (uint32_t step = 1u << 31; step > 0; step /= 2)
    if (step <= most && fit <= most - step &&
        shape.peak_bytes(fit + step, pages.page_bytes()) <= pages.budget())
      fit += step;
  return fit;
}

PageKey root_of(const LoadedModel& m) {
  const ModelConfig& c = m.file.config;
  KeyIngredients in;
  // Every ISA gives the same bits (kernels' tests), so that it is no part of the key.
  in.numerics = numerics_id(m.options.arithmetic);
  in.weights = m.file.digest;
  in.tokenizer = m.text.tokenizer().digest();
  in.codec = m.shape.codec->id();
  in.rope = fmt::format("{}/{}/{}", c.rope_theta, c.rope_factor, c.rope_theta_local);
  return root_key(in);
}

ModelInfo info_of(const LoadedModel& m) {
  const ModelConfig& c = m.file.config;
  ModelInfo info;
  info.name = c.name;
  info.architecture = name(c.architecture);
  info.digest = m.file.digest;
  info.layers = c.layers;
  info.d_model = c.d_model;
  info.heads = c.heads;
  info.kv_heads = c.kv_heads;
  info.head_dim = c.head_dim;
  info.ffn = c.ffn;
  info.vocabulary = c.vocabulary;
  info.context_tokens_max = m.options.context_tokens_max;
  for (const GgufTensor& t : m.file.file.tensors()) info.parameters += t.view.rows * t.view.columns;
  info.weight_bytes = m.model->weight_bytes();
  info.kv_bytes_per_token = c.kv_bytes_per_token(m.shape.kv);
  info.kv_type = m.options.kv_type;
  info.arithmetic = m.options.arithmetic;
  info.isa = isa();
  info.bos = m.text.tokenizer().bos().value_or(-1);
  info.eos = m.text.tokenizer().eos().value_or(-1);
  for (Token t = 0; t < static_cast<Token>(c.vocabulary); ++t)
    if (m.text.tokenizer().is_end_of_generation(t)) info.end_tokens.push_back(t);
  info.has_chat_template = !m.text.template_source().empty();
  return info;
}

// The budget holds `fit` tokens, fewer than `wanted`, or none (wanted is 0 where nobody said).
Status too_small(const LoadedModel& m, uint32_t wanted, uint32_t fit) {
  const uint64_t needed = m.shape.peak_bytes(std::max(wanted, 1u), m.pages->page_bytes());
  const std::string asks = wanted == 0
                               ? fmt::format("no token; the least that does is {} bytes", needed)
                               : fmt::format("{} tokens; max-model-len is {}, which takes {} bytes",
                                             fit, wanted, needed);
  return fail(
      Code::kInvalid,
      fmt::format("kv-cache-memory-bytes is {}, which holds {}", m.options.kv_bytes_max, asks),
      "kv-cache-memory-bytes");
}

Status make_cache(LoadedModel& m, DType kv) {
  m.shape = m.model->cache_shape(kv, m.options.step_tokens_max);
  m.shape.use_raw_codecs();
  WEIR_ASSIGN(PagePool pool, PagePool::create(m.shape.codec->page_bytes(), m.options.kv_bytes_max));
  m.pages = std::make_unique<PagePool>(std::move(pool));
  const uint32_t trained = m.file.config.context_tokens_max;
  const uint32_t wanted = m.options.context_tokens_max;
  if (wanted > trained)
    return fail(
        Code::kInvalid,
        fmt::format("max-model-len is {}; the model was made for {} tokens", wanted, trained),
        "max-model-len");
  const uint32_t fit = tokens_that_fit(m.shape, *m.pages, wanted ? wanted : trained);
  if (fit < std::max(wanted, 1u)) return too_small(m, wanted, fit);
  m.options.context_tokens_max = fit;
  return {};
}

}  // namespace

Result<std::unique_ptr<LoadedModel>> load(const std::filesystem::path& path,
                                          const EngineOptions& options,
                                          const LoadProgress& progress) {
  const FloatMode mode;
  auto out = std::make_unique<LoadedModel>();
  WEIR_TRY(check_isa());
  WEIR_ASSIGN(out->options, resolve(options));
  WEIR_ASSIGN(const DType kv, kv_type(out->options.kv_type));
  WEIR_ASSIGN(const Arithmetic how, arithmetic(out->options.arithmetic));
  WEIR_ASSIGN(out->recipe, parse_recipe(out->options.kv));
  WEIR_ASSIGN(out->file, open_model(path));
  WEIR_ASSIGN(out->text, TextModel::create(out->file.vocabulary));
  out->pool = std::make_unique<ThreadPool>(out->options.threads);
  uint64_t total = 0;
  for (const GgufTensor& t : out->file.file.tensors()) total += t.view.bytes();
  const auto packed = [&](uint64_t done) {
    if (progress) progress(std::min(done, total), total);
  };
  WEIR_ASSIGN(out->model, Model::create(out->file, how, *out->pool, packed));
  WEIR_TRY(make_cache(*out, kv));
  out->probabilities = std::make_unique<Probabilities>(*out->pool);
  out->root = root_of(*out);
  out->info = info_of(*out);
  return out;
}

}  // namespace weir
