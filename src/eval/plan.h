// What is to be compared, on what.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace weir::eval {

struct Plan {
  // Besides the full cache. Empty: every method, those that have a budget (a read method's is its
  // number of pages) at each of `budgets`, those that offer numbers of bits at each of them.
  std::vector<std::string> recipes;
  std::vector<double> budgets = {0.5, 0.25, 0.1};
  std::vector<uint32_t> contexts = {512, 2048};  // Tokens that the cache holds when it is judged.
  std::string text, text_name = "stories";       // An empty text: stories, made up.
  uint32_t samples = 8;
  uint64_t seed = 1;               // Of samples, tasks and intervals.
  std::vector<std::string> tasks;  // By name; empty: all; "none".
  bool question_seen = false;      // Also ask tasks with the question before the point.
  bool stream = false;             // Also feed texts piece by piece, and judge by position.
};

// One of what is compared. `method` is common to those that differ in a budget only.
struct Arm {
  std::string method, recipe;
};

// The full cache first.
std::vector<Arm> arms(const Plan& plan);

}  // namespace weir::eval
