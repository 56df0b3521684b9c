// That a certificate holds.
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <vector>

#include "kv/retrieval_cases.h"

namespace weir {
namespace {

struct Case {
  const char* store;
  float spread, size;
  bool merged;
  // What kernels may lose, of the longest value: with codes of few bits so much in the worst case
  // that the bound says nothing.
  double rounding;
};

class CertifiedTest : public RetrievalTest, public testing::WithParamInterface<Case> {
 protected:
  CertifiedTest() : RetrievalTest(DType::kF32) {}

  // Attention in double over all rows, as they are stored.
  std::vector<double> whole(const Cache& cache, uint32_t head, const float* q, int32_t slots) {
    std::vector<float> k(static_cast<size_t>(slots) * kDim), v(k.size());
    cache.layer(0).read(head / kGroup, 0, slots, k.data(), v.data());
    std::vector<double> logit(static_cast<size_t>(slots)), out(kDim);
    double most = -1e300, total = 0;
    for (size_t s = 0; s < logit.size(); ++s) {
      for (size_t d = 0; d < kDim; ++d) logit[s] += double{q[d]} * k[s * kDim + d];
      logit[s] =
          logit[s] * attention_.scale + cache.layer(0).bias(head / kGroup, static_cast<int32_t>(s));
      most = std::max(most, logit[s]);
    }
    for (size_t s = 0; s < logit.size(); ++s) {
      const double p = std::exp(logit[s] - most);
      total += p;
      for (size_t d = 0; d < kDim; ++d) out[d] += p * v[s * kDim + d];
    }
    for (double& x : out) x /= total;
    return out;
  }
  static Edit merge_pairs(int32_t rows) {
    Edit edit{0, std::vector<HeadEdit>(kKvHeads), 0};
    for (HeadEdit& head : edit.heads)
      for (int32_t s = 0; s < rows; s += 2) {
        if (s % 20)
          head.kept.insert(head.kept.end(), {s, s + 1});
        else
          head.merged.push_back({s, {s, s + 1}, {0.5f, 0.5f}, {0.5f, 0.5f}});
      }
    return edit;
  }
};

TEST_P(CertifiedTest, TheBoundHoldsAndIsNoLongerThanAsked) {
  const Case& is = GetParam();
  uint64_t read = 0, there = 0;
  for (const double error : {0.001, 0.01, 0.1, 0.5, 1.5}) {
    CaseRows rows(static_cast<uint32_t>(1 / error), is.spread);
    Cache c = cache(make_store(*parse_recipe(is.store), shape_.page_shape()),
                    retriever_of("read=certified(first=2,error=" + std::to_string(error) + ")"));
    fill(c, rows, is.merged ? 700 : kCounted, is.merged ? 0 : kOpen);
    if (is.merged) {
      const Edit edit = merge_pairs(700);
      c.apply({&edit, 1}, "test");
      c.summarise();
      c.extend(kOpen);
      for (int32_t r = 0; r < kOpen; ++r)
        c.write(0, 700 + r, rows.key(700 + r).data(), rows.normal(kRow, 1).data());
    }
    double longest = 0;
    const int32_t slots = c.layer(0).slot(c.length() + kOpen);
    for (uint32_t h = 0; h < kKvHeads; ++h) {
      std::vector<float> k(static_cast<size_t>(slots) * kDim), v(k.size());
      c.layer(0).read(h, 0, slots, k.data(), v.data());
      for (size_t s = 0; s < static_cast<size_t>(slots); ++s)
        longest = std::max<double>(
            longest,
            std::sqrt(std::inner_product(&v[s * kDim], &v[s * kDim] + kDim, &v[s * kDim], 0.0)));
    }
    for (size_t centre = 0; centre < 5; ++centre) {
      const auto q = rows.query(kOpen, centre, is.size);
      const auto got = attended(c, kOpen, q);
      ASSERT_EQ(bounds_[0].size(), size_t{kOpen} * kHeads);
      for (size_t i = 0; i < bounds_[0].size(); ++i) {
        const auto want = whole(c, static_cast<uint32_t>(i % kHeads), &q[i * kDim],
                                slots - kOpen + 1 + static_cast<int32_t>(i / kHeads));
        double far = 0;
        for (size_t d = 0; d < kDim; ++d) far += std::pow(got[i * kDim + d] - want[d], 2);
        ASSERT_LE(std::sqrt(far), bounds_[0][i]) << "error " << error << " head " << i;
        ASSERT_LE(bounds_[0][i], (error + is.rounding) * longest) << "error " << error;
      }
    }
    read += c.reads().read, there += c.reads().there;
  }
  EXPECT_LT(read, there) << "nothing was left out: the test sees nothing";
}

TEST_F(RetrievalTest, BoundsAreTheSameBesideOthers) {
  CaseRows rows(1, 0.2f), others(2, 0.1f);
  Cache c = cache({}, retriever_of("read=certified(error=0.5,first=2)"));
  Cache other = cache({}, retriever_of("read=quest(dense=0)"));
  fill(c, rows, kCounted, kOpen), fill(other, others, 300, 1);
  const auto q = rows.query(kOpen, 2, 1);
  const auto alone = attended(c, kOpen, q);
  const auto bounds = bounds_[0];
  std::deque<Queries> all{{&other, 1, others.query(1, 1, 1)}, {&c, kOpen, q}};
  for (const int threads : {1, 3}) {
    EXPECT_EQ(attended(all, threads)[1], alone);
    EXPECT_EQ(bounds_[1], bounds);
    EXPECT_TRUE(bounds_[0].empty()) << "Quest certifies nothing";
  }
}

INSTANTIATE_TEST_SUITE_P(Pages, CertifiedTest,
                         testing::Values(Case{"", 0.05f, 1, false, 0.002},
                                         Case{"", 0.3f, 2, false, 0.002},
                                         Case{"", 0.05f, 1, true, 0.002},
                                         Case{"store=int8", 0.05f, 1, false, 0.02},
                                         Case{"store=kivi(bits=2)", 0.05f, 1, false, 2.3}));

}  // namespace
}  // namespace weir
