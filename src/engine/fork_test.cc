// A fork that takes on a recipe: what is refused. That it has the right bits holds for every recipe
// (keep_test.cc).
#include <gtest/gtest.h>

#include <algorithm>

#include "engine/method_cases.h"

namespace weir {
namespace {

TEST(ForkTakesOnARecipe, OnceAndWithAsMuchOfThePromptAsItLooksAt) {
  const auto engine = open_tiny(kModel, tiny_options());
  const auto tokens = tokens_of(100);
  const std::span prompt(tokens);
  auto plain = *engine->create_sequence();
  ASSERT_TRUE(plain.append(prompt.first(92)));
  const std::string recipe = "keep=snapkv(budget=40,window=8)";
  auto fork = *plain.fork(recipe);
  EXPECT_EQ(fork.fork("keep=random").error().param, "kv");
  EXPECT_EQ(plain.fork("keep=snapkw").error().param, "kv");
  const auto few = fork.append(prompt.subspan(92, 7));
  ASSERT_FALSE(few);
  EXPECT_EQ(few.error().param, "tokens");
  EXPECT_EQ(fork.tokens().size(), 92u);
  auto cold = *engine->create_sequence(recipe);
  ASSERT_TRUE(cold.append(prompt));
  EXPECT_TRUE(std::ranges::equal(*fork.append(prompt.subspan(92)), cold.logits()));
  EXPECT_EQ(fork.kept(1, 1), cold.kept(1, 1));
  EXPECT_TRUE(fork.append(prompt.first(1)));  // From here on as any other.
}

TEST(ForkTakesOnARecipe, OfStoreUntilARowWouldBeEncoded) {
  const auto engine = open_tiny(kModel, tiny_options());
  const auto tokens = tokens_of(200);
  const std::span prompt(tokens);
  const std::string recipe = "store=int8(residual=20)";
  auto plain = *engine->create_sequence();
  ASSERT_TRUE(plain.append(prompt.first(83)));
  auto fork = *plain.fork(recipe), cold = *engine->create_sequence(recipe);
  ASSERT_TRUE(cold.append(prompt));
  EXPECT_TRUE(std::ranges::equal(*fork.append(prompt.subspan(83)), cold.logits()));
  EXPECT_EQ(fork.kv_bytes(), cold.kv_bytes());
  ASSERT_TRUE(plain.append(prompt.subspan(83, 1)));
  EXPECT_EQ(plain.fork(recipe).error().param, "kv");
}

}  // namespace
}  // namespace weir
