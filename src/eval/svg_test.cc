#include "eval/svg.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::eval {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

size_t count_of(const std::string& text, const std::string& what) {
  size_t count = 0;
  for (size_t at = text.find(what); at != text.npos; at = text.find(what, at + 1)) ++count;
  return count;
}

const Plot kPlot{"T<itle>",
                 "KB",
                 "nats",
                 {{"a & b", {{10, 1, 0.5, 1.5, "one"}, {1000, 3, 3, 3, "\"two\""}}},
                  {"c", {{100, 2, 1, 4, "three"}}}},
                 0};

TEST(Svg, EscapesWhatItIsTold) {
  const std::string svg = svg_of(kPlot);
  EXPECT_THAT(svg, HasSubstr("T&lt;itle&gt;"));
  EXPECT_THAT(svg, HasSubstr("a &amp; b"));
  EXPECT_THAT(svg, HasSubstr("&quot;two&quot;"));
}

TEST(Svg, EveryPointIsThereOnceAndInItsLegendsColour) {
  const std::string svg = svg_of(kPlot);
  EXPECT_EQ(count_of(svg, "<title>"), 3u);
  EXPECT_EQ(count_of(svg, "<polyline"), 2u);
  EXPECT_EQ(count_of(svg, "<circle fill=\"#0072b2\""), 3u);  // Two points and the legend.
  EXPECT_EQ(count_of(svg, "<circle fill=\"#d55e00\""), 2u);
}

TEST(Svg, ManyLinesHaveALookOfTheirOwnAndRoomForTheirNames) {
  Plot plot = kPlot;
  for (int i = 0; i < 18; ++i) plot.lines.push_back({"more", {{50, 1, 1, 1, ""}}});
  const std::string svg = svg_of(plot);
  EXPECT_THAT(svg, HasSubstr("height=\"404\""));
  EXPECT_EQ(count_of(svg, "fill=\"#fff\" stroke=\"#0072b2\""), 2u);  // A point and its legend.
  EXPECT_THAT(svg_of(kPlot), HasSubstr("width=\"560\" height=\"340\""));
}

TEST(Svg, PointsInTheMiddleOfALogarithmicAxisLieInTheMiddle) {
  // From 64 to 430, each with a margin of 4 % of the range.
  const std::string svg = svg_of(kPlot);
  EXPECT_THAT(svg, HasSubstr("cx=\"247.0\""));
}

TEST(Svg, OnePointOrNoneIsNoReasonForInfinities) {
  for (const std::vector<PlotLine>& lines :
       {std::vector<PlotLine>{}, {{"a", {}}}, {{"a", {{5, 0, 0, 0, ""}}}}}) {
    const std::string svg = svg_of({"", "", "", lines, 0});
    EXPECT_THAT(svg, Not(HasSubstr("nan")));
    EXPECT_THAT(svg, Not(HasSubstr("inf")));
  }
}

}  // namespace
}  // namespace weir::eval
