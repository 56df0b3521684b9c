#include "engine/runner.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "engine/load.h"
#include "engine/test_engine.h"

namespace weir {
namespace {

// Keeps every row of logits by stream and position.
class Recorder final : public Driver {
 public:
  void admit() override {}
  void cancel() override {}
  void on_logits(Stream& stream, int32_t position, std::span<float> logits) override {
    rows[{stream.id, position}].assign(logits.begin(), logits.end());
  }
  std::map<std::pair<uint64_t, int32_t>, std::vector<float>> rows;
};

class RunnerTest : public ::testing::Test {
 protected:
  RunnerTest() {
    const TinyFile file({.architecture = Architecture::kGemma3, .layers = 3});
    loaded_ = *load(file.path(), tiny_options(), {});
  }
  Stream stream_of(uint64_t id, int32_t tokens, Driver& driver, std::string_view recipe = "") {
    Stream s(id, Cache(loaded_->shape, *loaded_->pages, loaded_->root,
                       make_store(*parse_recipe(recipe), loaded_->shape.page_shape())));
    for (int32_t i = 0; i < tokens; ++i)
      s.tokens.push_back(40 + (i * 7 + static_cast<int>(id)) % 200);
    Room room = Room::plain(static_cast<uint64_t>(tokens));
    room.fixed_bytes = room.tokens * loaded_->shape.d_model * sizeof(float);  // Between layers.
    EXPECT_TRUE(s.cache.promise(room));
    s.driver = &driver;
    return s;
  }
  // Runs two sequences of 40 and 30 tokens, each step's rows through the given ranges of layers.
  Recorder run(const std::vector<std::pair<uint32_t, uint32_t>>& ranges) {
    Recorder out;
    Stream a = stream_of(1, 40, out), b = stream_of(2, 30, out);
    Runner runner(*loaded_->model, loaded_->info.d_model, loaded_->info.vocabulary);
    Stream* const streams[] = {&a, &b};
    for (int32_t at = 0; at < 30; at += 10)
      for (const auto& [begin, end] : ranges) {
        StepPlan plan;
        plan.work.push_back({0, 1, at, 10, begin, end, Logits::kAll});
        plan.work.push_back({0, 2, at, 10, begin, end, Logits::kLast});
        runner.run(plan, streams);
      }
    return out;
  }
  std::unique_ptr<LoadedModel> loaded_;
};

TEST_F(RunnerTest, LayersRunInPiecesGiveTheSameBits) {
  const Recorder whole = run({{0, 3}}), pieces = run({{0, 1}, {1, 3}}),
                 single = run({{0, 1}, {1, 2}, {2, 3}});
  EXPECT_EQ(whole.rows.size(), 33u);
  EXPECT_EQ(whole.rows, pieces.rows);
  EXPECT_EQ(whole.rows, single.rows);
}

TEST_F(RunnerTest, WorkThroughDifferentLayersMayShareAStep) {
  const Recorder whole = run({{0, 3}});
  Recorder out;
  Stream a = stream_of(1, 40, out), b = stream_of(2, 30, out);
  Runner runner(*loaded_->model, loaded_->info.d_model, loaded_->info.vocabulary);
  Stream* const streams[] = {&a, &b};
  Stream* const only_b[] = {&b};
  StepPlan first{{}, {{0, 1, 0, 10, 0, 3, Logits::kAll}, {0, 2, 0, 10, 0, 2, Logits::kLast}}};
  StepPlan second{{}, {{0, 2, 0, 10, 2, 3, Logits::kLast}}};
  runner.run(first, streams);
  EXPECT_EQ(b.cache.length(), 0);
  runner.run(second, only_b);
  EXPECT_EQ(b.cache.length(), 10);
  for (const auto& [key, row] : out.rows) EXPECT_EQ(row, whole.rows.at(key));
  EXPECT_EQ(out.rows.size(), 11u);
}

TEST_F(RunnerTest, RowsChooseWhatTheyReadAloneHoweverManyAStepHas) {
  const TinyFile file({.architecture = Architecture::kLlama, .layers = 2});
  loaded_ = *load(file.path(), tiny_options(), {});
  constexpr int32_t kPrompt = 450, kAll = 700;
  const auto run = [&](int32_t most) {
    Recorder out;
    Stream s = stream_of(1, kAll, out, "read=quest(pages=4,dense=0)");
    s.decodes_from = kPrompt;
    Runner runner(*loaded_->model, loaded_->info.d_model, loaded_->info.vocabulary);
    Stream* const streams[] = {&s};
    while (s.cache.length() < kAll) {
      const int32_t at = s.cache.length(), rows = std::min({most, kAll - at, s.next_point() - at});
      runner.run({{}, {{0, 1, at, rows, 0, 2, Logits::kAll}}}, streams);
    }
    EXPECT_LT(s.cache.reads().read, s.cache.reads().there);
    return out.rows;
  };
  const auto one = run(1);
  EXPECT_EQ(one.size(), static_cast<size_t>(kAll));
  EXPECT_EQ(run(7), one);
  EXPECT_EQ(run(500), one);
}

}  // namespace
}  // namespace weir
