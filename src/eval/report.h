// What an evaluation found, for people, programs and plots.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "eval/attention_error.h"
#include "eval/plan.h"
#include "eval/statistics.h"

namespace weir::eval {

struct Measure {
  std::vector<double> samples;  // In one order in all arms, so that any two can be compared.
  double mean = 0;
  Interval change;  // Of what differs from the full cache, sample by sample.
};

// What a prompt takes that is computed whole.
struct Cost {
  // By the allocator: after the prompt, and at most while it is computed. Notes that a method keeps
  // are counted.
  double bytes = 0, bytes_peak = 0;
  double prefill_s = 0, decode_s = 0;  // Of the prompt, and of a token after it.
};

struct ArmReport {
  Arm arm;
  Cost cost;
  std::map<std::string, Measure, std::less<>> measures;
  HeadGrid attention_errors;  // Means of samples.
};

enum class TaskMode {
  kSharedContext,  // The context alone is the prompt; each question is asked of it.
  kTurns,          // Likewise, but in one conversation.
  kQuestionSeen,   // The question is part of the prompt.
};

// A task is reported where the full cache's accuracy is `threshold` or more. Questions on one
// context may be answered rightly for one reason: each context counts as one guess that decides
// them all, which is the most that they can depend on each other. The threshold is the share of
// right contexts that such guesses reach as rarely as normal values are three standard deviations
// above their mean; more than 1 where there are so few contexts that all may be right by chance.
struct TaskReport {
  std::string name;  // Also of its measures: the accuracy, and NAME_logp.
  TaskMode mode = TaskMode::kSharedContext;
  size_t turns = 0;  // Of a conversation, whose measures are also NAME_1, NAME_2 ...
  size_t contexts = 0, questions = 0;
  double full = 0, chance = 0, threshold = 0;
  // A mean that is as large is not less by what rounding took of its sum.
  bool reported() const { return full > threshold - 1e-9; }
};

// Tokens put together, the first and the last of them.
struct Bucket {
  int first, last;
};

struct ContextReport {
  uint32_t context = 0;
  uint32_t samples = 0;         // Of the text: fewer than were asked for where it holds no more.
  std::vector<ArmReport> arms;  // The full cache first.
  std::vector<TaskReport> tasks;
  std::vector<Bucket> positions;  // Of a text fed in pieces; empty where none was.
};

// What the samples are stretches of.
struct TextReport {
  std::string name, sha256;
  uint64_t bytes = 0, tokens = 0;
};

struct Report {
  std::string model, digest, isa, kv_type, arithmetic;
  TextReport text;
  uint32_t samples = 0;  // Asked for; tasks have as many problems.
  uint64_t seed = 0;
  std::vector<ContextReport> contexts;
};

// Names of measures over all distances; with bucket_name(b) after them, of that bucket alone.
inline constexpr std::string_view kKl = "kl", kSameTop = "same_top", kRight = "right";
inline constexpr std::string_view kSecondCopy = "second_copy", kPagesRead = "pages_read";
inline constexpr std::string_view kStreamNll = "stream_nll";  // By bucket only.
inline constexpr std::string_view kStreamBytes = "stream_bytes";
inline constexpr std::string_view kAttentionError = "attention_error";  // Of all layers and heads.

// Distances from the point of compression, in tokens fed since.
inline constexpr Bucket kBuckets[] = {{1, 8}, {9, 32}, {33, 64}};
inline constexpr int kSteps = kBuckets[2].last;

const char* mode_name(TaskMode mode);  // "shared_context", "turns", "question_seen"
std::string bucket_name(std::string_view measure, const Bucket& bucket);  // "kl_9_32"

std::string table_of(const Report& report);
std::string json_of(const Report& report);
// One page that needs no other file and runs no script.
std::string html_of(const Report& report);

}  // namespace weir::eval
