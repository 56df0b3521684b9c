// Settled rows encoded by a recipe's codec: which, what they become, and what comes of the memory.
#include "kv/store.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "kernels/layout.h"
#include "kv/test_steps.h"
#include "tensor/tensor.h"

namespace weir {
namespace {

constexpr uint32_t kLayers = 3, kHeads = 2, kDim = 32;
constexpr size_t kRow = kHeads * kDim;

std::vector<float> row_of(uint32_t layer, int32_t position, uint32_t salt) {
  std::mt19937 random(layer * 100003 + static_cast<uint32_t>(position) + salt * 7919);
  std::normal_distribution<float> normal;
  std::vector<float> out(kRow);
  for (float& x : out) x = normal(random);
  return out;
}

// The rows [first, first + rows) of one head, as a cache may hold them: [rows][kDim].
struct Rows {
  explicit Rows(int32_t rows) : k(static_cast<size_t>(rows) * kDim), v(k) {}
  std::vector<float> k, v;
  bool operator==(const Rows&) const = default;
};

class StoreTest : public testing::TestWithParam<const char*> {
 protected:
  StoreTest() {
    shape_.use_raw_codecs();
    shape_.reach[1] = {Reach::Kind::kWindow, 100, 0, 0};
  }

  Store store() const { return make_store(*parse_recipe(GetParam()), shape_.page_shape()); }
  Cache cache(const Store& store, uint64_t tokens = 1200) {
    Cache out(shape_, pool_, PageKey{}, store);
    EXPECT_TRUE(out.promise(tokens));
    return out;
  }
  // In steps of at most `chunk`, which end at points.
  static void append(Cache& cache, int32_t to, int32_t chunk = 64, uint32_t salt = 0) {
    while (cache.length() < to)
      step_towards(cache, to, chunk, [&](uint32_t layer, int32_t position) {
        cache.write(layer, position, row_of(layer, position, salt).data(),
                    row_of(layer, position, salt + 1).data());
      });
  }
  static Rows held(const Cache& cache, uint32_t layer, uint32_t head, int32_t first, int32_t rows) {
    Rows out(rows);
    cache.layer(layer).read(head, first, rows, out.k.data(), out.v.data());
    return out;
  }
  // What the codec makes of a page's rows: of layer 0, where its groups are single layers, or of
  // layers 0 and 2.
  Rows encoded(const Store& store, uint32_t head, int32_t first) const {
    std::vector<float> k, v;
    for (int32_t p = first; p < first + kPageSlots; ++p)
      for (uint32_t layer = 0; layer < 2 * store.codec->group(); layer += 2) {
        for (float x : row_of(layer, p, 0)) k.push_back(x);
        for (float x : row_of(layer, p, 1)) v.push_back(x);
      }
    Buffer page(store.codec->page_bytes());
    store.codec->encode(0, {kPageSlots, k.data(), v.data()}, page.data());
    Rows out(kPageSlots);
    store.codec->decode(page.data(), head, 0, kPageSlots, out.k.data(), out.v.data());
    return out;
  }

  CacheShape shape_{kLayers, kHeads, kDim, DType::kF32, {Reach{}, Reach{}, Reach{}}, 64};
  PagePool pool_ =
      *PagePool::create(2 * page_half_bytes(DType::kF32, kDim) * kHeads, uint64_t{64} << 20);
};

TEST_P(StoreTest, SettledPagesAreEncodedAndTheLatestRowsAreNot) {
  const Store how = store();
  Cache c = cache(how), raw = cache({});
  append(c, 700), append(raw, 700);
  EXPECT_EQ(c.layer(0).sealed(), how.settled(640));
  EXPECT_GE(700 - c.layer(0).sealed(), how.residual);
  for (uint32_t h = 0; h < kHeads; ++h) {
    for (int32_t p = 0; p < c.layer(0).sealed(); p += kPageSlots)
      EXPECT_EQ(held(c, 0, h, p, kPageSlots), encoded(how, h, p)) << p;
    const int32_t first = c.layer(0).sealed();
    EXPECT_EQ(held(c, 0, h, first, 700 - first), held(raw, 0, h, first, 700 - first));
    EXPECT_EQ(held(c, 1, h, 650, 50), held(raw, 1, h, 650, 50)) << "a window's rows are exempt";
  }
  EXPECT_EQ(c.layer(1).sealed(), 0);
  EXPECT_EQ(c.layer(2).sealed(), c.layer(0).sealed());
}

TEST_P(StoreTest, ChunksDoNotShow) {
  Cache whole = cache(store());
  append(whole, 900);
  for (const int32_t chunk : {1, 7}) {
    Cache c = cache(store());
    append(c, 900, chunk);
    for (uint32_t h = 0; h < kHeads; ++h)
      for (const uint32_t layer : {0, 2})
        EXPECT_EQ(held(c, layer, h, 0, 900), held(whole, layer, h, 0, 900));
  }
}

TEST_P(StoreTest, RawBytesGoBackToThePool) {
  const Store how = store();
  Cache c = cache(how);
  append(c, 1100);
  const auto settled = static_cast<uint64_t>(c.layer(0).sealed() / kPageSlots);
  const uint64_t encoded = settled * how.codec->page_bytes();
  const uint64_t raw = static_cast<uint64_t>((1100 - c.layer(0).sealed()) / kPageSlots + 1);
  for (const uint32_t layer : {0, 2}) {
    EXPECT_LE(c.layer(layer).bytes(), raw * pool_.page_bytes());
    EXPECT_LE(c.layer(layer).encoded()->bytes(), encoded + pool_.page_bytes());
    EXPECT_EQ(c.layer(layer).encoded()->bytes(),
              PackedPages::bytes(settled, how.codec->page_bytes(), pool_.page_bytes()));
  }
  // Layers of a group have one page between them.
  EXPECT_EQ(c.layer(0).encoded() == c.layer(2).encoded(), how.codec->group() == 2);
  EXPECT_EQ(c.bytes(), pool_.used());
  EXPECT_LE(pool_.used(), pool_.promised());
  { const Cache gone = std::move(c); }
  EXPECT_EQ(pool_.used(), 0u);
  EXPECT_EQ(pool_.promised(), 0u);
}

TEST_P(StoreTest, ForksGoOnAsThoughTheyWereAlone) {
  for (const int32_t at : {63, 64, 130, 500, 577}) {
    Cache lone = cache(store()), other = cache(store());
    append(lone, 800);
    append(other, at), append(other, 800, 64, 5);
    Cache first = cache(store());
    append(first, at);
    auto second = first.fork();
    ASSERT_TRUE(second);
    append(first, 800);
    append(*second, 800, 64, 5);
    for (uint32_t h = 0; h < kHeads; ++h)
      for (const uint32_t layer : {0, 2}) {
        EXPECT_EQ(held(first, layer, h, 0, 800), held(lone, layer, h, 0, 800)) << at;
        EXPECT_EQ(held(*second, layer, h, 0, 800), held(other, layer, h, 0, 800)) << at;
      }
  }
  EXPECT_EQ(pool_.used(), 0u);
}

TEST_P(StoreTest, AnEditKeepsWhatAPageHoldsAndItIsEncodedAgain) {
  const Store how = store();
  Cache c = cache(how, 0);
  ASSERT_TRUE(c.promise(Room{1200, 1200, 1200, 0, 0}));
  append(c, 640);
  const Rows before = held(c, 0, 1, 0, 640);
  std::vector<int32_t> kept;
  for (int32_t p = 0; p < 640; p += 2) kept.push_back(p);
  const Edit edits[] = {{0, {{kept, {}}, {kept, {}}}}, {2, {{kept, {}}, {kept, {}}}}};
  c.apply(edits, "test");
  EXPECT_EQ(c.layer(0).sealed(), 0);
  const Rows after = held(c, 0, 1, 0, 320);
  for (size_t i = 0; i < 320; ++i)
    for (size_t d = 0; d < kDim; ++d) ASSERT_EQ(after.k[i * kDim + d], before.k[2 * i * kDim + d]);
  c.seal();
  EXPECT_EQ(c.layer(0).sealed(), how.settled(320));
  append(c, 1100);
  EXPECT_LE(pool_.used(), pool_.promised());
}

// Whoever looks at a layer as lists finds the same rows.
TEST_P(StoreTest, ListsOfSlicesHoldTheSameRows) {
  Cache c = cache(store());
  append(c, 500);
  for (const uint32_t layer : {0, 2}) {
    const LayerLists lists = c.layer_lists(layer);
    int32_t at = 0;
    for (const Slice& slice : lists.lists[1].slices) {
      const Page& page = lists.pages[slice.page];
      const uint32_t count = slice.end - slice.begin;
      Rows out(static_cast<int32_t>(count));
      page.codec->decode(page.bytes(), page.list({layer, 1}), slice.begin, count, out.k.data(),
                         out.v.data());
      EXPECT_EQ(out, held(c, layer, 1, at, static_cast<int32_t>(count))) << at;
      at += static_cast<int32_t>(count);
    }
    EXPECT_EQ(at, 500);
  }
}

TEST_P(StoreTest, NoKeyAfterTheFirstEncodedRowIsThatOfACleanBlock) {
  Cache c = cache(store()), raw = cache({});
  append(c, 1024), append(raw, 1024);
  EXPECT_NE(c.keys().back(), raw.keys().back());
}

// Another codec with the same rows, one version on.
class NextVersion final : public Codec {
 public:
  explicit NextVersion(std::shared_ptr<const Codec> of) : Codec(of->shape()), of_(std::move(of)) {}
  std::string_view name() const override { return of_->name(); }
  uint32_t version() const override { return of_->version() + 1; }
  size_t page_bytes() const override { return of_->page_bytes(); }
  uint32_t group() const override { return of_->group(); }
  uint64_t first_layer(uint64_t layers) const override { return of_->first_layer(layers); }
  size_t layer_bytes() const override { return of_->layer_bytes(); }
  uint32_t granule() const override { return of_->granule(); }
  void encode(uint32_t slot, const KvRows& rows, std::byte* page) const override {
    of_->encode(slot, rows, page);
  }
  void decode(const std::byte* page, uint32_t list, uint32_t slot, uint32_t count, float* k,
              float* v) const override {
    of_->decode(page, list, slot, count, k, v);
  }
  AttentionPage in_place(const std::byte* page, uint32_t list) const override {
    return of_->in_place(page, list);
  }

 private:
  std::shared_ptr<const Codec> of_;
};

TEST_P(StoreTest, AnotherVersionOfTheCodecGivesOtherKeysFromTheFirstEncodedRowOn) {
  Store next = store();
  next.codec = std::make_shared<NextVersion>(next.codec);
  Cache c = cache(store()), again = cache(store()), other = cache(next);
  append(c, 1024), append(again, 1024), append(other, 1024);
  ASSERT_GT(c.layer(0).sealed(), 0);
  EXPECT_EQ(std::ranges::equal(c.keys(), again.keys()), true);
  EXPECT_NE(other.keys().back(), c.keys().back());
  const Store half = make_store(*parse_recipe(GetParam()), {kHeads, kDim, DType::kF16});
  EXPECT_NE(half.act(), store().act()) << "another type";
}

// Of layers with unequal rows only the most and the sum are known: enough for every one of them.
using StoreOfOneLayerTest = StoreTest;
TEST_P(StoreOfOneLayerTest, TheBoundOfAllLayersHoldsTheirSum) {
  std::mt19937 random(5);
  const Store store = this->store();
  for (int i = 0; i < 300; ++i) {
    const size_t layers = 1 + random() % 6;
    std::vector<int32_t> rows, kept;
    uint64_t sum = 0;
    for (size_t l = 0; l < layers; ++l) {
      rows.push_back(static_cast<int32_t>(random() % (l == 0 ? 3000 : 300)));
      kept.push_back(i % 3 == 0 ? 0 : static_cast<int32_t>(random() % (rows[l] + 1)));
      const auto mine = static_cast<uint64_t>(rows[l]), left = static_cast<uint64_t>(kept[l]);
      sum += store.bytes_max(mine, left, 1, pool_.page_bytes());
    }
    ASSERT_LE(
        sum, store.bytes_max(LayerRows::of(rows), LayerRows::of(kept), layers, pool_.page_bytes()));
  }
}

constexpr const char* kOfOneLayer[] = {"store=int8", "store=kivi", "store=kivi(bits=4,group=64)",
                                       "store=kivi(bits=2,residual=0)", "store=int8(residual=300)"};
INSTANTIATE_TEST_SUITE_P(OfOneLayer, StoreTest, testing::ValuesIn(kOfOneLayer));
INSTANTIATE_TEST_SUITE_P(OfOneLayer, StoreOfOneLayerTest, testing::ValuesIn(kOfOneLayer));
INSTANTIATE_TEST_SUITE_P(OfTwoLayers, StoreTest,
                         testing::Values("store=minicache(start=0)",
                                         "store=minicache(start=0,residual=70,gamma=0.2)"));

}  // namespace
}  // namespace weir
