#include "eval/heat_map.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::eval {
namespace {

using ::testing::HasSubstr;

TEST(HeatMap, EveryCellIsThereAndTheGreatestIsTheDarkest) {
  const std::string svg = svg_of(HeatMap{"a < b", "layer", "head", {{0, 1}, {2, 4}, {8, 3}}, 4});
  EXPECT_THAT(svg, HasSubstr("a &lt; b"));
  EXPECT_THAT(svg, HasSubstr(R"(fill="#ffffff" stroke="#eee"><title>layer 0, head 0: 0.000)"));
  EXPECT_THAT(svg, HasSubstr(R"(fill="#08306b" stroke="#eee"><title>layer 1, head 1: 4.000)"));
  EXPECT_THAT(svg, HasSubstr(R"(fill="#08306b" stroke="#eee"><title>layer 2, head 0: 8.000)"));
  EXPECT_THAT(svg, HasSubstr(R"(fill="#8498b5" stroke="#eee"><title>layer 1, head 0: 2.000)"));
}

TEST(HeatMap, WhereAllIsNothingAllIsWhite) {
  EXPECT_THAT(svg_of(HeatMap{"", "", "", {{0}}, 0}), HasSubstr("#ffffff"));
}

}  // namespace
}  // namespace weir::eval
