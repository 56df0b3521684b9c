#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <memory>
#include <optional>

#include "cli/args.h"
#include "cli/command.h"
#include "cli/console.h"
#include "cli/open.h"
#include "cli/roofline.h"
#include "cli/speed.h"
#include "cli/version.h"

namespace weir::cli {
namespace {

struct SpeedArgs {
  std::string model = "smollm2";
  EngineOptions engine;
  SpeedRun run;
  // Each prompt is timed with each depth and each batch.
  std::vector<uint32_t> prompt_tokens = {512}, depth = {0}, batch = {1};
  bool json = false, roofline = false;

  std::vector<SpeedRun> runs() const {
    std::vector<SpeedRun> out;
    for (uint32_t b : batch)
      for (uint32_t d : depth)
        for (uint32_t p : prompt_tokens) {
          out.push_back(run);
          out.back().prompt_tokens = p, out.back().depth = d, out.back().batch = b;
        }
    return out;
  }
};

boost::json::object json_of(const std::vector<double>& speeds) {
  return {{"best", best(speeds)},
          {"median", median(speeds)},
          {"all", boost::json::array(speeds.begin(), speeds.end())}};
}

boost::json::object json_of(const SpeedArgs& args, const SpeedRun& run, const OpenedModel& opened,
                            const Speeds& speeds) {
  const ModelInfo& info = opened.engine->info();
  return {{"model", args.model},
          {"model_digest", info.digest},
          {"prefill_tokens_per_s", json_of(speeds.prefill)},
          {"decode_tokens_per_s", json_of(speeds.decode)},
          {"load_s", opened.load_s},
          {"peak_rss_bytes", peak_rss_bytes()},
          {"isa", info.isa},
          {"arithmetic", info.arithmetic},
          {"kv_cache_dtype", info.kv_type},
          {"threads", opened.engine->options().threads},
          {"prompt_tokens", run.prompt_tokens},
          {"gen_tokens", run.gen_tokens},
          {"depth", run.depth},
          {"batch", run.batch},
          {"repeat", run.repeat},
          {"seed", run.seed},
          {"version", kVersion},
          {"commit", commit()}};
}

void print_heading(const SpeedArgs& args, const OpenedModel& opened) {
  const ModelInfo& info = opened.engine->info();
  put(fmt::format("{}: {}, {} arithmetic, {} threads, commit {}, loaded in {:.2f} s\n", args.model,
                  info.isa, info.arithmetic, opened.engine->options().threads, commit(),
                  opened.load_s));
}

void print(const SpeedRun& run, const Speeds& speeds) {
  put(fmt::format("{} x ({} there + {} prompt + {} generated), at most {} of memory so far\n",
                  run.batch, run.depth, run.prompt_tokens, run.gen_tokens,
                  human_bytes(peak_rss_bytes())));
  const auto line = [](const char* name, const std::vector<double>& all) {
    if (all.empty()) return;
    put(fmt::format("  {:<8}{:10.1f} tokens/s best, {:10.1f} median of {}\n", name, best(all),
                    median(all), all.size()));
  };
  line("prefill", speeds.prefill);
  line("decode", speeds.decode);
}

Status speed(SpeedArgs args) {
  args.engine.sequences_max = std::ranges::max(args.batch);
  args.engine.step_tokens_max = std::max(args.engine.step_tokens_max, args.engine.sequences_max);
  WEIR_ASSIGN(const OpenedModel opened, open_engine(args.model, args.engine));
  if (!args.json) print_heading(args, opened);
  for (const SpeedRun& run : args.runs()) {
    WEIR_ASSIGN(const Speeds speeds, measure_speed(*opened.engine, run));
    std::optional<Roofline> roofline;
    if (args.roofline) {
      WEIR_ASSIGN(roofline, measure_roofline(*opened.engine, run));
    }
    if (args.json) {
      boost::json::object out = json_of(args, run, opened, speeds);
      if (roofline) out["roofline"] = json_of(*roofline);
      put_json(out);
    } else {
      print(run, speeds);
      if (roofline) put(text_of(*roofline));
    }
  }
  return {};
}

void add_speed(CLI::App& command, Job& job) {
  auto args = std::make_shared<SpeedArgs>();
  SpeedRun& run = args->run;
  command.add_option("-m,--model", args->model, "A model's name, or a GGUF file");
  const auto count = [&](const char* name, auto& value, uint32_t least, uint32_t most,
                         const char* description) {
    return command.add_option(name, value, description)->check(CLI::Range(least, most));
  };
  const auto list = [&](const char* name, std::vector<uint32_t>& value, uint32_t least,
                        uint32_t most, const char* description) {
    count(name, value, least, most, description)->delimiter(',')->expected(1, 64);
  };
  list("--prompt-tokens", args->prompt_tokens, 0, 1u << 24, "Tokens of the timed prefill; a list");
  count("--gen-tokens", run.gen_tokens, 0, 1u << 24, "Tokens generated, one at a time");
  list("--depth", args->depth, 0, 1u << 24, "Tokens there before anything is timed; a list");
  list("--batch", args->batch, 1, 4096, "Sequences at once; a list");
  count("--repeat", run.repeat, 1, 10000, "Repetitions, after one that does not count");
  count("--max-num-batched-tokens", args->engine.step_tokens_max, 1, 65536, "Tokens of one step");
  command.add_option("--seed", run.seed, "Of the random token ids")->check(whole_number());
  command.add_flag("--roofline", args->roofline,
                   "Also the machine's measured limits, and the share that each kernel reaches");
  command.add_flag("--json", args->json, "Print one JSON object for each combination");
  add_engine_options(command, args->engine, false);
  command.callback([args, &job] {
    job = [args] {
      const Status status = speed(*args);
      return status ? kSuccess : report(status.error());
    };
  });
}

}  // namespace

void add_bench(CLI::App& command, Job& job) {
  command.require_subcommand(1);
  add_speed(*command.add_subcommand("speed", "Tokens per second of prefill and decoding"), job);
}

}  // namespace weir::cli
