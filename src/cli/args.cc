#include "cli/args.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include "cli/utf8.h"

namespace weir::cli {
namespace {

struct Unit {
  std::string_view name;
  double bytes;
};
constexpr std::array kUnits = {
    Unit{"", 1},          Unit{"b", 1},
    Unit{"kb", 1e3},      Unit{"mb", 1e6},
    Unit{"gb", 1e9},      Unit{"tb", 1e12},
    Unit{"kib", 1 << 10}, Unit{"mib", 1 << 20},
    Unit{"gib", 1 << 30}, Unit{"tib", 1024.0 * (1 << 30)},
};

template <typename T>
void add_real(CLI::App& command, const std::string& name, T& value, double least, double most,
              const std::string& description) {
  const auto check = [least, most](const std::string& text) {
    double number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool whole = error == std::errc() && end == text.data() + text.size();
    if (whole && number >= least && number <= most) return std::string();
    return fmt::format("{} is not a number from {} to {}", text, least, most);
  };
  command.add_option(name, value, description)->check(CLI::Validator(check, "NUMBER"));
}

}  // namespace

Result<uint64_t> parse_bytes(const std::string& text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  std::string unit(end, text.data() + text.size());
  unit.erase(0, unit.find_first_not_of(' '));
  std::transform(unit.begin(), unit.end(), unit.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  const auto* found = std::find_if(kUnits.begin(), kUnits.end(),
                                   [&](const Unit& candidate) { return candidate.name == unit; });
  constexpr double kMost = 9007199254740992.0;  // 2^53: up to there doubles are exact.
  if (error == std::errc() && found != kUnits.end() && value >= 0) {
    const double bytes = value * found->bytes;
    if (bytes <= kMost && bytes == std::floor(bytes)) return static_cast<uint64_t>(bytes);
  }
  return fail(Code::kInvalid,
              fmt::format("{} is not a size in bytes; write 4GiB, 512MiB or 1000000", text));
}

CLI::Validator whole_number() {
  const auto check = [](const std::string& text) {
    uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error == std::errc() && end == text.data() + text.size()) return std::string();
    return fmt::format("{} is not a whole number below 2^64", text);
  };
  return CLI::Validator(check, "");
}

CLI::Option* add_bytes(CLI::App& command, const std::string& name, uint64_t& value,
                       const std::string& description) {
  const auto set = [&value](const std::string& text) {
    const auto bytes = parse_bytes(text);
    if (!bytes) throw CLI::ValidationError(bytes.error().message);
    value = *bytes;
  };
  return command.add_option_function<std::string>(name, set, description)
      ->type_name("BYTES")
      ->default_str(fmt::format("{}", value));
}

void add_engine_options(CLI::App& command, EngineOptions& options, bool served) {
  EngineOptions& o = options;
  command.add_option("--threads", o.threads, "Computing threads; 0: one per core")
      ->check(CLI::Range(0, 256));
  command
      .add_option("--max-model-len", o.context_tokens_max,
                  "Longest sequence in tokens; 0: what the model was made for")
      ->check(CLI::Range(0u, 1u << 30));
  command.add_option("--kv-cache-dtype", o.kv_type, "Type of keys and values")
      ->check(CLI::IsMember({"auto", "f16", "bf16", "f32"}));
  add_bytes(command, "--kv-cache-memory-bytes", o.kv_bytes_max,
            "Hard budget of all keys and values (4GiB, 512MiB); 0: a quarter of the memory");
  command.add_option(
      "--kv", o.kv, "Which rows of the KV cache stay: 'keep=snapkv(budget=0.2)' (weir kv methods)");
  command.add_option("--arithmetic", o.arithmetic, "integer, or float: the reference")
      ->check(CLI::IsMember({"integer", "float"}));
  if (!served) return;
  command.add_option("--max-num-seqs", o.sequences_max, "Sequences that compute at once")
      ->check(CLI::Range(1u, 4096u));
  command.add_option("--max-num-batched-tokens", o.step_tokens_max, "Tokens of one step")
      ->check(CLI::Range(1u, 65536u));
  command
      .add_option("--max-num-queued-reqs", o.queue_requests_max,
                  "Requests that may wait; further ones are answered with 429")
      ->check(CLI::Range(0u, 1u << 20));
  command
      .add_option("--max-num-queued-tokens", o.queue_tokens_max,
                  "Prompt tokens that may wait; further ones are answered with 429")
      ->check(CLI::Range(uint64_t{0}, uint64_t{1} << 40));
}

void add_generation_options(CLI::App& command, GenerationArgs& args) {
  SamplingOptions& s = args.sampling;
  add_real(command, "--temperature", s.temperature, 0, 2,
           "0 always takes the likeliest token; 0.6 unless told");
  command.add_option("--top-k", s.top_k, "Keep the k likeliest tokens; 0 or -1: all")
      ->check(CLI::Range(-1, std::numeric_limits<int>::max()));
  add_real(command, "--top-p", s.top_p, 1e-9, 1, "Keep the likeliest with this mass together");
  add_real(command, "--min-p", s.min_p, 0, 1,
           "Keep what has this share of the likeliest's; 0.05 unless told");
  add_real(command, "--typical-p", s.typical_p, 1e-9, 1, "Locally typical sampling");
  add_real(command, "--repetition-penalty", s.repetition_penalty, 1e-9, 10,
           "Above 1: less of what was seen");
  add_real(command, "--presence-penalty", s.presence_penalty, -2, 2,
           "Subtracted from what was generated");
  add_real(command, "--frequency-penalty", s.frequency_penalty, -2, 2,
           "Subtracted for each time it was generated");
  command.add_option("--seed", s.seed, "The same seed gives the same answer")
      ->check(whole_number());
  command
      .add_option("--max-tokens", args.max_tokens, "Tokens of an answer; 0: as the context allows")
      ->check(CLI::Range(0u, 1u << 30));
  command
      .add_option_function<std::vector<std::string>>(
          "--stop",
          [&args](const std::vector<std::string>& stop) {
            for (const std::string& text : stop) {
              if (text.empty()) throw CLI::ValidationError("--stop: the text is empty");
              const Status utf8 = check_utf8("--stop", text);
              if (!utf8) throw CLI::ValidationError(utf8.error().message);
            }
            args.stop = stop;
          },
          "End before this text (may be repeated)")
      ->allow_extra_args(false)
      ->take_all();
}

}  // namespace weir::cli
