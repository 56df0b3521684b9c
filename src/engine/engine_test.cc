#include "weir/engine.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cfenv>
#include <cmath>
#include <future>
#include <numeric>
#include <set>
#include <utility>

#include "engine/test_engine.h"

namespace weir {
namespace {

std::vector<Token> prompt_of(size_t n, Token from = 40) {
  std::vector<Token> out(n);
  for (size_t i = 0; i < n; ++i) out[i] = from + static_cast<Token>(i * 7 % 200);
  return out;
}

class EngineTest : public ::testing::Test {
 protected:
  Request greedy(size_t prompt_tokens, uint32_t max_tokens) {
    Request r;
    r.prompt = prompt_of(prompt_tokens);
    r.sampling.temperature = 0;
    r.max_tokens = max_tokens;
    r.ignore_eos = true;
    return r;
  }
  RequestId submit(Request r, Collector& to) {
    auto id = engine_->submit(std::move(r), to.handler());
    EXPECT_TRUE(id) << id.error().message;
    return *id;
  }
  std::unique_ptr<Engine> engine_ = open_tiny({}, tiny_options());
};

TEST_F(EngineTest, ARequestGeneratesWhatASequenceByHandDoes) {
  Collector got;
  submit(greedy(100, 20), got);
  auto sequence = *engine_->create_sequence();
  ASSERT_TRUE(sequence.append(prompt_of(100)));
  SamplingOptions options;
  options.temperature = 0;
  std::vector<Token> want;
  for (int i = 0; i < 20; ++i) {
    want.push_back(*sequence.sample(options));
    ASSERT_TRUE(sequence.append({&want.back(), 1}));
  }
  EXPECT_EQ(got.tokens(), want);
  EXPECT_EQ(got.choice(0)->reason, FinishReason::kLength);
  EXPECT_EQ(got.end().usage.prompt_tokens, 100u);
  EXPECT_EQ(got.end().usage.completion_tokens, 20u);
}

TEST_F(EngineTest, TheCallersRoundingDoesNotShow) {
  const TinyFile file({});
  const auto results = [&] {
    const auto engine = Engine::open(file.path(), tiny_options()).value();
    auto sequence = *engine->create_sequence();
    const auto logits = sequence.append(prompt_of(50));
    EXPECT_TRUE(logits);
    std::vector<float> out(logits->begin(), logits->end());
    SamplingOptions options;
    for (uint64_t seed = 0; seed < 50; ++seed) {
      options.seed = seed;
      out.push_back(static_cast<float>(*sequence.sample(options)));
    }
    return out;
  };
  const std::vector<float> plain = results();
  std::fesetround(FE_UPWARD);
  const std::vector<float> upward = results();
  EXPECT_EQ(std::fegetround(), FE_UPWARD) << "the caller's mode is the caller's";
  std::fesetround(FE_TONEAREST);
  EXPECT_EQ(plain, upward);
}

TEST_F(EngineTest, ChoicesShareThePromptAndDiffer) {
  Request r = greedy(70, 12);
  r.sampling.temperature = 1;
  r.sampling.seed = 5;
  r.choices = 3;
  Collector first, again, one;
  submit(r, first);
  submit(r, again);
  r.choices = 1;
  submit(r, one);
  for (uint32_t c = 0; c < 3; ++c) {
    EXPECT_EQ(first.tokens(c).size(), 12u);
    EXPECT_EQ(first.tokens(c), again.tokens(c));
    ASSERT_NE(first.choice(c), nullptr);
  }
  EXPECT_NE(first.tokens(0), first.tokens(1));
  EXPECT_EQ(first.tokens(0), one.tokens(0));
  EXPECT_EQ(first.end().usage.completion_tokens, 36u);
}

TEST_F(EngineTest, AStopStringEndsTheTextBeforeIt) {
  Collector whole;
  submit(greedy(50, 24), whole);
  const std::string text = whole.text();
  ASSERT_GT(text.size(), 6u);
  Request r = greedy(50, 24);
  r.stop = {text.substr(4, 3)};
  Collector cut;
  submit(r, cut);
  EXPECT_EQ(cut.text(), text.substr(0, text.find(r.stop[0])));
  EXPECT_EQ(cut.choice(0)->reason, FinishReason::kStop);
  EXPECT_EQ(cut.choice(0)->stop, r.stop[0]);
}

TEST_F(EngineTest, AStopTokenEndsAndMinTokensHoldsItOff) {
  Collector whole;
  submit(greedy(50, 24), whole);
  Request r = greedy(50, 24);
  const std::vector<Token> tokens = whole.tokens();
  r.stop_tokens = {tokens[3]};
  const auto at = static_cast<size_t>(std::ranges::find(tokens, tokens[3]) - tokens.begin());
  Collector cut, held;
  submit(r, cut);
  EXPECT_EQ(cut.tokens().size(), at);
  EXPECT_EQ(cut.choice(0)->reason, FinishReason::kStop);
  r.min_tokens = 10;
  submit(r, held);
  EXPECT_GE(held.end().usage.completion_tokens, 10u);
}

TEST_F(EngineTest, PromptLogprobsAreThoseOfTheLogits) {
  Request r = greedy(80, 0);
  r.prefill_only = true;
  r.prompt_logprobs = 2;
  Collector got;
  submit(r, got);
  const auto& prompt = std::get<PromptEvent>(got.wait()[0]);
  ASSERT_EQ(prompt.logprobs.size(), 80u);
  auto sequence = *engine_->create_sequence();
  const auto logits = *sequence.append(r.prompt, LogitRows::kAll);
  const size_t n = engine_->info().vocabulary;
  for (size_t i = 1; i < 80; ++i) {
    const auto row = logits.subspan((i - 1) * n, n);
    double total = 0;
    for (float x : row) total += std::exp(static_cast<double>(x));
    EXPECT_NEAR(static_cast<double>(prompt.logprobs[i].logprob),
                static_cast<double>(row[static_cast<size_t>(r.prompt[i])]) - std::log(total), 1e-4);
    EXPECT_EQ(prompt.logprobs[i].top.size(), 2u);
  }
  EXPECT_EQ(got.end().usage.completion_tokens, 0u);
}

TEST_F(EngineTest, ACancelledRequestEndsOnceAndGivesItsMemoryBack) {
  Collector got;
  Gate gate;
  const auto id = engine_->submit(greedy(100, 150), gate.handler(got.handler()));
  ASSERT_TRUE(id);
  gate.wait();
  engine_->cancel(*id);
  engine_->cancel(*id);
  gate.open();
  EXPECT_EQ(got.end().status.error().code, Code::kCancelled);
  EXPECT_TRUE(engine_->drain(std::chrono::seconds(10)));
  EXPECT_EQ(engine_->stats().kv_bytes_used, 0u);
  EXPECT_EQ(engine_->stats().requests_running, 0u);
}

TEST_F(EngineTest, EveryFieldOfARequestIsChecked) {
  const auto refused = [&](auto change) {
    Request r = greedy(10, 5);
    change(r);
    const auto id = engine_->submit(std::move(r), [](const Event&) {});
    return id ? "" : id.error().param;
  };
  EXPECT_EQ(refused([](Request& r) { r.prompt.clear(); }), "prompt");
  EXPECT_EQ(refused([](Request& r) { r.prompt = {-1}; }), "prompt");
  EXPECT_EQ(refused([](Request& r) { r.prompt = {300}; }), "prompt");
  EXPECT_EQ(refused([](Request& r) { r.prompt = prompt_of(256); }), "prompt");
  EXPECT_EQ(refused([](Request& r) { r.max_tokens = 247; }), "max_tokens");
  EXPECT_EQ(refused([](Request& r) { r.max_tokens = 4294967295u; }), "max_tokens");
  EXPECT_EQ(refused([](Request& r) { r.min_tokens = 6; }), "min_tokens");
  EXPECT_EQ(refused([](Request& r) { r.choices = 0; }), "n");
  EXPECT_EQ(refused([](Request& r) { r.choices = 129; }), "n");
  EXPECT_EQ(refused([](Request& r) { r.stop = {""}; }), "stop");
  EXPECT_EQ(refused([](Request& r) { r.stop.assign(17, "x"); }), "stop");
  EXPECT_EQ(refused([](Request& r) { r.stop_tokens = {300}; }), "stop_token_ids");
  EXPECT_EQ(refused([](Request& r) { r.logprobs = 21; }), "logprobs");
  EXPECT_EQ(refused([](Request& r) { r.prompt_logprobs = -2; }), "prompt_logprobs");
  EXPECT_EQ(refused([](Request& r) { r.sampling.top_p = 2; }), "top_p");
}

Request endless(size_t prompt_tokens, uint32_t max_tokens) {
  Request r;
  r.prompt = prompt_of(prompt_tokens);
  r.max_tokens = max_tokens;
  r.ignore_eos = true;
  return r;
}

TEST(Engine, AFullQueueRefusesAndMovesOn) {
  EngineOptions o = tiny_options();
  o.sequences_max = 2;
  o.queue_requests_max = 3;
  const auto engine = open_tiny({}, o);
  Gate gate;
  std::vector<std::unique_ptr<Collector>> all;
  for (int i = 0; i < 5; ++i) {
    all.push_back(std::make_unique<Collector>());
    auto handler = all.back()->handler();
    const auto id = engine->submit(endless(64, 20), i == 0 ? gate.handler(handler) : handler);
    ASSERT_TRUE(id) << i << ": " << id.error().message;
  }
  gate.wait();
  const auto sixth = engine->submit(endless(64, 20), [](const Event&) {});
  ASSERT_FALSE(sixth);
  EXPECT_EQ(sixth.error().code, Code::kUnavailable);
  gate.open();
  for (auto& c : all) EXPECT_TRUE(c->end().status);
  Collector after;
  ASSERT_TRUE(engine->submit(endless(64, 20), after.handler()));
  EXPECT_TRUE(after.end().status);
}

// One sequence computes, and nothing may wait.
EngineOptions one_place() {
  EngineOptions o = tiny_options();
  o.sequences_max = 1;
  o.queue_requests_max = 0;
  o.queue_tokens_max = 0;
  return o;
}

TEST(Engine, WithoutAQueueAnIdleEngineServesOneAfterAnother) {
  const auto engine = open_tiny({}, one_place());
  for (int i = 0; i < 20; ++i) {
    Collector got;
    const auto id = engine->submit(endless(20, 2), got.handler());
    ASSERT_TRUE(id) << i << ": " << id.error().message;
    EXPECT_TRUE(got.end().status);
  }
}

TEST(Engine, APlaceIsFreeBeforeItsHandlerHearsOfTheEnd) {
  const auto engine = open_tiny({}, one_place());
  std::promise<void> ended, submitted;
  Collector got;
  Request first = endless(20, 0);
  first.prefill_only = true;  // No choice of it ends before it does.
  ASSERT_TRUE(engine->submit(first, [&](const Event& event) {
    if (!std::holds_alternative<EndEvent>(event)) return;
    ended.set_value();
    submitted.get_future().wait();
  }));
  ended.get_future().wait();
  const auto next = engine->submit(endless(20, 2), got.handler());
  submitted.set_value();
  ASSERT_TRUE(next) << next.error().message;
  EXPECT_TRUE(got.end().status);
}

TEST(Engine, ACompanionMayWaitWhereOthersMayNot) {
  const auto engine = open_tiny({}, one_place());
  Gate gate;
  Collector first, second;
  const auto id = engine->submit(endless(20, 4), gate.handler(first.handler()));
  ASSERT_TRUE(id);
  gate.wait();
  Request companion = endless(20, 4);
  EXPECT_FALSE(engine->submit(companion, [](const Event&) {}));
  companion.companion = *id;
  EXPECT_TRUE(engine->submit(companion, second.handler()));
  gate.open();
  EXPECT_TRUE(second.end().status);
}

TEST(Engine, NoMoreChoicesComputeAtOnceThanTheLimit) {
  EngineOptions o = tiny_options();
  o.sequences_max = 4;
  const auto engine = open_tiny({}, o);
  std::set<std::pair<int, uint32_t>> now;
  size_t most = 0;
  std::vector<std::unique_ptr<Collector>> all;
  for (int i = 0; i < 5; ++i) {
    Request r = endless(30, 8);
    r.choices = 3;
    all.push_back(std::make_unique<Collector>());
    const auto watch = [&, i, then = all.back()->handler()](const Event& event) {
      if (const auto* t = std::get_if<TokenEvent>(&event)) now.emplace(i, t->choice);
      if (const auto* c = std::get_if<ChoiceEvent>(&event)) now.erase({i, c->choice});
      most = std::max(most, now.size());
      then(event);
    };
    ASSERT_TRUE(engine->submit(r, watch));
  }
  for (auto& c : all) EXPECT_EQ(c->end().usage.completion_tokens, 24u);
  EXPECT_EQ(most, 3u);
  Request r = endless(30, 8);
  r.choices = 5;
  const auto refused = engine->submit(r, [](const Event&) {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kInvalid);
  EXPECT_EQ(refused.error().param, "n");
  EXPECT_NE(refused.error().message.find("4"), std::string::npos);
}

TEST(Engine, TokensAreCountedAsTheyAreComputed) {
  EngineOptions o = tiny_options();
  o.sequences_max = 1;
  const auto engine = open_tiny({}, o);
  Gate gate(5);
  Collector first, second;
  const auto a = engine->submit(endless(100, 100), gate.handler(first.handler()));
  const auto b = engine->submit(endless(120, 100), second.handler());
  ASSERT_TRUE(a && b);
  gate.wait();
  EXPECT_EQ(engine->stats().prompt_tokens, 100u);
  EXPECT_EQ(engine->stats().generated_tokens, 5u);
  engine->cancel(*b);
  engine->cancel(*a);
  gate.open();
  EXPECT_EQ(second.end().status.error().code, Code::kCancelled);
  const uint32_t generated = first.end().usage.completion_tokens;
  EXPECT_TRUE(engine->drain(std::chrono::seconds(10)));
  EXPECT_EQ(engine->stats().prompt_tokens, 100u);
  EXPECT_EQ(engine->stats().generated_tokens, generated);
}

TEST(Engine, ChoicesWithoutALengthAreToldWhatHelps) {
  EngineOptions o = tiny_options();
  o.kv_bytes_max = 32 * 4096;
  const auto engine = open_tiny({}, o);
  Request r = endless(20, 0);
  r.choices = 40;
  const auto refused = engine->submit(r, [](const Event&) {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().param, "max_tokens");
  EXPECT_NE(refused.error().message.find("set max_tokens or lower n"), std::string::npos)
      << refused.error().message;
  r.max_tokens = 200;
  const auto still = engine->submit(r, [](const Event&) {});
  ASSERT_FALSE(still);
  EXPECT_EQ(still.error().param, "n");
  r.choices = 1;
  Collector got;
  ASSERT_TRUE(engine->submit(r, got.handler()));
  EXPECT_TRUE(got.end().status);
}

TEST(Engine, RequestsThatDoNotFitTogetherTakeTurns) {
  EngineOptions o = tiny_options();
  o.context_tokens_max = 256;
  o.kv_bytes_max = 10 * 4096;
  const auto engine = open_tiny({}, o);
  std::vector<std::unique_ptr<Collector>> all;
  for (int i = 0; i < 6; ++i) {
    Request r;
    r.prompt = prompt_of(100);
    r.max_tokens = 60;
    r.ignore_eos = true;
    all.push_back(std::make_unique<Collector>());
    ASSERT_TRUE(engine->submit(r, all.back()->handler()));
  }
  for (auto& c : all) {
    EXPECT_TRUE(c->end().status);
    EXPECT_EQ(c->end().usage.completion_tokens, 60u);
  }
}

TEST_F(EngineTest, DrainEndsWhatDoesNotEndByItself) {
  Collector got;
  submit(greedy(100, 150), got);
  const bool alone = engine_->drain(std::chrono::milliseconds(0));
  if (!alone) {
    EXPECT_EQ(got.end().status.error().code, Code::kCancelled);
  }
  const auto after = engine_->submit(greedy(5, 5), [](const Event&) {});
  ASSERT_FALSE(after);
  EXPECT_EQ(after.error().code, Code::kUnavailable);
}

TEST_F(EngineTest, AForkGoesItsOwnWay) {
  auto a = *engine_->create_sequence();
  ASSERT_TRUE(a.append(prompt_of(90)));
  auto b = *a.fork();
  EXPECT_TRUE(std::ranges::equal(a.tokens(), b.tokens()));
  ASSERT_TRUE(a.append(prompt_of(5, 60)));
  ASSERT_TRUE(b.append(prompt_of(5, 80)));
  auto fresh = *engine_->create_sequence();
  std::vector<Token> tokens = prompt_of(90);
  for (Token t : prompt_of(5, 80)) tokens.push_back(t);
  const auto want = *fresh.append(tokens);
  SamplingOptions options;
  options.temperature = 0;
  const Token same = *fresh.sample(options);
  EXPECT_EQ(*b.sample(options), same);
  const auto got = *b.append({&same, 1});
  const std::vector<float> kept(got.begin(), got.end());
  const auto expected = *fresh.append({&same, 1});
  EXPECT_TRUE(std::ranges::equal(kept, expected));
  EXPECT_EQ(want.size(), expected.size());
}

TEST_F(EngineTest, BadAppendsChangeNothing) {
  auto s = *engine_->create_sequence();
  ASSERT_TRUE(s.append(prompt_of(10)));
  const Token outside[] = {300};
  EXPECT_EQ(s.append(outside).error().code, Code::kInvalid);
  EXPECT_EQ(s.append({}).error().code, Code::kInvalid);
  EXPECT_EQ(s.append(prompt_of(247)).error().code, Code::kInvalid);
  const Token good[] = {50};
  const Append twice[] = {{&s, good}, {&s, good}};
  EXPECT_EQ(engine_->append(twice).error().code, Code::kInvalid);
  EXPECT_EQ(s.tokens().size(), 10u);
  EXPECT_TRUE(s.append(good));
}

TEST_F(EngineTest, ObserversSeeEveryLayerAndRow) {
  auto s = *engine_->create_sequence();
  std::vector<int> layers;
  size_t rows = 0;
  s.observe(static_cast<uint32_t>(Observable::kLayerOutput), [&](const Observation& o) {
    layers.push_back(o.layer);
    rows += o.rows;
    EXPECT_EQ(o.values.size(), o.rows * o.columns);
    EXPECT_EQ(o.columns, 32u);
  });
  ASSERT_TRUE(s.append(prompt_of(100)));  // Two chunks of at most 64.
  EXPECT_EQ(layers, (std::vector<int>{0, 1, 0, 1}));
  EXPECT_EQ(rows, 200u);
}

}  // namespace
}  // namespace weir
