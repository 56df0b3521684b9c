#include "engine/sampler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "engine/distribution.h"

namespace weir {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

Token pick(std::vector<float> logits, const SamplingOptions& options, uint64_t seed = 1,
           uint64_t at = 0) {
  return *Sampler(options, seed, 0).sample(logits, {}, at);
}

TEST(Sampler, GreedyTakesTheLowestIdOfEquals) {
  SamplingOptions greedy;
  greedy.temperature = 0;
  EXPECT_EQ(pick({1, 5, 3, 5}, greedy), 1);
  EXPECT_EQ(pick({-kInf, -2, -kInf}, greedy), 1);
}

TEST(Sampler, LogitsThatAreNoNumbersAreAnError) {
  for (std::vector<float> bad : {std::vector<float>{1, NAN, 2}, {-kInf, -kInf}, {1, kInf}}) {
    Sampler sampler({}, 1, 0);
    const auto got = sampler.sample(bad, {}, 0);
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().code, Code::kInternal);
  }
}

TEST(Sampler, DrawsFollowTheDistribution) {
  const std::vector<float> logits{std::log(0.1f), std::log(0.2f), std::log(0.7f)};
  std::map<Token, int> hits;
  for (uint64_t at = 0; at < 20000; ++at) ++hits[pick(logits, {}, 7, at)];
  EXPECT_NEAR(hits[0], 2000, 200);
  EXPECT_NEAR(hits[1], 4000, 300);
  EXPECT_NEAR(hits[2], 14000, 400);
}

TEST(Sampler, TheDrawIsAFunctionOfSeedChoiceAndPosition) {
  const std::vector<float> flat(1000, 0.0f);
  const auto draw = [&](uint64_t seed, uint32_t choice, uint64_t position) {
    std::vector<float> logits = flat;
    return *Sampler({}, seed, choice).sample(logits, {}, position);
  };
  EXPECT_EQ(draw(1, 2, 3), draw(1, 2, 3));
  EXPECT_NE(draw(1, 2, 3), draw(2, 2, 3));
  EXPECT_NE(draw(1, 2, 3), draw(1, 3, 3));
  EXPECT_NE(draw(1, 2, 3), draw(1, 2, 4));
}

TEST(Sampler, PenaltiesCountWhatWasSeen) {
  SamplingOptions o;
  o.temperature = 0;
  o.repetition_penalty = 2;
  Sampler repetition(o, 1, 0);
  repetition.see_prompt(0);
  std::vector<float> logits{4, 3, -1};
  EXPECT_EQ(*repetition.sample(logits, {}, 0), 1);  // 4 / 2 < 3
  EXPECT_FLOAT_EQ(logits[0], 2);
  logits = {-1.5f, -2, -9};
  EXPECT_EQ(*repetition.sample(logits, {}, 0), 1);  // -1.5 * 2 < -2: never likelier than before.
  EXPECT_FLOAT_EQ(logits[0], -3);

  o = {};
  o.temperature = 0;
  o.presence_penalty = 1;
  o.frequency_penalty = 0.5f;
  Sampler presence(o, 1, 0);
  presence.see_prompt(1);  // The prompt counts for repetition only.
  presence.see_generated(0);
  presence.see_generated(0);
  logits = {4, 3, -1};
  EXPECT_EQ(*presence.sample(logits, {}, 0), 1);
  EXPECT_FLOAT_EQ(logits[0], 2);
  EXPECT_FLOAT_EQ(logits[1], 3);
}

TEST(Sampler, BiasesAndBansDecide) {
  SamplingOptions o;
  o.temperature = 0;
  o.logit_bias = {{2, 100.0f}, {0, -100.0f}};
  EXPECT_EQ(pick({5, 1, 0}, o), 2);
  std::vector<float> logits{5, 1, 0};
  const Token banned[] = {0};
  SamplingOptions greedy;
  greedy.temperature = 0;
  EXPECT_EQ(*Sampler(greedy, 1, 0).sample(logits, banned, 0), 1);
}

TEST(Sampler, EveryFieldHasItsBounds) {
  const auto refused = [](auto change) {
    SamplingOptions o;
    change(o);
    const Status status = check(o, 100);
    return status ? "" : status.error().param;
  };
  EXPECT_EQ(refused([](auto&) {}), "");
  EXPECT_EQ(refused([](auto& o) { o.temperature = -0.1f; }), "temperature");
  EXPECT_EQ(refused([](auto& o) { o.temperature = NAN; }), "temperature");
  EXPECT_EQ(refused([](auto& o) { o.top_p = 0; }), "top_p");
  EXPECT_EQ(refused([](auto& o) { o.min_p = 1.5f; }), "min_p");
  EXPECT_EQ(refused([](auto& o) { o.typical_p = 0; }), "typical_p");
  EXPECT_EQ(refused([](auto& o) { o.repetition_penalty = 0; }), "repetition_penalty");
  EXPECT_EQ(refused([](auto& o) { o.presence_penalty = 3; }), "presence_penalty");
  EXPECT_EQ(refused([](auto& o) { o.frequency_penalty = -3; }), "frequency_penalty");
  EXPECT_EQ(refused([](auto& o) { o.top_k = -2; }), "top_k");
  EXPECT_EQ(refused([](auto& o) { o.logit_bias = {{100, 1.0f}}; }), "logit_bias");
  EXPECT_EQ(refused([](auto& o) { o.logit_bias = {{5, 101.0f}}; }), "logit_bias");
}

std::vector<Token> kept(const std::vector<float>& p, auto filter) {
  std::vector<float> logits;
  for (float x : p) logits.push_back(x > 0 ? std::log(x) : -kInf);
  Distribution d(logits, *std::max_element(logits.begin(), logits.end()), 1);
  filter(d);
  return {d.tokens().begin(), d.tokens().end()};
}

TEST(Distribution, FiltersKeepWhatTheirDefinitionsSay) {
  const std::vector<float> p{0.1f, 0.4f, 0.05f, 0.25f, 0.2f};
  using Tokens = std::vector<Token>;
  EXPECT_EQ(kept(p, [](auto& d) { d.keep_top_k(2); }), (Tokens{1, 3}));
  EXPECT_EQ(kept(p, [](auto& d) { d.keep_top_p(0.6); }), (Tokens{1, 3}));
  EXPECT_EQ(kept(p, [](auto& d) { d.keep_top_p(0.7); }), (Tokens{1, 3, 4}));
  EXPECT_EQ(kept(p, [](auto& d) { d.keep_min_p(0.45); }), (Tokens{1, 3, 4}));
  EXPECT_EQ(kept(p, [](auto& d) { d.keep_top_p(1e-9); }), (Tokens{1}));
  EXPECT_EQ(kept({0.25f, 0.25f, 0.25f, 0.25f}, [](auto& d) { d.keep_top_k(2); }), (Tokens{0, 1}));
  EXPECT_EQ(kept({0.25f, 0.25f, 0.25f, 0.25f}, [](auto& d) { d.keep_top_p(0.5); }), (Tokens{0, 1}));
}

// Against the definition, computed plainly in double.
TEST(Distribution, TypicalKeepsWhatIsNearestToTheEntropy) {
  const std::vector<float> p{0.5f, 0.2f, 0.15f, 0.1f, 0.05f};
  double entropy = 0;
  for (float x : p) entropy -= static_cast<double>(x) * std::log(static_cast<double>(x));
  std::vector<Token> order{0, 1, 2, 3, 4};
  std::ranges::sort(order, {}, [&](Token t) {
    return std::abs(-std::log(static_cast<double>(p[static_cast<size_t>(t)])) - entropy);
  });
  for (double least : {0.1, 0.3, 0.6, 0.9}) {
    std::vector<Token> want;
    double mass = 0;
    for (Token t : order) {
      want.push_back(t);
      if ((mass += static_cast<double>(p[static_cast<size_t>(t)])) >= least) break;
    }
    std::ranges::sort(want);
    EXPECT_EQ(kept(p, [&](auto& d) { d.keep_typical(least); }), want) << least;
  }
}

TEST(Distribution, WeightsAreExponentials) {
  std::vector<float> logits;
  for (float x = 0; x > -90; x -= 0.0137f) logits.push_back(x);
  const Distribution d(logits, 0, 1);
  for (size_t i = 0; i < logits.size(); ++i) {
    const double want = logits[i] < -87 ? 0 : std::exp(static_cast<double>(logits[i]));
    EXPECT_NEAR(static_cast<double>(d.weights()[i]), want, want * 3e-7) << logits[i];
  }
}

TEST(Logprob, IsTheLogarithmOfTheShare) {
  const std::vector<float> logits{1, 3, 2, 3, -kInf};
  double total = 0;
  for (float x : logits) total += std::exp(static_cast<double>(x));
  const TokenLogprob got = *logprob_of(logits, 0, 3);
  EXPECT_NEAR(static_cast<double>(got.logprob), 1 - std::log(total), 1e-6);
  ASSERT_EQ(got.top.size(), 3u);
  EXPECT_EQ(got.top[0].first, 1);
  EXPECT_EQ(got.top[1].first, 3);
  EXPECT_EQ(got.top[2].first, 2);
  EXPECT_EQ(logprob_of(logits, 4, 0)->logprob, -9999.0f);
}

}  // namespace
}  // namespace weir
