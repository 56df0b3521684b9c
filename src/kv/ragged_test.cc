// Edits that leave heads unequally many rows.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <random>

#include "base/number.h"
#include "kv/edit_cases.h"
#include "kv/page.h"
#include "kv/recipe.h"

namespace weir {
namespace {

class RaggedTest : public EditCases {
 protected:
  static Room room(uint64_t tokens, uint64_t rows, uint64_t kept) {
    return {tokens, rows, kept, 0, 0, true};
  }
  // Of the rows at these positions, as they were computed.
  void expect_rows(const Cache& cache, uint32_t layer, uint32_t head,
                   const std::vector<int32_t>& positions) {
    EXPECT_EQ(positions_of(cache, layer, head), positions);
    const std::vector<float> left = keys_of(cache, layer, head);
    for (size_t i = 0; i < positions.size(); ++i) {
      const auto at = static_cast<size_t>(positions[i]) * kDim;
      ASSERT_EQ(std::memcmp(&left[i * kDim], &whole_[layer][head][at], kDim * sizeof(float)), 0)
          << i;
    }
  }
  Cache cache_of(int32_t rows, const Room& of) {
    Cache plain = cache_with(rows + 300, Room::plain(static_cast<uint64_t>(rows) + 300));
    for (uint32_t l = 0; l < kLayers; ++l)
      for (uint32_t h = 0; h < kHeads; ++h) whole_[l][h] = keys_of(plain, l, h);
    return cache_with(rows, of);
  }
  static std::vector<int32_t> then(std::vector<int32_t> rows, int32_t from, int32_t to) {
    for (int32_t p = from; p < to; ++p) rows.push_back(p);
    return rows;
  }

  std::vector<float> whole_[kLayers][kHeads];
};

TEST_P(RaggedTest, EachHeadKeepsItsOwnRowsAndTheirBits) {
  Cache cache = cache_of(500, room(700, 570, 300));
  const std::vector<int32_t> many = every(2, 1, 500), few = every(50, 0, 500);
  cache.apply(std::vector{keep(0, many, few)}, "test");
  EXPECT_TRUE(cache.layer(0).ragged());
  EXPECT_FALSE(cache.layer(1).ragged());
  EXPECT_EQ(cache.rows(0, 0), 250);
  EXPECT_EQ(cache.rows(0, 1), 10);
  append(cache, 70);
  expect_rows(cache, 0, 0, then(many, 500, 570));
  expect_rows(cache, 0, 1, then(few, 500, 570));
  expect_rows(cache, 1, 1, every(1, 0, 570));
  expect_plain_attention(cache);
}

TEST_P(RaggedTest, AHeadMayKeepNothingOrWholePages) {
  Cache cache = cache_of(300, room(700, 400, 200));
  cache.apply(std::vector{keep(0, every(1, 100, 228), {}), keep(1, {}, every(1, 7, 8))}, "test");
  append(cache, 1);
  expect_rows(cache, 0, 0, then(every(1, 100, 228), 300, 301));
  expect_rows(cache, 0, 1, {300});
  expect_rows(cache, 1, 0, {300});
  expect_rows(cache, 1, 1, {7, 300});
  expect_plain_attention(cache);
}

TEST_P(RaggedTest, EditsOfEditsDropMoreAndMayMakeHeadsEqual) {
  Cache cache = cache_of(300, room(900, 500, 300));
  const std::vector<int32_t> evens = every(2, 0, 300), tens = every(10, 0, 300);
  cache.apply(std::vector{keep(0, evens, tens)}, "first");
  append(cache, 100);
  // Slots are each head's own.
  cache.apply(std::vector{keep(0, every(5, 0, 250), every(1, 25, 35))}, "second");
  append(cache, 3);
  std::vector<int32_t> first = every(10, 0, 300);
  for (int32_t p = 300; p < 400; p += 5) first.push_back(p);
  expect_rows(cache, 0, 0, then(first, 400, 403));
  expect_rows(cache, 0, 1, then({250, 260, 270, 280, 290, 300, 301, 302, 303, 304}, 400, 403));
  cache.apply(std::vector{keep(0, every(1, 0, 5), every(1, 8, 13))}, "third");
  EXPECT_FALSE(cache.layer(0).ragged());
  append(cache, 1);
  expect_rows(cache, 0, 0, {0, 10, 20, 30, 40, 403});
  expect_rows(cache, 0, 1, {303, 304, 400, 401, 402, 403});
  expect_plain_attention(cache);
}

TEST_P(RaggedTest, AMergedRowWeighsAsItsSources) {
  Cache cache = cache_of(200, room(400, 221, 150));
  Edit edit = keep(0, every(2, 100, 200), every(1, 190, 200));
  edit.heads[1].merged = {{3, {3, 4, 5}, {0.5f, 0.25f, 0.25f}, {1, 0, 0}}};
  cache.apply(std::vector{edit}, "one");
  EXPECT_NEAR(cache.layer(0).bias(1, 0), std::log(3.0), 1e-6);
  append(cache, 20);
  expect_plain_attention(cache);
  edit = keep(0, every(1, 0, 3), {});
  edit.heads[1].merged = {{9, {0, 1}, {0.5f, 0.5f}, {0.5f, 0.5f}}};
  cache.apply(std::vector{edit}, "two");
  EXPECT_NEAR(cache.layer(0).bias(1, 0), std::log(4.0), 1e-6);
  append(cache, 1);
  expect_plain_attention(cache);
}

TEST_P(RaggedTest, AForkSharesWhatAnEditLeft) {
  Cache a = cache_of(300, room(600, 400, 200));
  Cache whole = *a.fork();
  const std::vector<int32_t> many = every(2, 0, 300), few = every(30, 1, 300);
  a.apply(std::vector{keep(0, many, few)}, "test");
  const uint64_t used = pool_.used();
  Cache b = *a.fork();
  EXPECT_EQ(pool_.used(), used);
  append(a, 5, 1);
  append(b, 1, 2);
  b.apply(std::vector{keep(0, every(1, 0, 2), every(1, 0, 1))}, "more");
  expect_rows(a, 0, 0, then(many, 300, 305));
  expect_rows(a, 0, 1, then(few, 300, 305));
  expect_rows(whole, 0, 1, every(1, 0, 300));
  expect_rows(b, 0, 1, {1});
}

// Strips take pages of one head; the pool's pages that they begin are counted.
TEST_P(RaggedTest, MemoryFallsWithTheRowsOfEachHead) {
  const Room of = room(20000, 8000, 600), after = room(20000, 600, 600);
  Cache cache = cache_with(8000, of);
  const std::vector<int32_t> many = every(1, 0, 1000), few = every(40, 0, 8000);
  cache.apply(std::vector{keep(0, many, few), keep(1, few, many)}, "test");
  cache.settle(after);
  // Of 1,000 rows and of 200: 16 and 4 strips, two of which lie in a page.
  const uint64_t rows = 2 * 10 * pool_.page_bytes();
  const uint64_t places = 2 * (200 * sizeof(int32_t) + 2 * 64 * sizeof(float));
  EXPECT_EQ(cache.bytes(), rows + places);
  EXPECT_EQ(pool_.used(), cache.bytes());
  EXPECT_LE(pool_.used(), pool_.promised());
}

// What is used never exceeds what was promised, or the pool ends the process.
TEST_P(RaggedTest, PromisesHoldWhateverIsLeft) {
  std::mt19937 random(3);
  const auto below = [&](int32_t n) {
    return static_cast<int32_t>(random() % static_cast<uint32_t>(n));
  };
  for (int round = 0; round < 20; ++round) {
    const int32_t rows = 1 + below(600), kept = 1 + below(rows);
    Cache cache =
        cache_with(rows, room(static_cast<uint64_t>(rows) + 900, static_cast<uint64_t>(rows) + 300,
                              static_cast<uint64_t>(kept)));
    for (int step = 0; step < 3; ++step) {
      std::vector<Edit> edits;
      for (uint32_t l = 0; l < kLayers; ++l) {
        const int32_t first = below(std::min(2 * kept, cache.rows(l, 0)) + 1);
        const int32_t second = std::min(2 * kept - first, cache.rows(l, 1));
        edits.push_back(keep(l, every(1, 0, first), every(1, 0, second)));
      }
      cache.apply(edits, "test");
      append(cache, below(100));
      ASSERT_LE(pool_.used(), pool_.promised());
    }
  }
}

// Of 1 row and 65: three strips in two pages, and a page for the row after them.
TEST_P(RaggedTest, PromisesKnowThatPagesNeedNotBeFull) {
  Cache cache = cache_with(66, room(100, 67, 66));
  cache.apply(std::vector{keep(0, every(1, 0, 1), every(1, 0, 65)),
                          keep(1, every(1, 0, 65), every(1, 0, 1))},
              "test");
  cache.settle(room(100, 34, 33));
  append(cache, 1);
  EXPECT_GE(pool_.used(), 6 * pool_.page_bytes());
  EXPECT_LE(pool_.used(), pool_.promised());
}

TEST_P(RaggedTest, ListsOfSlicesHoldWhatIsLeft) {
  Cache cache = cache_of(200, room(300, 250, 200));
  const std::vector<int32_t> some[kHeads] = {every(2, 0, 200), every(9, 1, 200)};
  cache.apply(std::vector{keep(0, some[0], some[1])}, "test");
  append(cache, 50);
  const LayerLists lists = cache.layer_lists(0);
  for (uint32_t h = 0; h < kHeads; ++h) {
    EXPECT_EQ(lists.live(h), some[h].size() + 50);
    std::vector<int32_t> positions;
    for (const Slice& s : lists.lists[h].slices)
      for (uint32_t r = s.begin; r < s.end; ++r)
        positions.push_back(lists.pages[s.page].positions.at(r));
    EXPECT_EQ(positions, positions_of(cache, 0, h));
  }
}

// Rows since the edit are encoded as others are; those in strips stay as they are.
TEST_P(RaggedTest, RowsSinceAreEncoded) {
  const Store store = make_store(*parse_recipe("store=int8"), shape_.page_shape());
  Cache cache(shape_, pool_, {}, store);
  ASSERT_TRUE(cache.promise(room(900, 600, 300)));
  append(cache, 256);
  cache.seal();
  EXPECT_EQ(cache.layer(0).sealed(), 256);
  cache.apply(std::vector{keep(0, every(2, 0, 256), every(20, 0, 256))}, "test");
  cache.seal();
  EXPECT_EQ(cache.layer(0).sealed(), 0);
  append(cache, 200);
  cache.seal();
  EXPECT_EQ(cache.layer(0).sealed(), 192);
  EXPECT_EQ(cache.layer(1).sealed(), 448);
  EXPECT_EQ(cache.rows(0, 0), 128 + 200);
  expect_plain_attention(cache, 2e-3);
}

INSTANTIATE_TEST_SUITE_P(All, RaggedTest, testing::Values(DType::kF32, DType::kF16, DType::kBF16));

}  // namespace
}  // namespace weir
