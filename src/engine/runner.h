// Runs step plans: the loop over layers.
#pragma once

#include <deque>
#include <functional>
#include <span>
#include <vector>

#include "engine/stream.h"
#include "model/model.h"
#include "sched/plan.h"

namespace weir {

// Owned by the engine's thread.
class Runner {
 public:
  Runner(Model& model, uint32_t d_model, uint32_t vocabulary)
      : model_(model), d_model_(d_model), vocabulary_(vocabulary) {}

  // Computes the plan's work; streams[i] is that of plan.work[i]. Then hands logits to the drivers.
  void run(const StepPlan& plan, std::span<Stream* const> streams);

 private:
  struct Pick {
    Stream* stream;
    int32_t position;
    uint32_t row;
  };
  void run_group(std::span<const Work> work, std::span<Stream* const> streams);
  const Watch* watch_of(Stream& stream);
  void gather(std::span<const Work> work, std::span<Stream* const> streams);
  void leave(std::span<const Work> work, std::span<Stream* const> streams);
  void give_logits(std::span<const Work> work, std::span<Stream* const> streams, const Rows& rows);

  Model& model_;
  uint32_t d_model_, vocabulary_;
  std::vector<RowSpan> spans_;
  std::deque<Watch> watches_;  // Of this step, where a keep method watches too.
  std::vector<Token> tokens_;
  std::vector<float> x_, logits_;
  std::vector<Pick> picks_;
};

}  // namespace weir
