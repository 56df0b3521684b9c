#include "eval/exam.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "eval/ask.h"

namespace weir::eval {
namespace {

constexpr double kChance = 1.0 / kCandidates;
// Of a normal value to be three standard deviations above its mean.
constexpr double kGuessing = 0.00135;

std::string_view suffix(TaskMode mode) {
  return mode == TaskMode::kTurns ? "_turns" : mode == TaskMode::kQuestionSeen ? "_seen" : "";
}

// Those of all that are named; all where none is.
Result<std::vector<const TaskEntry*>> named(const std::vector<std::string>& names) {
  std::vector<const TaskEntry*> out;
  std::string known;
  for (const TaskEntry* task : tasks()) {
    if (names.empty() || std::ranges::count(names, task->name) > 0) out.push_back(task);
    known += fmt::format("{}, ", task->name);
  }
  for (const std::string& name : names)
    if (name != "none" && std::ranges::find(out, name, &TaskEntry::name) == out.end())
      return fail(Code::kInvalid,
                  fmt::format("--tasks: none is named {}; there are: {}none", name, known));
  return out;
}

void add(const std::string& name, const Score& score, ArmTally& to) {
  to.measures[name].push_back(score.accuracy);
  to.measures[name + "_logp"].push_back(score.logp);
}

}  // namespace

Status Exam::prepare() {
  WEIR_ASSIGN(tasks_, named(plan_.tasks));
  WEIR_ASSIGN(words_, token_words(engine_));
  for (uint32_t context : plan_.contexts)
    for (const TaskEntry* task : tasks_) WEIR_TRY(problems(*task, context));
  return {};
}

Result<std::vector<ProblemTokens>> Exam::problems(const TaskEntry& task, uint32_t context) const {
  std::vector<ProblemTokens> out;
  for (uint32_t s = 0; s < plan_.samples; ++s) {
    WEIR_ASSIGN(ProblemTokens one, fit(engine_, task, words_, seed_of(plan_.seed, s), context));
    out.push_back(std::move(one));
  }
  return out;
}

// One for each way of asking, with nothing found yet.
std::vector<TaskReport> Exam::reports(const TaskEntry& task,
                                      std::span<const ProblemTokens> problems) const {
  std::vector<TaskReport> out;
  const size_t turns = problems[0].questions.size(), contexts = problems.size();
  const auto needed = static_cast<double>(successes_beyond_chance(contexts, kChance, kGuessing));
  for (TaskMode mode : {TaskMode::kSharedContext, TaskMode::kTurns, TaskMode::kQuestionSeen}) {
    if (mode == TaskMode::kTurns && turns < 2) continue;
    if (mode == TaskMode::kQuestionSeen && !plan_.question_seen) continue;
    TaskReport r;
    r.mode = mode;
    r.name = fmt::format("{}{}", task.name, suffix(mode));
    r.turns = mode == TaskMode::kTurns ? turns : 0;
    for (const ProblemTokens& p : problems) r.questions += p.questions.size();
    r.contexts = contexts;
    r.chance = kChance;
    r.threshold = needed / static_cast<double>(contexts);
    out.push_back(std::move(r));
  }
  return out;
}

// The full cache first: where it only guesses, nothing can be seen of the others.
Result<std::vector<TaskReport>> Exam::run(const TaskEntry& task, uint32_t context, Tally& to) {
  WEIR_ASSIGN(const auto all, problems(task, context));
  std::vector<TaskReport> found = reports(task, all);
  std::vector<const TaskReport*> ways;
  for (const TaskReport& r : found) ways.push_back(&r);
  WEIR_TRY(ask(all, ways, 0, 1, to));
  for (TaskReport& r : found) r.full = mean(to[0].measures[r.name]);
  std::erase_if(ways, [](const TaskReport* r) { return !r->reported(); });
  if (!ways.empty()) WEIR_TRY(ask(all, ways, 1, arms_.size(), to));
  return found;
}

Status Exam::ask(std::span<const ProblemTokens> problems, std::span<const TaskReport* const> ways,
                 size_t first_arm, size_t end_arm, Tally& to) {
  for (const ProblemTokens& problem : problems) {
    SharedStart start(engine_, problem.context);
    for (size_t arm = first_arm; arm < end_arm; ++arm) {
      if (note_) note_(fmt::format("{}: {}", ways[0]->name, arms_[arm].recipe));
      WEIR_TRY(ask(problem, start, ways, arms_[arm], to[arm]));
    }
  }
  return {};
}

Status Exam::ask(const ProblemTokens& problem, SharedStart& start,
                 std::span<const TaskReport* const> ways, const Arm& arm, ArmTally& to) {
  std::optional<Sequence> held;
  for (const TaskReport* way : ways) {
    const bool seen = way->mode == TaskMode::kQuestionSeen;
    if (!seen && !held) {
      WEIR_ASSIGN(Sequence sequence, start.under(arm.recipe, problem.context));
      held = std::move(sequence);
    }
    WEIR_ASSIGN(const auto scores, seen             ? ask_seen(engine_, start, arm.recipe, problem)
                                   : way->turns > 0 ? ask_in_turns(*held, problem)
                                                    : ask_each(engine_, *held, problem));
    add(way->name, mean(scores), to);
    for (size_t turn = 0; turn < way->turns; ++turn)
      add(fmt::format("{}_{}", way->name, turn + 1), scores[turn], to);
  }
  return {};
}

Result<std::vector<TaskReport>> Exam::at(uint32_t context, Tally& to) {
  std::vector<TaskReport> out;
  for (const TaskEntry* task : tasks_) {
    WEIR_ASSIGN(auto found, run(*task, context, to));
    out.insert(out.end(), std::make_move_iterator(found.begin()),
               std::make_move_iterator(found.end()));
  }
  return out;
}

}  // namespace weir::eval
