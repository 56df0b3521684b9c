#include <gtest/gtest.h>

#include "sched/scheduler.h"

namespace weir {
namespace {

Candidate prompt(uint64_t id, int32_t tokens, uint64_t bytes, bool admitted = false) {
  return {id, tokens, 0, bytes, 1, admitted, Logits::kLast};
}
Candidate decoding(uint64_t id, int32_t at) {
  return {id, at + 1, at, 0, 1, true, Logits::kLast};
}

const StepLimits kLimits{100, 4, 1000, 30};

TEST(Fcfs, DecodingComesBeforePrompts) {
  const std::vector<Candidate> c{prompt(1, 500, 10, true), decoding(2, 7), decoding(3, 9)};
  const StepPlan plan = make_fcfs()->plan(c, kLimits);
  ASSERT_EQ(plan.work.size(), 3u);
  EXPECT_EQ(plan.work[0].sequence, 2u);
  EXPECT_EQ(plan.work[0].rows, 1);
  EXPECT_EQ(plan.work[0].logits, Logits::kLast);
  EXPECT_EQ(plan.work[2].sequence, 1u);
  EXPECT_EQ(plan.work[2].rows, 98);
  EXPECT_EQ(plan.work[2].logits, Logits::kNone);
  EXPECT_EQ(plan.work[2].layer_end, 30u);
}

TEST(Fcfs, TheLastChunkHasLogits) {
  std::vector<Candidate> c{prompt(1, 150, 10, true)};
  c[0].computed = 100;
  const StepPlan plan = make_fcfs()->plan(c, kLimits);
  EXPECT_EQ(plan.work[0].rows, 50);
  EXPECT_EQ(plan.work[0].logits, Logits::kLast);
}

TEST(Fcfs, NobodyOvertakesWhoDoesNotFit) {
  const std::vector<Candidate> c{prompt(1, 10, 600), prompt(2, 10, 600), prompt(3, 10, 1)};
  const StepPlan plan = make_fcfs()->plan(c, kLimits);
  EXPECT_EQ(plan.admitted, std::vector<uint64_t>{1});
  EXPECT_EQ(plan.work.size(), 1u);
}

TEST(Fcfs, AdmitsNoMoreThanTheLimit) {
  std::vector<Candidate> c;
  for (uint64_t id = 0; id < 9; ++id) c.push_back(prompt(id, 5, 1));
  const StepPlan plan = make_fcfs()->plan(c, kLimits);
  EXPECT_EQ(plan.admitted, (std::vector<uint64_t>{0, 1, 2, 3}));
}

TEST(Fcfs, ARequestCountsAsTheSequencesItWillBe) {
  std::vector<Candidate> c{prompt(1, 5, 1, true), prompt(2, 5, 1), prompt(3, 5, 1)};
  c[0].sequences = 2;
  c[1].sequences = 3;
  EXPECT_TRUE(make_fcfs()->plan(c, kLimits).admitted.empty());
  c[1].sequences = 2;
  EXPECT_EQ(make_fcfs()->plan(c, kLimits).admitted, std::vector<uint64_t>{2});
}

TEST(Fcfs, MoreRunningThanTheLimitAdmitsNothing) {
  std::vector<Candidate> c;
  for (uint64_t id = 0; id < 6; ++id) c.push_back(decoding(id, 5));
  c.push_back(prompt(9, 5, 1));
  EXPECT_TRUE(make_fcfs()->plan(c, kLimits).admitted.empty());
}

TEST(Fcfs, AllLogitsAreMadeInEveryChunk) {
  std::vector<Candidate> c{prompt(1, 500, 10)};
  c[0].logits = Logits::kAll;
  EXPECT_EQ(make_fcfs()->plan(c, kLimits).work[0].logits, Logits::kAll);
}

TEST(Fcfs, AStepIsNeverLargerThanItsLimit) {
  std::vector<Candidate> c;
  for (uint64_t id = 0; id < 300; ++id) c.push_back(decoding(id, 5));
  int32_t rows = 0;
  for (const Work& w : make_fcfs()->plan(c, kLimits).work) rows += w.rows;
  EXPECT_EQ(rows, 100);
}

// A step of 100 rows through 3 layers has 300 rows through one.
TEST(Fcfs, ACascadeTakesAllRowsThroughALayerBeforeTheNext) {
  const StepLimits limits{100, 4, 1000, 3};
  std::vector<Candidate> c{prompt(1, 250, 10, true)};
  c[0].cascade = {250, 0, 0};
  std::vector<std::pair<uint32_t, int32_t>> pieces;  // Layer, and where it ends.
  for (bool done = false; !done;) {
    int32_t rows = 0;
    for (const Work& w : make_fcfs()->plan(c, limits).work) {
      EXPECT_EQ(w.layer_begin, c[0].cascade.layer);
      EXPECT_EQ(w.layer_end, w.layer_begin + 1);
      EXPECT_EQ(w.position, c[0].cascade.at);
      EXPECT_LE(w.rows, 100);
      rows += w.rows;
      const int32_t end = w.position + w.rows;
      pieces.push_back({w.layer_begin, end});
      done = w.layer_end == 3 && end == 250;
      EXPECT_EQ(w.logits, done ? Logits::kLast : Logits::kNone);
      c[0].cascade.layer = end == 250 ? w.layer_end : w.layer_begin;
      c[0].cascade.at = end == 250 ? 0 : end;
    }
    EXPECT_LE(rows, 300);
    ASSERT_GT(rows, 0);
  }
  EXPECT_EQ(pieces, (std::vector<std::pair<uint32_t, int32_t>>{{0, 100},
                                                               {0, 200},
                                                               {0, 250},
                                                               {1, 50},
                                                               {1, 150},
                                                               {1, 250},
                                                               {2, 100},
                                                               {2, 200},
                                                               {2, 250}}));
}

TEST(Fcfs, ACascadeStopsWhereItIsTo) {
  std::vector<Candidate> c{prompt(1, 200, 10, true), decoding(2, 9)};
  c[0].computed = 10;
  c[0].cascade = {200, 1, 70, 64};
  const StepPlan plan = make_fcfs()->plan(c, {100, 4, 1000, 2});
  std::vector<int32_t> ends;
  for (const Work& w : plan.work)
    if (w.sequence == 1) ends.push_back(w.position + w.rows);
  EXPECT_EQ(ends, (std::vector<int32_t>{128, 192, 200}));
  EXPECT_EQ(plan.work[0].sequence, 2u) << "who decodes comes first";
}

TEST(Fcfs, OthersShareAStepWithACascade) {
  std::vector<Candidate> c{prompt(1, 60, 10, true), prompt(2, 500, 10, true)};
  c[0].cascade = {60, 0, 0};
  int32_t rows = 0;
  for (const Work& w : make_fcfs()->plan(c, kLimits).work)
    if (w.sequence == 2) rows += w.rows;
  EXPECT_EQ(rows, 40);
}

}  // namespace
}  // namespace weir
