#include "kv/codec.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "kernels/layout.h"
#include "tensor/tensor.h"

namespace weir {
namespace {

constexpr uint32_t kLists = 3, kDim = 32, kRow = kLists * kDim;

std::vector<float> random_rows(size_t rows, uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> out(rows * kRow);
  for (float& x : out) x = normal(random);
  return out;
}

class RawCodec : public testing::TestWithParam<DType> {
 protected:
  const std::shared_ptr<const Codec> codec_ = *make_codec("raw", {kLists, kDim, GetParam()});
  const std::vector<float> k_ = random_rows(kPageSlots, 1), v_ = random_rows(kPageSlots, 2);
};

TEST_P(RawCodec, GivesBackWhatTheTypeHoldsWhetherRowsComeTogetherOrAlone) {
  Buffer whole(codec_->page_bytes()), single(codec_->page_bytes());
  codec_->encode(0, {kPageSlots, k_.data(), v_.data()}, whole.data());
  for (uint32_t r = 0; r < kPageSlots; ++r)
    codec_->encode(r, {1, &k_[r * kRow], &v_[r * kRow]}, single.data());
  EXPECT_TRUE(std::equal(whole.data(), whole.data() + whole.size(), single.data()));

  const float rounding = GetParam() == DType::kF32   ? 0
                         : GetParam() == DType::kF16 ? 0x1p-11f
                                                     : 0x1p-8f;
  for (uint32_t list = 0; list < kLists; ++list) {
    std::vector<float> k(10 * kDim), v(10 * kDim);
    codec_->decode(whole.data(), list, 50, 10, k.data(), v.data());
    for (size_t i = 0; i < k.size(); ++i) {
      const size_t from = (50 + i / kDim) * kRow + list * kDim + i % kDim;
      ASSERT_NEAR(k[i], k_[from], rounding * std::abs(k_[from]) + 1e-7f * (rounding > 0));
      ASSERT_NEAR(v[i], v_[from], rounding * std::abs(v_[from]) + 1e-7f * (rounding > 0));
    }
  }
}

TEST_P(RawCodec, PagesLieAsAttentionReadsThem) {
  Buffer page(codec_->page_bytes());
  codec_->encode(7, {1, k_.data(), v_.data()}, page.data());
  for (uint32_t list = 0; list < kLists; ++list) {
    const AttentionPage at = codec_->in_place(page.data(), list);
    EXPECT_EQ(at.bias, nullptr);
    std::vector<float> k(kDim), v(kDim), want_k(kDim), want_v(kDim);
    read_row(GetParam(), kDim, 7, at.k, at.v, k.data(), v.data());
    codec_->decode(page.data(), list, 7, 1, want_k.data(), want_v.data());
    EXPECT_EQ(k, want_k);
    EXPECT_EQ(v, want_v);
  }
}

INSTANTIATE_TEST_SUITE_P(All, RawCodec, testing::Values(DType::kF32, DType::kF16, DType::kBF16));

TEST(Codec, IdNamesTheTypeAndTheVersion) {
  EXPECT_EQ((*make_codec("raw", {2, 16, DType::kF16}))->id(), "raw/F16/v2");
  EXPECT_EQ((*make_codec("raw", {2, 16, DType::kF32}))->id(), "raw/F32/v2");
}

TEST(Codec, UnknownNameListsThoseThereAre) {
  const auto missing = make_codec("rar", {2, 16, DType::kF16});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Code::kNotFound);
  EXPECT_NE(missing.error().message.find("raw"), std::string::npos) << missing.error().message;
}

}  // namespace
}  // namespace weir
