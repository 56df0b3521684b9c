// The report as text for a terminal.
#include <fmt/format.h>

#include "eval/report.h"

namespace weir::eval {
namespace {

std::string interval(const Interval& i) {
  return fmt::format("{:.3f} [{:.3f}, {:.3f}]", i.mean, i.low, i.high);
}

std::string signed_interval(const Interval& i) {
  return fmt::format("{:+.3f} [{:+.3f}, {:+.3f}]", i.mean, i.low, i.high);
}

const Measure& measure(const ArmReport& arm, std::string_view name) {
  return arm.measures.find(name)->second;
}

std::string heading(const ContextReport& c, uint32_t wanted) {
  const std::string out = fmt::format("\ncontext {}\n", c.context);
  if (c.samples == wanted) return out;
  return out + fmt::format("{} samples: the text has no more stretches of {} tokens side by side\n",
                           c.samples, c.context + kSteps + 1);
}

std::string going_on(const ContextReport& c) {
  std::string out = fmt::format(
      "{:<30}{:>9}{:>7}{:>9}{:>8}  {:<22}{:>7}{:>7}{:>7}{:>7}{:>11}  {:<24}{:<24}"
      "{:>10}{:>9}\n",
      "RECIPE", "KB", "%", "PEAK KB", "READ %", "KL", "1-8", "9-32", "33-64", "TOP %", "ATTENTION",
      "RIGHT", "SECOND COPY", "PREFILL s", "TOKEN ms");
  for (const ArmReport& a : c.arms) {
    out += fmt::format("{:<30}{:>9.0f}{:>7.1f}{:>9.0f}{:>8.1f}  {:<22}", a.arm.recipe,
                       a.cost.bytes / 1000, 100 * a.cost.bytes / c.arms[0].cost.bytes,
                       a.cost.bytes_peak / 1000, 100 * measure(a, kPagesRead).mean,
                       interval(measure(a, kKl).change));
    for (const Bucket& b : kBuckets)
      out += fmt::format("{:>7.3f}", measure(a, bucket_name(kKl, b)).mean);
    out += fmt::format(
        "{:>7.1f}{:>11.3f}  {:<24}{:<24}{:>10.2f}{:>9.1f}\n", 100 * measure(a, kSameTop).mean,
        measure(a, kAttentionError).mean, signed_interval(measure(a, kRight).change),
        signed_interval(measure(a, kSecondCopy).change), a.cost.prefill_s, 1000 * a.cost.decode_s);
  }
  return out;
}

std::string by_turn(const ArmReport& a, const TaskReport& task) {
  std::string out = fmt::format("  {:<30}", "  by turn");
  for (size_t turn = 1; turn <= task.turns; ++turn)
    out += fmt::format("{:>6.2f}", measure(a, fmt::format("{}_{}", task.name, turn)).mean);
  return out + "\n";
}

std::string not_reported(const TaskReport& task) {
  const std::string more = task.threshold > 1 ? "of so few contexts nothing is"
                                              : fmt::format("{:.2f} is", task.threshold);
  return fmt::format(
      "{}: not reported, the full cache has {:.2f}; {} more than guessing (of {} "
      "contexts, {} questions)\n",
      task.name, task.full, more, task.contexts, task.questions);
}

std::string asked(const ContextReport& c, const TaskReport& task) {
  if (!task.reported()) return not_reported(task);
  std::string out = fmt::format("{} ({}): {} questions, chance {:.3f}\n", task.name,
                                mode_name(task.mode), task.questions, task.chance);
  for (const ArmReport& a : c.arms) {
    const Measure& accuracy = measure(a, task.name);
    out += fmt::format("  {:<30}{:>6.2f}  {:<26}log-probability {}\n", a.arm.recipe, accuracy.mean,
                       signed_interval(accuracy.change),
                       signed_interval(measure(a, task.name + "_logp").change));
    if (task.turns > 0) out += by_turn(a, task);
  }
  return out;
}

// What text fed in pieces takes at the end, and how much worse each part of it was foreseen.
std::string streamed(const ContextReport& c) {
  std::string out = fmt::format("in pieces:\n  {:<30}{:>9}", "RECIPE", "KB");
  for (const Bucket& b : c.positions)
    out += fmt::format("{:>13}", fmt::format("{}-{}", b.first, b.last));
  for (const ArmReport& a : c.arms) {
    out += fmt::format("\n  {:<30}{:>9.0f}", a.arm.recipe, measure(a, kStreamBytes).mean / 1000);
    for (const Bucket& b : c.positions) {
      const Measure& nll = measure(a, bucket_name(kStreamNll, b));
      out += &a == &c.arms[0] ? fmt::format("{:>13.3f}", nll.mean)
                              : fmt::format("{:>+13.3f}", nll.change.mean);
    }
  }
  return out + "\n";
}

}  // namespace

std::string table_of(const Report& r) {
  std::string out = fmt::format(
      "{}: {}, {} arithmetic, KV cache in {}; text: {}, {} tokens, SHA-256 {:.12}; {} samples, "
      "seed {}\n",
      r.model, r.isa, r.arithmetic, r.kv_type, r.text.name, r.text.tokens, r.text.sha256, r.samples,
      r.seed);
  for (const ContextReport& c : r.contexts) {
    out += heading(c, r.samples) + going_on(c);
    for (const TaskReport& task : c.tasks) out += asked(c, task);
    if (!c.positions.empty()) out += streamed(c);
  }
  return out +
         "\nIn brackets: 95 % of a bootstrap over samples of what differs from the full cache. Two "
         "recipes\nare compared by the differences of their samples (--json). docs/eval.md says "
         "more.\n";
}

}  // namespace weir::eval
