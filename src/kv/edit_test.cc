// Edits of a cache: what stays, what it weighs, and what comes of the memory.
#include "kv/edit.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <numeric>
#include <random>

#include "kv/edit_cases.h"

namespace weir {
namespace {

uint64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  uint64_t all = 0, resident = 0;
  statm >> all >> resident;
  return resident * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

class EditTest : public EditCases {};

TEST_P(EditTest, WhatStaysKeepsItsBitsAndItsPosition) {
  const Room room{700, 560, 300, 0, 0};
  Cache cache = cache_with(500, room), plain = cache_with(560, Room::plain(700));
  const std::vector<int32_t> first = every(3, 1, 500), second = every(3, 0, 500 - 1);
  ASSERT_EQ(first.size(), second.size());
  cache.apply(std::vector{keep(0, first, second)}, "test");
  EXPECT_EQ(cache.rows(0), static_cast<int32_t>(first.size()));
  EXPECT_EQ(cache.rows(1), 500);
  append(cache, 60);
  for (uint32_t h = 0; h < kHeads; ++h) {
    std::vector<int32_t> want = h == 0 ? first : second;
    for (int32_t p = 500; p < 560; ++p) want.push_back(p);
    EXPECT_EQ(positions_of(cache, 0, h), want);
    EXPECT_EQ(positions_of(cache, 1, h), every(1, 0, 560));
    const std::vector<float> all = keys_of(plain, 0, h), left = keys_of(cache, 0, h);
    for (size_t i = 0; i < want.size(); ++i)
      ASSERT_EQ(std::memcmp(&left[i * kDim], &all[static_cast<size_t>(want[i]) * kDim],
                            kDim * sizeof(float)),
                0)
          << i;
  }
}

TEST_P(EditTest, EditsOfEditsDropMoreAndNothingComesBack) {
  Cache cache = cache_with(300, {900, 300, 200, 0, 0});
  const std::vector<int32_t> evens = every(2, 0, 300);
  cache.apply(std::vector{keep(0, evens, evens), keep(1, evens, evens)}, "first");
  append(cache, 100);
  const std::vector<int32_t> slots = every(2, 0, 250);  // Every fourth, then every second.
  cache.apply(std::vector{keep(0, slots, slots)}, "second");
  append(cache, 1);
  std::vector<int32_t> want = every(4, 0, 300);
  for (int32_t p = 300; p < 400; p += 2) want.push_back(p);
  want.push_back(400);
  EXPECT_EQ(positions_of(cache, 0, 1), want);
  const std::vector<float> left = keys_of(cache, 0, 1);
  EXPECT_EQ(left.size(), want.size() * kDim);
}

TEST_P(EditTest, AForkKeepsItsRowsAndSharesWhatAnEditLeft) {
  Cache a = cache_with(300, {600, 400, 200, 0, 0});
  Cache whole = *a.fork();
  const std::vector<float> before = keys_of(whole, 0, 0);
  a.apply(std::vector{keep(0, every(2, 0, 300), every(2, 1, 300))}, "test");
  EXPECT_EQ(keys_of(whole, 0, 0), before);
  EXPECT_EQ(whole.rows(0), 300);
  const uint64_t used = pool_.used();
  Cache b = *a.fork();
  EXPECT_EQ(pool_.used(), used);
  append(a, 5, 1);
  append(b, 1, 2);
  append(whole, 3);
  EXPECT_EQ(positions_of(a, 0, 1).back(), 304);
  EXPECT_EQ(positions_of(b, 0, 1).back(), 300);
  EXPECT_EQ(keys_of(whole, 0, 0).size(), 303 * kDim);
  std::vector<float> of_a = keys_of(a, 0, 0), of_b = keys_of(b, 0, 0);
  of_a.resize(of_b.size());
  EXPECT_EQ(of_a, of_b);
}

TEST_P(EditTest, AttentionIsPlainAttentionOverWhatIsLeft) {
  Cache cache = cache_with(400, {500, 430, 150, 0, 0});
  std::vector<int32_t> slots[kHeads] = {every(3, 1, 400), every(3, 0, 399)};
  Edit edit = keep(0, slots[0], slots[1]);
  // Three of head 0's rows become one that weighs as three.
  edit.heads[0].kept.erase(edit.heads[0].kept.begin());
  edit.heads[0].merged = {{2, {2, 3, 5}, {0.5f, 0.25f, 0.25f}, {0.25f, 0.25f, 0.5f}}};
  cache.apply(std::vector{edit}, "test");
  append(cache, 30);
  expect_plain_attention(cache);
  EXPECT_EQ(cache.layer(0).position(0, 0), 2);
  EXPECT_NEAR(cache.layer(0).bias(0, 0), std::log(3.0), 1e-6);
}

TEST_P(EditTest, AMergedRowOfMergedRowsWeighsAsAll) {
  Cache cache = cache_with(100, {200, 110, 100, 0, 0});
  Edit edit = keep(0, {}, every(1, 0, 1));
  edit.heads[0].merged = {
      {9, every(1, 0, 10), std::vector<float>(10, 0.1f), std::vector<float>(10, 0.1f)}};
  Cache fork = *cache.fork();
  cache.apply(std::vector{edit}, "one");
  append(cache, 2);
  edit = keep(0, {}, {0});
  edit.heads[0].merged = {{50, {0, 1, 2}, {0.8f, 0.1f, 0.1f}, {1, 0, 0}}};
  cache.apply(std::vector{edit}, "two");
  EXPECT_NEAR(cache.layer(0).bias(0, 0), std::log(12.0), 1e-6);
  EXPECT_EQ(cache.layer(0).position(0, 0), 50);
  EXPECT_EQ(cache.layer(0).bias(1, 0), 0);
  EXPECT_EQ(fork.layer(0).bias(0, 0), 0);
}

TEST_P(EditTest, MemoryAndPromisesFall) {
  const Room room{20000, 8000, 500, 0, 0}, after{20000, 1500, 500, 0, 0};
  Cache cache = cache_with(8000, room);
  const uint64_t used = pool_.used(), promised = pool_.promised(), resident = resident_bytes();
  const std::vector<int32_t> some = every(20, 0, 8000), others = every(20, 3, 8000);
  cache.apply(std::vector{keep(0, some, others), keep(1, others, some)}, "test");
  cache.settle(after);
  const uint64_t rows = 2 * 7 * pool_.page_bytes();  // 400 rows lie in 7 pages, in each layer.
  EXPECT_EQ(cache.bytes(), rows + kLayers * kHeads * 400 * sizeof(int32_t));
  EXPECT_EQ(pool_.used(), cache.bytes());
  EXPECT_EQ(pool_.promised(), shape_.peak_bytes(after, pool_.page_bytes()));
  EXPECT_LT(pool_.promised(), promised / 4);
  EXPECT_LT(resident_bytes() + (used - pool_.used()) / 2, resident);
  append(cache, 1000);
  EXPECT_LE(pool_.used(), pool_.promised());
}

TEST_P(EditTest, AnUnbrokenRunOfPositionsTakesNoMemory) {
  Cache cache = cache_with(200, {300, 200, 200, 0, 0});
  cache.apply(std::vector{keep(0, every(1, 100, 200), every(1, 90, 190))}, "test");
  EXPECT_EQ(cache.bytes(), (2 + 4) * pool_.page_bytes());
  EXPECT_EQ(positions_of(cache, 0, 1), every(1, 90, 190));
}

TEST_P(EditTest, KeysAfterAnEditAreOthers) {
  Cache edited = cache_with(300, {700, 600, 300, 0, 0}),
        again = cache_with(300, {700, 600, 300, 0, 0});
  Cache other = cache_with(300, {700, 600, 300, 0, 0}), clean = cache_with(300, Room::plain(700));
  const std::vector edits{keep(0, every(2, 0, 300), every(2, 0, 300))};
  edited.apply(edits, "a");
  again.apply(edits, "a");
  other.apply(edits, "b");
  for (Cache* c : {&edited, &again, &other, &clean}) append(*c, 300);
  EXPECT_EQ(edited.keys()[0], clean.keys()[0]);
  EXPECT_NE(edited.keys()[1], clean.keys()[1]);
  EXPECT_NE(edited.keys()[1], other.keys()[1]);
  EXPECT_TRUE(std::ranges::equal(edited.keys(), again.keys()));
}

TEST_P(EditTest, ListsOfSlicesHoldWhatIsLeft) {
  Cache cache = cache_with(200, {300, 250, 200, 0, 0});
  const std::vector<int32_t> some[kHeads] = {every(2, 0, 200), every(2, 1, 200)};
  cache.apply(std::vector{keep(0, some[0], some[1])}, "test");
  append(cache, 50);
  const LayerLists lists = cache.layer_lists(0);
  for (uint32_t h = 0; h < kHeads; ++h) {
    EXPECT_EQ(lists.live(h), 150u);
    std::vector<int32_t> positions;
    for (const Slice& s : lists.lists[h].slices)
      for (uint32_t r = s.begin; r < s.end; ++r)
        positions.push_back(lists.pages[s.page].positions.at(r));
    EXPECT_EQ(positions, positions_of(cache, 0, h));
  }
}

TEST_P(EditTest, SinksAreAListOfTheirOwn) {
  Cache cache = cache_with(200, {300, 250, 120, 0, 0});
  std::vector<int32_t> slots = every(1, 0, 70);
  for (int32_t s : every(1, 150, 200)) slots.push_back(s);
  Edit edit = keep(0, slots, slots);
  edit.sinks = 70;
  cache.apply(std::vector{edit}, "test");
  append(cache, 20);
  std::vector<AttentionList> sinks(kHeads), rest(kHeads);
  cache.sinks(0, sinks);
  cache.lists(0, 200, rest);
  EXPECT_EQ(sinks[1].visible, 70);
  EXPECT_EQ(sinks[1].pages.size(), 2u);
  EXPECT_EQ(rest[1].slot, 120);
  for (size_t slot = 0; slot < 128; ++slot) {
    EXPECT_EQ(rest[1].pages[slot / 64].bias[slot % 64], slot < 70 ? kDropped : 0) << slot;
    EXPECT_EQ(sinks[1].pages[slot / 64].bias, nullptr);
  }
  EXPECT_EQ(cache.layer(0).bias(1, 0), 0);
  EXPECT_EQ(cache.layer(0).shift(), 80);
  const LayerLists lists = cache.layer_lists(0);
  uint32_t shifted = 0;
  for (const Slice& s : lists.lists[1].slices) {
    if (s.reading != Reading::kShifted) continue;
    shifted += s.end - s.begin;
    EXPECT_EQ(s.shift, 80);
  }
  EXPECT_EQ(shifted, 70u);
  EXPECT_EQ(lists.live(1), 140u);
  // Another edit: what were sinks are rows again, and these are.
  edit = keep(0, every(1, 0, 100), every(1, 0, 100));
  edit.sinks = 1;
  cache.apply(std::vector{edit}, "test");
  cache.lists(0, 220, rest);
  EXPECT_EQ(rest[0].pages[0].bias[0], kDropped);
  EXPECT_EQ(rest[0].pages[0].bias[1], 0);
  EXPECT_EQ(rest[0].pages[1].bias, nullptr);
}

// A layer may hold most of what two may together; the promise knows only their sum.
TEST_P(EditTest, UnequalLayersArePromisedTheirSum) {
  const LayerRows uneven{1900, 1000}, even{1000};
  const auto bytes = [&](const LayerRows& rows) {
    return shape_.peak_bytes({4000, rows, {}, 0, 0}, pool_.page_bytes());
  };
  // The last page of each layer need not be full.
  EXPECT_EQ(bytes(uneven), (2 * 1000 + 2 * 63) / 64 * pool_.page_bytes());
  EXPECT_LE(bytes(uneven), bytes(even) + kLayers * pool_.page_bytes());
  Cache cache = cache_with(2000, {2900, 2000, {1900, 1000}, 0, 0});
  const auto many = every(1, 0, 1900), few = every(1, 0, 100);
  cache.apply(std::vector{keep(0, many, many), keep(1, few, few)}, "test");
  cache.settle({2900, uneven, uneven, 0, 0});
  EXPECT_LE(pool_.used(), pool_.promised());
}

using EditDeathTest = EditTest;
INSTANTIATE_TEST_SUITE_P(All, EditDeathTest, testing::Values(DType::kF16));

TEST_P(EditDeathTest, BrokenEditsEndTheProcess) {
  Cache cache = cache_with(100, {200, 100, 50, 0, 0});
  const auto apply = [&](Edit edit) { cache.apply(std::vector{std::move(edit)}, "test"); };
  EXPECT_DEATH(apply(keep(0, {1, 2}, {1})), "unequally many");
  EXPECT_DEATH(apply(keep(0, {1, 100}, {1, 2})), "slot 100");
  EXPECT_DEATH(apply(keep(0, {1, 1}, {1, 2})), "twice");
  EXPECT_DEATH(apply(keep(0, {2, 1}, {1, 2})), "out of order");
  EXPECT_DEATH(apply(keep(2, {1}, {1})), "layer 2");
  EXPECT_DEATH(apply(keep(0, every(1, 0, 60), every(1, 0, 60))), "60 rows promised 50");
}

TEST_P(EditDeathTest, ABudgetOverLayersIsHard) {
  Cache cache = cache_with(100, {200, {100, 100}, {80, 50}, 0, 0});
  const auto rows = every(1, 0, 80), fewer = every(1, 0, 20), more = every(1, 0, 21);
  EXPECT_DEATH(cache.apply(std::vector{keep(0, rows, rows), keep(1, more, more)}, "test"),
               "101 rows in all layers promised 100");
  cache.apply(std::vector{keep(0, rows, rows), keep(1, fewer, fewer)}, "test");
  cache.settle({200, {100, 60}, {80, 50}, 0, 0});
  append(cache, 10);
  EXPECT_DEATH(append(cache, 1), "61 on average");
}

INSTANTIATE_TEST_SUITE_P(All, EditTest, testing::Values(DType::kF32, DType::kF16, DType::kBF16));

}  // namespace
}  // namespace weir
