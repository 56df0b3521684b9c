#include "kv/recipe.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(Recipe, NamesAMethodAndItsParameters) {
  const auto recipe = parse_recipe(" keep = snapkv( budget=0.25 , window=16,pooling=max ) ; ");
  ASSERT_TRUE(recipe) << recipe.error().message;
  EXPECT_EQ(recipe->text(), "keep=snapkv(budget=0.25,sinks=0,window=16,kernel=5,pooling=max)");
  EXPECT_EQ(parse_recipe(recipe->text())->text(), recipe->text());
  EXPECT_EQ(recipe->keep->arguments.word("pooling"), "max");
  EXPECT_EQ(parse_recipe("keep=h2o")->text(), parse_recipe("keep=h2o()")->text());
}

TEST(Recipe, HasAWordForEachRoleInTheOrderOfRoles) {
  const auto recipe = parse_recipe("read=quest(pages=8);store=int8;keep=tova");
  ASSERT_TRUE(recipe) << recipe.error().message;
  EXPECT_EQ(recipe->text(),
            "keep=tova(budget=0.2,sinks=0,recent=0,every=64);store=int8(residual=0);"
            "read=quest(pages=8,dense=2)");
}

TEST(Recipe, BlankAndAllDropNothing) {
  for (const char* text :
       {"", "  ", "\n", "keep=all", "keep=all()", ";keep=all;", "keep=all;store=raw;read=all"}) {
    const auto recipe = parse_recipe(text);
    ASSERT_TRUE(recipe) << text;
    EXPECT_FALSE(recipe->keep || recipe->store || recipe->read) << text;
    EXPECT_EQ(recipe->text(), "");
  }
}

TEST(Recipe, OnlyABlankOneIsTheDefault) {
  const Recipe otherwise = *parse_recipe("keep=h2o");
  for (const char* text : {"", " ", "\t\r\n"})
    EXPECT_EQ(parse_recipe(text, otherwise)->text(), otherwise.text()) << text;
  EXPECT_EQ(parse_recipe("keep=all", otherwise)->text(), "");
  EXPECT_FALSE(parse_recipe(";", otherwise));
  EXPECT_FALSE(parse_recipe(std::string(5000, ' '), otherwise));
}

TEST(Recipe, SpaceOfAnyKindMayStandBetweenWords) {
  const auto recipe = parse_recipe("keep = h2o (\n  budget = 0.5 ,\r\n  every\t= 32\n) ;\n");
  ASSERT_TRUE(recipe) << recipe.error().message;
  EXPECT_EQ(recipe->text(), parse_recipe("keep=h2o(budget=0.5,every=32)")->text());
}

TEST(Recipe, PointsMayBeNoneOrNotTooClose) {
  EXPECT_EQ(parse_recipe("keep=h2o(every=0)")->keep->arguments.whole("every"), 0);
  EXPECT_EQ(parse_recipe("keep=h2o(every=16)")->keep->arguments.whole("every"), 16);
}

TEST(Recipe, WhatIsWrongIsNamedWithWhatThereIs) {
  const std::pair<std::string, std::vector<const char*>> cases[] = {
      {"kept=snapkv", {"kept", "keep", "store", "read"}},
      {"read=quests", {"quests", "quest", "certified", "all"}},
      {"read=quest(pages=-1)", {"pages", "quest", "65536", "not '-1'"}},
      {"read=certified(error=0)", {"error", "certified", "1.9"}},
      {"read=quest;keep=h2o;read=certified", {"read=certified", "second"}},
      {"snapkv", {"snapkv", "keep"}},
      {"keep=snapkw", {"snapkw", "snapkv", "h2o", "all"}},
      {"keep=", {"named ''", "all", "random"}},
      {"=h2o", {"named ''", "keep, store, read"}},
      {";", {"';' names no method", "keep=all"}},
      {" ;\n; ", {"names no method"}},
      {"keep=h2o;keep=tova", {"keep=tova", "second"}},
      {"keep=h2o(window=3)", {"window", "h2o", "budget", "recent"}},
      {"keep=h2o(budget)", {"budget", "0.001", "not ''"}},
      {"keep=h2o(budget=0)", {"budget", "0.001", "not '0'"}},
      {"keep=h2o(budget=nan)", {"budget", "nan"}},
      {"keep=h2o(budget=1e99)", {"1e99"}},
      {"keep=h2o(budget=0.2x)", {"0.2x"}},
      {"keep=h2o(every=1.5)", {"every", "whole", "1.5"}},
      {"keep=h2o(every=16,every=32)", {"every", "twice"}},
      {"keep=h2o(every=1)", {"every", "0 or a whole number from 16 to 1048576", "not '1'"}},
      {"keep=streaming(every=15)", {"every", "0 or a whole number from 16", "not '15'"}},
      {"keep=cake(every=-16)", {"every", "not '-16'"}},
      {"keep=chelsea(budget=0.999,chunk=4096,every=16)", {"chunk", "2 to 256", "not '4096'"}},
      {"keep=snapkv(window=512)", {"window", "1 to 128", "not '512'"}},
      {"keep=h2o(,)", {"no parameter ''", "budget"}},
      {"keep=snapkv(pooling=min)", {"min", "avg", "max"}},
      {"keep=snapkv(pooling=1)", {"pooling", "avg"}},
      {"keep=all(budget=1)", {"all", "budget=1"}},
      {"keep=h2o(budget=0.2", {"bracket"}},
      {"keep=h2o(budget=0.2)x", {"bracket"}},
      {"keep=h2o)", {"h2o)"}},
      {"keep=h2o((budget=0.2))", {"bracket"}},
      {std::string(5000, ' '), {"4096", "5000"}},
  };
  for (const auto& [text, words] : cases) {
    const auto recipe = parse_recipe(text);
    ASSERT_FALSE(recipe) << text;
    EXPECT_EQ(recipe.error().code, Code::kInvalid);
    EXPECT_EQ(recipe.error().param, "kv");
    for (const char* word : words)
      EXPECT_NE(recipe.error().message.find(word), std::string::npos)
          << text << ": " << recipe.error().message << " lacks " << word;
  }
}

TEST(Recipe, EveryMethodStandsInItsOwnWords) {
  for (const PolicyEntry* entry : policies()) {
    const std::string text = "keep=" + std::string(entry->info.name);
    const auto recipe = parse_recipe(text);
    ASSERT_TRUE(recipe) << text;
    EXPECT_EQ(parse_recipe(recipe->text())->text(), recipe->text());
    EXPECT_EQ(entry->info.role, "keep");
    for (const Parameter& p : entry->info.parameters) {
      EXPECT_LE(p.least, p.initial) << p.name;
      EXPECT_LE(p.initial, p.most) << p.name;
      EXPECT_TRUE(p.initial <= 0 || p.initial >= p.least_positive) << p.name;
    }
  }
}

}  // namespace
}  // namespace weir
