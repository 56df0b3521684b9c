// Prompts that pass one layer after the other: the same bits as a plan at the end, in less memory.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "engine/method_cases.h"
#include "kernels/layout.h"

namespace weir {
namespace {

constexpr const char* kCake = "keep=cake(budget=40,window=8,every=24)";
constexpr uint32_t kDeep = 20;  // A plan for every two of them.

// With a budget of so many pages of one layer.
std::unique_ptr<Engine> deep_engine(uint32_t step_tokens, uint64_t pages) {
  TinyModel model = kModel;
  model.layers = kDeep;
  EngineOptions o = options_of(2, step_tokens);
  o.kv_bytes_max = pages * 2 * kKvHeads * kDim * sizeof(float) * kPageSlots;
  o.context_tokens_max = 1400;
  return open_tiny(model, o);
}

std::vector<std::vector<int32_t>> kept_of(const Sequence& s) {
  std::vector<std::vector<int32_t>> out;
  for (uint32_t l = 0; l < kDeep; ++l)
    for (uint32_t h = 0; h < kKvHeads; ++h) out.push_back(s.kept(l, h));
  return out;
}

// A fork that takes the recipe on for the last few tokens has all layers at once.
TEST(Cascade, GivesTheBitsOfAPlanAtTheEnd) {
  const auto prompt = tokens_of(700), more = tokens_of(90, 11);
  std::vector<std::vector<float>> logits;
  std::vector<std::vector<std::vector<int32_t>>> kept;
  const auto note = [&](Sequence& s, std::span<const Token> tokens) {
    for (const auto& part : {std::vector<Token>(tokens.begin(), tokens.end()), more, {7}, {8}}) {
      const auto row = *s.append(part);
      logits.emplace_back(row.begin(), row.end());
      kept.push_back(kept_of(s));
    }
  };
  for (const uint32_t step : {16u, 64u, 500u}) {
    const auto engine = deep_engine(step, 3000);
    auto by_layer = *engine->create_sequence(kCake);
    note(by_layer, prompt);
    auto base = *engine->create_sequence();
    ASSERT_TRUE(base.append(std::span(prompt).first(680)));
    auto at_once = *base.fork(kCake);
    note(at_once, std::span(prompt).subspan(680));
  }
  for (size_t i = 4; i < logits.size(); ++i) {
    EXPECT_EQ(logits[i], logits[i % 4]) << i;
    EXPECT_EQ(kept[i], kept[i % 4]) << i;
  }
  EXPECT_LT(kept[0].back().size(), 700u);
}

// Beside a sequence that leaves less than a prompt takes in all layers.
TEST(Cascade, APromptFitsWhereItDoesNotFitWhole) {
  const auto engine = deep_engine(64, kDeep * 23);
  auto other = *engine->create_sequence();
  ASSERT_TRUE(other.append(tokens_of(600)));
  auto snapkv = *engine->create_sequence("keep=snapkv(budget=40,window=8)");
  const auto refused = snapkv.append(tokens_of(1300));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kUnavailable);
  auto cake = *engine->create_sequence(kCake);
  const auto logits = cake.append(tokens_of(1300));
  ASSERT_TRUE(logits) << logits.error().message;
  const auto roomy = deep_engine(64, 3000);
  auto same = *roomy->create_sequence(kCake);
  EXPECT_TRUE(std::ranges::equal(*logits, *same.append(tokens_of(1300))));
}

// Prompts pass layer by layer while others decode, are cancelled in the middle, or want every
// logit.
TEST(Cascade, OthersGoOnBesideIt) {
  const auto engine = deep_engine(64, 3000);
  Request r;
  r.prompt = tokens_of(1000);
  r.max_tokens = 20;
  r.ignore_eos = true;
  r.sampling.temperature = 0;
  r.kv = kCake;
  Collector alone;
  ASSERT_TRUE(engine->submit(r, alone.handler()));
  ASSERT_TRUE(alone.end().status);

  Request short_one = r;
  short_one.prompt = tokens_of(20, 3);
  short_one.kv = "", short_one.max_tokens = 200;
  Collector beside, again, scored, cancelled;
  ASSERT_TRUE(engine->submit(short_one, beside.handler()));
  const auto id = engine->submit(r, cancelled.handler());
  ASSERT_TRUE(engine->submit(r, again.handler()));
  engine->cancel(*id);
  Request all = r;
  all.prompt_logprobs = 0;
  ASSERT_TRUE(engine->submit(all, scored.handler()));
  EXPECT_TRUE(beside.end().status);
  EXPECT_TRUE(again.end().status);
  EXPECT_TRUE(scored.end().status);
  EXPECT_EQ(again.tokens(0), alone.tokens(0));
  EXPECT_EQ(scored.tokens(0), alone.tokens(0));
  EXPECT_FALSE(cancelled.end().status);
}

}  // namespace
}  // namespace weir
