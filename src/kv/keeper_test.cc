#include "kv/keeper.h"

#include <gtest/gtest.h>

#include <optional>
#include <random>

namespace weir {
namespace {

constexpr uint32_t kHeads = 4, kKvHeads = 2, kDim = 16, kLayers = 2;

// Looks, and drops nothing.
class Looker final : public Policy {
 public:
  Looker(const Points& points, const Needs& needs) : points_(points), needs_(needs) {}
  Points points() const override { return points_; }
  Needs needs() const override { return needs_; }
  LayerRows kept_max(int32_t) const override { return 1 << 20; }
  std::vector<Edit> plan(const PolicyView& view) override {
    points_seen.push_back(view.length);
    for (uint32_t layer : view.layers) {
      if (needs_.window == 0) continue;
      const WindowAttention seen = view.window(layer);
      queries_seen.push_back(seen.queries);
      for (uint32_t head = 0; head < kHeads; ++head)
        for (int32_t q = 0; q < seen.queries; ++q) {
          double sum = 0;
          for (float p : seen.of(head, q)) sum += p;
          EXPECT_NEAR(sum, 1, 1e-5);
          EXPECT_NE(seen.of(head, q)[0], seen.of(head, q)[1]) << "a query of zeros";
        }
    }
    return {};
  }
  std::unique_ptr<Policy> fork() const override { return std::make_unique<Looker>(*this); }

  static inline std::vector<int32_t> points_seen, queries_seen;

 private:
  Points points_;
  Needs needs_;
};

const PolicyEntry entry({"looker",
                         "keep",
                         "a test's",
                         "looks",
                         "what it is told",
                         1,
                         {{"every", "", 0, 0, 1000, true},
                          {"in_prompt", "", 0, 0, 1, true},
                          {"prompt_end", "", 1, 0, 1, true},
                          {"window", "", 0, 0, 100, true},
                          {"past_prompt", "", -1, -1, 100, true}}},
                        [](const Arguments& a) -> std::unique_ptr<Policy> {
                          Needs needs{a.whole("window"), false};
                          if (a.whole("past_prompt") >= 0)
                            needs.window_past_prompt = a.whole("past_prompt");
                          return std::make_unique<Looker>(
                              Points{a.whole("prompt_end") == 1, a.whole("every"),
                                     a.whole("in_prompt") == 1},
                              needs);
                        });

// Makes one row of each two, at every token past a prompt.
class Halver final : public Policy {
 public:
  Points points() const override { return {true, 1, false}; }
  Needs needs() const override { return {0, true}; }
  LayerRows kept_max(int32_t) const override { return 1 << 20; }
  std::vector<Edit> plan(const PolicyView& view) override {
    masses_seen.emplace_back();
    for (uint32_t head = 0; head < kHeads; ++head) {
      const auto mass = view.mass(0, head);
      masses_seen.back().emplace_back(mass.begin(), mass.end());
    }
    Edit edit{0, std::vector<HeadEdit>(kKvHeads)};
    for (HeadEdit& head : edit.heads)
      for (int32_t slot = 0; slot + 1 < view.rows(0); slot += 2)
        head.merged.push_back({view.position(0, 0, slot), {slot + 1, slot}, {1, 0}, {0, 1}});
    return {edit};
  }
  std::unique_ptr<Policy> fork() const override { return std::make_unique<Halver>(*this); }

  static inline std::vector<std::vector<std::vector<float>>> masses_seen;  // [plan][head][row]
};

const PolicyEntry halver({"halver", "keep", "a test's", "halves", "all", 1, {}},
                         [](const Arguments&) -> std::unique_ptr<Policy> {
                           return std::make_unique<Halver>();
                         });

class KeeperTest : public ::testing::Test {
 protected:
  KeeperTest() {
    shape_.use_raw_codecs();
    pages_.emplace(*PagePool::create(shape_.codec->page_bytes(), 8 << 20));
    Looker::points_seen.clear(), Looker::queries_seen.clear(), Halver::masses_seen.clear();
  }
  std::unique_ptr<Keeper> keeper(const std::string& list, const std::string& name = "looker") {
    const auto recipe = parse_recipe("keep=" + name + "(" + list + ")");
    EXPECT_TRUE(recipe) << recipe.error().message;
    return Keeper::make(*recipe, shape_, *pages_, probabilities_);
  }
  // As the engine would: up to the next point in each step.
  void compute(Cache& cache, Keeper& keep, int32_t rows, int32_t step) {
    const int32_t to = cache.length() + rows;
    if (rows > 1) keep.expect_prompt(to);
    ASSERT_TRUE(cache.promise(keep.room(cache, static_cast<uint64_t>(to), keep.prompt())));
    while (cache.length() < to) {
      const int32_t at = cache.length(), end = std::min({to, at + step, keep.next_point(at)});
      const auto n = static_cast<size_t>(end - at);
      std::vector<float> kv(n * kKvHeads * kDim), q(n * kHeads * kDim);
      for (float& x : kv) x = normal_(random_);
      for (float& x : q) x = normal_(random_);
      cache.extend(end - at);
      for (uint32_t l = 0; l < kLayers; ++l) {
        cache.write(l, at, kv.data(), kv.data(), end - at);
        keep.observe(cache, {l, at, end - at, q.data()});
      }
      cache.advance(std::vector<int32_t>(n));
      keep.advance(cache);
    }
  }

  std::mt19937 random_;
  std::normal_distribution<float> normal_;
  CacheShape shape_{kLayers, kKvHeads, kDim,   DType::kF32, {Reach{}, Reach{}},
                    64,      nullptr,  kHeads, 0.25f};
  std::optional<PagePool> pages_;
  ThreadPool threads_{2};
  Probabilities probabilities_{threads_};
};

TEST_F(KeeperTest, PointsFollowFromTokensAndThePrompt) {
  const auto next = [&](const std::string& list, int32_t prompt, int32_t length) {
    const auto k = keeper(list);
    k->expect_prompt(prompt);
    return k->next_point(length);
  };
  EXPECT_EQ(next("", 100, 0), 100);
  EXPECT_EQ(next("", 100, 99), 100);
  EXPECT_EQ(next("", 100, 100), kNoPoint);
  EXPECT_EQ(next("every=16", 100, 0), 100);
  EXPECT_EQ(next("every=16", 100, 100), 112);
  EXPECT_EQ(next("every=16", 100, 112), 128);
  EXPECT_EQ(next("every=16", 0, 0), 16);
  EXPECT_EQ(next("every=16,in_prompt=1", 100, 0), 16);
  EXPECT_EQ(next("every=16,in_prompt=1", 100, 96), 100);
  EXPECT_EQ(next("every=16,in_prompt=1,prompt_end=0", 100, 96), 112);
}

TEST_F(KeeperTest, PlansAtPointsWhateverTheSteps) {
  for (int32_t step : {1, 7, 1000}) {
    Cache cache(shape_, *pages_, {});
    const auto keep = keeper("every=40,in_prompt=1");
    Looker::points_seen.clear();
    compute(cache, *keep, 100, step);
    for (int i = 0; i < 30; ++i) compute(cache, *keep, 1, step);
    EXPECT_EQ(Looker::points_seen, (std::vector<int32_t>{40, 80, 100, 120})) << step;
  }
}

TEST_F(KeeperTest, AWindowHoldsTheQueriesThatWereThere) {
  Cache cache(shape_, *pages_, {});
  const auto keep = keeper("window=8");
  compute(cache, *keep, 5, 2);
  compute(cache, *keep, 50, 3);
  for (int i = 0; i < 10; ++i) compute(cache, *keep, 1, 1);
  compute(cache, *keep, 3,
          9);  // A prompt that nobody foresaw: of the queries before it none is there.
  compute(cache, *keep, 20, 9);
  EXPECT_EQ(Looker::queries_seen, (std::vector<int32_t>{5, 5, 8, 8, 3, 3, 8, 8}));
}

TEST_F(KeeperTest, WindowsLongerThanTheGapReachBehindThePointBefore) {
  Cache cache(shape_, *pages_, {});
  const auto keep = keeper("window=50,every=20,in_prompt=1,prompt_end=0");
  compute(cache, *keep, 100, 13);
  EXPECT_EQ(Looker::points_seen, (std::vector<int32_t>{20, 40, 60, 80, 100}));
  EXPECT_EQ(Looker::queries_seen, (std::vector<int32_t>{20, 20, 40, 40, 50, 50, 50, 50, 50, 50}));
}

TEST_F(KeeperTest, AMergedRowHasGotWhatItsSourcesHad) {
  Cache cache(shape_, *pages_, {});
  const auto keep = keeper("", "halver");
  compute(cache, *keep, 40, 13);
  EXPECT_EQ(cache.rows(0), 20);
  compute(cache, *keep, 1, 1);
  const auto& before = Halver::masses_seen[0];
  const auto& after = Halver::masses_seen[1];
  for (uint32_t head = 0; head < kHeads; ++head) {
    ASSERT_EQ(after[head].size(), 21u);
    double got = after[head][20];
    for (size_t row = 0; row < 20; ++row) {
      const double more = after[head][row] - before[head][2 * row] - before[head][2 * row + 1];
      EXPECT_GE(more, -1e-5);
      got += more;
    }
    EXPECT_NEAR(got, 1, 1e-4);  // What the one new query gives.
  }
  EXPECT_EQ(pages_->used(), cache.bytes() + (10 + 41) * kHeads * sizeof(float));
}

TEST_F(KeeperTest, WhatAPointForgetsNoLaterOneSees) {
  Cache cache(shape_, *pages_, {});
  const auto keep = keeper("window=8");
  compute(cache, *keep, 20, 20);
  compute(cache, *keep, 5, 5);
  EXPECT_EQ(Looker::queries_seen, (std::vector<int32_t>{8, 8, 5, 5}));
}

TEST_F(KeeperTest, PastAPromptFewerQueriesMayDo) {
  Cache cache(shape_, *pages_, {});
  const auto keep = keeper("window=8,every=20,past_prompt=2");
  const auto notes = [&](uint64_t queries) {
    return cache.bytes() + kLayers * queries * kHeads * kDim * sizeof(float);
  };
  compute(cache, *keep, 29, 10);
  EXPECT_EQ(pages_->used(), notes(0));  // At the point; later ones need less.
  for (int i = 0; i < 9; ++i) compute(cache, *keep, 1, 1);
  EXPECT_EQ(pages_->used(), notes(0));
  for (int i = 0; i < 6; ++i) compute(cache, *keep, 1, 1);
  compute(cache, *keep, 3, 1);
  EXPECT_EQ(Looker::points_seen, (std::vector<int32_t>{29, 40, 47}));
  EXPECT_EQ(Looker::queries_seen, (std::vector<int32_t>{8, 8, 2, 2, 3, 3}));
  for (int i = 0; i < 12; ++i) compute(cache, *keep, 1, 1);
  EXPECT_EQ(pages_->used(), notes(2));
}

TEST_F(KeeperTest, NotesAreUsedBytesAndEnd) {
  {
    Cache cache(shape_, *pages_, {});
    const auto keep = keeper("window=8,every=64");
    compute(cache, *keep, 60, 60);
    const uint64_t notes = kLayers * 8 * kHeads * kDim * sizeof(float);
    EXPECT_EQ(pages_->used(), cache.bytes() + notes);
    const uint64_t looked_at = 8 * kHeads * (60 + kDim) * sizeof(float);
    EXPECT_EQ(pages_->take_most_used(), cache.bytes() + notes + looked_at) << "while it planned";
    auto copy = *cache.fork();
    const auto other = keep->fork();
    EXPECT_EQ(pages_->used(), cache.bytes() + 2 * notes);
    EXPECT_LE(pages_->used(), pages_->promised());
  }
  EXPECT_EQ(pages_->used(), 0u);
  EXPECT_EQ(pages_->promised(), 0u);
}

}  // namespace
}  // namespace weir
