// Sequence::kept_rows(): what a sequence holds, where rows were merged and where they were let go.
#include <gtest/gtest.h>

#include <cmath>

#include "engine/method_cases.h"

namespace weir {
namespace {

// What is merged is not lost: all rows together weigh as every token so far.
TEST(KeptRows, MergedOnesWeighAsTheirNumber) {
  const auto engine = open_tiny(kModel, tiny_options());
  auto s = *engine->create_sequence("keep=chelsea(budget=40,every=24)");
  int32_t length = 0;
  for (const int32_t count : {150, 1, 1, 70, 1, 60}) {
    ASSERT_TRUE(s.append(tokens_of(count, length)));
    length += count;
    for (uint32_t l = 0; l < kLayers; ++l)
      for (uint32_t h = 0; h < kKvHeads; ++h) {
        const KeptRows rows = s.kept_rows(l, h);
        EXPECT_EQ(rows.positions, s.kept(l, h));
        EXPECT_EQ(rows.k.size(), rows.positions.size() * kDim);
        double all = 0;
        for (const float weight : rows.weights) {
          EXPECT_NEAR(weight, std::round(weight), 1e-3);
          all += weight;
        }
        ASSERT_NEAR(all, length, 1e-2) << l << " " << h;
      }
  }
}

TEST(KeptRows, OfAWindowLayerAreThoseThatItStillHolds) {
  TinyModel model = kModel;
  model.architecture = Architecture::kGemma3;
  model.layers = 6, model.sliding_window = 100;
  const auto engine = open_tiny(model, tiny_options());
  auto s = *engine->create_sequence();
  ASSERT_TRUE(s.append(tokens_of(600)));
  const KeptRows window = s.kept_rows(0, 0), whole = s.kept_rows(5, 0);
  EXPECT_EQ(window.positions.front(), 256);  // A block goes when no query to come reads it.
  EXPECT_EQ(window.positions.back(), 599);
  EXPECT_EQ(window.positions, s.kept(0, 0));
  EXPECT_EQ(window.v.size(), 344 * size_t{kDim});
  EXPECT_EQ(whole.positions.size(), 600u);
}

}  // namespace
}  // namespace weir
