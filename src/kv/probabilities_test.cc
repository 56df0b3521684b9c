#include "kv/probabilities.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

namespace weir {
namespace {

constexpr uint32_t kHeads = 6, kKvHeads = 2, kDim = 32;
constexpr size_t kRow = kKvHeads * kDim, kQueryRow = kHeads * kDim;

std::vector<float> random_floats(size_t n, uint32_t seed, float by = 1) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal;
  std::vector<float> out(n);
  for (float& x : out) x = normal(generator) * by;
  return out;
}

class ProbabilitiesTest : public ::testing::Test {
 protected:
  ProbabilitiesTest() {
    shape_.use_raw_codecs();
    pool_.emplace(*PagePool::create(shape_.codec->page_bytes(), 8 << 20));
    cache_.emplace(shape_, *pool_, PageKey());
    EXPECT_TRUE(cache_->promise(Room{1000, 1000, 500, 0, 0}));
    add(300);
  }
  void add(int32_t rows) {
    cache_->extend(rows);
    const std::vector<float> keys = random_floats(static_cast<size_t>(rows) * kRow,
                                                  1 + static_cast<uint32_t>(cache_->length()));
    cache_->write(0, cache_->length(), keys.data(), keys.data(), rows);
    cache_->advance(std::vector<int32_t>(static_cast<size_t>(rows)));
  }
  using Table = std::vector<std::vector<std::vector<float>>>;  // [head][row][slot]
  Table of(int threads, int32_t position, int32_t rows, const float* q) {
    ThreadPool pool(threads);
    Probabilities probabilities(pool);
    Table out(kHeads);
    probabilities(*cache_, {0, position, rows, q},
                  [&](uint32_t head, int32_t row, std::span<const float> p) {
                    EXPECT_EQ(static_cast<size_t>(row), out[head].size());
                    out[head].emplace_back(p.begin(), p.end());
                  });
    return out;
  }
  // Softmax in double over the rows that stand at or before the query.
  void expect_plain(const Table& found, int32_t position, const float* q) {
    for (uint32_t head = 0; head < kHeads; ++head)
      for (size_t row = 0; row < found[head].size(); ++row) {
        std::vector<double> want;
        double total = 0;
        std::vector<float> key(kDim), value(kDim);
        for (int32_t slot = 0; slot < cache_->rows(0); ++slot) {
          const int32_t at = cache_->layer(0).position(head / 3, slot);
          if (at > position + static_cast<int32_t>(row)) break;
          cache_->layer(0).read(head / 3, slot, 1, key.data(), value.data());
          double logit = cache_->layer(0).bias(head / 3, slot);
          for (size_t d = 0; d < kDim; ++d)
            logit += double{q[row * kQueryRow + head * kDim + d]} * shape_.scale * key[d];
          want.push_back(std::exp(logit));
          total += want.back();
        }
        ASSERT_EQ(found[head][row].size(), want.size());
        for (size_t i = 0; i < want.size(); ++i)
          ASSERT_NEAR(found[head][row][i], want[i] / total, 2e-6) << head << " " << row << " " << i;
      }
  }

  CacheShape shape_{1, kKvHeads, kDim, DType::kF32, {Reach{}}, 64, nullptr, kHeads, 0.25f};
  std::optional<PagePool> pool_;
  std::optional<Cache> cache_;
};

TEST_F(ProbabilitiesTest, AreSoftmaxOverWhatAQuerySees) {
  const std::vector<float> q = random_floats(40 * kQueryRow, 99);
  expect_plain(of(2, 260, 40, q.data()), 260, q.data());
}

TEST_F(ProbabilitiesTest, AfterAnEditTheyAreOverWhatIsLeft) {
  HeadEdit odd, even;
  for (int32_t s = 0; s < 280; s += 2) even.kept.push_back(s), odd.kept.push_back(s + 1);
  cache_->apply(std::vector{Edit{0, {odd, even}}}, "test");
  add(20);
  const std::vector<float> q = random_floats(50 * kQueryRow, 98);
  // From before the edit: its row sees those that are left and not after it.
  expect_plain(of(2, 270, 50, q.data()), 270, q.data());
}

TEST_F(ProbabilitiesTest, AMergedRowGetsWhatAllThatItStandsForWould) {
  HeadEdit merged, kept;
  for (int32_t s = 0; s < 300; s += 3) {
    merged.merged.push_back({s + 2, {s, s + 1, s + 2}, {0.5f, 0.3f, 0.2f}, {1, 0, 0}});
    kept.kept.push_back(s);
  }
  cache_->apply(std::vector{Edit{0, {merged, kept}}}, "test");
  add(20);
  EXPECT_NEAR(cache_->layer(0).bias(0, 99), std::log(3.0), 1e-6);
  const std::vector<float> q = random_floats(10 * kQueryRow, 95);
  expect_plain(of(2, 310, 10, q.data()), 310, q.data());
}

TEST_F(ProbabilitiesTest, DoNotDependOnThreadsNorOnOtherQueries) {
  const std::vector<float> q = random_floats(64 * kQueryRow, 97, 3);
  const Table all = of(1, 236, 64, q.data());
  EXPECT_EQ(of(3, 236, 64, q.data()), all);
  for (int32_t row : {0, 17, 63}) {
    const Table one = of(2, 236 + row, 1, &q[static_cast<size_t>(row) * kQueryRow]);
    for (uint32_t head = 0; head < kHeads; ++head)
      EXPECT_EQ(one[head][0], all[head][static_cast<size_t>(row)]);
  }
}

TEST_F(ProbabilitiesTest, NoQueryEndsTheProcess) {
  std::vector<float> q = random_floats(3 * kQueryRow, 96, 1e18f);
  q[5] = std::numeric_limits<float>::quiet_NaN();
  q[kQueryRow] = std::numeric_limits<float>::infinity();
  const Table found = of(2, 297, 3, q.data());
  double sum = 0;
  for (float p : found[5][2]) sum += p;
  EXPECT_NEAR(sum, 1, 1e-6);
}

}  // namespace
}  // namespace weir
