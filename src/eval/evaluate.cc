#include "eval/evaluate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "eval/ask.h"
#include "eval/lock_step.h"
#include "eval/tally.h"

namespace weir::eval {
namespace {

constexpr size_t kFollowing = kSteps + 1;  // Tokens after the context.

class Evaluation {
 public:
  Evaluation(Engine& engine, const Plan& plan, const Note& note)
      : engine_(engine), plan_(plan), note_(note), arms_(arms(plan)) {}

  Status prepare();
  Result<ContextReport> at(uint32_t context);

 private:
  Status check() const;
  std::vector<Token> sample(uint32_t context, Draw& draw) const;
  Status go_on(uint32_t context, Tally& to);
  Result<TaskReport> run(const TaskEntry& task, bool seen, uint32_t context, Tally& to);
  Status ask_all(const std::vector<ProblemTokens>& problems, size_t arm, bool seen,
                 const std::string& name, Tally& to);
  Result<std::vector<ProblemTokens>> problems(const TaskEntry& task, uint32_t context) const;
  void tell(const std::string& what) const {
    if (note_) note_(what);
  }

  Engine& engine_;
  const Plan& plan_;
  const Note& note_;
  std::vector<Arm> arms_;
  std::vector<Token> text_;
  Words words_;
};

std::string stories(uint64_t seed, uint32_t context) {
  Draw draw(seed);
  std::string out;
  constexpr size_t kBytesPerToken = 8;
  while (out.size() < 4 * kBytesPerToken * context) out += story_sentence(draw) + " ";
  return out;
}

Status Evaluation::prepare() {
  const uint32_t longest = plan_.contexts.empty() ? 0 : *std::ranges::max_element(plan_.contexts);
  const std::string text = plan_.text.empty() ? stories(plan_.seed, longest) : plan_.text;
  WEIR_ASSIGN(text_, engine_.tokenize(text, false, false));
  WEIR_TRY(check());
  for (const Arm& arm : arms_) WEIR_TRY(engine_.create_sequence(arm.recipe));
  WEIR_ASSIGN(words_, token_words(engine_));
  for (uint32_t context : plan_.contexts)
    for (const TaskEntry* task : tasks()) WEIR_TRY(problems(*task, context));
  // The first work of a process is slower than the next.
  WEIR_ASSIGN(Sequence warm, engine_.create_sequence("keep=all"));
  WEIR_TRY(warm.append(std::span(text_).first(kFollowing)));
  return {};
}

Status Evaluation::check() const {
  constexpr size_t kContextLeast = 64;
  if (plan_.samples < 1) return fail(Code::kInvalid, "--samples must be 1 or more");
  for (uint32_t context : plan_.contexts) {
    const size_t needed = context + kFollowing, most = engine_.info().context_tokens_max;
    if (context < kContextLeast || needed > most)
      return fail(Code::kInvalid, fmt::format("--context {} is not one of {} to {}", context,
                                              kContextLeast, most - kFollowing));
    if (text_.size() < needed)
      return fail(Code::kInvalid, fmt::format("--text has {} tokens; --context {} takes {}",
                                              text_.size(), context, needed));
  }
  return {};
}

// A stretch of the text, with what the model wants before a text.
std::vector<Token> Evaluation::sample(uint32_t context, Draw& draw) const {
  const size_t length = context + kFollowing;
  const size_t from = draw.below(text_.size() - length + 1);
  const auto begin = text_.begin() + static_cast<ptrdiff_t>(from);
  std::vector<Token> out(begin, begin + static_cast<ptrdiff_t>(length));
  const auto empty = engine_.tokenize("", true, false);
  if (empty && !empty->empty()) out[0] = empty->front();
  return out;
}

Status Evaluation::go_on(uint32_t context, Tally& to) {
  Draw draw(seed_of(plan_.seed, context));
  for (uint32_t s = 0; s < plan_.samples; ++s) {
    tell(fmt::format("context {}: sample {} of {}", context, s + 1, plan_.samples));
    WEIR_TRY(lock_step(engine_, arms_, sample(context, draw), context, draw, to));
  }
  return {};
}

Result<std::vector<ProblemTokens>> Evaluation::problems(const TaskEntry& task,
                                                        uint32_t context) const {
  std::vector<ProblemTokens> out;
  for (uint32_t s = 0; s < plan_.samples; ++s) {
    WEIR_ASSIGN(ProblemTokens one, fit(engine_, task, words_, seed_of(plan_.seed, s), context));
    out.push_back(std::move(one));
  }
  return out;
}

Status Evaluation::ask_all(const std::vector<ProblemTokens>& problems, size_t arm, bool seen,
                           const std::string& name, Tally& to) {
  for (const ProblemTokens& problem : problems) {
    WEIR_ASSIGN(const Score score, ask(engine_, arms_[arm].recipe, problem, seen));
    to[arm].measures[name].push_back(score.accuracy);
    to[arm].measures[name + "_logp"].push_back(score.logp);
  }
  return {};
}

// The full cache first: where it only guesses, nothing can be seen of the others.
Result<TaskReport> Evaluation::run(const TaskEntry& task, bool seen, uint32_t context, Tally& to) {
  TaskReport report;
  report.name = fmt::format("{}{}", task.name, seen ? "_seen" : "");
  WEIR_ASSIGN(const auto all, problems(task, context));
  for (const ProblemTokens& p : all) report.questions += p.questions.size();
  report.chance = 1.0 / kCandidates;
  report.threshold = report.chance + 3 * std::sqrt(report.chance * (1 - report.chance) /
                                                   static_cast<double>(report.questions));
  for (size_t arm = 0; arm < arms_.size(); ++arm) {
    tell(fmt::format("context {}: {}, {}", context, report.name, arms_[arm].recipe));
    WEIR_TRY(ask_all(all, arm, seen, report.name, to));
    if (arm == 0) report.full = mean(to[0].measures[report.name]);
    if (!report.reported()) break;
  }
  return report;
}

ArmReport arm_report(const Arm& arm, const ArmTally& of, const ArmTally& full, uint64_t seed) {
  ArmReport out;
  out.arm = arm;
  out.bytes = mean(of.measures.at("bytes"));
  out.bytes_peak = mean(of.measures.at("bytes_peak"));
  out.prefill_s = median(of.measures.at("prefill_s"));
  out.decode_s = median(of.measures.at("decode_s"));
  for (const auto& [name, values] : of.measures) {
    if (name.starts_with("bytes") || name.ends_with("_s")) continue;
    std::vector<double> changes = values;
    for (size_t i = 0; i < changes.size(); ++i) changes[i] -= full.measures.at(name)[i];
    out.measures[name] = {mean(values), bootstrap(changes, seed)};
  }
  out.attention_errors = mean(of.attention_errors);
  return out;
}

Result<ContextReport> Evaluation::at(uint32_t context) {
  Tally tally(arms_.size());
  ContextReport report;
  report.context = context;
  WEIR_TRY(go_on(context, tally));
  for (const TaskEntry* task : tasks())
    for (bool seen : {false, true}) {
      if (seen && !plan_.question_seen) continue;
      WEIR_ASSIGN(TaskReport one, run(*task, seen, context, tally));
      report.tasks.push_back(std::move(one));
    }
  for (size_t a = 0; a < arms_.size(); ++a)
    report.arms.push_back(arm_report(arms_[a], tally[a], tally[0], plan_.seed));
  return report;
}

}  // namespace

std::string bucket_name(std::string_view measure, const Bucket& bucket) {
  return fmt::format("{}_{}_{}", measure, bucket.first, bucket.last);
}

Result<Report> evaluate(Engine& engine, const Plan& plan, const Note& note) {
  Evaluation evaluation(engine, plan, note);
  WEIR_TRY(evaluation.prepare());
  const ModelInfo& info = engine.info();
  Report report{info.name,    info.digest, info.isa, info.kv_type, info.arithmetic, plan.text_name,
                plan.samples, plan.seed,   {}};
  for (uint32_t context : plan.contexts) {
    WEIR_ASSIGN(ContextReport one, evaluation.at(context));
    report.contexts.push_back(std::move(one));
  }
  return report;
}

}  // namespace weir::eval
