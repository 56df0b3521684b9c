// What holds for every read method, beside what src/engine/keep_test.cc has for all roles.
#include <gtest/gtest.h>

#include <algorithm>

#include "engine/method_cases.h"
#include "weir/kv_methods.h"

namespace weir {
namespace {

class ReadTest : public ::testing::TestWithParam<const RetrieverEntry*> {};

TEST_P(ReadTest, RowsPastThePromptReadFewerPagesAndPromptsReadAll) {
  const auto engine = open_tiny(kModel, options_of(2, 64));
  auto s = *engine->create_sequence(read_of(*GetParam())), whole = *engine->create_sequence();
  const auto prompt = tokens_of(800);
  const auto last = *s.append(prompt, LogitRows::kAll);
  EXPECT_TRUE(std::ranges::equal(last, *whole.append(prompt, LogitRows::kAll)));
  EXPECT_EQ(s.pages_read().there, 0u);
  const Token next[] = {50};
  const auto one = *s.append(next), all = *whole.append(next);
  EXPECT_FALSE(std::ranges::equal(one, all));
  // 12 full pages and the open one, of each layer and KV head.
  EXPECT_EQ(s.pages_read().there, kLayers * kKvHeads * 13u);
  EXPECT_LT(s.pages_read().read, s.pages_read().there);
  EXPECT_GE(s.pages_read().read, kLayers * kKvHeads * 3u);
  EXPECT_EQ(s.fork()->pages_read().read, s.pages_read().read);
  EXPECT_EQ(whole.pages_read().there, 0u);
}

TEST_P(ReadTest, WindowLayersAreExempt) {
  TinyModel model = kModel;
  model.architecture = Architecture::kGemma3;
  model.layers = 6, model.sliding_window = 100;
  const auto engine = open_tiny(model, options_of(2, 64));
  auto s = *engine->create_sequence(read_of(*GetParam()));
  ASSERT_TRUE(s.append(tokens_of(800)));
  const Token next[] = {50};
  ASSERT_TRUE(s.append(next));
  EXPECT_EQ(s.pages_read().there, kKvHeads * 13u) << "of the one layer that sees all rows";
}

TEST_P(ReadTest, SummariesCountAsTheBytesThatAreListed) {
  const auto engine = open_tiny(kModel, options_of(2, 64));
  auto s = *engine->create_sequence(read_of(*GetParam())), whole = *engine->create_sequence();
  ASSERT_TRUE(s.append(tokens_of(640)) && whole.append(tokens_of(640)));
  const std::vector<KvMethod> all = kv_methods();
  const KvMethod& m = *std::ranges::find(all, GetParam()->info.name, &KvMethod::name);
  const double page = kDim * m.bytes_per_page_dim + m.bytes_per_page;
  EXPECT_EQ(static_cast<double>(s.kv_bytes() - whole.kv_bytes()), 10 * kLayers * kKvHeads * page);
  EXPECT_EQ(engine->stats().kv_bytes_used, s.kv_bytes() + whole.kv_bytes());
}

INSTANTIATE_TEST_SUITE_P(Methods, ReadTest, ::testing::ValuesIn(retrievers()),
                         [](const auto& p) { return std::string(p.param->info.name); });

// Pages that are all named are read as though nobody had chosen.
TEST(Read, AllPagesAreTheWholeCache) {
  const auto engine = open_tiny(kModel, options_of(2, 64));
  for (const std::string with : {"", ";store=int8", ";keep=snapkv(budget=300)"}) {
    auto s = *engine->create_sequence("read=quest(pages=1,dense=0)" + with);
    auto whole = *engine->create_sequence(with.empty() ? "" : with.substr(1));
    EXPECT_TRUE(std::ranges::equal(*s.append(tokens_of(500)), *whole.append(tokens_of(500))));
    for (const Token next : tokens_of(80, 7))
      ASSERT_TRUE(std::ranges::equal(*s.append({&next, 1}), *whole.append({&next, 1}))) << with;
    EXPECT_EQ(s.pages_read().read, s.pages_read().there);
    EXPECT_GT(s.pages_read().there, 0u);
  }
}

}  // namespace
}  // namespace weir
