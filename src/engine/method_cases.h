// A tiny model, and recipes small enough to matter to it, for tests that hold for every method.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "engine/test_engine.h"
#include "kv/recipe.h"

namespace weir {

inline constexpr int32_t kBudget = 40, kEvery = 24;
inline constexpr uint32_t kLayers = 3, kHeads = 4, kKvHeads = 2, kDim = 16;

inline const TinyModel kModel{.architecture = Architecture::kLlama,
                              .layers = kLayers,
                              .d_model = 64,
                              .heads = kHeads,
                              .kv_heads = kKvHeads,
                              .head_dim = kDim,
                              .context_tokens_max = 2048};

inline std::vector<Token> tokens_of(size_t n, Token from = 40) {
  std::vector<Token> out(n);
  for (size_t i = 0; i < n; ++i) out[i] = 4 + (from + static_cast<Token>(i * i % 97 + i * 7)) % 250;
  return out;
}

// A method with a budget of its own, and its other parameters small enough to matter here.
inline std::string recipe_of(const PolicyEntry& entry, double budget = kBudget) {
  std::string list = "budget=" + std::to_string(budget);
  for (const Parameter& p : entry.info.parameters) {
    if (p.name == "every") list += ",every=" + std::to_string(kEvery);
    if (p.name == "window") list += ",window=8";
  }
  return "keep=" + std::string(entry.info.name) + "(" + list + ")";
}

// A store method that leaves few rows as they are, with each of its parameters' words.
inline std::vector<std::string> stores_of(const CodecEntry& entry) {
  const std::string name = "store=" + std::string(entry.info.name) + "(residual=20";
  std::vector<std::string> out{name};
  for (const Parameter& p : entry.info.parameters) {
    std::vector<std::string> more;
    for (const std::string& before : out)
      for (const std::string_view word : p.words)
        more.push_back(before + "," + std::string(p.name) + "=" + std::string(word));
    if (!more.empty()) out = std::move(more);
  }
  for (std::string& recipe : out) recipe += ")";
  return out;
}

// A read method that reads few of the pages that there are, in every layer, at its loosest.
inline std::string read_of(const RetrieverEntry& entry) {
  std::string list = "dense=0";
  for (const Parameter& p : entry.info.parameters) {
    if (p.name == "pages" || p.name == "first") list += "," + std::string(p.name) + "=2";
    if (p.name == "error") list += ",error=1.5";
  }
  return "read=" + std::string(entry.info.name) + "(" + list + ")";
}

inline EngineOptions options_of(int threads, uint32_t step_tokens) {
  EngineOptions o = tiny_options();
  o.threads = threads;
  o.step_tokens_max = step_tokens;
  o.sequences_max = std::min(step_tokens, 8u);
  o.kv_type = "f32";
  return o;
}

}  // namespace weir
