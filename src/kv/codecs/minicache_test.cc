// The shared directions, by what a way on a sphere is: each layer's angle to the direction is its
// part of the angle between both.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "base/thread_pool.h"
#include "kernels/layout.h"
#include "kv/store.h"
#include "tensor/tensor.h"

namespace weir {
namespace {

constexpr uint32_t kHeads = 2, kLists = 2 * kHeads, kDim = 32;
constexpr size_t kRow = kLists * kDim;

std::shared_ptr<const Codec> minicache(const std::string& arguments, DType kv = DType::kF32) {
  return make_store(*parse_recipe("store=minicache(" + arguments + ")"), {kHeads, kDim, kv}).codec;
}

double length(const float* x) {
  double sum = 0;
  for (size_t d = 0; d < kDim; ++d) sum += double{x[d]} * double{x[d]};
  return std::sqrt(sum);
}
double angle(const float* a, const float* b) {
  double sum = 0;
  for (size_t d = 0; d < kDim; ++d) sum += double{a[d]} * double{b[d]};
  return std::acos(std::clamp(sum / length(a) / length(b), -1.0, 1.0));
}

// Rows of both layers, and a page of them: keys and values of [slot][list][head_dim].
struct Sample {
  explicit Sample(uint32_t seed = 1) : k(kPageSlots * kRow), v(k) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal;
    for (auto* rows : {&k, &v})
      for (size_t at = 0; at < rows->size(); ++at) (*rows)[at] = normal(random);
    for (auto* rows : {&k, &v})  // The second layer's are like the first's, more or less.
      for (size_t slot = 0; slot < kPageSlots; ++slot)
        for (size_t i = kHeads * kDim; i < kRow; ++i) {
          float& x = (*rows)[slot * kRow + i];
          x = 3 * (*rows)[slot * kRow + i - kHeads * kDim] + 0.05f * static_cast<float>(slot) * x;
        }
  }
  void encode(const Codec& codec) {
    page = Buffer(codec.page_bytes());
    codec.encode(0, {kPageSlots, k.data(), v.data()}, page.data());
  }
  float* at(std::vector<float>& rows, size_t slot, size_t list) {
    return &rows[slot * kRow + list * kDim];
  }
  std::vector<float> k, v;
  Buffer page;
};

// What a page holds of one list.
struct Decoded {
  Decoded(const Codec& codec, const Buffer& page, uint32_t list) : k(kPageSlots * kDim), v(k) {
    codec.decode(page.data(), list, 0, kPageSlots, k.data(), v.data());
  }
  std::vector<float> k, v;
};

TEST(MiniCache, EachLayerKeepsItsLengthsAndBothShareADirection) {
  for (const double t : {0.6, 0.5, 0.0, 1.0}) {
    const auto codec = minicache("gamma=0,t=" + std::to_string(t));
    Sample s;
    s.encode(*codec);
    for (uint32_t head = 0; head < kHeads; ++head) {
      const Decoded one(*codec, s.page, head), other(*codec, s.page, kHeads + head);
      for (size_t slot = 0; slot < kPageSlots; ++slot)
        for (const auto& [rows, a, b] :
             {std::tuple{&s.k, &one.k, &other.k}, {&s.v, &one.v, &other.v}}) {
          const float *x = &(*a)[slot * kDim], *y = &(*b)[slot * kDim];
          const float *was_x = s.at(*rows, slot, head), *was_y = s.at(*rows, slot, kHeads + head);
          EXPECT_NEAR(length(x), length(was_x), 1e-5 * length(was_x));
          EXPECT_NEAR(length(y), length(was_y), 1e-5 * length(was_y));
          EXPECT_LT(angle(x, y), 1e-3);
          const double between = angle(was_x, was_y);
          EXPECT_NEAR(angle(was_x, x), t * between, 1e-3) << slot;
          EXPECT_NEAR(angle(was_y, x), (1 - t) * between, 1e-3) << slot;
        }
    }
  }
}

// The widest angles are the last slots', by how the sample was made; keys and values each their
// own.
TEST(MiniCache, TheRowsFurthestApartStay) {
  const auto codec = minicache("gamma=0.05");
  Sample s;
  s.encode(*codec);
  for (uint32_t list = 0; list < kLists; ++list) {
    const Decoded got(*codec, s.page, list);
    for (const auto& [rows, held] : {std::pair{&s.k, &got.k}, {&s.v, &got.v}}) {
      std::vector<std::pair<double, size_t>> angles;
      for (size_t slot = 0; slot < kPageSlots; ++slot)
        angles.emplace_back(
            -angle(s.at(*rows, slot, list), s.at(*rows, slot, (list + kHeads) % kLists)), slot);
      std::ranges::sort(angles);
      for (size_t i = 0; i < kPageSlots; ++i) {
        const size_t slot = angles[i].second;
        EXPECT_EQ(std::equal(&(*held)[slot * kDim], &(*held)[slot * kDim] + kDim,
                             s.at(*rows, slot, list)),
                  i < 3)
            << slot;
      }
    }
  }
}

TEST(MiniCache, RowsWithoutADirectionOrOppositeOrBroken) {
  const auto codec = minicache("gamma=0");
  Sample s;
  const auto fill = [&](size_t slot, size_t list, float x) {
    std::fill_n(s.at(s.k, slot, list), kDim, x);
  };
  fill(0, 0, 0), fill(1, 2, 0), fill(2, 0, 0), fill(2, 2, 0);
  fill(3, 0, 1), fill(3, 2, -2);
  fill(4, 0, 1), fill(4, 2, 2);
  fill(5, 0, std::numeric_limits<float>::quiet_NaN());
  fill(6, 0, 1), fill(6, 2, std::numeric_limits<float>::infinity());
  s.encode(*codec);
  const Decoded one(*codec, s.page, 0), other(*codec, s.page, 2);
  for (size_t d = 0; d < kDim; ++d) {
    EXPECT_EQ(one.k[d], 0);
    EXPECT_NEAR(other.k[d], s.at(s.k, 0, 2)[d], 1e-5);
    EXPECT_NEAR(one.k[kDim + d], s.at(s.k, 1, 0)[d], 1e-5);
    EXPECT_EQ(other.k[2 * kDim + d], 0);
    EXPECT_NEAR(one.k[3 * kDim + d], -1, 1e-5);  // t is 0.6: nearer to the later layer.
    EXPECT_NEAR(other.k[3 * kDim + d], -2, 1e-5);
    EXPECT_NEAR(one.k[4 * kDim + d], 1, 1e-5);
    EXPECT_EQ(one.k[5 * kDim + d], 0);
    EXPECT_NEAR(other.k[6 * kDim + d], 65504, 0.1);
  }
  for (const float x : one.k) EXPECT_TRUE(std::isfinite(x));
}

// In place, attention reads what is decoded.
TEST(MiniCache, AttentionReadsInPlaceWhatIsDecoded) {
  constexpr int kRows = 20;
  for (const DType kv : {DType::kF32, DType::kF16, DType::kBF16}) {
    const auto codec = minicache("gamma=0.1", kv);
    Sample s;
    s.encode(*codec);
    const Sample queries(9);
    ThreadPool pool(1);
    for (uint32_t list = 0; list < kLists; ++list) {
      const AttentionPage page = codec->in_place(s.page.data(), list);
      const AttentionShape shape{1, 1, kDim, kv, 0, 0.2f};
      const AttentionList lists[] = {{{&page, 1}, 0, kPageSlots}};
      std::vector<float> out(kRows * kDim);
      const AttentionSpan span{lists, kRows, queries.k.data(), out.data()};
      attend(pool, shape, {&span, 1});
      const Decoded rows(*codec, s.page, list);
      for (size_t q = 0; q < kRows; ++q) {
        double sum = 0;
        std::vector<double> want(kDim);
        for (size_t slot = 0; slot < kPageSlots; ++slot) {
          double dot = 0;
          for (size_t d = 0; d < kDim; ++d)
            dot += double{queries.k[q * kDim + d]} * double{rows.k[slot * kDim + d]};
          const double weight = std::exp(0.2 * dot);
          sum += weight;
          for (size_t d = 0; d < kDim; ++d) want[d] += weight * double{rows.v[slot * kDim + d]};
        }
        for (size_t d = 0; d < kDim; ++d) ASSERT_NEAR(out[q * kDim + d], want[d] / sum, 2e-5);
      }
    }
  }
}

TEST(MiniCache, APageOfTwoLayersTakesLittleMoreThanARawOneOfOne) {
  const PageShape shape{3, 64, DType::kF16};  // SmolLM2's.
  const auto codec = make_store(*parse_recipe("store=minicache"), shape).codec;
  const size_t raw = (*make_codec("raw", shape))->page_bytes();
  // Lengths: 4 floats of 64 rows for 4 x 64 x 64 halves; 3 of 64 rows stay.
  EXPECT_GE(64 * codec->page_bytes(), (64 + 4 + 2 * 3) * raw);
  EXPECT_LT(64 * codec->page_bytes(), (64 + 4 + 2 * 3 + 1) * raw);
  EXPECT_LT(codec->layer_bytes(), codec->page_bytes());
  EXPECT_NE(codec->name(), minicache("t=0.5")->name());
}

}  // namespace
}  // namespace weir
