// What holds for every method and every pair of roles, whatever the schedule.
#include "engine/method_checks.h"

namespace weir {
namespace {

// Every method alone; each keep method with two of the store methods, with every read method, and
// with one of both; each store method with one of the read methods.
std::vector<std::string> recipes() {
  std::vector<std::string> stores, reads, out;
  for (const CodecEntry* entry : codecs())
    if (entry->info.name != "raw") std::ranges::copy(stores_of(*entry), std::back_inserter(stores));
  for (const RetrieverEntry* entry : retrievers()) reads.push_back(read_of(*entry));
  out = stores;
  out.insert(out.end(), reads.begin(), reads.end());
  for (size_t i = 0; i < stores.size(); ++i)
    out.push_back(stores[i] + ";" + reads[i % reads.size()]);
  const auto keeps = policies();
  for (size_t i = 0; i < keeps.size(); ++i) {
    const std::string few = recipe_of(*keeps[i], 100), many = recipe_of(*keeps[i], 330);
    const std::string store = ";" + stores[i % stores.size()], read = ";" + reads[i % reads.size()];
    const std::string third = ";" + stores[(i + 2) % stores.size()];
    out.insert(out.end(), {few, few + store, few + third,
                           many + ";" + stores[(i + 1) % stores.size()] + read});
    for (const std::string& each : reads) out.push_back(many + ";" + each);
  }
  return out;
}

class RecipeTest : public ::testing::TestWithParam<std::string> {};

// Also under codecs and beside readers; and all memory comes back.
TEST_P(RecipeTest, TheBudgetIsMetAndNothingIsLeftAtTheEnd) {
  const auto engine = open_tiny(kModel, options_of(2, 64));
  {
    auto s = *engine->create_sequence(GetParam());
    const auto appends = turns(GetParam());
    const auto policy = policy_in(GetParam());
    if (policy)
      expect_budget_met(s, *policy, policy->kept_max(1).mean, appends);
    else
      run(s, appends);
    EXPECT_GT(engine->stats().kv_bytes_used, 0u);
  }
  ASSERT_TRUE(engine->create_sequence("keep=all"));  // Comes after the other's end.
  EXPECT_EQ(engine->stats().kv_bytes_used, 0u);
}

// Who reads a part of the rows is another matter (read_test.cc).
TEST_P(RecipeTest, AttentionIsPlainAttentionOverWhatIsLeft) {
  const Recipe recipe = *parse_recipe(GetParam());
  if (recipe.read) return;
  // Queries and weights meet codes as numbers of 8 or 16 bits.
  const bool grids = recipe.store && recipe.store->method->info.name != "minicache";
  expect_plain_attention(GetParam(), !recipe.store, grids ? 0.05 : 1e-5);
}

TEST_P(RecipeTest, TheSameBitsWhateverTheChunksAndThreads) {
  const auto appends = turns(GetParam());
  const auto of = [&](int threads, uint32_t step_tokens) {
    const auto engine = open_tiny(kModel, options_of(threads, step_tokens));
    auto s = *engine->create_sequence(GetParam());
    return run(s, appends);
  };
  const Trace plain = of(1, 512);
  for (const auto& [threads, step] : {std::pair{1, 1u}, {2, 7u}, {3, 64u}, {2, 512u}})
    EXPECT_TRUE(of(threads, step) == plain) << threads << " threads, steps of " << step;
}

TEST_P(RecipeTest, TheSameBitsBesideOthers) {
  const auto engine = open_tiny(kModel, options_of(2, 48));
  auto alone = *engine->create_sequence(GetParam()), beside = *engine->create_sequence(GetParam());
  auto other = *engine->create_sequence("keep=all"), third = *engine->create_sequence(GetParam());
  int i = 0;
  for (const auto& tokens : turns(GetParam())) {
    ++i;
    const auto others = tokens_of(1 + static_cast<size_t>(i) % 30, 3 * i);
    const auto want = *alone.append(tokens);
    const Append all[] = {{&other, others}, {&beside, tokens}, {&third, others}};
    ASSERT_TRUE(engine->append(all));
    ASSERT_TRUE(std::ranges::equal(want, beside.logits())) << i;
  }
  for (uint32_t l = 0; l < kLayers; ++l) EXPECT_EQ(alone.kept(l, 1), beside.kept(l, 1));
}

TEST_P(RecipeTest, ForksGoOnAsTheirOriginWould) {
  const auto engine = open_tiny(kModel, options_of(2, 64));
  const auto appends = turns(GetParam());
  const std::span all(appends);
  auto s = *engine->create_sequence(GetParam());
  run(s, all.first(30));
  auto fork = *s.fork(), stray = *s.fork();
  ASSERT_TRUE(stray.append(tokens_of(100, 33)));
  const Trace want = run(s, all.subspan(30));
  EXPECT_TRUE(run(fork, all.subspan(30)) == want);
}

// Whether a recipe has no say before the last tokens of a prompt that is longer than its residual.
bool begins_at_the_end(const std::string& text) {
  const Recipe recipe = *parse_recipe(text);
  if (recipe.store) return false;
  if (!recipe.keep) return true;
  const auto policy = recipe.keep->method->make(recipe.keep->arguments);
  return !policy->needs().mass && !policy->points().in_prompt;
}

TEST_P(RecipeTest, AForkTakesItOnAsThoughItHadBeenThereOrSaysThatItCannot) {
  const auto engine = open_tiny(kModel, options_of(2, 64));
  const auto appends = turns(GetParam());
  const std::span prompt(appends[0]);
  const size_t shared = prompt.size() - 20;
  auto plain = *engine->create_sequence("keep=all");
  ASSERT_TRUE(plain.append(prompt.first(shared)));
  auto fork = plain.fork(GetParam());
  EXPECT_EQ(fork.has_value(), begins_at_the_end(GetParam()));
  if (!fork) {
    EXPECT_EQ(fork.error().code, Code::kInvalid);
    EXPECT_EQ(fork.error().param, "kv");
    return;
  }
  auto again = *fork->fork(), cold = *engine->create_sequence(GetParam());
  for (Sequence* s : {&*fork, &again}) ASSERT_TRUE(s->append(prompt.subspan(shared)));
  ASSERT_TRUE(cold.append(prompt));
  EXPECT_TRUE(std::ranges::equal(cold.logits(), fork->logits()));
  const std::span rest = std::span(appends).subspan(1);
  const Trace want = run(cold, rest);
  EXPECT_TRUE(run(*fork, rest) == want);
  EXPECT_TRUE(run(again, rest) == want);
}

TEST_P(RecipeTest, RequestsKeepAsSequencesByHandDo) {
  const auto engine = open_tiny(kModel, options_of(2, 64));
  Request r;
  r.prompt = turns(GetParam())[0];
  r.sampling.temperature = 0;
  r.max_tokens = 80;
  r.ignore_eos = true;
  r.kv = GetParam();
  r.choices = 2;
  Collector got;
  ASSERT_TRUE(engine->submit(r, got.handler()));
  auto s = *engine->create_sequence(GetParam());
  ASSERT_TRUE(s.append(r.prompt));
  std::vector<Token> want;
  for (int i = 0; i < 80; ++i) {
    want.push_back(*s.sample(r.sampling));
    ASSERT_TRUE(s.append({&want.back(), 1}));
  }
  EXPECT_TRUE(got.end().status);
  for (uint32_t c : {0u, 1u}) EXPECT_EQ(got.tokens(c), want);
}

INSTANTIATE_TEST_SUITE_P(All, RecipeTest, ::testing::ValuesIn(recipes()));

}  // namespace
}  // namespace weir
