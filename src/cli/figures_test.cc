// What is printed for people: sizes, progress, medians.
#include <gtest/gtest.h>

#include "cli/console.h"
#include "cli/progress.h"
#include "cli/speed.h"

namespace weir::cli {
namespace {

TEST(HumanBytes, HasOneDecimal) {
  EXPECT_EQ(human_bytes(0), "0 B");
  EXPECT_EQ(human_bytes(999), "999 B");
  EXPECT_EQ(human_bytes(1000), "1.0 kB");
  EXPECT_EQ(human_bytes(98362432), "98.4 MB");
  EXPECT_EQ(human_bytes(999960000), "1.0 GB");
  EXPECT_EQ(human_bytes(UINT64_MAX), "18.4 EB");
}

TEST(ProgressLine, FillsUp) {
  EXPECT_EQ(progress_line("x", 0, 1000, 4), "x [....]   0 %  0 B of 1.0 kB");
  EXPECT_EQ(progress_line("x", 500, 1000, 4), "x [##..]  50 %  500 B of 1.0 kB");
  EXPECT_EQ(progress_line("x", 999, 1000, 4), "x [###.]  99 %  999 B of 1.0 kB");
  EXPECT_EQ(progress_line("x", 1000, 1000, 4), "x [####] 100 %  1.0 kB of 1.0 kB");
  EXPECT_EQ(progress_line("x", 5, 0, 4), "x [....]   0 %  5 B of 0 B");
}

TEST(Speeds, AreSummed) {
  EXPECT_EQ(best({}), 0);
  EXPECT_EQ(median({}), 0);
  EXPECT_EQ(best({1, 9, 4}), 9);
  EXPECT_EQ(median({9, 1, 4}), 4);
  EXPECT_EQ(median({9, 1, 4, 2}), 3);
}

TEST(PeakRss, IsThere) {
  EXPECT_GT(peak_rss_bytes(), 1u << 20);
}

}  // namespace
}  // namespace weir::cli
