// What holds for every method and every pair of roles: checks that the tests of both share.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "engine/method_cases.h"
#include "kernels/layout.h"

namespace weir {

// What a run gives: every logit of each append, and what is left after it.
struct Trace {
  std::vector<std::vector<float>> logits;
  std::vector<std::vector<int32_t>> kept;
  bool operator==(const Trace&) const = default;
};

inline void note(const Sequence& s, std::span<const float> logits, Trace& to) {
  to.logits.emplace_back(logits.begin(), logits.end());
  for (uint32_t l = 0; l < kLayers; ++l)
    for (uint32_t h = 0; h < kKvHeads; ++h) to.kept.push_back(s.kept(l, h));
}

// Two turns: a prompt, some tokens one by one, another prompt, more tokens. Where rows choose
// pages, there are some to choose from.
inline std::vector<std::vector<Token>> turns(const std::string& recipe = "") {
  const bool reads = recipe.find("read=") != recipe.npos;
  std::vector<std::vector<Token>> out{tokens_of(reads ? 390 : 150)};
  for (Token t : tokens_of(60, 90)) out.push_back({t});
  out.push_back(tokens_of(70, 11));
  for (Token t : tokens_of(10, 7)) out.push_back({t});
  return out;
}

inline Trace run(Sequence& s, std::span<const std::vector<Token>> appends) {
  Trace out;
  for (const auto& tokens : appends) {
    const auto logits = s.append(tokens, LogitRows::kAll);
    EXPECT_TRUE(logits) << logits.error().message;
    note(s, *logits, out);
  }
  return out;
}

inline std::unique_ptr<Policy> policy_in(const std::string& recipe) {
  const auto parsed = parse_recipe(recipe);
  return parsed->keep ? parsed->keep->method->make(parsed->keep->arguments) : nullptr;
}

// Tokens since the last point of a policy, where a prompt ended before position `prompt`.
inline size_t since_point(const Policy& policy, int32_t prompt, int32_t length) {
  const int32_t every = policy.points().every, point = every > 0 ? length / every * every : 0;
  return static_cast<size_t>(length - std::max(prompt, point));
}

// After each append heads have, on average, no more rows than the policy says and those since its
// last point, in each layer and on average over all; and no row that was gone.
inline void expect_budget_met(Sequence& s, const Policy& policy, uint64_t budget,
                              std::span<const std::vector<Token>> appends) {
  std::map<std::pair<uint32_t, uint32_t>, std::set<int32_t>> before;
  int32_t length = 0, prompt = 0;
  for (const auto& tokens : appends) {
    ASSERT_TRUE(s.append(tokens));
    const int32_t was = length;
    length += static_cast<int32_t>(tokens.size());
    if (tokens.size() > 1) prompt = length;
    const size_t since = since_point(policy, prompt, length);
    size_t all = 0;
    for (uint32_t l = 0; l < kLayers; ++l) {
      size_t rows = 0;
      for (uint32_t h = 0; h < kKvHeads; ++h) {
        const std::vector<int32_t> kept = s.kept(l, h);
        rows += kept.size();
        EXPECT_TRUE(std::ranges::is_sorted(kept));
        std::set<int32_t>& old = before[{l, h}];
        for (int32_t p : kept) EXPECT_TRUE(p >= was || old.contains(p)) << p;
        EXPECT_LT(kept.back(), length);
        old = {kept.begin(), kept.end()};
      }
      EXPECT_LE(rows, (policy.kept_max(prompt).most + since) * kKvHeads) << length;
      all += rows;
    }
    EXPECT_LE(all, (budget + since) * kLayers * kKvHeads) << length;
  }
}

// The rows of one step, as the model had them, against softmax in double over exactly what is left:
// rows as they were computed, and merged ones that weigh as their number.
struct Seen {
  std::map<std::pair<int, int32_t>, std::vector<float>> q, k, v, out;
  Observer observer() {
    return [this](const Observation& o) {
      auto& to = o.what == Observable::kQuery   ? q
                 : o.what == Observable::kKey   ? k
                 : o.what == Observable::kValue ? v
                                                : out;
      for (size_t r = 0; r < o.rows; ++r) {
        const auto row = o.values.subspan(r * o.columns, o.columns);
        to[{o.layer, o.position + static_cast<int32_t>(r)}].assign(row.begin(), row.end());
      }
    };
  }
};

// `raw`: rows are held as they were computed.
inline double worst_error(const Sequence& s, Seen& seen, uint32_t layer, int32_t position,
                          bool raw) {
  double worst = 0;
  const auto at = [&](auto& of, int32_t p, uint32_t head) {
    return std::span(of.at({static_cast<int>(layer), p})).subspan(head * kDim, kDim);
  };
  for (uint32_t head = 0; head < kHeads; ++head) {
    double total = 0;
    std::vector<double> sum(kDim);
    const KeptRows rows = s.kept_rows(layer, head / 2);
    double all = 0;
    bool merged = false;
    for (size_t r = 0; r < rows.positions.size(); ++r) {
      const auto k = std::span(rows.k).subspan(r * kDim, kDim);
      const auto v = std::span(rows.v).subspan(r * kDim, kDim);
      merged |= rows.weights[r] != 1;
      if (raw && rows.weights[r] == 1) {
        EXPECT_TRUE(std::ranges::equal(k, at(seen.k, rows.positions[r], head / 2)));
        EXPECT_TRUE(std::ranges::equal(v, at(seen.v, rows.positions[r], head / 2)));
      }
      double logit = std::log(double{rows.weights[r]});
      for (size_t d = 0; d < kDim; ++d) logit += double{at(seen.q, position, head)[d]} * k[d] / 4;
      total += std::exp(logit);
      all += rows.weights[r];
      for (size_t d = 0; d < kDim; ++d) sum[d] += std::exp(logit) * v[d];
    }
    // No row counts twice, and who merges drops none.
    EXPECT_LE(all, (position + 1) * (1 + 1e-5));
    if (merged) {
      EXPECT_GE(all, (position + 1) * (1 - 1e-5));
    }
    for (size_t d = 0; d < kDim; ++d)
      worst = std::max(worst, std::abs(sum[d] / total - at(seen.out, position, head)[d]));
  }
  return worst;
}

// Of sinks that are read at other distances a query is another.
inline std::string unshifted(const std::string& recipe) {
  const Recipe parsed = *parse_recipe(recipe);
  if (!parsed.keep) return recipe;
  for (const Parameter& p : parsed.keep->method->info.parameters)
    if (p.name == "shift") return std::string(recipe).insert(recipe.find(')'), ",shift=0");
  return recipe;
}

inline void expect_plain_attention(const std::string& recipe, bool raw, double within) {
  const auto engine = open_tiny(kModel, options_of(2, 64));
  auto s = *engine->create_sequence(unshifted(recipe));
  Seen seen;
  s.observe(static_cast<uint32_t>(Observable::kQuery) | static_cast<uint32_t>(Observable::kKey) |
                static_cast<uint32_t>(Observable::kValue) |
                static_cast<uint32_t>(Observable::kAttention),
            seen.observer());
  int32_t length = 0;
  for (const auto& tokens : turns()) {
    ASSERT_TRUE(s.append(tokens));
    length += static_cast<int32_t>(tokens.size());
    // Some, but none after a point: there the last query has read rows that are gone, or as they
    // were.
    if (tokens.size() > 1 || length % 5 != 1 || length % kEvery == 0) continue;
    for (uint32_t l = 0; l < kLayers; ++l)
      ASSERT_LT(worst_error(s, seen, l, length - 1, raw), within) << length;
  }
}

}  // namespace weir
