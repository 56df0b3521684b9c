// Tasks asked of every arm, in every way of asking.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "eval/plan.h"
#include "eval/problem_tokens.h"
#include "eval/report.h"
#include "eval/shared_start.h"
#include "eval/tally.h"
#include "weir/engine.h"

namespace weir::eval {

// Told what is being done, now and then.
using Note = std::function<void(const std::string& what)>;

class Exam {
 public:
  // All of them outlive it. The first arm is the full cache.
  Exam(Engine& engine, const Plan& plan, std::span<const Arm> arms, const Note& note)
      : engine_(engine), plan_(plan), arms_(arms), note_(note) {}

  // Before anything else: finds what is wrong with the plan's tasks.
  Status prepare();
  // Adds to `to` for each arm NAME and NAME_logp, of questions in turns also NAME_1, NAME_2 ..., of
  // what is reported; of what is not, the full cache has them alone.
  Result<std::vector<TaskReport>> at(uint32_t context, Tally& to);

 private:
  Result<std::vector<ProblemTokens>> problems(const TaskEntry& task, uint32_t context) const;
  std::vector<TaskReport> reports(const TaskEntry& task,
                                  std::span<const ProblemTokens> problems) const;
  Result<std::vector<TaskReport>> run(const TaskEntry& task, uint32_t context, Tally& to);
  Status ask(std::span<const ProblemTokens> problems, std::span<const TaskReport* const> ways,
             size_t first_arm, size_t end_arm, Tally& to);
  Status ask(const ProblemTokens& problem, SharedStart& start,
             std::span<const TaskReport* const> ways, const Arm& arm, ArmTally& to);

  Engine& engine_;
  const Plan& plan_;
  std::span<const Arm> arms_;
  const Note& note_;
  std::vector<const TaskEntry*> tasks_;
  Words words_;
};

}  // namespace weir::eval
