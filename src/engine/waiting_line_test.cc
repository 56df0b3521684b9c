#include "engine/waiting_line.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

// 4 sequences, 100 bytes; 2 requests of 50 tokens in all may wait.
const LineLimits kLimits{4, 100, 2, 50};

TEST(WaitingLine, WhatCanComputeAtOnceDoesNotWait) {
  WaitingLine line(kLimits);
  for (RequestId id = 1; id <= 6; ++id) EXPECT_TRUE(line.add(id, {1, 1, 10}, false)) << id;
  const Status seventh = line.add(7, {1, 1, 10}, false);
  ASSERT_FALSE(seventh);
  EXPECT_EQ(seventh.error().code, Code::kUnavailable);
  EXPECT_EQ(line.requests(), 6u);
  for (RequestId id = 1; id <= 4; ++id) line.admit(id);
  EXPECT_EQ(line.requests(), 2u);
  EXPECT_EQ(line.tokens(), 20u);
  EXPECT_FALSE(line.add(7, {1, 1, 10}, false));
  line.remove(2);
  EXPECT_TRUE(line.add(7, {1, 1, 10}, false));
}

TEST(WaitingLine, NothingMayWaitAndAnIdleEngineServes) {
  WaitingLine line({1, 100, 0, 0});
  EXPECT_TRUE(line.add(1, {1, 1, 1000}, false));
  EXPECT_FALSE(line.add(2, {1, 1, 1}, false));
  line.admit(1);
  line.remove(1);
  EXPECT_TRUE(line.add(2, {1, 1, 1000}, false));
}

TEST(WaitingLine, TokensThatWaitAreBounded) {
  WaitingLine line({1, 100, 9, 50});
  EXPECT_TRUE(line.add(1, {1, 1, 1000}, false));
  EXPECT_TRUE(line.add(2, {1, 1, 50}, false));
  EXPECT_FALSE(line.add(3, {1, 1, 1}, false));
}

TEST(WaitingLine, MemoryIsAPlaceToo) {
  WaitingLine line(kLimits);
  for (RequestId id = 1; id <= 4; ++id) EXPECT_TRUE(line.add(id, {1, 50, 1}, false)) << id;
  EXPECT_FALSE(line.add(5, {1, 1, 1}, false));
}

TEST(WaitingLine, AChoiceThatEndedLeavesItsPlace) {
  WaitingLine line({4, 100, 0, 0});
  ASSERT_TRUE(line.add(1, {4, 100, 1}, false));
  line.admit(1);
  EXPECT_FALSE(line.add(2, {1, 25, 1}, false));
  line.shrink(1);
  EXPECT_TRUE(line.add(2, {1, 25, 1}, false));
  line.admit(2);
  for (int i = 0; i < 3; ++i) line.shrink(1);
  line.remove(1);
  EXPECT_TRUE(line.add(3, {3, 75, 1}, false));
}

TEST(WaitingLine, ACompanionComesInInAnyCase) {
  WaitingLine line({1, 100, 0, 0});
  ASSERT_TRUE(line.add(1, {1, 1, 1}, false));
  EXPECT_TRUE(line.add(2, {1, 1, 1}, true));
  EXPECT_FALSE(line.add(3, {1, 1, 1}, false));
}

}  // namespace
}  // namespace weir
