// CaseRows that choose what they read: what attention gives over what they chose.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <vector>

#include "kv/retrieval_cases.h"

namespace weir {
namespace {

// Names what it was told to, round by round, for each KV head alike.
class Told final : public Retriever {
 public:
  explicit Told(std::vector<std::vector<int32_t>> rounds) : rounds_(std::move(rounds)) {}
  uint32_t dense_layers() const override { return 0; }
  size_t summary_floats(uint32_t) const override { return 1; }
  void summarise(const PageRows& rows, float* to) const override { *to = rows.k[0]; }
  void next(PageRead& read) const override {
    if (read.round >= static_cast<int32_t>(rounds_.size())) return;
    for (const int32_t page : rounds_[static_cast<size_t>(read.round)]) read.name(page);
  }

 private:
  std::vector<std::vector<int32_t>> rounds_;
};

float distance(const std::vector<float>& a, const std::vector<float>& b) {
  float most = 0;
  for (size_t i = 0; i < a.size(); ++i) most = std::max(most, std::abs(a[i] - b[i]));
  return most;
}

TEST_F(RetrievalTest, AllPagesInOneGoAreThePlainBits) {
  CaseRows rows(1, 0.5f);
  for (const char* store : {"", "store=kivi(bits=4)"}) {
    Cache c = cache(make_store(*parse_recipe(store), shape_.page_shape()),
                    retriever_of("read=quest(pages=1,dense=0)"));
    fill(c, rows, kCounted, kOpen);
    ASSERT_EQ(c.index(0).pages(), 11);
    const auto q = rows.query(kOpen, 2, 1);
    EXPECT_EQ(attended(c, kOpen, q), attended(c, kOpen, q, false));
    EXPECT_EQ(c.reads().read, c.reads().there);
    EXPECT_EQ(c.reads().there, kOpen * kKvHeads * 12u);
  }
}

TEST_F(RetrievalTest, PagesThatAreNotNamedAreNotRead) {
  CaseRows rows(1, 0.5f);
  Cache c = cache({}, std::make_shared<Told>(std::vector<std::vector<int32_t>>{{7, 3}}));
  fill(c, rows, kCounted, kOpen);
  const auto q = rows.query(kOpen, 2, 1);
  const auto got = attended(c, kOpen, q);
  EXPECT_EQ(c.reads().read, kOpen * kKvHeads * 4u) << "3, 7, the first and the tail";
  // The same rows alone: what is left of an edit.
  Cache left = cache({}, retriever_of("read=quest(dense=0)"));
  fill(left, CaseRows(1, 0.5f), 704, 0);
  Edit edit{0, std::vector<HeadEdit>(kKvHeads), 0};
  for (HeadEdit& head : edit.heads)
    for (const int32_t page : {0, 3, 7})
      for (int32_t s = 0; s < kPageSlots; ++s) head.kept.push_back(page * kPageSlots + s);
  left.apply({&edit, 1}, "test");
  std::vector<float> k(kDim * kKvHeads), v(k.size());
  left.extend(6 + kOpen);
  for (int32_t p = 704; p < kCounted + kOpen; ++p) {
    for (uint32_t h = 0; h < kKvHeads; ++h) c.layer(0).read(h, p, 1, &k[h * kDim], &v[h * kDim]);
    left.write(0, p, k.data(), v.data());
  }
  left.advance(std::vector<int32_t>(6, 7));
  EXPECT_EQ(got, attended(left, kOpen, q, false));
}

TEST_F(RetrievalTest, RoundsMergeToWhatOneWouldGive) {
  CaseRows rows(1, 0.5f);
  const auto q = CaseRows(1, 0.5f).query(kOpen, 2, 1);
  const auto of = [&](std::vector<std::vector<int32_t>> rounds) {
    Cache c = cache({}, std::make_shared<Told>(std::move(rounds)));
    fill(c, rows, kCounted, kOpen);
    return attended(c, kOpen, q);
  };
  const auto one = of({{1, 2, 5, 9}});
  EXPECT_LT(distance(of({{5}, {9, 1}, {2}}), one), 1e-6);
  EXPECT_LT(distance(of({{}, {1, 2, 5, 9}}), one), 1e-6) << "the first page and the tail are there";
  EXPECT_EQ(of({{5}, {}, {1, 2, 9}}), of({{5}})) << "naming none ends the read";
  EXPECT_GT(distance(of({{5}, {9, 1}}), one), 1e-4);
}

TEST_F(RetrievalTest, ARowIsTheSameBesideOthers) {
  CaseRows rows(1, 0.5f), others(2, 0.1f);
  Cache c = cache({}, retriever_of("read=quest(pages=5,dense=0)"));
  Cache other = cache({}, retriever_of("read=quest(dense=0)"));
  Cache plain = cache({}, retriever_of("read=quest(dense=0)"));
  fill(c, rows, kCounted, kOpen), fill(other, others, 300, 1), fill(plain, others, 80, 5);
  const auto q = rows.query(kOpen, 2, 1);
  const auto alone = attended(c, kOpen, q);
  std::deque<Queries> all{{&plain, 5, others.query(5, 1, 1), false},
                          {&other, 1, others.query(1, 1, 1)},
                          {&c, kOpen, q}};
  for (const int threads : {1, 3}) EXPECT_EQ(attended(all, threads)[2], alone);
}

// Quest's rule in double, with the summaries of the cache's own rows.
TEST_F(RetrievalTest, QuestReadsTheBestPages) {
  CaseRows rows(4, 0.4f);
  const auto quest = retriever_of("read=quest(pages=5,dense=0)");
  Cache c = cache({}, quest);
  fill(c, rows, kCounted, 0);
  for (size_t centre = 0; centre < 5; ++centre)
    for (uint32_t kv = 0; kv < kKvHeads; ++kv) {
      const auto q = rows.query(1, centre, 1);
      PageRead read;
      read.heads = kGroup, read.head_dim = kDim, read.q = &q[kv * kGroup * kDim];
      for (int32_t p = 0; p < 11; ++p) read.summaries.push_back(c.index(0).summary(p, kv));
      read.tail_pages = 1;
      read.read.assign(11, false);
      read.name(0);
      quest->next(read);
      std::vector<std::pair<double, int32_t>> scores;
      for (int32_t p = 1; p < 11; ++p) {
        std::vector<float> k(kPageSlots * kDim), v(k.size());
        c.layer(0).read(kv, p * kPageSlots, kPageSlots, k.data(), v.data());
        double best = -1e30;
        for (size_t h = 0; h < kGroup; ++h) {
          double sum = 0;
          for (size_t d = 0; d < kDim; ++d) {
            double most = -1e30;
            for (size_t r = 0; r < kPageSlots; ++r)
              most = std::max(most, double{read.q[h * kDim + d]} * k[r * kDim + d]);
            sum += most;
          }
          best = std::max(best, sum);
        }
        scores.emplace_back(-best, p);
      }
      std::ranges::sort(scores);
      std::vector<int32_t> want{0};
      for (int i = 0; i < 3; ++i) want.push_back(scores[static_cast<size_t>(i)].second);
      std::ranges::sort(want), std::ranges::sort(read.named);
      EXPECT_EQ(read.named, want) << centre;
    }
}

}  // namespace
}  // namespace weir
