// What holds for every registered method, whoever wrote it, and for every pair of roles.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "engine/method_cases.h"
#include "kernels/layout.h"

namespace weir {
namespace {

// With a budget of so many raw pages in each layer.
EngineOptions tight_options(uint64_t pages, uint32_t context_tokens) {
  EngineOptions o = options_of(2, 64);
  o.kv_bytes_max = kLayers * pages * 2 * kKvHeads * kDim * sizeof(float) * kPageSlots;
  o.context_tokens_max = context_tokens;
  return o;
}

// What a run gives: every logit of each append, and what is left after it.
struct Trace {
  std::vector<std::vector<float>> logits;
  std::vector<std::vector<int32_t>> kept;
  bool operator==(const Trace&) const = default;
};

void note(const Sequence& s, std::span<const float> logits, Trace& to) {
  to.logits.emplace_back(logits.begin(), logits.end());
  for (uint32_t l = 0; l < kLayers; ++l)
    for (uint32_t h = 0; h < kKvHeads; ++h) to.kept.push_back(s.kept(l, h));
}

// Two turns: a prompt, some tokens one by one, another prompt, more tokens. Where rows choose
// pages, there are some to choose from.
std::vector<std::vector<Token>> turns(const std::string& recipe = "") {
  const bool reads = recipe.find("read=") != recipe.npos;
  std::vector<std::vector<Token>> out{tokens_of(reads ? 390 : 150)};
  for (Token t : tokens_of(60, 90)) out.push_back({t});
  out.push_back(tokens_of(70, 11));
  for (Token t : tokens_of(10, 7)) out.push_back({t});
  return out;
}

Trace run(Sequence& s, std::span<const std::vector<Token>> appends) {
  Trace out;
  for (const auto& tokens : appends) {
    const auto logits = s.append(tokens, LogitRows::kAll);
    EXPECT_TRUE(logits) << logits.error().message;
    note(s, *logits, out);
  }
  return out;
}

class KeepTest : public ::testing::TestWithParam<const PolicyEntry*> {
 protected:
  std::string recipe() const { return recipe_of(*GetParam()); }
  // As the method itself promises of a prompt: in one layer, and in all on average.
  LayerRows kept_max(int32_t prompt) const {
    const auto parsed = parse_recipe(recipe());
    return parsed->keep->method->make(parsed->keep->arguments)->kept_max(prompt);
  }
};

TEST_P(KeepTest, TheBudgetIsMetAndNothingComesBack) {
  const auto engine = open_tiny(kModel, options_of(2, 64));
  auto s = *engine->create_sequence(recipe());
  std::map<std::pair<uint32_t, uint32_t>, std::set<int32_t>> before;
  int32_t length = 0;
  for (const auto& tokens : turns()) {
    ASSERT_TRUE(s.append(tokens));
    const int32_t was = length;
    length += static_cast<int32_t>(tokens.size());
    size_t all = 0;
    for (uint32_t l = 0; l < kLayers; ++l)
      for (uint32_t h = 0; h < kKvHeads; ++h) {
        const std::vector<int32_t> kept = s.kept(l, h);
        all += kept.size();
        if (tokens.size() > 1) {
          EXPECT_LE(kept.size(), kept_max(length).most);
        }
        EXPECT_TRUE(std::ranges::is_sorted(kept));
        std::set<int32_t>& old = before[{l, h}];
        for (int32_t p : kept) EXPECT_TRUE(p >= was || old.contains(p)) << p;
        EXPECT_LT(kept.back(), length);
        old = {kept.begin(), kept.end()};
      }
    if (tokens.size() > 1) {
      EXPECT_LE(all, static_cast<size_t>(kBudget) * kLayers * kKvHeads);
    }
  }
}

TEST_P(KeepTest, BytesFallWithTheRows) {
  const auto engine = open_tiny(kModel, options_of(2, 64));
  auto s = *engine->create_sequence(recipe());
  ASSERT_TRUE(s.append(tokens_of(1500)));
  const uint64_t page = 2 * kKvHeads * kDim * sizeof(float) * kPageSlots;
  // The pages that so many rows may take, and what belongs to the rows.
  const LayerRows rows{kept_max(1500).most, kBudget};
  const uint64_t most = rows.pages(kLayers) * (page + kKvHeads * kPageSlots * sizeof(float)) +
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

double worst_error(const Sequence& s, Seen& seen, uint32_t layer, int32_t position) {
  double worst = 0;
  const auto at = [&](auto& of, int32_t p, uint32_t head) {
    return std::span(of.at({static_cast<int>(layer), p})).subspan(head * kDim, kDim);
  };
  for (uint32_t head = 0; head < kHeads; ++head) {
    double total = 0;
    std::vector<double> sum(kDim);
    const KeptRows rows = s.kept_rows(layer, head / 2);
    double all = 0;
    for (size_t r = 0; r < rows.positions.size(); ++r) {
      const auto k = std::span(rows.k).subspan(r * kDim, kDim);
      const auto v = std::span(rows.v).subspan(r * kDim, kDim);
      if (rows.weights[r] == 1) {
        EXPECT_TRUE(std::ranges::equal(k, at(seen.k, rows.positions[r], head / 2)));
        EXPECT_TRUE(std::ranges::equal(v, at(seen.v, rows.positions[r], head / 2)));
      }
      double logit = std::log(double{rows.weights[r]});
      for (size_t d = 0; d < kDim; ++d) logit += double{at(seen.q, position, head)[d]} * k[d] / 4;
      total += std::exp(logit);
      all += rows.weights[r];
      for (size_t d = 0; d < kDim; ++d) sum[d] += std::exp(logit) * v[d];
    }
    EXPECT_LE(all, (position + 1) * (1 + 1e-5));  // No row counts twice.
    for (size_t d = 0; d < kDim; ++d)
      worst = std::max(worst, std::abs(sum[d] / total - at(seen.out, position, head)[d]));
  }
  return worst;
}

TEST_P(KeepTest, AttentionIsPlainAttentionOverWhatIsLeft) {
  const auto engine = open_tiny(kModel, options_of(2, 64));
  std::string where_they_stand = recipe();
  for (const Parameter& p : GetParam()->info.parameters)
    if (p.name == "shift") where_they_stand.insert(where_they_stand.size() - 1, ",shift=0");
  auto s = *engine->create_sequence(where_they_stand);
  Seen seen;
  s.observe(static_cast<uint32_t>(Observable::kQuery) | static_cast<uint32_t>(Observable::kKey) |
                static_cast<uint32_t>(Observable::kValue) |
                static_cast<uint32_t>(Observable::kAttention),
            seen.observer());
  int32_t length = 0;
  for (const auto& tokens : turns()) {
    ASSERT_TRUE(s.append(tokens));
    length += static_cast<int32_t>(tokens.size());
    // After a point the last query has read rows that are gone.
    if (tokens.size() > 1 || length % kEvery == 0) continue;
    for (uint32_t l = 0; l < kLayers; ++l)
      ASSERT_LT(worst_error(s, seen, l, length - 1), 1e-5) << length;
  }
}

TEST_P(KeepTest, WindowLayersAreExempt) {
  TinyModel model = kModel;
  model.architecture = Architecture::kGemma3;
  model.layers = 6, model.sliding_window = 100;
  const auto engine = open_tiny(model, options_of(2, 64));
  auto s = *engine->create_sequence(recipe());
  ASSERT_TRUE(s.append(tokens_of(150)));
  EXPECT_EQ(s.kept(0, 0).size(), 150u);
  EXPECT_EQ(s.kept(5, 0).size(), static_cast<size_t>(kBudget));
}

INSTANTIATE_TEST_SUITE_P(Methods, KeepTest, ::testing::ValuesIn(policies()),
                         [](const auto& p) { return std::string(p.param->info.name); });

// Every method alone; each keep method with two of the store methods, with one of the read methods,
// and with one of both; each store method with one of the read methods.
std::vector<std::string> recipes() {
  std::vector<std::string> stores, reads, out;
  for (const CodecEntry* entry : codecs())
    if (entry->info.name != "raw") stores.push_back(store_of(*entry));
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
    out.insert(out.end(), {few, few + store, few + third, many + read,
                           many + ";" + stores[(i + 1) % stores.size()] + read});
  }
  return out;
}

class RecipeTest : public ::testing::TestWithParam<std::string> {};

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
  for (const char* recipe : {"keep=snapkv(budget=0.1)", "keep=cake(budget=0.1)"}) {
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
