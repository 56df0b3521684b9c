#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <memory>

#include "cli/args.h"
#include "cli/command.h"
#include "cli/console.h"
#include "cli/open.h"
#include "cli/speed.h"
#include "cli/version.h"

namespace weir::cli {
namespace {

struct SpeedArgs {
  std::string model = "smollm2";
  EngineOptions engine;
  SpeedRun run;
  bool json = false;
};

boost::json::object json_of(const std::vector<double>& speeds) {
  return {{"best", best(speeds)},
          {"median", median(speeds)},
          {"all", boost::json::array(speeds.begin(), speeds.end())}};
}

boost::json::object json_of(const SpeedArgs& args, const OpenedModel& opened,
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
          {"prompt_tokens", args.run.prompt_tokens},
          {"gen_tokens", args.run.gen_tokens},
          {"depth", args.run.depth},
          {"batch", args.run.batch},
          {"repeat", args.run.repeat},
          {"seed", args.run.seed},
          {"version", kVersion},
          {"commit", commit()}};
}

void print(const SpeedArgs& args, const OpenedModel& opened, const Speeds& speeds) {
  const ModelInfo& info = opened.engine->info();
  put(fmt::format("{}: {}, {} arithmetic, {} threads, commit {}\n", args.model, info.isa,
                  info.arithmetic, opened.engine->options().threads, commit()));
  const auto line = [](const char* name, const std::vector<double>& all) {
    if (all.empty()) return;
    put(fmt::format("{:<8}{:10.1f} tokens/s best, {:10.1f} median of {}\n", name, best(all),
                    median(all), all.size()));
  };
  line("prefill", speeds.prefill);
  line("decode", speeds.decode);
  put(fmt::format("loaded in {:.2f} s; at most {} of memory\n", opened.load_s,
                  human_bytes(peak_rss_bytes())));
}

Status speed(SpeedArgs args) {
  const SpeedRun& run = args.run;
  args.engine.sequences_max = run.batch;
  args.engine.step_tokens_max = std::max(args.engine.step_tokens_max, run.batch);
  WEIR_ASSIGN(const OpenedModel opened, open_engine(args.model, args.engine));
  WEIR_ASSIGN(const Speeds speeds, measure_speed(*opened.engine, run));
  if (args.json)
    put_json(json_of(args, opened, speeds));
  else
    print(args, opened, speeds);
  return {};
}

void add_speed(CLI::App& command, Job& job) {
  auto args = std::make_shared<SpeedArgs>();
  SpeedRun& run = args->run;
  command.add_option("-m,--model", args->model, "A model's name, or a GGUF file")
      ->capture_default_str();
  const auto count = [&](const char* name, uint32_t& value, uint32_t least, uint32_t most,
                         const char* description) {
    command.add_option(name, value, description)
        ->check(CLI::Range(least, most))
        ->capture_default_str();
  };
  count("--prompt-tokens", run.prompt_tokens, 0, 1u << 24, "Tokens of the timed prefill");
  count("--gen-tokens", run.gen_tokens, 0, 1u << 24, "Tokens generated, one at a time");
  count("--depth", run.depth, 0, 1u << 24, "Tokens there before anything is timed");
  count("--batch", run.batch, 1, 4096, "Sequences at once");
  count("--repeat", run.repeat, 1, 10000, "Repetitions, after one that does not count");
  count("--max-num-batched-tokens", args->engine.step_tokens_max, 1, 65536, "Tokens of one step");
  command.add_option("--seed", run.seed, "Of the random token ids")->check(whole_number());
  command.add_flag("--json", args->json, "Print one JSON object");
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
