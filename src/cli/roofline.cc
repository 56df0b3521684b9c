#include "cli/roofline.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>

#include "cli/batch.h"

namespace weir::cli {
namespace {

double macs_limit(const KernelUse& use, const MachineLimits& limits) {
  return use.integer_macs ? limits.integer_macs_per_s : limits.float_macs_per_s;
}

double rate(uint64_t count, double seconds) {
  return seconds > 0 ? static_cast<double>(count) / seconds : 0;
}

boost::json::array json_of(const std::vector<KernelUse>& uses, const MachineLimits& limits) {
  boost::json::array out;
  for (const KernelUse& use : uses)
    out.push_back(boost::json::object{{"kernel", use.name},
                                      {"calls", use.calls},
                                      {"seconds", use.seconds},
                                      {"bytes", use.bytes},
                                      {"macs", use.macs},
                                      {"share_of_limit", share_of_limit(use, limits)}});
  return out;
}

std::string text_of(const char* phase, const std::vector<KernelUse>& uses,
                    const MachineLimits& limits) {
  double total = 0;
  for (const KernelUse& use : uses) total += use.seconds;
  if (total == 0) return {};
  std::string out =
      fmt::format("  {:<10}{:>8}{:>10}{:>12}{:>12}\n", phase, "time", "GB/s", "GMAC/s", "of limit");
  for (const KernelUse& use : uses) {
    out += fmt::format("  {:<10}{:>6.1f} %", use.name, 100 * use.seconds / total);
    if (use.macs > 0)
      out += fmt::format("{:>10.1f}{:>12.1f}{:>10.0f} %", rate(use.bytes, use.seconds) / 1e9,
                         rate(use.macs, use.seconds) / 1e9, 100 * share_of_limit(use, limits));
    out += '\n';
  }
  return out;
}

}  // namespace

double share_of_limit(const KernelUse& use, const MachineLimits& limits) {
  if (use.seconds <= 0 || limits.read_bytes_per_s <= 0 || macs_limit(use, limits) <= 0) return 0;
  return std::max(rate(use.bytes, use.seconds) / limits.read_bytes_per_s,
                  rate(use.macs, use.seconds) / macs_limit(use, limits));
}

Result<Roofline> measure_roofline(Engine& engine, const SpeedRun& run) {
  Roofline out;
  out.limits = engine.measure_limits();
  TokenSource source(run.seed, engine.info().vocabulary);
  WEIR_ASSIGN(Batch batch, Batch::create(engine, run.batch));
  if (run.depth > 0) WEIR_TRY(batch.append_random(source, run.depth));
  engine.profile(true);
  if (run.prompt_tokens > 0) WEIR_TRY(batch.append_random(source, run.prompt_tokens));
  out.prefill = engine.profiled();
  engine.profile(true);
  for (uint32_t i = 0; i < run.gen_tokens; ++i) WEIR_TRY(batch.step());
  out.decode = engine.profiled();
  engine.profile(false);
  return out;
}

boost::json::object json_of(const Roofline& r) {
  return {{"read_bytes_per_s", r.limits.read_bytes_per_s},
          {"integer_macs_per_s", r.limits.integer_macs_per_s},
          {"float_macs_per_s", r.limits.float_macs_per_s},
          {"prefill", json_of(r.prefill, r.limits)},
          {"decode", json_of(r.decode, r.limits)}};
}

std::string text_of(const Roofline& r) {
  return fmt::format("  limits    {:.1f} GB/s, {:.0f} GMAC/s of 8-bit integers, {:.0f} of floats\n",
                     r.limits.read_bytes_per_s / 1e9, r.limits.integer_macs_per_s / 1e9,
                     r.limits.float_macs_per_s / 1e9) +
         text_of("prefill", r.prefill, r.limits) + text_of("decode", r.decode, r.limits);
}

}  // namespace weir::cli
