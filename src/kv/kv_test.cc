#include <gtest/gtest.h>

#include <cstring>
#include <set>

#include "kv/cache.h"

namespace weir {
namespace {

CacheShape shape_of(int window) {
  CacheShape s{2, 2, 16, DType::kF32, {Reach{}, Reach{}}, 64};
  s.use_raw_codecs();
  if (window) s.reach[1] = {Reach::Kind::kWindow, window, 0, 0};
  return s;
}

// Rows whose value is their position (and `mark`), written as the engine would.
void append(Cache& cache, int32_t rows, float mark = 0) {
  std::vector<int32_t> inputs(static_cast<size_t>(rows), 7);
  const int32_t at = cache.length();
  cache.extend(rows);
  for (uint32_t l = 0; l < 2; ++l)
    for (int32_t p = at; p < at + rows; ++p) {
      const std::vector<float> row(32, static_cast<float>(p) + mark);
      cache.write(l, p, row.data(), row.data());
    }
  cache.advance(inputs);
}

TEST(CacheWrite, RowsTogetherAreRowsAlone) {
  const CacheShape shape = shape_of(0);
  PagePool pool = *PagePool::create(shape.codec->page_bytes(), 8 << 20);
  Cache alone(shape, pool, {}), together(shape, pool, {});
  std::vector<float> k(300 * 32), v(k.size());
  for (size_t i = 0; i < k.size(); ++i) k[i] = static_cast<float>(i), v[i] = -k[i];
  for (Cache* cache : {&alone, &together}) {
    ASSERT_TRUE(cache->promise(300));
    cache->extend(300);
  }
  together.write(1, 0, k.data(), v.data(), 300);
  for (int32_t p = 0; p < 300; ++p)
    alone.write(1, p, &k[static_cast<size_t>(p) * 32], &v[static_cast<size_t>(p) * 32]);
  std::vector<AttentionList> a(2), b(2);
  alone.lists(1, 300, a);
  together.lists(1, 300, b);
  for (size_t h = 0; h < 2; ++h)
    for (size_t p = 0; p < a[h].pages.size(); ++p) {
      const size_t half = page_half_bytes(DType::kF32, 16);
      EXPECT_EQ(std::memcmp(a[h].pages[p].k, b[h].pages[p].k, half), 0) << p;
      EXPECT_EQ(std::memcmp(a[h].pages[p].v, b[h].pages[p].v, half), 0) << p;
    }
}

float value_at(const Cache& cache, uint32_t layer, int32_t position) {
  std::vector<AttentionList> lists(2);
  cache.lists(layer, position, lists);
  const AttentionPage& page = lists[1].pages[static_cast<size_t>(position / kPageSlots)];
  std::vector<float> k(16), v(16);
  read_row(DType::kF32, 16, position % kPageSlots, page.k, page.v, k.data(), v.data());
  EXPECT_EQ(k, v);
  return k[3];
}

class CacheTest : public ::testing::Test {
 protected:
  static constexpr uint64_t kBudget = 8 << 20;
  CacheShape shape_ = shape_of(0);
  PagePool pool_ = *PagePool::create(shape_.codec->page_bytes(), kBudget);
};

TEST_F(CacheTest, HoldsWhatWasWritten) {
  Cache cache(shape_, pool_, {});
  ASSERT_TRUE(cache.promise(600));
  for (int32_t rows : {1, 62, 1, 200, 300}) append(cache, rows);
  EXPECT_EQ(cache.length(), 564);
  for (int32_t p : {0, 62, 63, 64, 255, 256, 563})
    EXPECT_EQ(value_at(cache, 1, p), static_cast<float>(p));
  EXPECT_EQ(cache.bytes(), 2 * 9 * pool_.page_bytes());
}

TEST_F(CacheTest, ForksShareUntilEitherWrites) {
  Cache a(shape_, pool_, {});
  ASSERT_TRUE(a.promise(400));
  append(a, 300);
  const uint64_t alone = pool_.used();
  Cache b = *a.fork();
  EXPECT_EQ(pool_.used(), alone);
  append(b, 1, 1000);
  append(a, 1, 2000);
  EXPECT_EQ(value_at(a, 0, 300), 2300);
  EXPECT_EQ(value_at(b, 0, 300), 1300);
  EXPECT_EQ(value_at(a, 0, 299), 299);
  EXPECT_EQ(value_at(b, 0, 299), 299);
  EXPECT_EQ(pool_.used(),
            alone + 2 * pool_.page_bytes());  // One open page of each layer was copied.
}

TEST_F(CacheTest, GivesAllMemoryBack) {
  {
    Cache a(shape_, pool_, {});
    ASSERT_TRUE(a.promise(400));
    append(a, 300);
    Cache b = *a.fork();
    append(b, 1);
    Cache c = std::move(a);
    EXPECT_GT(pool_.used(), 0u);
  }
  EXPECT_EQ(pool_.used(), 0u);
  EXPECT_EQ(pool_.promised(), 0u);
}

TEST_F(CacheTest, RecycledPagesAreZeros) {
  for (int round = 0; round < 2; ++round) {
    Cache cache(shape_, pool_, {});
    ASSERT_TRUE(cache.promise(64));
    append(cache, round == 0 ? 64 : 1);
    if (round == 1) {
      EXPECT_EQ(value_at(cache, 0, 63), 0);
    }
  }
}

TEST_F(CacheTest, BudgetIsHardAndCheckedFirst) {
  Cache cache(shape_, pool_, {});
  const auto refused = cache.promise(1 << 20);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kUnavailable);
  EXPECT_EQ(pool_.promised(), 0u);
  ASSERT_TRUE(cache.promise(640));
  append(cache, 64);
  EXPECT_LE(pool_.used(), pool_.promised());
  EXPECT_LE(pool_.promised(), kBudget);
}

TEST_F(CacheTest, TheMostThatWasUsedIsKeptUntilItIsAsked) {
  EXPECT_TRUE(pool_.promise(1000));
  UsedBytes bytes(pool_, 300);
  bytes.set(900), bytes.set(100);
  EXPECT_EQ(pool_.take_most_used(), 900u);
  EXPECT_EQ(pool_.take_most_used(), 100u) << "what is still used";
  bytes.set(200), bytes.set(50);
  EXPECT_EQ(pool_.take_most_used(), 200u);
  bytes.set(0);
  pool_.unpromise(1000);
}

TEST_F(CacheTest, WindowLayersLetGoOfWhatNoQueryReads) {
  shape_ = shape_of(100);
  Cache cache(shape_, pool_, {});
  ASSERT_TRUE(cache.promise(2000));
  for (int i = 0; i < 40; ++i) append(cache, 50);
  // The last query reads 1900..1999 in layer 1: blocks 0..6 are gone, block 7 (from 1792) is held.
  EXPECT_EQ(value_at(cache, 1, 1901), 1901);
  std::vector<AttentionList> lists(2);
  cache.lists(1, 2000, lists);
  EXPECT_EQ(lists[0].pages[27].k, nullptr);
  EXPECT_NE(lists[0].pages[28].k, nullptr);
  EXPECT_EQ(value_at(cache, 0, 0), 0);
  EXPECT_LE(pool_.used(), shape_.peak_bytes(2000, pool_.page_bytes()));
}

TEST_F(CacheTest, ForkOfAFullCacheNeedsItsOwnPromise) {
  Cache a(shape_, pool_, {});
  const uint64_t tokens = kBudget / shape_.peak_bytes(1, pool_.page_bytes()) * kPageSlots / 2;
  ASSERT_TRUE(a.promise(tokens + 640));
  EXPECT_FALSE(a.fork());
}

TEST(Reach, NeededIsWhatSomeLaterQuerySees) {
  const Reach rules[] = {{Reach::Kind::kAll, 0, 0, 0},
                         {Reach::Kind::kWindow, 5, 0, 0},
                         {Reach::Kind::kSinksWindow, 5, 2, 0},
                         {Reach::Kind::kStrided, 5, 0, 4},
                         {Reach::Kind::kOwnBlock, 6, 0, 0}};
  for (const Reach& r : rules)
    for (int32_t next = 0; next < 40; ++next)
      for (int32_t row = 0; row < next; ++row) {
        bool seen = false;
        for (int32_t query = next; query < next + 60; ++query) seen |= r.sees(query, row);
        EXPECT_EQ(r.needed(next, row), seen)
            << static_cast<int>(r.kind) << " next " << next << " row " << row;
      }
}

TEST(PageKey, EveryIngredientChangesIt) {
  const KeyIngredients base;
  std::set<PageKey> keys{root_key(base)};
  for (std::string KeyIngredients::*field :
       {&KeyIngredients::numerics, &KeyIngredients::weights, &KeyIngredients::tokenizer,
        &KeyIngredients::codec, &KeyIngredients::rope, &KeyIngredients::adapter,
        &KeyIngredients::artifacts, &KeyIngredients::tenant}) {
    KeyIngredients other = base;
    other.*field = std::string(1, 'x');
    keys.insert(root_key(other));
  }
  // What the engine puts into two of them.
  KeyIngredients other = base;
  for (const std::string& numerics : {numerics_id("integer"), numerics_id("float"),
                                      numerics_id("float", kArithmeticVersion + 1)}) {
    other.numerics = numerics;
    keys.insert(root_key(other));
  }
  EXPECT_EQ(keys.size(), 12u);
  const int32_t inputs[] = {1, 2};
  const PageKey root = root_key(base);
  keys = {next_key(root, std::as_bytes(std::span(inputs)), ""),
          next_key(root, std::as_bytes(std::span(inputs).first(1)), ""),
          next_key(root, std::as_bytes(std::span(inputs)), "h2o"),
          next_key(next_key(root, std::as_bytes(std::span(inputs)), ""),
                   std::as_bytes(std::span(inputs)), "")};
  EXPECT_EQ(keys.size(), 4u);
}

TEST_F(CacheTest, KeysFollowTheInputsAlone) {
  Cache whole(shape_, pool_, {}), pieces(shape_, pool_, {});
  ASSERT_TRUE(whole.promise(520));
  ASSERT_TRUE(pieces.promise(520));
  append(whole, 520);
  for (int i = 0; i < 52; ++i) append(pieces, 10);
  ASSERT_EQ(whole.keys().size(), 2u);
  EXPECT_TRUE(std::ranges::equal(whole.keys(), pieces.keys()));
}

}  // namespace
}  // namespace weir
