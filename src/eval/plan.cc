#include "eval/plan.h"

#include <fmt/format.h>

#include <algorithm>

#include "weir/kv_methods.h"

namespace weir::eval {
namespace {

bool has_budget(const KvMethod& m) {
  return std::ranges::any_of(m.parameters, [](const KvParameter& p) { return p.name == "budget"; });
}

// A store method at each number of bits that it offers.
void add_stores(const KvMethod& m, std::vector<Arm>& to) {
  const auto bits =
      std::ranges::find_if(m.parameters, [](const KvParameter& p) { return p.name == "bits"; });
  if (bits == m.parameters.end()) return to.push_back({m.name, fmt::format("store={}", m.name)});
  for (const std::string& word : bits->words)
    to.push_back({m.name, fmt::format("store={}(bits={})", m.name, word)});
}

// "keep=snapkv(budget=0.2)" is of keep=snapkv.
std::string method_of(const std::string& recipe) {
  return recipe.find(';') == recipe.npos ? recipe.substr(0, recipe.find('(')) : recipe;
}

}  // namespace

std::vector<Arm> arms(const Plan& plan) {
  std::vector<Arm> out{{"full", "keep=all"}};
  for (const std::string& recipe : plan.recipes) out.push_back({method_of(recipe), recipe});
  if (!plan.recipes.empty()) return out;
  for (const KvMethod& m : kv_methods()) {
    for (double budget : plan.budgets)
      if (m.role == "keep" && has_budget(m))
        out.push_back({m.name, fmt::format("keep={}(budget={})", m.name, budget)});
    if (m.role == "store") add_stores(m, out);
  }
  return out;
}

}  // namespace weir::eval
