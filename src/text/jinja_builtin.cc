#include "text/jinja_builtin.h"

#include <fmt/format.h>

#include <algorithm>

#include "text/jinja_ops.h"

namespace weir::jinja {
namespace {

std::vector<std::string_view> split_params(std::string_view params) {
  std::vector<std::string_view> names;
  while (!params.empty()) {
    const std::size_t end = std::min(params.find(' '), params.size());
    names.push_back(params.substr(0, end));
    params.remove_prefix(std::min(end + 1, params.size()));
  }
  return names;
}

Status bind_named(const BuiltinRow& row, const CallArgs& args,
                  const std::vector<std::string_view>& names, std::vector<const Value*>& bound) {
  for (const auto& [name, value] : args.named) {
    const auto place = std::ranges::find(names, name);
    if (place == names.end()) {
      return type_error(fmt::format("{}() has no parameter '{}'", row.name, name));
    }
    const Value*& slot = bound[static_cast<std::size_t>(place - names.begin())];
    if (slot != nullptr) {
      return type_error(fmt::format("{}() got two values for '{}'", row.name, name));
    }
    slot = &value;
  }
  return {};
}

Result<std::vector<const Value*>> bind(const BuiltinRow& row, const CallArgs& args) {
  const std::vector<std::string_view> names = split_params(row.params);
  if (args.positional.size() > names.size()) {
    return type_error(fmt::format("{}() takes at most {} argument(s), not {}", row.name,
                                  names.size(), args.positional.size()));
  }
  std::vector<const Value*> bound(names.size(), nullptr);
  for (std::size_t i = 0; i < args.positional.size(); ++i) bound[i] = &args.positional[i];
  WEIR_TRY(bind_named(row, args, names, bound));
  for (std::size_t i = 0; i < static_cast<std::size_t>(row.required); ++i) {
    if (bound[i] == nullptr) {
      return type_error(fmt::format("{}() needs the argument '{}'", row.name, names[i]));
    }
  }
  return bound;
}

const BuiltinRow* find_in(std::initializer_list<Table> tables, std::string_view name) {
  for (const Table table : tables) {
    if (const BuiltinRow* row = find_row(table, name)) return row;
  }
  return nullptr;
}

}  // namespace

Result<std::int64_t> Args::integer(std::size_t index, std::int64_t fallback) const {
  const Value* value = get(index);
  if (value == nullptr) return fallback;
  if (value->is_integral()) return value->integral();
  return type_error(fmt::format("{}(): argument {} must be an integer, not {}", row_->name,
                                index + 1, value->type_name()));
}

Result<std::string_view> Args::string(std::size_t index, std::string_view fallback) const {
  const Value* value = get(index);
  if (value == nullptr) return fallback;
  if (value->is_string()) return std::string_view(value->str());
  return type_error(fmt::format("{}(): argument {} must be str, not {}", row_->name, index + 1,
                                value->type_name()));
}

bool Args::truth(std::size_t index, bool fallback) const {
  const Value* value = get(index);
  return value == nullptr ? fallback : value->truthy();
}

const BuiltinRow* find_row(Table table, std::string_view name) {
  const auto row = std::ranges::find(table, name, &BuiltinRow::name);
  return row == table.end() ? nullptr : &*row;
}

Result<Value> call_builtin(Runtime& runtime, const BuiltinRow& row, const Value& self,
                           const CallArgs& args) {
  // A filter may call filters: map('map', 'map', ...).
  const DepthGuard guard(runtime);
  WEIR_TRY(guard.check());
  Args sorted;
  sorted.row_ = &row;
  sorted.raw_ = &args;
  if (row.params != "*") {
    WEIR_ASSIGN(sorted.bound_, bind(row, args));
  }
  return row.run(runtime, self, sorted);
}

const BuiltinRow* find_filter(std::string_view name) {
  return find_in({text_filters(), sequence_filters(), select_filters(), number_filters()}, name);
}

const BuiltinRow* find_method(const Value& self, std::string_view name) {
  if (self.is_string()) return find_in({string_methods(), string_predicates()}, name);
  if (self.as<Dict>() != nullptr) return find_row(dict_methods(), name);
  const auto* sequence = self.as<Sequence>();
  if (sequence == nullptr) return nullptr;
  return find_row(sequence->is_tuple() ? tuple_methods() : list_methods(), name);
}

Result<Value> apply_filter(Runtime& runtime, std::string_view name, const Value& self,
                           const CallArgs& args) {
  const BuiltinRow* row = find_filter(name);
  if (row == nullptr) return type_error(fmt::format("no filter named '{}'", name));
  return call_builtin(runtime, *row, self, args);
}

Result<bool> apply_test(Runtime& runtime, std::string_view name, const Value& self,
                        const CallArgs& args) {
  const BuiltinRow* row = find_test(name);
  if (row == nullptr) return type_error(fmt::format("no test named '{}'", name));
  WEIR_ASSIGN(const Value answer, call_builtin(runtime, *row, self, args));
  return answer.truthy();
}

Result<Value> call_value(Runtime& runtime, const Value& callee, const CallArgs& args) {
  if (callee.is_undefined()) return type_error(callee.why());
  if (!callee.is_object()) {
    return type_error(fmt::format("'{}' object is not callable", callee.type_name()));
  }
  return callee.object()->call(runtime, args);
}

}  // namespace weir::jinja
