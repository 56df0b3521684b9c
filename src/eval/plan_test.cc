#include "eval/plan.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace weir::eval {
namespace {

TEST(Plan, WithoutRecipesIsEveryMethodAtEachBudget) {
  Plan plan;
  plan.budgets = {0.5, 0.1};
  const std::vector<Arm> all = arms(plan);
  EXPECT_EQ(all[0].recipe, "keep=all");
  const auto has = [&](const std::string& recipe) {
    return std::ranges::any_of(all, [&](const Arm& a) { return a.recipe == recipe; });
  };
  for (const char* method : {"random", "streaming", "snapkv", "h2o", "tova"})
    for (const char* budget : {"0.5", "0.1"})
      EXPECT_TRUE(has(std::string("keep=") + method + "(budget=" + budget + ")")) << method;
  EXPECT_TRUE(has("read=quest(pages=0.1)"));
  EXPECT_TRUE(has("read=certified"));
}

TEST(Plan, RecipesAreTakenAsTheyAre) {
  Plan plan;
  plan.recipes = {"keep=snapkv(budget=0.1)", "keep=snapkv( window=8)", "budget=", "keep=a(budget="};
  const std::vector<Arm> all = arms(plan);
  ASSERT_EQ(all.size(), 5u);
  for (size_t i = 0; i < 4; ++i) EXPECT_EQ(all[i + 1].recipe, plan.recipes[i]);
}

TEST(Plan, AMethodIsARecipeWithoutItsBudget) {
  const std::pair<const char*, const char*> cases[] = {
      {"keep=a(budget=0.1)", "keep=a"},
      {"keep=a(budget=0.1);store=b(c=1)", "keep=a;store=b(c=1)"},
      {"keep=a(budget=40,window=8)", "keep=a(window=8)"},
      {"keep=a(window=8,budget=40)", "keep=a(window=8)"},
      {"keep=a(x=1,budget=40,y=2)", "keep=a(x=1,y=2)"},
      {"keep=a(layer_budget=2)", "keep=a(layer_budget=2)"},
      {"store=b(bits=2)", "store=b(bits=2)"}};
  for (const auto& [recipe, method] : cases) {
    Plan plan;
    plan.recipes = {recipe};
    EXPECT_EQ(arms(plan)[1].method, method) << recipe;
  }
}

TEST(Plan, WithoutRecipesStoreMethodsComeAtEachOfTheirBits) {
  const std::vector<Arm> all = arms({});
  for (const char* recipe : {"store=int8", "store=kivi(bits=2)", "store=kivi(bits=4)"})
    EXPECT_TRUE(std::ranges::count(all, recipe, &Arm::recipe) == 1) << recipe;
}

}  // namespace
}  // namespace weir::eval
