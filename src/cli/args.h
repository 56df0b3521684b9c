// Options that several commands share. Names are vLLM's where the thing is the same.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "weir/options.h"
#include "weir/status.h"

namespace weir::cli {

// "4GiB", "512MiB", "1.5GB", "1000": a whole number of bytes. Units are B, kB, MB, GB, TB (powers
// of 1000) and KiB, MiB, GiB, TiB (of 1024), in any case. kInvalid says what would be right.
Result<uint64_t> parse_bytes(const std::string& text);

// CLI11 itself takes "-1" for the largest number of 64 bits.
CLI::Validator whole_number();

// --name, a size in bytes.
CLI::Option* add_bytes(CLI::App& command, const std::string& name, uint64_t& value,
                       const std::string& description);

// How the model runs: threads, lengths, KV cache. `served`: also what only many requests need.
void add_engine_options(CLI::App& command, EngineOptions& options, bool served);

// What `run` and `chat` generate.
struct GenerationArgs {
  // A small model that draws from its whole distribution talks nonsense soon; the API, which has
  // OpenAI's defaults, leaves that to its clients.
  GenerationArgs() { sampling.temperature = 0.6f, sampling.min_p = 0.05f; }

  SamplingOptions sampling;
  uint32_t max_tokens = 0;
  std::vector<std::string> stop;
};
void add_generation_options(CLI::App& command, GenerationArgs& args);

}  // namespace weir::cli
