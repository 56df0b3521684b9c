#include "kv/recipe.h"

#include <fmt/format.h>

namespace weir {
namespace {

template <typename... T>
tl::unexpected<Error> invalid(fmt::format_string<T...> format, T&&... values) {
  return fail(Code::kInvalid, "kv: " + fmt::format(format, std::forward<T>(values)...), "kv");
}

std::string_view trimmed(std::string_view s) {
  const size_t begin = s.find_first_not_of(" \t"), end = s.find_last_not_of(" \t");
  return begin == s.npos ? std::string_view() : s.substr(begin, end - begin + 1);
}

// What stands before the first `mark`; `rest` becomes what follows it, and is empty without one.
std::string_view cut(std::string_view& rest, char mark) {
  const size_t at = rest.find(mark);
  const std::string_view head = rest.substr(0, at);
  rest = at == rest.npos ? std::string_view() : rest.substr(at + 1);
  return trimmed(head);
}

Status set_arguments(std::string_view list, Arguments& to) {
  std::string seen = ",";
  for (std::string_view rest = list; !trimmed(rest).empty();) {
    std::string_view value = cut(rest, ',');
    const std::string_view name = cut(value, '=');
    if (seen.find(fmt::format(",{},", name)) != seen.npos) return invalid("{} is set twice", name);
    seen += fmt::format("{},", name);
    WEIR_TRY(to.set(name, trimmed(value)));
  }
  return {};
}

Result<std::optional<Recipe::Keep>> parse_keep(std::string_view name, std::string_view list) {
  if (name == "all") {
    if (!list.empty()) return invalid("keep=all has no parameters, not {}", list);
    return std::nullopt;
  }
  std::string known = "all";
  for (const PolicyEntry* entry : policies()) {
    known += fmt::format(", {}", entry->info.name);
    if (entry->info.name != name) continue;
    Recipe::Keep keep{entry, Arguments(entry->info)};
    WEIR_TRY(set_arguments(list, keep.arguments));
    return keep;
  }
  return invalid("no keep method is named {}; there are: {}", name, known);
}

// "name" or "name(list)".
Status parse_method(std::string_view text, std::string_view& name, std::string_view& list) {
  std::string_view rest = text;
  name = cut(rest, '(');
  list = {};
  if (text.find('(') == text.npos) return {};
  if (rest.empty() || rest.back() != ')' || rest.find(')') != rest.size() - 1)
    return invalid("{} must end with one closing bracket", text);
  list = trimmed(rest.substr(0, rest.size() - 1));
  return {};
}

}  // namespace

std::string Recipe::text() const {
  if (!keep) return "";
  return fmt::format("keep={}({})", keep->method->info.name, keep->arguments.text());
}

Result<Recipe> parse_recipe(std::string_view text) {
  if (text.size() > kRecipeBytesMax)
    return invalid("a recipe has at most {} bytes, not {}", kRecipeBytesMax, text.size());
  Recipe recipe;
  bool has_keep = false;
  for (std::string_view rest = text; !trimmed(rest).empty();) {
    const std::string_view word = cut(rest, ';');
    if (word.empty()) continue;
    std::string_view method = word, name, list;
    const std::string_view role = cut(method, '=');
    if (role != "keep") return invalid("no role is named {}; there is: keep", role);
    if (has_keep) return invalid("{} is the second word for keep", word);
    has_keep = true;
    WEIR_TRY(parse_method(trimmed(method), name, list));
    WEIR_ASSIGN(recipe.keep, parse_keep(name, list));
  }
  return recipe;
}

}  // namespace weir
