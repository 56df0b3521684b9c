// Summaries of pages: they follow the rows, whatever became of those, and their bytes are promised.
#include "kv/page_index.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "kernels/layout.h"
#include "kv/test_steps.h"

namespace weir {
namespace {

constexpr uint32_t kLayers = 3, kHeads = 2, kDim = 32;
constexpr size_t kRow = kHeads * kDim;

// Layer 0 is read whole, layer 1 has summaries, layer 2 a window.
class PageIndexTest : public testing::TestWithParam<const char*> {
 protected:
  PageIndexTest() {
    shape_.use_raw_codecs();
    shape_.reach[2] = {Reach::Kind::kWindow, 100, 0, 0};
  }
  Store store() const { return make_store(*parse_recipe(GetParam()), shape_.page_shape()); }
  Cache cache(const Room& room) {
    Cache out(shape_, pool_, PageKey{}, store());
    EXPECT_TRUE(out.promise(room));
    return out;
  }
  void append(Cache& cache, int32_t to, int32_t chunk = 64) {
    while (cache.length() < to) {
      step_towards(cache, to, chunk, [&](uint32_t layer, int32_t position) {
        cache.write(layer, position, row().data(), row().data());
      });
      check(cache);
    }
  }
  std::vector<float> row() {
    std::vector<float> out(kRow);
    for (float& x : out) x = normal_(random_);
    return out;
  }
  // Every summary is that of its page's rows as they are now.
  static void check(const Cache& cache) {
    const size_t floats = cache.retriever()->summary_floats(kDim);
    std::vector<float> want(floats);
    for (int32_t p = 0; p < cache.index(1).pages(); ++p)
      for (uint32_t h = 0; h < kHeads; ++h) {
        summarise_slots(*cache.retriever(), cache.layer(1), h, p * kPageSlots, kPageSlots, kDim,
                        want.data());
        const float* is = cache.index(1).summary(p, h);
        ASSERT_TRUE(std::equal(want.begin(), want.end(), is)) << "page " << p << " head " << h;
      }
  }
  // Of layer 1: every second of the first rows in head 0, others in head 1; two of them merged.
  static Edit thin(int32_t rows, int32_t left) {
    Edit edit{1, std::vector<HeadEdit>(kHeads), 0};
    for (int32_t i = 0; i < left; ++i)
      for (uint32_t h = 0; h < kHeads; ++h)
        edit.heads[h].kept.push_back(h == 0 ? 2 * i : rows - 1 - left + i);
    for (HeadEdit& head : edit.heads) {
      const int32_t a = head.kept[0], b = head.kept[1];
      head.kept.erase(head.kept.begin(), head.kept.begin() + 2);
      head.merged.push_back({b, {a, b}, {0.5f, 0.5f}, {0.5f, 0.5f}});
    }
    return edit;
  }

  CacheShape shape_{kLayers, kHeads, kDim, DType::kF16, {Reach{}, Reach{}, Reach{}}, 64};
  PagePool pool_ =
      *PagePool::create(2 * page_half_bytes(DType::kF16, kDim) * kHeads, uint64_t{64} << 20);
  std::mt19937 random_{1};
  std::normal_distribution<float> normal_;
};

TEST_P(PageIndexTest, FullPagesOfLayersWithoutAReachHaveSummaries) {
  Cache c = cache(Room::plain(1000));
  append(c, 63);
  EXPECT_EQ(c.index(1).pages(), 0);
  append(c, 200);
  EXPECT_EQ(c.index(1).pages(), 3);
  EXPECT_FALSE(c.indexed(0)) << "dense";
  EXPECT_FALSE(c.indexed(2)) << "a window";
  EXPECT_EQ(c.index(0).pages() + c.index(2).pages(), 0);
}

TEST_P(PageIndexTest, TheirNumberFollowsFromTheLengthAlone) {
  for (const int32_t chunk : {1, 7, 64}) {
    Room room = Room::plain(1000);
    room.kept = 400;
    Cache c = cache(room);
    append(c, 300, chunk);
    const Edit edit = thin(300, 101);
    c.apply({&edit, 1}, "thin");
    c.seal();
    c.summarise();
    check(c);
    // What the edit left has summaries at once; rows since, at multiples of 64 tokens.
    EXPECT_EQ(c.index(1).pages(), 100 / kPageSlots);
    append(c, 335, chunk);
    EXPECT_EQ(c.layer(1).slot(335), 135);
    EXPECT_EQ(c.index(1).pages(), 1) << "the second page is full at token 328, and 384 is next";
    append(c, 384, chunk);
    EXPECT_EQ(c.index(1).pages(), 184 / kPageSlots);
    append(c, 640, chunk);
    EXPECT_EQ(c.index(1).pages(), 440 / kPageSlots);
  }
}

TEST_P(PageIndexTest, ForksShareThemUntilEitherChanges) {
  Room room = Room::plain(1000);
  room.kept = 400;
  Cache c = cache(room);
  append(c, 640);
  const uint64_t used = pool_.used();
  EXPECT_EQ(c.bytes(), used);
  Cache fork = *c.fork();
  EXPECT_EQ(pool_.used(), used);
  const float* shared = fork.index(1).summary(2, 1);
  EXPECT_EQ(shared, c.index(1).summary(2, 1));
  const Edit edit = thin(640, 200);
  fork.apply({&edit, 1}, "thin");
  fork.summarise();
  check(fork);
  EXPECT_EQ(shared, c.index(1).summary(2, 1));
  append(c, 704);
  EXPECT_EQ(c.index(1).pages(), 704 / kPageSlots);
  EXPECT_EQ(fork.index(1).pages(), 199 / kPageSlots);
}

TEST_P(PageIndexTest, BytesArePromisedAndComeBack) {
  {
    const Room room = Room::plain(640);
    Cache c = cache(room);
    append(c, 640);
    EXPECT_EQ(c.bytes(), pool_.used());
    EXPECT_LE(pool_.used(), pool_.promised());
    Store without = store();
    without.retriever = nullptr;
    const uint64_t page = PageIndex::page_bytes(shape_, *c.retriever());
    EXPECT_EQ(page, kHeads * c.retriever()->summary_floats(kDim) * sizeof(float));
    EXPECT_EQ(pool_.promised(), shape_.peak_bytes(room, pool_.page_bytes(), without) + 10 * page);
  }
  EXPECT_EQ(pool_.used(), 0u);
  EXPECT_EQ(pool_.promised(), 0u);
}

TEST_P(PageIndexTest, KeysLeaveTheCleanOnesWhenARowHasChosen) {
  const auto keys = [&](bool retrieved) {
    Cache c = cache(Room::plain(1000));
    append(c, 200);
    c.extend(56);
    c.advance(std::vector<int32_t>(56, 7), retrieved);
    return std::vector<PageKey>(c.keys().begin(), c.keys().end());
  };
  ASSERT_EQ(keys(true).size(), 1u);
  EXPECT_NE(keys(true), keys(false));
  EXPECT_EQ(keys(true), keys(true));
}

INSTANTIATE_TEST_SUITE_P(Recipes, PageIndexTest,
                         testing::Values("read=quest(dense=1)", "read=certified(dense=1)",
                                         "read=quest(dense=1);store=int8(residual=70)"));

}  // namespace
}  // namespace weir
