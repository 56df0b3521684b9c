#include "eval/lock_step.h"

#include <array>
#include <optional>

#include "eval/attention_error.h"
#include "eval/hold.h"
#include "eval/report.h"
#include "eval/shared_start.h"
#include "eval/statistics.h"

namespace weir::eval {
namespace {

// The first tokens of a second copy only say which passage it is of.
constexpr size_t kCopyTokens = 48, kCopyLead = 8;

class LockStep {
 public:
  LockStep(Engine& engine, const Sample& sample, Draw& draw)
      : engine_(engine),
        prompt_(sample.tokens.first(sample.context)),
        next_(sample.tokens.subspan(sample.context)),
        copy_(prompt_.subspan(draw.below(sample.context - kCopyTokens), kCopyTokens)) {}

  Status hold_all(std::span<const Arm> arms, bool whole, Tally& to);
  Status feed();
  void add_to(Tally& to) const;

 private:
  Result<Sequence> hold_whole(const Arm& arm, ArmTally& to);
  void compare(int distance);
  void follow_copy(size_t fed);

  Engine& engine_;
  std::span<const Token> prompt_, next_, copy_;
  // The last of `going_` is a full cache that is the reference and no arm.
  std::vector<Sequence> going_, copying_;
  std::optional<AttentionErrors> attention_;          // Of `going_`.
  std::vector<std::vector<Divergence>> divergences_;  // [arm][distance - 1]
  std::vector<double> copy_nll_;                      // [arm], summed.
};

Result<Sequence> LockStep::hold_whole(const Arm& arm, ArmTally& to) {
  WEIR_ASSIGN(Held held, hold(engine_, arm.recipe, prompt_));
  WEIR_ASSIGN(const double decode_s, decode_seconds(held.sequence, next_[0]));
  to.cost = {static_cast<double>(held.bytes), static_cast<double>(held.bytes_peak), held.seconds,
             decode_s};
  return std::move(held.sequence);
}

Status LockStep::hold_all(std::span<const Arm> arms, bool whole, Tally& to) {
  SharedStart start(engine_, prompt_);
  for (size_t a = 0; a < arms.size(); ++a) {
    WEIR_ASSIGN(Sequence sequence,
                whole ? hold_whole(arms[a], to[a]) : start.under(arms[a].recipe, prompt_));
    WEIR_ASSIGN(Sequence fork, sequence.fork());
    going_.push_back(std::move(sequence));
    copying_.push_back(std::move(fork));
  }
  WEIR_ASSIGN(Sequence reference, going_[0].fork());
  going_.push_back(std::move(reference));
  attention_.emplace(engine_.info(), going_);
  divergences_.resize(arms.size());
  copy_nll_.resize(arms.size());
  return {};
}

Status LockStep::feed() {
  for (size_t i = 0; i < kSteps; ++i) {
    std::vector<Sequence*> sequences;
    std::vector<Token> tokens;
    for (Sequence& s : going_) sequences.push_back(&s), tokens.push_back(next_[i]);
    if (i + 1 < kCopyTokens)
      for (Sequence& s : copying_) sequences.push_back(&s), tokens.push_back(copy_[i]);
    WEIR_TRY(step(engine_, sequences, tokens));
    attention_->add();
    compare(static_cast<int>(i) + 1);
    if (i + 1 >= kCopyLead && i + 1 < kCopyTokens) follow_copy(i + 1);
  }
  return {};
}

void LockStep::compare(int distance) {
  const Reference full(going_.back().logits());
  const Token right = next_[static_cast<size_t>(distance)];
  for (size_t a = 0; a < divergences_.size(); ++a)
    divergences_[a].push_back(full.of(going_[a].logits(), right));
}

void LockStep::follow_copy(size_t fed) {
  for (size_t a = 0; a < copying_.size(); ++a)
    copy_nll_[a] -= log_probability(copying_[a].logits(), copy_[fed]);
}

void add_mean(std::span<const Divergence> of, const std::array<std::string, 3>& names,
              std::map<std::string, std::vector<double>, std::less<>>& to) {
  Divergence sum;
  double same = 0;
  for (const Divergence& d : of) sum.kl += d.kl, sum.right += d.right, same += d.same_top;
  const auto n = static_cast<double>(of.size());
  to[names[0]].push_back(sum.kl / n);
  to[names[1]].push_back(same / n);
  to[names[2]].push_back(sum.right / n);
}

// Without a read method, all there is.
double share_read(const PageReads& pages) {
  return pages.there ? static_cast<double>(pages.read) / static_cast<double>(pages.there) : 1;
}

void LockStep::add_to(Tally& to) const {
  for (size_t a = 0; a < divergences_.size(); ++a) {
    const std::span<const Divergence> all(divergences_[a]);
    auto& measures = to[a].measures;
    add_mean(all, {std::string(kKl), std::string(kSameTop), std::string(kRight)}, measures);
    for (const Bucket& b : kBuckets)
      add_mean(
          all.subspan(static_cast<size_t>(b.first - 1), static_cast<size_t>(b.last - b.first + 1)),
          {bucket_name(kKl, b), bucket_name(kSameTop, b), bucket_name(kRight, b)}, measures);
    measures[std::string(kSecondCopy)].push_back(copy_nll_[a] / (kCopyTokens - kCopyLead));
    to[a].attention_errors.push_back(attention_->means(a));
    measures[std::string(kAttentionError)].push_back(mean(to[a].attention_errors.back()));
    measures[std::string(kPagesRead)].push_back(share_read(going_[a].pages_read()));
  }
}

}  // namespace

Status lock_step(Engine& engine, std::span<const Arm> arms, const Sample& sample, Draw& draw,
                 Tally& to) {
  LockStep steps(engine, sample, draw);
  WEIR_TRY(steps.hold_all(arms, sample.whole, to));
  WEIR_TRY(steps.feed());
  steps.add_to(to);
  return {};
}

}  // namespace weir::eval
