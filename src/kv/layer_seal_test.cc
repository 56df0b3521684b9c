// Pages that several layers share: which rows they may hold, what edits of some layers leave of
// them, and what is promised for it all.
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <vector>

#include "kv/test_steps.h"

namespace weir {
namespace {

constexpr uint32_t kLayers = 6, kHeads = 2, kDim = 16;
// Layers 0, 1, 3, 4 and 5 may be encoded; by halves, that is 3 and 4 together, and no others.
constexpr uint32_t kOne = 3, kOther = 4;
constexpr const char* kRecipe = "store=minicache";

// A row's elements; rows of the two layers are alike, as those of a model are.
std::vector<float> row_of(uint32_t layer, int32_t position) {
  std::mt19937 both(static_cast<uint32_t>(position)), own(layer * 7919 + both());
  std::normal_distribution<float> normal;
  std::vector<float> out(kHeads * kDim);
  for (float& x : out) x = normal(both) + 0.3f * normal(own);
  return out;
}

class LayerSealTest : public testing::Test {
 protected:
  Cache cache(const Room& room) {
    Cache out(shape_, pool_, PageKey{}, store_);
    EXPECT_TRUE(out.promise(room));
    return out;
  }
  static void append(Cache& cache, int32_t to) {
    while (cache.length() < to)
      step_towards(cache, to, 64, [&](uint32_t layer, int32_t position) {
        const std::vector<float> row = row_of(layer, position);
        cache.write(layer, position, row.data(), row.data());
      });
  }
  static std::vector<float> keys(const Cache& cache, uint32_t layer, int32_t first, int32_t rows) {
    std::vector<float> k(static_cast<size_t>(rows) * kDim), v(k);
    cache.layer(layer).read(1, first, rows, k.data(), v.data());
    return k;
  }
  static Edit keep(uint32_t layer, const std::vector<int32_t>& slots) {
    return {layer, {{slots, {}}, {slots, {}}}};
  }
  // All but one.
  static std::vector<int32_t> without(int32_t rows, int32_t slot) {
    std::vector<int32_t> out(static_cast<size_t>(rows));
    std::iota(out.begin(), out.end(), 0);
    out.erase(out.begin() + slot);
    return out;
  }

  CacheShape shape_ = [] {
    CacheShape shape{kLayers, kHeads, kDim, DType::kF16, std::vector<Reach>(kLayers), 64};
    shape.use_raw_codecs();
    shape.reach[2] = {Reach::Kind::kWindow, 100, 0, 0};
    return shape;
  }();
  const Store store_ = make_store(*parse_recipe(kRecipe), shape_.page_shape());
  PagePool pool_ = *PagePool::create(shape_.codec->page_bytes(), uint64_t{8} << 20);
};

const Room kEdited{2000, 2000, 2000, 0, 0};

TEST_F(LayerSealTest, TheDeeperHalfIsPairedAndWhatIsLeftStays) {
  Cache c = cache(Room::plain(700));
  append(c, 700);
  for (uint32_t layer = 0; layer < kLayers; ++layer)
    EXPECT_EQ(c.layer(layer).sealed(), layer == kOne || layer == kOther ? 640 : 0) << layer;
  EXPECT_EQ(c.layer(kOne).encoded(), c.layer(kOther).encoded());
  EXPECT_EQ(c.bytes(), pool_.used());
  // Two layers' raw pages take twice those of the pool.
  EXPECT_LT(c.layer(kOne).encoded()->bytes(), 10 * 2 * pool_.page_bytes() * 4 / 5);
}

TEST_F(LayerSealTest, RowsAtOtherPositionsAreNotEncodedTogether) {
  Cache c = cache(kEdited);
  append(c, 256);
  // From slot 100 of one layer, and from slot 70 of the other, rows stand one further back.
  const Edit edits[] = {keep(kOne, without(256, 100)), keep(kOther, without(256, 70))};
  c.apply(edits, "test");
  c.seal();
  EXPECT_EQ(c.layer(kOne).sealed(), 64);
  EXPECT_EQ(c.layer(kOther).sealed(), 64);
  append(c, 500);  // Both are one row short, so that later rows stand alike; not those between.
  EXPECT_EQ(c.layer(kOther).sealed(), 64);
}

TEST_F(LayerSealTest, ALayerGoesOnReadingPagesThatTheOtherNoLongerShares) {
  Cache c = cache(kEdited), whole = cache(kEdited);
  append(c, 640), append(whole, 640);
  const std::vector<float> before = keys(whole, kOne, 0, 640);
  const Edit edit = keep(kOne, without(640, 300));
  c.apply({&edit, 1}, "test");
  c.seal();
  EXPECT_EQ(c.layer(kOne).sealed(), 0);
  EXPECT_EQ(c.layer(kOther).sealed(), 640);
  EXPECT_EQ(keys(c, kOther, 0, 640), keys(whole, kOther, 0, 640));
  const std::vector<float> after = keys(c, kOne, 0, 639);
  // What the edit left is what was decoded, as a raw page rounds it.
  for (size_t i = 0; i < after.size(); ++i)
    ASSERT_NEAR(after[i], before[i < 300 * kDim ? i : i + kDim], 1e-2) << i;
  append(c, 1000);
  EXPECT_EQ(c.layer(kOther).sealed(), 640);
  EXPECT_EQ(c.bytes() + whole.bytes(), pool_.used());

  // Once the other is edited too, so that their rows stand alike, they share again.
  std::vector<int32_t> first(300);
  std::iota(first.begin(), first.end(), 0);
  const Edit both[] = {keep(kOne, first), keep(kOther, first)};
  c.apply(both, "test");
  c.seal();
  EXPECT_EQ(c.layer(kOne).sealed(), 256);
  EXPECT_EQ(c.layer(kOne).encoded(), c.layer(kOther).encoded());
}

// Whatever edits, appends and forks: no more is used than was promised, or the process would end.
TEST_F(LayerSealTest, WhatIsPromisedIsEnough) {
  std::mt19937 random(3);
  for (int run = 0; run < 40; ++run) {
    std::vector<Cache> all;
    all.reserve(3);
    all.push_back(cache({1000, 1000, 1000, 0, 0}));
    while (all.front().length() < 900) {
      Cache& c = all[random() % all.size()];
      append(c, std::min<int32_t>(1000, c.length() + 1 + static_cast<int32_t>(random() % 150)));
      if (all.size() < 3 && random() % 4 == 0) all.push_back(*c.fork());
      std::vector<Edit> edits;
      for (uint32_t layer = 0; layer < kLayers && random() % 3 == 0; ++layer) {
        if (!shape_.editable(layer)) continue;
        const int32_t rows = c.rows(layer);
        edits.push_back(keep(layer, without(rows, static_cast<int32_t>(random() % 3) * rows / 4)));
      }
      c.apply(edits, "test");
      c.seal();
    }
    EXPECT_LE(pool_.used(), pool_.promised());
  }
  EXPECT_EQ(pool_.used(), 0u);
}

// One layer's rows are raw, while the other's pages still have room for both: more than two raw
// layers take, and no more than the store says.
TEST_F(LayerSealTest, HalfAPairTakesNoMoreThanTheStoreSays) {
  Cache c = cache(kEdited);
  append(c, 640);
  const Edit edit = keep(kOne, without(640, 300));
  c.apply({&edit, 1}, "test");
  uint64_t held = c.layer(kOther).encoded()->bytes();
  for (const uint32_t layer : shape_.all_editable()) held += c.layer(layer).bytes();
  held -= 639 * kHeads * sizeof(int32_t);  // Positions are promised beside rows.
  const uint64_t layers = shape_.editable_layers();
  EXPECT_GT(held, LayerRows(640).pages(layers) * pool_.page_bytes());
  EXPECT_LE(held, store_.bytes_max(640, 639, layers, pool_.page_bytes()));
}

// Of 100 pages of each of two layers nearly half; so small ones leave much of a system's page.
TEST_F(LayerSealTest, APlainPromiseCountsSharedPagesOnce) {
  const uint64_t raw = shape_.peak_bytes(6400, pool_.page_bytes());
  const uint64_t merged = shape_.peak_bytes(Room::plain(6400), pool_.page_bytes(), store_);
  EXPECT_LT(merged, raw - 100 * pool_.page_bytes() / 3);
  Cache c = cache(Room::plain(6400));
  append(c, 6400);
  EXPECT_LE(c.bytes(), merged);
}

}  // namespace
}  // namespace weir
