#include "cli/roofline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::cli {
namespace {

const MachineLimits kLimits{
    .integer_macs_per_s = 100, .float_macs_per_s = 10, .read_bytes_per_s = 1000};

TEST(ShareOfLimit, IsThatOfWhatLimitsMost) {
  KernelUse use{"x", 1, 2.0, 1000, 20, true};
  EXPECT_DOUBLE_EQ(share_of_limit(use, kLimits), 0.5);  // 500 of 1000 bytes; 10 of 100 products.
  use.integer_macs = false;
  EXPECT_DOUBLE_EQ(share_of_limit(use, kLimits), 1.0);  // 10 of 10 products.
}

TEST(ShareOfLimit, OfNothingIsNothing) {
  EXPECT_EQ(share_of_limit({}, kLimits), 0);
  EXPECT_EQ(share_of_limit({"x", 1, 2.0, 1000, 20, true}, {}), 0);
}

TEST(Roofline, TellsEachKernelOfThePhasesThatRan) {
  Roofline r{kLimits, {}, {{"qkv", 3, 0.75, 300, 30, true}, {"rest", 1, 0.25, 0, 0, false}}};
  const std::string text = text_of(r);
  EXPECT_THAT(text, testing::HasSubstr("qkv         75.0 %"));
  EXPECT_THAT(text, testing::HasSubstr("40 %"));
  EXPECT_THAT(text, testing::Not(testing::HasSubstr("prefill")));
  const auto json = json_of(r);
  EXPECT_EQ(json.at("decode").as_array().at(0).as_object().at("calls").to_number<int>(), 3);
}

}  // namespace
}  // namespace weir::cli
