#include "cli/speed.h"

#include <sys/resource.h>

#include <algorithm>

#include "cli/batch.h"
#include "cli/open.h"

namespace weir::cli {
namespace {

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
