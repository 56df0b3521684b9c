#include "server/api/generation.h"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>

#include "server/testing/fake_service.h"

namespace weir::server {
namespace {

Request request_of(const std::string& text) {
  Request request;
  request.prompt.assign(text.begin(), text.end());
  request.max_tokens = 100;
  return request;
}

TEST(Generation, AFullQueueCancels) {
  boost::asio::io_context io;
  FakeService service;
  service.answer_inline();
  bool overrun = false;
  Generation::Hooks hooks;
  hooks.overrun = [&] { overrun = true; };
  auto generation =
      Generation::start(service, {request_of("@forever")}, io.get_executor(), hooks, 10);
  ASSERT_TRUE(generation.has_value());
  io.run();
  EXPECT_TRUE(overrun);
  EXPECT_TRUE((*generation)->overrun());
  EXPECT_EQ((*generation)->take().size(), 10u);
  (*generation)->detach();
}

TEST(Generation, ARefusedRequestTakesTheOthersBack) {
  boost::asio::io_context io;
  FakeService service;
  auto generation = Generation::start(service, {request_of("@stall"), request_of("@full")},
                                      io.get_executor(), {}, 10);
  ASSERT_FALSE(generation.has_value());
  EXPECT_EQ(generation.error().code, Code::kUnavailable);
  while (service.active() > 0) std::this_thread::yield();
}

TEST(Generation, TheQueueJudgesAJobByItsFirstRequest) {
  boost::asio::io_context io;
  FakeService service;
  service.answer_inline();
  auto generation = Generation::start(service, {request_of("a"), request_of("b"), request_of("c")},
                                      io.get_executor(), {}, 1000);
  ASSERT_TRUE(generation.has_value());
  EXPECT_EQ(service.companions(), (std::vector<RequestId>{0, 1, 1}));
  (*generation)->detach();
}

TEST(Generation, NothingArrivesAfterDetach) {
  boost::asio::io_context io;
  FakeService service;
  bool arrived = false;
  Generation::Hooks hooks;
  hooks.arrived = [&] { arrived = true; };
  auto generation = Generation::start(service, {request_of("@slow")}, io.get_executor(), hooks, 10);
  (*generation)->detach();
  while (service.active() > 0) std::this_thread::yield();
  io.run();
  EXPECT_FALSE(arrived);
  EXPECT_TRUE((*generation)->take().empty());
}

}  // namespace
}  // namespace weir::server
