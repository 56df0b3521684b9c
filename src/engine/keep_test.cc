// What holds for every registered method, whoever wrote it.
#include "engine/method_checks.h"

namespace weir {
namespace {

// With a budget of so many raw pages in each layer.
EngineOptions tight_options(uint64_t pages, uint32_t context_tokens) {
  EngineOptions o = options_of(2, 64);
  o.kv_bytes_max = kLayers * pages * 2 * kKvHeads * kDim * sizeof(float) * kPageSlots;
  o.context_tokens_max = context_tokens;
  return o;
}

class KeepTest : public ::testing::TestWithParam<const PolicyEntry*> {
 protected:
  std::string recipe() const { return recipe_of(*GetParam()); }
  std::unique_ptr<Policy> policy() const { return policy_in(recipe()); }
};

TEST_P(KeepTest, TheBudgetIsMetAndNothingComesBack) {
  const auto engine = open_tiny(kModel, options_of(2, 64));
  auto s = *engine->create_sequence(recipe());
  expect_budget_met(s, *policy(), kBudget, turns());
}

TEST_P(KeepTest, BytesFallWithTheRows) {
  const auto engine = open_tiny(kModel, options_of(2, 64));
  auto s = *engine->create_sequence(recipe());
  ASSERT_TRUE(s.append(tokens_of(1500)));
  // The pages that so many rows may take, and what belongs to the rows. Where heads are unequal,
  // the last page of each and of all of them need not be full.
  const LayerRows rows{policy()->kept_max(1500).most, kBudget};
  const uint64_t pages = rows.pages(kLayers) + (policy()->ragged() ? 2 * kLayers : 0);
  const uint64_t page = 2 * kKvHeads * kDim * sizeof(float) * kPageSlots;
  const uint64_t most = pages * (page + kKvHeads * kPageSlots * sizeof(float)) +
                        kLayers * kKvHeads * kBudget * sizeof(int32_t);
  EXPECT_LE(s.kv_bytes(), most);
  EXPECT_LE(engine->stats().kv_bytes_used,
            most + kLayers * kHeads * (kBudget * sizeof(float) + 8 * kDim * sizeof(float)));
}

TEST_P(KeepTest, AForkMadeBeforeAnEditKeepsItsRows) {
  const auto engine = open_tiny(kModel, options_of(2, 64));
  auto whole = *engine->create_sequence("keep=all");
  auto s = *engine->create_sequence(recipe());
  const auto one = tokens_of(30);
  ASSERT_TRUE(s.append(one));  // Within the budget: nothing goes.
  ASSERT_TRUE(whole.append(one));
  auto fork = *s.fork();
  ASSERT_TRUE(s.append(tokens_of(100, 5)));
  EXPECT_LT(s.kept(0, 0).size(), 130u);
  EXPECT_EQ(fork.kept(0, 0).size(), 30u);
  const Token next[] = {50};
  EXPECT_TRUE(std::ranges::equal(*fork.append(next), *whole.append(next)));
}

TEST_P(KeepTest, AttentionIsPlainAttentionOverWhatIsLeft) {
  expect_plain_attention(recipe(), true, 1e-5);
}

TEST_P(KeepTest, WindowLayersAreExempt) {
  TinyModel model = kModel;
  model.architecture = Architecture::kGemma3;
  model.layers = 6, model.sliding_window = 100;
  const auto engine = open_tiny(model, options_of(2, 64));
  auto s = *engine->create_sequence(recipe());
  ASSERT_TRUE(s.append(tokens_of(150)));
  EXPECT_EQ(s.kept(0, 0).size(), 150u);
  // Rounding may take a row of each head.
  const size_t left = s.kept(5, 0).size() + s.kept(5, 1).size();
  EXPECT_LE(left, size_t{kBudget} * kKvHeads);
  EXPECT_GE(left, size_t{kBudget - 1} * kKvHeads);
}

INSTANTIATE_TEST_SUITE_P(Methods, KeepTest, ::testing::ValuesIn(policies()),
                         [](const auto& p) { return std::string(p.param->info.name); });

// In a model of one layer, keys and values follow from a token and its position alone: what stays
// of a long text is then, to rounding, the short text of the same tokens.
TEST(Keep, ShiftedSinksAreReadAsIfNothingLayBetween) {
  TinyModel model = kModel;
  model.layers = 1;
  EngineOptions o = options_of(2, 64);
  o.arithmetic = "float";
  const auto engine = open_tiny(model, o);
  const auto tokens = tokens_of(270);
  const auto whole = std::span(tokens);
  const auto distance = [&](const std::string& recipe, size_t gap) {
    auto s = *engine->create_sequence(recipe);
    EXPECT_TRUE(s.append(whole.first(200)));
    for (Token t : whole.subspan(200, gap)) EXPECT_TRUE(s.append({&t, 1}));
    const auto kept = s.kept(0, 1);
    std::vector<Token> left;
    for (int32_t p : kept) left.push_back(tokens[static_cast<size_t>(p)]);
    auto fresh = *engine->create_sequence();
    EXPECT_TRUE(fresh.append(left));
    const auto next = tokens_of(3, 77);
    const auto a = *s.append(next, LogitRows::kAll), b = *fresh.append(next, LogitRows::kAll);
    float worst = 0;
    for (size_t i = 0; i < a.size() / 3; ++i) {
      const size_t last = 2 * a.size() / 3 + i;  // The third, if no point came between.
      worst = std::max(worst, std::abs(a[last] - b[last]));
    }
    return worst;
  };
  for (size_t gap : {0u, 10u, 58u}) {
    EXPECT_LT(distance("keep=streaming(budget=40,sinks=4,every=64)", gap), 2e-4) << gap;
    EXPECT_GT(distance("keep=streaming(budget=40,sinks=4,every=64,shift=0)", gap), 2e-3) << gap;
  }
}

TEST(Keep, OthersAreAdmittedWhenRowsAreGone) {
  // Room for one whole sequence of 1,200 tokens and not for two.
  const auto engine = open_tiny(kModel, tight_options(25, 1500));
  std::vector<std::unique_ptr<Collector>> all;
  size_t most = 0;
  std::set<int> running;
  for (int i = 0; i < 4; ++i) {
    Request r;
    r.prompt = tokens_of(1000, 10 * i);
    r.max_tokens = 200;
    r.ignore_eos = true;
    r.kv = "keep=streaming(budget=64,every=64)";
    all.push_back(std::make_unique<Collector>());
    const auto watch = [&, i, then = all.back()->handler()](const Event& event) {
      if (std::holds_alternative<TokenEvent>(event)) running.insert(i);
      if (std::holds_alternative<EndEvent>(event)) running.erase(i);
      most = std::max(most, running.size());
      then(event);
    };
    ASSERT_TRUE(engine->submit(r, watch));
  }
  for (auto& c : all) EXPECT_TRUE(c->end().status);
  EXPECT_GT(most, 2u);
  const auto after = engine->create_sequence();  // Once the last step is over.
  EXPECT_EQ(engine->stats().kv_bytes_used, 0u);
}

TEST(Keep, PromisesFallAtThePromptsEnd) {
  for (const char* recipe :
       {"keep=snapkv(budget=0.1,window=4)", "keep=cake(budget=0.1,window=4)"}) {
    const auto engine = open_tiny(kModel, tight_options(25, 1500));
    auto other = *engine->create_sequence();
    Gate gate;
    Collector first;
    Request r;
    r.prompt = tokens_of(1000);
    r.max_tokens = 300;
    r.ignore_eos = true;
    r.kv = recipe;
    ASSERT_TRUE(engine->submit(r, gate.handler(first.handler()))) << recipe;
    gate.wait();
    gate.open();
    // The first has 900 rows less and goes on: there is room for another whole prompt.
    EXPECT_TRUE(other.append(tokens_of(900))) << recipe;
    EXPECT_TRUE(first.end().status);
  }
}

TEST(Store, BytesFallWithTheBits) {
  const auto engine = open_tiny(kModel, options_of(2, 64));
  const auto bytes = [&](const char* recipe) {
    auto s = *engine->create_sequence(recipe);
    EXPECT_TRUE(s.append(tokens_of(600)));
    EXPECT_EQ(s.kept(0, 0).size(), 600u);
    return static_cast<double>(s.kv_bytes());
  };
  // Of 10 pages in f32, one stays raw; heads of 16 fill half of their runs.
  const double raw = bytes("");
  EXPECT_LT(bytes("store=int8"), 0.75 * raw);
  EXPECT_LT(bytes("store=kivi(bits=4,residual=0)"), 0.45 * raw);
  EXPECT_LT(bytes("store=kivi(bits=2,residual=0)"), 0.35 * raw);
  const auto after = engine->create_sequence();
  EXPECT_EQ(engine->stats().kv_bytes_used, 0u);
}

TEST(Store, MoreSequencesFitWhenTheirRowsTakeLess) {
  const auto engine = open_tiny(kModel, tight_options(22, 700));
  const auto fit = [&](const char* recipe) {
    std::vector<Sequence> all;
    while (all.size() < 20) {
      all.push_back(*engine->create_sequence(recipe));
      if (!all.back().append(tokens_of(600))) break;
    }
    return all.size() - 1;
  };
  EXPECT_EQ(fit("keep=all"), 2u);
  EXPECT_GE(fit("store=kivi(bits=2,residual=0)"), 3u);
}

// The cases above are made from the table of methods: the page's example is one of them.
TEST(Keep, TheExampleOfContributingIsAMethod) {
  EXPECT_TRUE(std::ranges::any_of(policies(),
                                  [](const PolicyEntry* p) { return p->info.name == "ruler"; }));
}

TEST(Keep, BadRecipesAreNamed) {
  const auto engine = open_tiny(kModel, options_of(1, 64));
  Request r;
  r.prompt = tokens_of(10);
  r.kv = "keep=snapkw";
  const auto refused = engine->submit(r, [](const Event&) {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().param, "kv");
  EXPECT_NE(refused.error().message.find("snapkw"), std::string::npos);
  EXPECT_FALSE(engine->create_sequence("keep=snapkv(windoe=3)"));
  EngineOptions o = options_of(1, 64);
  o.kv = "keep=";
  const TinyFile file(kModel);
  EXPECT_FALSE(Engine::open(file.path(), o));
}

}  // namespace
}  // namespace weir
