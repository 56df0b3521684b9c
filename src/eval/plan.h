// What is to be compared, on what.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace weir::eval {

struct Plan {
  // Besides the full cache. Empty: every keep method that has a budget, at each of `budgets`, and
  // every store method at each number of bits.
  std::vector<std::string> recipes;
  std::vector<double> budgets = {0.5, 0.25, 0.1};
  std::vector<uint32_t> contexts = {512, 2048};  // Tokens that the cache holds when it is judged.
  std::string text, text_name = "stories";       // An empty text: stories, made up.
  uint32_t samples = 8;
  uint64_t seed = 1;           // Of samples, tasks and intervals.
  bool question_seen = false;  // Also ask tasks with the question before the point.
};

// One of what is compared. `method` is common to those that differ in their parameters only.
struct Arm {
  std::string method, recipe;
};

// The full cache first.
std::vector<Arm> arms(const Plan& plan);

}  // namespace weir::eval
