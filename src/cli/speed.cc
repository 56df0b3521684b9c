#include "cli/speed.h"

#include <sys/resource.h>

#include <algorithm>

#include "cli/open.h"

namespace weir::cli {
namespace {

// SplitMix64 (Steele, Lea and Flood, 2014): the same ids on every machine.
class TokenSource {
 public:
  TokenSource(uint64_t seed, uint32_t vocabulary) : state_(seed), vocabulary_(vocabulary) {}

  std::vector<Token> take(uint32_t count) {
    std::vector<Token> out(count);
    for (Token& token : out) token = static_cast<Token>(next() % vocabulary_);
    return out;
  }

 private:
  uint64_t next() {
    uint64_t z = state_ += 0x9E3779B97F4A7C15;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
  }

  uint64_t state_;
  const uint32_t vocabulary_;
};

// Sequences that go on together.
class Batch {
 public:
  static Result<Batch> create(Engine& engine, uint32_t size) {
    Batch batch(engine);
    for (uint32_t i = 0; i < size; ++i) {
      WEIR_ASSIGN(Sequence sequence, engine.create_sequence());
      batch.sequences_.push_back(std::move(sequence));
    }
    return batch;
  }

  // `count` random tokens to each.
  Status append_random(TokenSource& source, uint32_t count) {
    std::vector<std::vector<Token>> tokens;
    for (size_t i = 0; i < sequences_.size(); ++i) tokens.push_back(source.take(count));
    return append(tokens);
  }

  // One token to each, its likeliest.
  Status step() {
    SamplingOptions greedy;
    greedy.temperature = 0;
    std::vector<std::vector<Token>> tokens;
    for (Sequence& sequence : sequences_) {
      WEIR_ASSIGN(const Token token, sequence.sample(greedy));
      tokens.push_back({token});
    }
    return append(tokens);
  }

 private:
  explicit Batch(Engine& engine) : engine_(&engine) {}

  Status append(const std::vector<std::vector<Token>>& tokens) {
    std::vector<Append> appends;
    for (size_t i = 0; i < sequences_.size(); ++i) appends.push_back({&sequences_[i], tokens[i]});
    return engine_->append(appends);
  }

  Engine* engine_;
  std::vector<Sequence> sequences_;
};

Status repetition(Engine& engine, const SpeedRun& run, TokenSource& source, Speeds& out) {
  WEIR_ASSIGN(Batch batch, Batch::create(engine, run.batch));
  if (run.depth > 0) WEIR_TRY(batch.append_random(source, run.depth));
  const double start = seconds_now();
  if (run.prompt_tokens > 0) WEIR_TRY(batch.append_random(source, run.prompt_tokens));
  const double middle = seconds_now();
  for (uint32_t i = 0; i < run.gen_tokens; ++i) WEIR_TRY(batch.step());
  const double end = seconds_now();
  if (run.prompt_tokens > 0)
    out.prefill.push_back(double(run.prompt_tokens) * run.batch / (middle - start));
  if (run.gen_tokens > 0) out.decode.push_back(double(run.gen_tokens) * run.batch / (end - middle));
  return {};
}

Status check(const ModelInfo& info, const SpeedRun& run) {
  if (run.depth + run.prompt_tokens == 0)
    return fail(Code::kInvalid, "--depth and --prompt-tokens are both 0: nothing to go on from");
  const uint64_t length = uint64_t{run.depth} + run.prompt_tokens + run.gen_tokens;
  if (length > info.context_tokens_max)
    return fail(Code::kInvalid, "--depth, --prompt-tokens and --gen-tokens are " +
                                    std::to_string(length) + " together; the context is " +
                                    std::to_string(info.context_tokens_max) + " tokens");
  return {};
}

}  // namespace

Result<Speeds> measure_speed(Engine& engine, const SpeedRun& run) {
  WEIR_TRY(check(engine.info(), run));
  TokenSource source(run.seed, engine.info().vocabulary);
  Speeds warm_up, out;
  WEIR_TRY(repetition(engine, run, source, warm_up));
  for (uint32_t i = 0; i < run.repeat; ++i) WEIR_TRY(repetition(engine, run, source, out));
  return out;
}

double best(const std::vector<double>& values) {
  return values.empty() ? 0 : *std::max_element(values.begin(), values.end());
}

double median(const std::vector<double>& values) {
  if (values.empty()) return 0;
  std::vector<double> sorted = values;
  std::sort(sorted.begin(), sorted.end());
  const size_t middle = sorted.size() / 2;
  return sorted.size() % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

uint64_t peak_rss_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<uint64_t>(usage.ru_maxrss) * 1024;
}

}  // namespace weir::cli
