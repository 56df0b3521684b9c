#include "eval/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "weir/kv_methods.h"

namespace weir::eval {
namespace {

const KvParameter* parameter(const KvMethod& m, std::string_view name) {
  const auto found = std::ranges::find(m.parameters, name, &KvParameter::name);
  return found == m.parameters.end() ? nullptr : &*found;
}

// What says how much a method leaves: a read method names it by pages.
const KvParameter* budget(const KvMethod& m) {
  const KvParameter* rows = parameter(m, "budget");
  return rows ? rows : parameter(m, "pages");
}

// A recipe without a budget: "keep=snapkv(window=8)" of "keep=snapkv(budget=0.2,window=8)".
std::string without(std::string recipe, std::string_view name) {
  const size_t at =
      std::min(recipe.find(fmt::format("({}=", name)), recipe.find(fmt::format(",{}=", name)));
  const size_t end = at == recipe.npos ? at : recipe.find_first_of(",)", at + 1);
  if (end == recipe.npos) return recipe;
  const bool first = recipe[at] == '(', last = recipe[end] == ')';
  // With the comma before it or after it, or with the brackets around it.
  const size_t from = first && !last ? at + 1 : at, to = first ? end + 1 : end;
  return recipe.erase(from, to - from);
}
std::string method_of(const std::string& recipe) {
  return without(without(recipe, "budget"), "pages");
}

// A method at each budget, or at each number of bits that it offers, or as it is.
void add_method(const KvMethod& m, std::span<const double> budgets, std::vector<Arm>& to) {
  const auto add = [&](const std::string& list) {
    const std::string recipe = fmt::format("{}={}{}", m.role, m.name, list);
    to.push_back({method_of(recipe), recipe});
  };
  const KvParameter *share = budget(m), *bits = parameter(m, "bits");
  if (share) {
    for (const double b : budgets) add(fmt::format("({}={})", share->name, b));
  } else if (bits && !bits->words.empty()) {
    for (const std::string& word : bits->words) add(fmt::format("(bits={})", word));
  } else {
    add("");
  }
}

}  // namespace

std::vector<Arm> arms(const Plan& plan) {
  std::vector<Arm> out{{"full", "keep=all"}};
  for (const std::string& recipe : plan.recipes) out.push_back({method_of(recipe), recipe});
  if (!plan.recipes.empty()) return out;
  for (const KvMethod& m : kv_methods()) add_method(m, plan.budgets, out);
  return out;
}

}  // namespace weir::eval
