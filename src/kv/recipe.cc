#include "kv/recipe.h"

#include <fmt/format.h>

namespace weir {
namespace {

template <typename... T>
tl::unexpected<Error> invalid(fmt::format_string<T...> format, T&&... values) {
  return fail(Code::kInvalid, "kv: " + fmt::format(format, std::forward<T>(values)...), "kv");
}

std::string_view trimmed(std::string_view s) {
  constexpr std::string_view kBlank = " \t\n\r\f\v";
  const size_t begin = s.find_first_not_of(kBlank), end = s.find_last_not_of(kBlank);
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
    if (seen.find(fmt::format(",{},", name)) != seen.npos)
      return invalid("'{}' is set twice", name);
    seen += fmt::format("{},", name);
    WEIR_TRY(to.set(name, trimmed(value)));
  }
  return {};
}

// "name" or "name(list)".
Status parse_method(std::string_view text, std::string_view& name, std::string_view& list) {
  std::string_view rest = text;
  name = cut(rest, '(');
  list = {};
  if (text.find('(') == text.npos) return {};
  if (rest.empty() || rest.back() != ')' || rest.find(')') != rest.size() - 1)
    return invalid("'{}' must end with one closing bracket", text);
  list = trimmed(rest.substr(0, rest.size() - 1));
  return {};
}

// A word's method, of those there are; `none` is what changes nothing.
template <typename Entry>
Result<std::optional<RecipeWord<Entry>>> parse_word(std::string_view role, std::string_view text,
                                                    const std::vector<const Entry*>& entries,
                                                    std::string_view none) {
  std::string_view name, list;
  WEIR_TRY(parse_method(text, name, list));
  if (name == none) {
    if (!list.empty()) return invalid("{}={} has no parameters, not '{}'", role, none, list);
    return std::nullopt;
  }
  std::string known(none);
  for (const Entry* entry : entries) {
    if (entry->info.name == none) continue;
    known += fmt::format(", {}", entry->info.name);
    if (entry->info.name != name) continue;
    RecipeWord<Entry> word{entry, Arguments(entry->info)};
    WEIR_TRY(set_arguments(list, word.arguments));
    return word;
  }
  return invalid("no {} method is named '{}'; there are: {}", role, name, known);
}

template <typename Entry>
void write_word(const std::optional<RecipeWord<Entry>>& word, std::string& to) {
  if (!word) return;
  const MethodInfo& info = word->method->info;
  to += fmt::format("{}{}={}({})", to.empty() ? "" : ";", info.role, info.name,
                    word->arguments.text());
}

// `method` is "name(list)".
Status set_word(std::string_view role, std::string_view method, Recipe& recipe) {
  if (role == "keep") {
    WEIR_ASSIGN(recipe.keep, parse_word(role, method, policies(), "all"));
  } else if (role == "store") {
    WEIR_ASSIGN(recipe.store, parse_word(role, method, codecs(), "raw"));
  } else if (role == "read") {
    WEIR_ASSIGN(recipe.read, parse_word(role, method, retrievers(), "all"));
  } else {
    return invalid("no role is named '{}'; there are: keep, store, read", role);
  }
  return {};
}

}  // namespace

std::string Recipe::text() const {
  std::string out;
  write_word(keep, out);
  write_word(store, out);
  write_word(read, out);
  return out;
}

Result<Recipe> parse_recipe(std::string_view text) {
  if (text.size() > kRecipeBytesMax)
    return invalid("a recipe has at most {} bytes, not {}", kRecipeBytesMax, text.size());
  Recipe recipe;
  std::string seen;
  for (std::string_view rest = text; !trimmed(rest).empty();) {
    const std::string_view word = cut(rest, ';');
    if (word.empty()) continue;
    std::string_view method = word;
    const std::string_view role = cut(method, '=');
    WEIR_TRY(set_word(role, trimmed(method), recipe));
    if (seen.find(role) != seen.npos) return invalid("'{}' is the second word for {}", word, role);
    seen += fmt::format("{};", role);
  }
  if (seen.empty() && !trimmed(text).empty())
    return invalid("'{}' names no method; keep=all keeps every row", trimmed(text));
  return recipe;
}

Result<Recipe> parse_recipe(std::string_view text, const Recipe& otherwise) {
  WEIR_ASSIGN(Recipe recipe, parse_recipe(text));
  return trimmed(text).empty() ? otherwise : recipe;
}

}  // namespace weir
