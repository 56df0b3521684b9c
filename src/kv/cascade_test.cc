// A prompt that passes one layer after the other: what is left is what a plan at its end leaves,
// and never more than a tenth of the layers is whole.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include "kv/keeper.h"

namespace weir {
namespace {

constexpr uint32_t kHeads = 4, kKvHeads = 2, kDim = 32, kLayers = 6, kWindowLayer = 2;
constexpr int32_t kTokens = 420;

// Rows [from, to) of a layer, [rows][heads][kDim]: the same however they are cut.
std::vector<float> rows_of(uint32_t layer, uint32_t salt, uint32_t heads, int32_t from,
                           int32_t to) {
  std::vector<float> out;
  for (int32_t p = from; p < to; ++p) {
    std::mt19937 random(layer * 100003 + static_cast<uint32_t>(p) * 7 + salt);
    std::normal_distribution<float> normal(0, 0.4f + 0.2f * static_cast<float>(layer));
    for (uint32_t i = 0; i < heads * kDim; ++i) out.push_back(normal(random));
  }
  return out;
}

class CascadeTest : public ::testing::TestWithParam<std::tuple<std::string, int32_t>> {
 protected:
  CascadeTest() {
    shape_.use_raw_codecs();
    shape_.reach[kWindowLayer] = {Reach::Kind::kWindow, 100, 0, 0};
    pages_.emplace(*PagePool::create(shape_.codec->page_bytes(), 32 << 20));
  }

  struct Sequence {
    Cache cache;
    std::unique_ptr<Keeper> keep;
  };
  Sequence sequence(const std::string& text) {
    const Recipe recipe = *parse_recipe(text);
    Sequence s{Cache(shape_, *pages_, PageKey{}, make_store(recipe, shape_.page_shape())),
               Keeper::make(recipe, shape_, *pages_, probabilities_)};
    s.keep->expect_prompt(kTokens);
    return s;
  }
  Room room(const Sequence& s) const { return s.keep->room(s.cache, kTokens + 100, kTokens); }

  void compute(Sequence& s, uint32_t layer, int32_t from, int32_t to) {
    const auto q = rows_of(layer, 1, kHeads, from, to), k = rows_of(layer, 2, kKvHeads, from, to),
               v = rows_of(layer, 3, kKvHeads, from, to);
    s.cache.write(layer, from, k.data(), v.data(), to - from);
    s.keep->observe(s.cache, {layer, from, to - from, q.data()});
  }
  void count(Sequence& s, int32_t to, bool at_point) {
    s.cache.advance(std::vector<int32_t>(static_cast<size_t>(to - s.cache.length()), 7));
    s.keep->advance(s.cache);
    if (at_point) s.cache.seal();
    s.cache.summarise();
  }

  // All layers of a chunk at once, and the plan at the end.
  void plain(Sequence& s) {
    Room whole = room(s);
    whole.rows = kTokens + 100;
    ASSERT_TRUE(s.cache.promise(whole));
    while (s.cache.length() < kTokens) {
      const int32_t at = s.cache.length(),
                    point = std::min(s.cache.next_point(), s.keep->next_point(at)),
                    to = std::min(at + 100, point);
      s.cache.extend(to - at);
      for (uint32_t l = 0; l < kLayers; ++l) compute(s, l, at, to);
      count(s, to, to == point);
    }
  }
  // Layer by layer; `passed` is told when one has.
  void cascade(
      Sequence& s, int32_t chunk, const std::function<void()>& passed = [] {}) {
    ASSERT_TRUE(s.cache.promise(room(s)));
    ASSERT_EQ(s.keep->cascade_end(0), kTokens);
    for (uint32_t l = 0; l < kLayers; ++l) {
      for (int32_t at = 0, to = 0; at < kTokens; at = to) {
        to = std::min({at + chunk, kTokens, s.cache.store().next_point(at)});
        s.cache.extend(l, l + 1, to);
        compute(s, l, at, to);
        if (to < kTokens) s.cache.pass(l, l + 1, to);
      }
      passed();
      if (l + 1 < kLayers) s.keep->pass(s.cache, l + 1, kTokens);
    }
    count(s, kTokens, true);
  }

  CacheShape shape_{kLayers, kKvHeads, kDim,   DType::kF32, std::vector<Reach>(kLayers),
                    128,     nullptr,  kHeads, 0.2f,        16};
  std::optional<PagePool> pages_;
  ThreadPool threads_{2};
  Probabilities probabilities_{threads_};
};

void expect_equal(const Cache& a, const Cache& b) {
  EXPECT_TRUE(std::ranges::equal(a.keys(), b.keys()));
  EXPECT_EQ(a.bytes(), b.bytes());
  EXPECT_EQ(a.room().rows.mean, b.room().rows.mean);
  for (uint32_t l = 0; l < kLayers; ++l) {
    const LayerTable &mine = a.layer(l), &others = b.layer(l);
    ASSERT_EQ(mine.slots(), others.slots()) << l;
    EXPECT_EQ(mine.sealed(), others.sealed()) << l;
    EXPECT_EQ(mine.first_slot(), others.first_slot()) << l;
    const int32_t first = mine.first_slot(), rows = mine.slots() - first;
    for (uint32_t h = 0; h < kKvHeads; ++h) {
      std::vector<float> k(static_cast<size_t>(rows) * kDim), v(k), other_k(k), other_v(k);
      mine.read(h, first, rows, k.data(), v.data());
      others.read(h, first, rows, other_k.data(), other_v.data());
      EXPECT_EQ(k, other_k) << l << " " << h;
      EXPECT_EQ(v, other_v) << l << " " << h;
      for (int32_t slot = first; slot < mine.slots(); ++slot)
        ASSERT_EQ(mine.position(h, slot), others.position(h, slot)) << l << " " << h;
    }
  }
}

TEST_P(CascadeTest, LeavesWhatAPlanAtTheEndLeaves) {
  const auto& [recipe, chunk] = GetParam();
  Sequence at_once = sequence(recipe), by_layer = sequence(recipe);
  plain(at_once);
  cascade(by_layer, chunk);
  EXPECT_LT(at_once.cache.rows().mean, 60u);
  expect_equal(at_once.cache, by_layer.cache);
}

INSTANTIATE_TEST_SUITE_P(
    Recipes, CascadeTest,
    ::testing::Combine(::testing::Values("keep=cake(budget=50,window=8)",
                                         "keep=cake(budget=50,window=8);store=int8(residual=0)",
                                         "keep=cake(budget=50,window=8);read=quest(dense=0)",
                                         "keep=cake(budget=50,window=8);store=kivi(residual=100)"),
                       ::testing::Values(500, 100, 29)));

TEST_F(CascadeTest, NeverMoreThanOneLayerIsWhole) {
  Sequence s = sequence("keep=cake(budget=50,window=8)");
  uint64_t most = 0, bytes = 0;
  const auto look = [&] {
    uint64_t all = 0;
    for (uint32_t l = 0; l < kLayers; ++l)
      if (l != kWindowLayer) all += static_cast<uint64_t>(s.cache.layer(l).slots());
    most = std::max(most, all), bytes = std::max(bytes, pages_->used());
  };
  cascade(s, 100, look);
  EXPECT_GE(most, 420u);
  EXPECT_LE(most, 420u + 5 * 50);
  Room whole = room(s);
  whole.rows = kTokens;
  const uint64_t plain = shape_.peak_bytes(whole, pages_->page_bytes());
  EXPECT_LT(bytes, plain / 2);
}

// Where it would save nothing there is none.
TEST_F(CascadeTest, BeginsOnlyWhereItSavesMemory) {
  EXPECT_EQ(sequence("keep=cake(budget=400)").keep->cascade_end(0), 0);
  EXPECT_EQ(sequence("keep=snapkv(budget=50)").keep->cascade_end(0), 0);
  const Sequence s = sequence("keep=cake(budget=50,window=8)");
  EXPECT_EQ(s.keep->cascade_end(0), kTokens);
  EXPECT_EQ(s.keep->cascade_end(kTokens - 20), 0) << "few rows are left";
  EXPECT_EQ(s.keep->cascade_end(kTokens), 0);
  EXPECT_EQ(sequence("keep=cake(budget=50,window=8);store=minicache").keep->cascade_end(0), 0)
      << "layers wait for each other";
  shape_.d_model = 1000;
  EXPECT_EQ(sequence("keep=cake(budget=50,window=8)").keep->cascade_end(0), 0)
      << "the residual stream takes more";
}

// The keys of blocks that were computed before anything was encoded are those of clean ones.
TEST_F(CascadeTest, APromptThatOnlyAnEditCameAfterIsClean) {
  Sequence s = sequence("keep=cake(budget=50,window=8)");
  Cache clean(shape_, *pages_, PageKey{});
  ASSERT_TRUE(clean.promise(kTokens));
  clean.extend(kTokens);
  clean.advance(std::vector<int32_t>(kTokens, 7));
  cascade(s, 100);
  EXPECT_TRUE(std::ranges::equal(s.cache.keys(), clean.keys()));
  ASSERT_EQ(s.cache.keys().size(), 1u);
}

}  // namespace
}  // namespace weir
