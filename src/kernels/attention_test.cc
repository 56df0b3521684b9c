#include "kernels/attention.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>
#include <string>

#include "kernels/attention_piece.h"
#include "kernels/attention_test_sequence.h"
#include "kernels/isa.h"

namespace weir {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

AttentionShape shape_of(int kv_heads, int group, int head_dim, int window = 0,
                        DType kv = DType::kBF16) {
  return {kv_heads * group, kv_heads,
          head_dim,         kv,
          window,           1 / std::sqrt(static_cast<float>(head_dim))};
}

testing::AssertionResult same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  for (size_t i = 0; i < a.size(); ++i)
    if (std::memcmp(&a[i], &b[i], 4) != 0)
      return testing::AssertionFailure() << "at " << i << ": " << a[i] << " and " << b[i];
  return a.size() == b.size() ? testing::AssertionSuccess() : testing::AssertionFailure();
}

void attend_whole(TestSequence& s, int threads = 1, Split split = Split::kAuto) {
  ThreadPool pool(threads);
  const AttentionSpan span = s.span(0, s.o.tokens);
  attend(pool, s.o.shape, {&span, 1}, split);
}

// Uses the best ISA again at the end.
class ForEachIsa : public testing::Test {
 protected:
  ~ForEachIsa() override { (void)set_isa(available_isas().back()); }
};

using AttentionTest = ForEachIsa;

const std::vector<AttentionShape> kShapes = {
    shape_of(3, 3, 64),      shape_of(2, 1, 80),       shape_of(1, 7, 128),
    shape_of(1, 4, 256),     shape_of(1, 4, 256, 100), shape_of(2, 4, 64, 37),
    shape_of(1, 3, 80, 300), shape_of(1, 1, 128),      shape_of(1, 32, 16),
};

TEST_F(AttentionTest, AgreesWithDoublePrecision) {
  const std::pair<DType, double> bounds[] = {
      {DType::kF32, 2e-6}, {DType::kF16, 2e-3}, {DType::kBF16, 1e-2}};
  for (AttentionShape shape : kShapes)
    for (const auto& [kv, bound] : bounds)
      for (bool ragged : {false, true}) {
        shape.kv = kv;
        TestSequence s({shape, 333, ragged, 40});
        s.write_all();
        attend_whole(s);
        EXPECT_LT(s.error(false), bound) << shape.head_dim << " " << static_cast<int>(kv);
        EXPECT_LT(s.error(true), 2e-6) << shape.head_dim << " " << static_cast<int>(kv);
      }
}

// Leaves in s.out what every ISA gives.
void attend_on_every_isa(TestSequence& s, const std::string& what) {
  std::vector<float> first;
  for (const std::string_view name : available_isas()) {
    ASSERT_TRUE(set_isa(name));
    attend_whole(s);
    if (first.empty()) first = s.out;
    EXPECT_TRUE(same_bits(s.out, first)) << name << " " << what;
  }
}

TEST_F(AttentionTest, IsasAgreeBitForBit) {
  for (AttentionShape shape : kShapes)
    for (const DType kv : {DType::kF32, DType::kF16, DType::kBF16}) {
      shape.kv = kv;
      TestSequence s({shape, 270, true, 13});
      s.write_all();
      ASSERT_NO_FATAL_FAILURE(attend_on_every_isa(s, std::to_string(shape.head_dim)));
    }
}

TEST_F(AttentionTest, KeyTilesAreChainsOverTheDimensionsOnEveryIsa) {
  constexpr int kRows = 15, kDim = 80, kStride = 24;
  std::mt19937 random(5);
  std::normal_distribution<float> normal;
  std::vector<float> q(kRows * kRowStride), tile(kDim * 16), expected(kRows * kStride, -1);
  for (float& x : q) x = normal(random);
  for (float& x : tile) x = normal(random);
  for (int r = 0; r < kRows; ++r)
    for (int lane = 0; lane < 16; ++lane) {
      float sum = 0;
      for (int d = 0; d < kDim; ++d)
        sum = std::fma(q[static_cast<size_t>(r * kRowStride + d)],
                       tile[static_cast<size_t>(16 * d + lane)], sum);
      expected[static_cast<size_t>(r * kStride + lane)] = sum;
    }
  for (const std::string_view isa : available_isas())
    for (const int rows : {1, 6, 7, kRows}) {
      ASSERT_TRUE(set_isa(isa));
      std::vector<float> found(kRows * kStride, -1);
      multiply_key_tile(q.data(), rows, tile.data(), kDim, found.data(), kStride);
      const auto seen = static_cast<ptrdiff_t>(rows * kStride);
      EXPECT_TRUE(same_bits({found.begin(), found.begin() + seen},
                            {expected.begin(), expected.begin() + seen}))
          << isa << " " << rows;
    }
}

// Pages on grids beside others, or alone; the reference reads what they hold.
TEST_F(AttentionTest, PagesOnGridsAgreeWithDoublePrecisionOnEveryIsa) {
  for (AttentionShape shape : {shape_of(2, 3, 64), shape_of(2, 1, 80), shape_of(1, 4, 256)})
    for (const auto& [form, every] : {std::pair{GridForm{8}, 2},
                                      {GridForm{4}, 1},
                                      {GridForm{2}, 2},
                                      {GridForm{4, 64}, 1},
                                      {GridForm{8, 64}, 2}}) {
      shape.kv = DType::kF16;
      TestSequence s({shape, 150, every == 2, 60});
      s.write_all();
      s.encode(form, every);
      const std::string what = std::to_string(shape.head_dim) + " " + std::to_string(form.bits);
      ASSERT_NO_FATAL_FAILURE(attend_on_every_isa(s, what));
      // Queries and weights are rounded against a largest one: to 16 bits, or to 8, which is little
      // beside what grids of fewer bits have taken.
      EXPECT_LT(s.error(true), form.bits == 8 ? 2e-4 : s.error(false) / 8) << what << " " << every;
    }
}

TEST_F(AttentionTest, PagesOfDirectionsAgreeWithDoublePrecisionOnEveryIsa) {
  for (AttentionShape shape : {shape_of(2, 1, 80), shape_of(2, 4, 64, 37), shape_of(1, 20, 16)})
    for (const DType kv : {DType::kF32, DType::kF16, DType::kBF16})
      for (const auto& [every, own] : {std::pair{1, 0}, {2, 3}}) {
        shape.kv = kv;
        TestSequence s({shape, 150, every == 2, 60});
        s.write_all();
        s.share(every, own);
        const std::string what = std::to_string(shape.head_dim) + " " + std::to_string(own);
        ASSERT_NO_FATAL_FAILURE(attend_on_every_isa(s, what));
        EXPECT_LT(s.error(true), 2e-6) << what;
      }
}

// One sequence, cut into chunks, alone or beside another, by so many threads.
struct Schedule {
  int threads, chunk;
  Split split;
  bool together;
};

std::vector<Schedule> schedules(int tokens) {
  std::vector<Schedule> all;
  for (const int threads : {1, 2, 3})
    for (const int chunk : {tokens, 1, 7, 64, 200})
      for (const Split split : {Split::kNever, Split::kAlways})
        for (const bool together : {false, true}) all.push_back({threads, chunk, split, together});
  return all;
}

void attend_chunk(const Schedule& how, TestSequence& s, TestSequence& other, ThreadPool& pool,
                  int at, int count) {
  std::vector<AttentionSpan> spans = {s.span(at, count)};
  if (how.together) {
    spans.insert(spans.begin(), other.span(100, 33));
    spans.push_back(other.span(17, 1));
  }
  attend(pool, s.o.shape, spans, how.split);
}

void run(const Schedule& how, TestSequence& s, TestSequence& other, ThreadPool& pool) {
  for (int at = 0; at < s.o.tokens; at += how.chunk) {
    const int count = std::min(how.chunk, s.o.tokens - at);
    for (int t = at; t < at + count; ++t) s.write_token(t);
    attend_chunk(how, s, other, pool, at, count);
  }
}

class ScheduleTest : public testing::TestWithParam<std::tuple<AttentionShape, bool>> {};

TEST_P(ScheduleTest, DoesNotShow) {
  const auto& [shape, ragged] = GetParam();
  constexpr int kTokens = 290;
  TestSequence other({shape, 150, !ragged, 0, 2});
  other.write_all();
  std::vector<float> want;
  ThreadPool one(1), two(2), three(3);
  ThreadPool* const pools[] = {&one, &two, &three};
  for (const Schedule& how : schedules(kTokens)) {
    TestSequence s({shape, kTokens, ragged, 21});
    run(how, s, other, *pools[how.threads - 1]);
    if (want.empty()) want = s.out;
    ASSERT_TRUE(same_bits(s.out, want)) << "threads " << how.threads << " chunk " << how.chunk
                                        << " split " << (how.split == Split::kAlways);
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, ScheduleTest,
                         testing::Combine(testing::Values(shape_of(2, 3, 64), shape_of(1, 1, 80),
                                                          shape_of(1, 7, 128),
                                                          shape_of(1, 4, 256, 100)),
                                          testing::Bool()));

// Of the schedules, those that differ most.
void expect_schedules_agree(TestSequence& s, TestSequence& other, const std::string& what) {
  std::vector<float> want;
  for (const Schedule& how : schedules(s.o.tokens)) {
    if (how.chunk == 7 || how.threads == 2) continue;
    ThreadPool pool(how.threads);
    for (int at = 0; at < s.o.tokens; at += how.chunk)
      attend_chunk(how, s, other, pool, at, std::min(how.chunk, s.o.tokens - at));
    if (want.empty()) want = s.out;
    ASSERT_TRUE(same_bits(s.out, want)) << what << ", chunk " << how.chunk;
  }
}

TEST_F(AttentionTest, PagesOnGridsGiveTheSameBitsHoweverRowsAreScheduled) {
  const std::pair<AttentionShape, GridForm> cases[] = {{shape_of(2, 3, 64), {8}},
                                                       {shape_of(1, 1, 80), {4}},
                                                       {shape_of(1, 7, 128), {2}},
                                                       {shape_of(2, 3, 80), {4, 64}}};
  for (const auto& [shape, form] : cases) {
    TestSequence s({shape, 290, true, 21}), other({shape, 150, false, 0, 2});
    s.write_all(), other.write_all();
    s.encode(form, 2), other.encode(form, 1);
    ASSERT_NO_FATAL_FAILURE(expect_schedules_agree(s, other, std::to_string(form.bits) + " bits"));
  }
}

TEST_F(AttentionTest, PagesOfDirectionsGiveTheSameBitsHoweverRowsAreScheduled) {
  for (const AttentionShape& shape : {shape_of(2, 3, 64), shape_of(1, 7, 128)}) {
    TestSequence s({shape, 290, true, 21}), other({shape, 150, false, 0, 2});
    s.write_all(), other.write_all();
    s.share(1, 3), other.share(1, 3);
    s.encode({8}, 3);
    ASSERT_NO_FATAL_FAILURE(expect_schedules_agree(s, other, std::to_string(shape.head_dim)));
  }
}

// Slots that no row sees weigh nothing, whatever the rows that lie apart, or a raw page beside,
// hold.
TEST_F(AttentionTest, PagesOfDirectionsBesideABrokenSlotNobodySees) {
  for (const std::string_view name : available_isas()) {
    ASSERT_TRUE(set_isa(name));
    TestSequence s({shape_of(1, 3, 64), 230});
    s.write_all();
    s.share(1, 3);
    attend_whole(s);
    const std::vector<float> want = s.out;
    // The key and the value that lie apart in the third page's slots 42 and 47.
    AttentionPage& page = s.pages(0)[2];
    ASSERT_EQ(page.own_slots[2], 42);
    ASSERT_EQ(page.own_slots[5], 47);
    const std::vector<float> broken(64, kNaN);
    for (const size_t row : {2, 5})
      write_own_row(DType::kBF16, 64, broken.data(),
                    const_cast<std::byte*>(page.own_rows) + row * 64 * sizeof(uint16_t));
    s.fill(0, 229, kNaN);
    attend_whole(s);
    const size_t row = 3 * 64, seen = (2 * kPageSlots + 42) * row;
    EXPECT_TRUE(
        same_bits({s.out.begin(), s.out.begin() + seen}, {want.begin(), want.begin() + seen}))
        << name;
    for (size_t i = seen + 5 * row; i < s.out.size(); ++i) ASSERT_TRUE(std::isnan(s.out[i])) << i;
  }
}

// Rows that are dropped, and slots that a row does not see, weigh nothing, whatever a raw page
// beside holds.
TEST_F(AttentionTest, PagesOnGridsBesideABrokenSlotNobodySees) {
  for (const std::string_view name : available_isas()) {
    ASSERT_TRUE(set_isa(name));
    TestSequence s({shape_of(1, 3, 64), 230});
    s.write_all();
    s.encode({4}, 1);
    attend_whole(s);
    const std::vector<float> want = s.out;
    s.fill(0, 229, kNaN);
    attend_whole(s);
    const size_t row = 3 * 64, seen = 229 * row;
    EXPECT_TRUE(
        same_bits({s.out.begin(), s.out.begin() + seen}, {want.begin(), want.begin() + seen}))
        << name;
    for (size_t i = seen; i < s.out.size(); ++i) ASSERT_TRUE(std::isnan(s.out[i])) << i;
  }
}

TEST_F(AttentionTest, AutomaticSplitGivesTheSameBits) {
  TestSequence s({shape_of(3, 3, 64), 1500});
  s.write_all();
  attend_whole(s, 1, Split::kNever);
  const std::vector<float> want = s.out;
  for (const int threads : {1, 2, 3, 8}) {
    attend_whole(s, threads);
    EXPECT_TRUE(same_bits(s.out, want)) << threads;
    // One token: too few blocks for the threads, so that they share its pieces.
    std::fill(s.out.end() - 9 * 64, s.out.end(), 0.0f);
    ThreadPool pool(threads);
    const AttentionSpan last = s.span(1499, 1);
    attend(pool, s.o.shape, {&last, 1});
    EXPECT_TRUE(same_bits(s.out, want)) << threads;
  }
}

// Wherever nobody looks there may be anything: in slots after the last, behind the window, dropped.
TEST_F(AttentionTest, UnseenSlotsDoNotReachTheResult) {
  for (const std::string_view name : available_isas())
    for (const float poison : {kNaN, kInfinity}) {
      ASSERT_TRUE(set_isa(name));
      TestSequence s({shape_of(2, 3, 64, 70), 200, true});
      s.write_all();
      attend_whole(s);
      const std::vector<float> want = s.out;
      for (int h = 0; h < 2; ++h)
        for (int slot = 0; slot < 4 * kPageSlots; ++slot)
          if (slot >= 200 || slot < 31 || s.bias(h, slot) == -kInfinity) s.fill(h, slot, poison);
      ThreadPool pool(1);
      s.out.assign(s.out.size(), 0);
      const AttentionSpan span = s.span(100, 100);
      attend(pool, s.o.shape, {&span, 1});
      const size_t half = s.out.size() / 2;
      EXPECT_TRUE(same_bits({s.out.begin() + half, s.out.end()}, {want.begin() + half, want.end()}))
          << name << " " << poison;
    }
}

// A token whose values are broken spoils itself and those after it, not those beside it in a chunk.
TEST_F(AttentionTest, ABrokenTokenDoesNotReachEarlierOnes) {
  for (const std::string_view name : available_isas()) {
    ASSERT_TRUE(set_isa(name));
    TestSequence s({shape_of(1, 3, 64), 40});
    s.write_all();
    attend_whole(s);
    const std::vector<float> want = s.out;
    s.fill(0, 31, kNaN);
    attend_whole(s);
    const size_t row = 3 * 64;
    EXPECT_TRUE(same_bits({s.out.begin(), s.out.begin() + 31 * row},
                          {want.begin(), want.begin() + 31 * row}))
        << name;
    for (size_t i = 31 * row; i < s.out.size(); ++i) ASSERT_TRUE(std::isnan(s.out[i])) << i;
  }
}

TEST_F(AttentionTest, FreedPagesAreNotRead) {
  TestSequence s({shape_of(1, 4, 80, 100), 500});
  s.write_all();
  attend_whole(s);
  const std::vector<float> want = s.out;
  for (int p = 0; p < (400 - 99) / kPageSlots; ++p) s.pages(0)[p] = {};
  std::fill(s.out.begin() + 400 * 4 * 80, s.out.end(), 0.0f);
  ThreadPool pool(2);
  const AttentionSpan span = s.span(400, 100);
  attend(pool, s.o.shape, {&span, 1});
  EXPECT_TRUE(same_bits(s.out, want));
}

TEST_F(AttentionTest, RowsThatSeeNothingGiveZeros) {
  TestSequence s({shape_of(1, 3, 64), 5});
  ThreadPool pool(1);
  std::vector<AttentionList> lists = {{{}, 0, 0}};
  std::vector<float> max(15), sum(15, 1.0f);
  AttentionSpan span = {lists, 5, s.q.data(), s.out.data(), max.data(), sum.data()};
  attend(pool, s.o.shape, {&span, 1});
  EXPECT_THAT(s.out, testing::Each(0.0f));
  EXPECT_THAT(sum, testing::Each(0.0f));
  for (const float m : max) EXPECT_TRUE(std::isfinite(m));

  // So do rows all of whose slots are dropped.
  std::vector<float> dropped(kPageSlots, -kInfinity);
  s.pages(0)[0].bias = dropped.data();
  attend_whole(s);
  EXPECT_THAT(s.out, testing::Each(0.0f));
}

// The same slots as one list, and as two lists read whole whose partials are merged.
TEST_F(AttentionTest, PartialListsMergeToTheWhole) {
  TestSequence s({shape_of(2, 3, 80), 320, true});
  s.write_all();
  ThreadPool pool(2);
  const AttentionSpan whole = s.span(319, 1);
  attend(pool, s.o.shape, {&whole, 1});
  const size_t row = 6 * 80;
  const std::vector<float> want(s.out.end() - row, s.out.end());

  const auto merged = [&] {
    std::vector<std::vector<float>> out(2, std::vector<float>(row)), max(2, std::vector<float>(6)),
        sum = max;
    for (int part = 0; part < 2; ++part) {
      std::vector<AttentionList> lists;
      for (int h = 0; h < 2; ++h) {
        const std::span<const AttentionPage> pages = s.pages(h);
        lists.push_back({part == 0 ? pages.first(2) : pages.subspan(2), 0, part == 0 ? 128 : 192});
      }
      const AttentionSpan span = {
          lists, 1, &s.q[319 * row], out[part].data(), max[part].data(), sum[part].data()};
      attend(pool, s.o.shape, {&span, 1});
    }
    for (size_t head = 0; head < 6; ++head) {
      Partial into{max[0][head], sum[0][head], std::span(out[0]).subspan(head * 80, 80)};
      merge(into, {max[1][head], sum[1][head], std::span(out[1]).subspan(head * 80, 80)});
      for (float& x : into.out) x /= into.sum;
    }
    return out[0];
  };
  const std::vector<float> got = merged();
  for (size_t i = 0; i < row; ++i) EXPECT_NEAR(got[i], want[i], 1e-5) << i;
  EXPECT_TRUE(same_bits(merged(), got));
}

TEST_F(AttentionTest, ManyRowsMayReadAListWhole) {
  TestSequence s({shape_of(1, 4, 64), 300});
  s.write_all();
  attend_whole(s);
  const std::vector<float> last(s.out.end() - 4 * 64, s.out.end());
  // All queries are that of the last token: all see the same.
  for (size_t i = 0; i < s.q.size() - 4 * 64; ++i) s.q[i] = s.q[s.q.size() - 4 * 64 + i % (4 * 64)];
  const std::vector<AttentionList> lists = {{s.pages(0), 0, 300}};
  const AttentionSpan span = {lists, 300, s.q.data(), s.out.data()};
  ThreadPool pool(2);
  attend(pool, s.o.shape, {&span, 1});
  for (size_t at = 0; at < s.out.size(); at += 4 * 64)
    ASSERT_TRUE(same_bits({s.out.begin() + at, s.out.begin() + at + 4 * 64}, last)) << at;
}

}  // namespace
}  // namespace weir
