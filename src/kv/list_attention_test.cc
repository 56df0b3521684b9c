#include "kv/list_attention.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <random>
#include <vector>

#include "base/thread_pool.h"
#include "kernels/elementwise.h"
#include "kv/cache.h"

namespace weir {
namespace {

constexpr int kHeads = 4, kKvHeads = 2, kDim = 32;
constexpr size_t kRow = kKvHeads * kDim, kQueryRow = kHeads * kDim;

CacheShape shape_of(DType kv) {
  CacheShape s{1, kKvHeads, kDim, kv, {Reach{}}, 64};
  s.use_raw_codecs();
  return s;
}

void rotate(float* head, int32_t position) {
  static const RopeTable table(kDim, 10000, 1, {});
  float cosine[kDim / 2], sine[kDim / 2];
  table.angles(position, cosine, sine);
  rope(head, kDim, cosine, sine, false);
}

// What one query head reads of a row, given apart from pages and slices.
struct Seen {
  std::vector<float> k, v;  // Unrotated.
  int32_t position = 0;
  float bias = 0;
};

// A sequence of random rows in a cache, and what they were.
struct Rows {
  Rows(const CacheShape& shape, PagePool& pool, int32_t count, uint32_t seed, bool rotated = true)
      : cache(shape, pool, {}), k(random(count * kRow, seed)), v(random(count * kRow, seed + 1)) {
    EXPECT_TRUE(cache.promise(static_cast<uint64_t>(count) + 600));
    cache.extend(count);
    std::vector<float> keys = k;
    for (int32_t p = 0; rotated && p < count; ++p)
      for (int h = 0; h < kKvHeads; ++h) rotate(&keys[static_cast<size_t>(p) * kRow + h * kDim], p);
    cache.write(0, 0, keys.data(), v.data(), count);
    cache.advance(std::vector<int32_t>(static_cast<size_t>(count), 7));
  }

  static std::vector<float> random(size_t n, uint32_t seed) {
    std::mt19937 generator(seed);
    std::normal_distribution<float> normal;
    std::vector<float> out(n);
    for (float& x : out) x = normal(generator);
    return out;
  }
  Seen seen(int kv_head, int32_t row, float bias = 0) const {
    const size_t at = static_cast<size_t>(row) * kRow + static_cast<size_t>(kv_head * kDim);
    return {{&k[at], &k[at] + kDim}, {&v[at], &v[at] + kDim}, row, bias};
  }

  Cache cache;
  std::vector<float> k, v;
};

// Plain softmax over exactly the rows that are added, in double.
struct Softmax {
  void add(Seen row, std::vector<float> q, int32_t position, float scale) {
    rotate(q.data(), position);
    rotate(row.k.data(), row.position);
    double logit = row.bias;
    for (size_t d = 0; d < kDim; ++d) logit += double{q[d]} * row.k[d] * scale;
    total += std::exp(logit);
    for (size_t d = 0; d < kDim; ++d) sum[d] += std::exp(logit) * row.v[d];
  }
  double total = 0;
  std::vector<double> sum = std::vector<double>(kDim);
};

class ListAttentionTest : public testing::Test {
 protected:
  ListAttentionTest() : pool_(*PagePool::create(shape_.codec->page_bytes(), 16 << 20)) {}

  AttentionShape attention(DType kv) const { return {kHeads, kKvHeads, kDim, kv, 0, scale_}; }

  std::vector<float> attend_lists(const LayerLists& lists, int32_t position, int32_t rows = 1) {
    std::vector<float> out(static_cast<size_t>(rows) * kQueryRow);
    attend(threads_, attention(shape_.kv), lists, {position, rows, q_.data(), out.data()}, rotate);
    return out;
  }

  // Compares one query row with the rows that each KV head is said to see.
  void expect_plain(const LayerLists& lists, int32_t position,
                    const std::function<std::vector<Seen>(int kv_head)>& rows) {
    const std::vector<float> out = attend_lists(lists, position);
    for (int h = 0; h < kHeads; ++h) {
      Softmax want;
      for (const Seen& row : rows(h / 2)) want.add(row, query(h), position, scale_);
      for (size_t d = 0; d < kDim; ++d)
        ASSERT_NEAR(out[static_cast<size_t>(h) * kDim + d],
                    want.total > 0 ? want.sum[d] / want.total : 0, 2e-5)
            << "head " << h << " dim " << d;
    }
  }
  // The first query row's.
  std::vector<float> query(int head) const {
    const auto at = q_.begin() + head * kDim;
    return {at, at + kDim};
  }

  const float scale_ = 1 / std::sqrt(static_cast<float>(kDim));
  CacheShape shape_ = shape_of(DType::kF32);
  PagePool pool_;
  ThreadPool threads_{2};
  const std::vector<float> q_ = Rows::random(80 * kQueryRow, 99);
};

// The rows of the step included: 80 queries, each of which sees its own row and those before.
TEST_F(ListAttentionTest, UneditedListsGiveTheBlockTablesBits) {
  for (const DType kv : {DType::kF32, DType::kF16, DType::kBF16}) {
    shape_ = shape_of(kv);
    PagePool pool = *PagePool::create(shape_.codec->page_bytes(), 16 << 20);
    const Rows rows(shape_, pool, 700, 1);
    for (const auto& [position, count] : {std::pair{620, 80}, {699, 1}, {0, 70}, {630, 10}}) {
      std::vector<float> q = q_, table(static_cast<size_t>(count) * kQueryRow);
      for (int32_t i = 0; i < count * kHeads; ++i)
        rotate(&q[static_cast<size_t>(i) * kDim], position + i / kHeads);
      std::vector<AttentionList> lists(kKvHeads);
      rows.cache.lists(0, position, lists);
      const AttentionSpan span{lists, count, q.data(), table.data()};
      attend(threads_, attention(kv), {&span, 1});

      const LayerLists edited = rows.cache.layer_lists(0);
      std::vector<float> out(table.size());
      attend(threads_, attention(kv), edited, {position, count, q_.data(), out.data()}, rotate);
      EXPECT_EQ(std::memcmp(out.data(), table.data(), out.size() * sizeof(float)), 0)
          << position << " " << count;
    }
  }
}

TEST_F(ListAttentionTest, DroppedAndMergedRowsWeighAsTheirBiasesSay) {
  const Rows rows(shape_, pool_, 300, 1);
  LayerLists lists = rows.cache.layer_lists(0);
  std::vector<float> bias[kKvHeads] = {std::vector<float>(300), std::vector<float>(300)};
  const auto set = [&](uint32_t head, int32_t row, float value) {
    Slice& slice = lists.lists[head].slices[static_cast<size_t>(row / 64)];
    lists.set_bias(slice, static_cast<uint32_t>(row % 64), value);
    bias[head][static_cast<size_t>(row)] = value;
  };
  for (int32_t row = 3; row < 300; row += 7) set(0, row, kDropped);
  for (int32_t row = 64; row < 128; ++row) set(1, row, kDropped);
  set(0, 5, std::log(9.0f));
  set(1, 299, std::log(30.0f));
  EXPECT_EQ(lists.live(0), 300u - 43);
  EXPECT_EQ(lists.live(1), 300u - 64);
  expect_plain(lists, 300, [&](int head) {
    std::vector<Seen> seen;
    for (int32_t row = 0; row < 300; ++row)
      if (const float b = bias[head][static_cast<size_t>(row)]; b != kDropped)
        seen.push_back(rows.seen(head, row, b));
    return seen;
  });
}

TEST_F(ListAttentionTest, BiasOfAPageIsItsSlicesUntilTheyHaveTheirOwn) {
  const Rows rows(shape_, pool_, 64, 1);
  LayerLists lists = rows.cache.layer_lists(0);
  lists.pages[0].bias.assign(64, 0);
  lists.pages[0].bias[10] = std::log(5.0f);
  lists.set_bias(lists.lists[1].slices[0], 11, kDropped);
  expect_plain(lists, 64, [&](int head) {
    std::vector<Seen> seen;
    for (int32_t row = 0; row < 64; ++row)
      if (head == 0 || row != 11)
        seen.push_back(rows.seen(head, row, row == 10 ? std::log(5.0f) : 0));
    return seen;
  });
}

// Rows 70..99 of another sequence and all of its own, without harm to the other.
TEST_F(ListAttentionTest, SlicesOfSharedPagesStandInAnotherSequencesList) {
  const Rows theirs(shape_, pool_, 128, 1);
  const Rows mine(shape_, pool_, 200, 5);
  const uint64_t used = pool_.used();
  LayerLists lists = mine.cache.layer_lists(0);
  const LayerLists from = theirs.cache.layer_lists(0);
  lists.pages.push_back(from.pages[1]);
  for (List& list : lists.lists) {
    Slice view{static_cast<uint32_t>(lists.pages.size() - 1), 6, 36};
    lists.set_bias(view, 20, kDropped);
    list.slices.insert(list.slices.begin() + 1, view);
  }
  EXPECT_EQ(pool_.used(), used);
  expect_plain(lists, 200, [&](int head) {
    std::vector<Seen> seen;
    for (int32_t row = 0; row < 200; ++row) seen.push_back(mine.seen(head, row));
    for (int32_t row = 70; row < 100; ++row)
      if (row != 84) seen.push_back(theirs.seen(head, row));
    return seen;
  });
  expect_plain(from, 128, [&](int head) {
    std::vector<Seen> seen;
    for (int32_t row = 0; row < 128; ++row) seen.push_back(theirs.seen(head, row));
    return seen;
  });
}

// Sinks and a window, the sinks brought close: no key is touched.
TEST_F(ListAttentionTest, ShiftedSlicesAreReadAtTheirNewPositions) {
  const Rows rows(shape_, pool_, 320, 1);
  LayerLists lists = rows.cache.layer_lists(0);
  for (List& list : lists.lists) {
    Slice sinks = list.slices[0];
    sinks.end = 4, sinks.reading = Reading::kShifted, sinks.shift = 188;
    list.slices = {sinks, list.slices[3], list.slices[4]};
  }
  lists.lists[1].slices[0].shift = 150;  // Heads need not agree.
  expect_plain(lists, 320, [&](int head) {
    std::vector<Seen> seen;
    for (int32_t row = 0; row < 4; ++row) {
      seen.push_back(rows.seen(head, row));
      seen.back().position += head == 0 ? 188 : 150;
    }
    for (int32_t row = 192; row < 320; ++row) seen.push_back(rows.seen(head, row));
    return seen;
  });
}

TEST_F(ListAttentionTest, UnrotatedKeysAreReadAtStoredListedOrFixedPositions) {
  const Rows rows(shape_, pool_, 192, 1, /*rotated=*/false);
  LayerLists lists = rows.cache.layer_lists(0);
  for (Page& page : lists.pages) page.rotated = false;
  for (int32_t i = 0; i < 64; ++i) lists.pages[2].positions.each.push_back(130 + i + i / 50);
  for (List& list : lists.lists) {
    Slice& listed = list.slices[0];
    listed.begin = 8, listed.reading = Reading::kListed;
    for (int32_t i = 0; i < 56; ++i) listed.positions.each.push_back(3 * i);
    Slice& fixed = list.slices[1];
    fixed.reading = Reading::kFixed, fixed.shift = 40;
  }
  expect_plain(lists, 200, [&](int head) {
    std::vector<Seen> seen;
    for (int32_t row = 8; row < 192; ++row) {
      seen.push_back(rows.seen(head, row));
      if (row < 64) seen.back().position = 3 * (row - 8);
      if (row >= 64 && row < 128) seen.back().position = 160;
      if (row >= 128) seen.back().position = row + 2 + (row - 128) / 50;
    }
    return seen;
  });
}

// A group whose exponentials sum to m counts as m to the power of its exponent.
TEST_F(ListAttentionTest, GroupsScaleTheirLogitsAndRaiseTheirMass) {
  const Rows rows(shape_, pool_, 192, 1);
  LayerLists lists = rows.cache.layer_lists(0);
  for (List& list : lists.lists) {
    list.groups = {{0.5f, 0.8f}, {1, 1}};
    list.slices[2].group = 1;
  }
  const std::vector<float> out = attend_lists(lists, 192);
  for (int h = 0; h < kHeads; ++h) {
    Softmax first, second;
    for (int32_t row = 0; row < 128; ++row)
      first.add(rows.seen(h / 2, row), query(h), 192, scale_ / 2);
    for (int32_t row = 128; row < 192; ++row)
      second.add(rows.seen(h / 2, row), query(h), 192, scale_);
    const double w = std::pow(first.total, 0.8);
    for (size_t d = 0; d < kDim; ++d)
      ASSERT_NEAR(out[static_cast<size_t>(h) * kDim + d],
                  (w * first.sum[d] / first.total + second.sum[d]) / (w + second.total), 2e-5);
  }
}

// Rows of floats side by side: nothing that attention reads in place.
class SideBySide final : public Codec {
 public:
  using Codec::Codec;
  std::string_view name() const override { return "side"; }
  uint32_t version() const override { return 1; }
  size_t page_bytes() const override { return kPageSlots * row() * 2 * sizeof(float); }
  void encode(uint32_t slot, const KvRows& rows, std::byte* page) const override {
    std::memcpy(at(page, slot), rows.k, rows.count * row() * sizeof(float));
    std::memcpy(at(page, kPageSlots + slot), rows.v, rows.count * row() * sizeof(float));
  }
  void decode(const std::byte* page, uint32_t list, uint32_t slot, uint32_t count, float* k,
              float* v) const override {
    for (uint32_t r = slot; r < slot + count; ++r, k += kDim, v += kDim) {
      std::copy_n(at(page, r) + list * kDim, kDim, k);
      std::copy_n(at(page, kPageSlots + r) + list * kDim, kDim, v);
    }
  }

 private:
  size_t row() const { return size_t{shape().lists} * shape().head_dim; }
  // Row `r` of K, then of V.
  float* at(std::byte* page, uint32_t r) const {
    return reinterpret_cast<float*>(page) + r * row();
  }
  const float* at(const std::byte* page, uint32_t r) const {
    return reinterpret_cast<const float*>(page) + r * row();
  }
};

// Of layers 0 and 1, KV head 1; attended in layer 1, where head 0 has nothing.
TEST_F(ListAttentionTest, PageOfAnotherCodecServesAGroupOfLists) {
  const SideBySide codec({2, kDim, DType::kF32});
  ASSERT_TRUE(pool_.promise(pool_.page_bytes()));
  ASSERT_LE(codec.page_bytes(), pool_.page_bytes());
  const Rows rows(shape_, pool_, 40, 1);  // Its two heads stand in for the two layers.
  std::vector<float> keys = rows.k;
  for (size_t i = 0; i < 80; ++i) rotate(&keys[i * kDim], static_cast<int32_t>(i / 2));
  LayerLists lists{1, {}, std::vector<List>(kKvHeads)};
  {
    Page page;
    page.extent = ExtentRef::take(pool_);
    page.extent.commit(0);
    codec.encode(0, {40, keys.data(), rows.v.data()}, page.extent.page(0));
    page.rows = 40, page.layers = 2, page.heads = 1, page.first = {0, 1}, page.codec = &codec;
    lists.pages.push_back(std::move(page));
  }
  lists.lists[1].slices.push_back({.page = 0, .begin = 2, .end = 40});
  EXPECT_EQ(lists.bytes(), pool_.page_bytes());
  expect_plain(lists, 40, [&](int head) {
    std::vector<Seen> seen;
    for (int32_t row = 2; row < 40 && head == 1; ++row) seen.push_back(rows.seen(1, row));
    return seen;
  });
  lists = {};
  pool_.unpromise(pool_.page_bytes());
}

// What it reads stays what it was: the cache goes on in a copy of its open block.
TEST_F(ListAttentionTest, ListsKeepTheirRowsWhileTheSequenceGoesOn) {
  Rows rows(shape_, pool_, 300, 1);
  const LayerLists lists = rows.cache.layer_lists(0);
  EXPECT_EQ(lists.bytes(), rows.cache.bytes());
  EXPECT_EQ(lists.pages[3].key, rows.cache.keys()[0]);
  EXPECT_EQ(lists.pages[4].key, PageKey{});
  ASSERT_TRUE(pool_.promise(lists.bytes()));
  const std::vector<float> before = attend_lists(lists, 300);
  rows.cache.extend(2);
  rows.cache.write(0, 300, rows.k.data(), rows.v.data(), 2);
  EXPECT_EQ(attend_lists(lists, 300), before);
  EXPECT_NE(attend_lists(rows.cache.layer_lists(0), 301), before);
}

}  // namespace
}  // namespace weir
