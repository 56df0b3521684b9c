#include "eval/evaluate.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/file.h"
#include "eval/lock_step.h"
#include "eval/stream.h"
#include "eval/stretches.h"
#include "eval/tally.h"

namespace weir::eval {
namespace {

constexpr size_t kFollowing = kSteps + 1;  // Tokens after the context.

class Evaluation {
 public:
  Evaluation(Engine& engine, const Plan& plan, const Note& note)
      : engine_(engine),
        plan_(plan),
        note_(note),
        arms_(arms(plan)),
        exam_(engine, plan, arms_, note) {}

  Status prepare();
  // Of the text; once prepared.
  const TextReport& text() const { return text_report_; }
  Result<ContextReport> at(uint32_t context);

 private:
  Status check() const;
  std::vector<Token> sample(size_t from, uint32_t context) const;
  // How many samples there were.
  Result<uint32_t> go_on(uint32_t context, Tally& to);
  void tell(const std::string& what) const {
    if (note_) note_(what);
  }

  Engine& engine_;
  const Plan& plan_;
  const Note& note_;
  std::vector<Arm> arms_;
  Exam exam_;
  std::vector<Token> text_;
  TextReport text_report_;
};

std::string stories(uint64_t seed, size_t tokens) {
  Draw draw(seed);
  std::string out;
  constexpr size_t kBytesPerToken = 8;  // At most: words are shorter.
  while (out.size() < kBytesPerToken * tokens) out += story_sentence(draw) + " ";
  return out;
}

Status Evaluation::prepare() {
  const uint32_t longest = plan_.contexts.empty() ? 0 : *std::ranges::max_element(plan_.contexts);
  const size_t wanted = plan_.samples * (longest + kFollowing);
  const std::string text = plan_.text.empty() ? stories(plan_.seed, wanted) : plan_.text;
  WEIR_ASSIGN(text_, engine_.tokenize(text, false, false));
  text_report_ = {plan_.text_name, sha256(std::as_bytes(std::span(text))), text.size(),
                  text_.size()};
  WEIR_TRY(check());
  for (const Arm& arm : arms_) WEIR_TRY(engine_.create_sequence(arm.recipe));
  WEIR_TRY(exam_.prepare());
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
std::vector<Token> Evaluation::sample(size_t from, uint32_t context) const {
  const auto begin = text_.begin() + static_cast<ptrdiff_t>(from);
  std::vector<Token> out(begin, begin + static_cast<ptrdiff_t>(context + kFollowing));
  const auto empty = engine_.tokenize("", true, false);
  if (empty && !empty->empty()) out[0] = empty->front();
  return out;
}

Result<uint32_t> Evaluation::go_on(uint32_t context, Tally& to) {
  Draw draw(seed_of(plan_.seed, context));
  const auto places = stretches(text_.size(), context + kFollowing, plan_.samples, draw);
  for (size_t s = 0; s < places.size(); ++s) {
    tell(fmt::format("context {}: sample {} of {}", context, s + 1, places.size()));
    const std::vector<Token> tokens = sample(places[s], context);
    WEIR_TRY(lock_step(engine_, arms_, {tokens, context, s == 0}, draw, to));
    if (!plan_.stream) continue;
    for (size_t a = 0; a < arms_.size(); ++a) {
      tell(fmt::format("context {}: in pieces, {}", context, arms_[a].recipe));
      WEIR_TRY(stream(engine_, arms_[a], tokens, context, to[a]));
    }
  }
  return static_cast<uint32_t>(places.size());
}

ArmReport arm_report(const Arm& arm, const ArmTally& of, const ArmTally& full, uint64_t seed) {
  ArmReport out;
  out.arm = arm;
  out.cost = of.cost;
  for (const auto& [name, values] : of.measures) {
    std::vector<double> changes = values;
    for (size_t i = 0; i < changes.size(); ++i) changes[i] -= full.measures.at(name)[i];
    out.measures[name] = {values, mean(values), bootstrap(changes, seed)};
  }
  out.attention_errors = mean(of.attention_errors);
  return out;
}

Result<ContextReport> Evaluation::at(uint32_t context) {
  Tally tally(arms_.size());
  ContextReport report;
  report.context = context;
  WEIR_ASSIGN(report.samples, go_on(context, tally));
  if (plan_.stream) report.positions = position_buckets(context);
  WEIR_ASSIGN(report.tasks, exam_.at(context, tally));
  for (size_t a = 0; a < arms_.size(); ++a)
    report.arms.push_back(arm_report(arms_[a], tally[a], tally[0], plan_.seed));
  return report;
}

}  // namespace

const char* mode_name(TaskMode mode) {
  return mode == TaskMode::kTurns          ? "turns"
         : mode == TaskMode::kQuestionSeen ? "question_seen"
                                           : "shared_context";
}

std::string bucket_name(std::string_view measure, const Bucket& bucket) {
  return fmt::format("{}_{}_{}", measure, bucket.first, bucket.last);
}

Result<Report> evaluate(Engine& engine, const Plan& plan, const Note& note) {
  Evaluation evaluation(engine, plan, note);
  WEIR_TRY(evaluation.prepare());
  const ModelInfo& info = engine.info();
  Report report{info.name,    info.digest,     info.isa,
                info.kv_type, info.arithmetic, evaluation.text(),
                plan.samples, plan.seed,       {}};
  for (uint32_t context : plan.contexts) {
    WEIR_ASSIGN(ContextReport one, evaluation.at(context));
    report.contexts.push_back(std::move(one));
  }
  return report;
}

}  // namespace weir::eval
