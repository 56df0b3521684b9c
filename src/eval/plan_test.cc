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
}

TEST(Plan, RecipesAreTakenAsTheyAre) {
  Plan plan;
  plan.recipes = {"keep=snapkv(budget=0.1)", "keep=snapkv( window=8)", "keep=a;store=b(c=1)"};
  const std::vector<Arm> all = arms(plan);
  ASSERT_EQ(all.size(), 4u);
  EXPECT_EQ(all[1].method, "keep=snapkv");
  EXPECT_EQ(all[2].method, "keep=snapkv");
  EXPECT_EQ(all[2].recipe, plan.recipes[1]);
  EXPECT_EQ(all[3].method, "keep=a;store=b(c=1)");
}

}  // namespace
}  // namespace weir::eval
