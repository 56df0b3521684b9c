#include "catalog/manifest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir {
namespace {

using testing::HasSubstr;

constexpr std::string_view kGood =
    R"({"name": "a-1", "description": "d", "licence": "MIT", "file": "a.gguf", "bytes": 5,
        "sha256": "00000000000000000000000000000000000000000000000000000000000000ff",
        "download_bytes": 3, "packages": ["p-x==1.0"], "parts": ["p/a"]})";

Result<std::vector<ModelEntry>> parse(std::string_view models) {
  return parse_manifest("{\"models\": [" + std::string(models) + "]}");
}

std::string replaced(std::string_view from, std::string_view to) {
  std::string text(kGood);
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(Manifest, OwnOneIsWellFormed) {
  const auto models = parse_manifest(manifest_text());
  ASSERT_TRUE(models.has_value()) << models.error().message;
  std::vector<std::string> names;
  for (const ModelEntry& m : *models) names.push_back(m.name);
  EXPECT_THAT(names, testing::IsSupersetOf({"smollm2", "gemma3-270m"}));
}

TEST(Manifest, ReadsEachField) {
  const auto models = parse(kGood);
  ASSERT_TRUE(models.has_value()) << models.error().message;
  const ModelEntry& m = models->at(0);
  EXPECT_EQ(m.name, "a-1");
  EXPECT_EQ(m.description, "d");
  EXPECT_EQ(m.licence, "MIT");
  EXPECT_EQ(m.file, "a.gguf");
  EXPECT_EQ(m.bytes, 5u);
  EXPECT_EQ(m.download_bytes, 3u);
  EXPECT_EQ(m.sha256.substr(60), "00ff");
  EXPECT_EQ(m.packages, std::vector<std::string>{"p-x==1.0"});
  EXPECT_EQ(m.parts, std::vector<std::string>{"p/a"});
}

TEST(Manifest, RefusesByField) {
  const struct {
    std::string_view from, to, field;
  } cases[] = {
      {R"("a-1")", R"("../a")", "name"},
      {R"("a-1")", R"("")", "name"},
      {R"("a-1")", R"("-a")", "name"},
      {R"("a-1")", "1", "name"},
      {R"("name")", R"("nom")", "name"},
      {R"("a.gguf")", R"("x/a.gguf")", "file"},
      {R"("a.gguf")", R"(".a")", "file"},
      {R"(: 5)", ": 0", ".bytes"},
      {R"(: 5)", ": -5", ".bytes"},
      {R"(: 5)", ": 1e3", ".bytes"},
      {R"(: 5)", ": 99999999999999999999", ".bytes"},
      {R"(: 3)", ": \"3\"", "download_bytes"},
      {"ff\"", "FF\"", "sha256"},
      {"ff\"", "f\"", "sha256"},
      {R"(["p-x==1.0"])", "[]", "packages"},
      {"p-x==1.0", "p-x", "packages"},
      {"p-x==1.0", "--pre==1", "packages"},
      {"p-x==1.0", "p-x==1 --pre", "packages"},
      {R"(["p/a"])", "\"p/a\"", "parts"},
      {R"(["p/a"])", "[1]", "parts"},
      {R"("MIT")", "null", "licence"},
  };
  for (const auto& c : cases) {
    const auto models = parse(replaced(c.from, c.to));
    ASSERT_FALSE(models.has_value()) << c.from << " -> " << c.to;
    EXPECT_EQ(models.error().code, Code::kCorrupt);
    EXPECT_THAT(models.error().message, HasSubstr(c.field)) << c.from << " -> " << c.to;
  }
}

TEST(Manifest, RefusesOtherJson) {
  for (const char* text :
       {"", "[]", "{}", "{\"models\": {}}", "{\"models\": [1]}", "{\"models\"", "null"})
    EXPECT_FALSE(parse_manifest(text).has_value()) << text;
}

TEST(Manifest, RefusesTwoModelsOfOneName) {
  EXPECT_FALSE(parse(std::string(kGood) + "," + std::string(kGood)).has_value());
}

TEST(Manifest, EveryCutIsAnError) {
  const std::string text = "{\"models\": [" + std::string(kGood) + "]}";
  for (size_t size = 0; size < text.size(); ++size)
    EXPECT_FALSE(parse_manifest(text.substr(0, size)).has_value()) << size;
}

}  // namespace
}  // namespace weir
