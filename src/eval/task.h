// Tasks that only what stands in the context can answer: the shapes of RULER (Hsieh et al., 2024)
// and SCBench (Li et al., 2024) in words of our own, small enough for small models. An answer is
// one word among others that would do as well if nothing were remembered, so that a model that
// knows nothing has it with a probability of 1 / kCandidates.
//
// A task is one file under tasks/ that names itself with a TaskEntry.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "eval/draw.h"
#include "eval/words.h"

namespace weir::eval {

inline constexpr size_t kCandidates = 8;

// `lead` follows `ask`, and one of `answers` with a space before it would follow `lead`. Each
// answer competes with `others` alone, of which there are kCandidates - 1.
struct Question {
  std::string ask, lead;
  Words answers, others;
};

struct Problem {
  std::string context;
  std::vector<Question> questions;
};

struct TaskEntry {
  // Longer with a larger size, a function of its arguments.
  using Make = Problem (*)(Draw& draw, const Words& words, size_t size);
  TaskEntry(std::string_view its_name, Make its_make);

  std::string_view name;
  Make make;
};

// By name.
std::vector<const TaskEntry*> tasks();

// Lines put at places drawn by chance between others, their order kept.
std::string hidden(Draw& draw, const std::vector<std::string>& lines,
                   const std::vector<std::string>& among, std::string_view separator);

}  // namespace weir::eval
