// What a Sequence by hand is inside the engine, and how several are appended to together.
#pragma once

#include <future>
#include <memory>
#include <span>
#include <vector>

#include "engine/load.h"
#include "engine/loop.h"
#include "weir/engine.h"

namespace weir {

class Sequence::State {
 public:
  State(Loop& its_loop, LoadedModel& its_model, Cache cache);

  // On the loop's thread: Sequence::fork.
  Result<std::shared_ptr<State>> fork() const;
  Result<std::shared_ptr<State>> fork(const Recipe& recipe) const;

  Loop& loop;
  LoadedModel& model;
  Stream stream;
  std::vector<float> logits;  // Of the last append.
  size_t logit_rows = 0;

 private:
  std::shared_ptr<State> copy(Cache cache) const;
};

// Computes several sequences' new tokens in shared steps; the caller waits.
class JointAppend final : public Driver {
 public:
  JointAppend(std::span<const Append> appends, LogitRows rows) : appends_(appends), rows_(rows) {}

  // From the caller's thread; returns when all is computed.
  Status run(Loop& loop);

  void admit() override {}
  void on_logits(Stream& stream, int32_t position, std::span<float> logits) override;
  void cancel() override;

 private:
  Status start();
  Status check() const;
  static int32_t prompt_after(const Append& a);
  void finish(Status status);

  std::span<const Append> appends_;
  LogitRows rows_;
  size_t pending_ = 0;
  std::shared_ptr<std::promise<Status>> done_ = std::make_shared<std::promise<Status>>();
};

}  // namespace weir
