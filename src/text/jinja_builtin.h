// How filters, tests, methods and functions are declared, found and called.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text/jinja_heap.h"
#include "text/jinja_value.h"

namespace weir::jinja {

// The arguments of one call, as written.
struct CallArgs {
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> named;
};

// Arguments sorted by the parameters of a BuiltinRow.
class Args {
 public:
  // Null when argument `index` was not given.
  const Value* get(std::size_t index) const {
    return index < bound_.size() ? bound_[index] : nullptr;
  }
  const Value& at(std::size_t index) const { return *bound_[index]; }
  // The call itself, for rows with `*`.
  const CallArgs& raw() const { return *raw_; }

  // kInvalid with the parameter's name.
  Result<std::int64_t> integer(std::size_t index, std::int64_t fallback) const;
  Result<std::string_view> string(std::size_t index, std::string_view fallback) const;
  bool truth(std::size_t index, bool fallback) const;

 private:
  friend Result<Value> call_builtin(Runtime&, const BuiltinRow&, const Value&, const CallArgs&);
  const BuiltinRow* row_ = nullptr;
  const CallArgs* raw_ = nullptr;
  std::vector<const Value*> bound_;
};

using Builtin = Result<Value> (*)(Runtime& runtime, const Value& self, const Args& args);

// `params` names the parameters, separated by spaces; the first `required` must be given. A single
// `*` takes any call.
struct BuiltinRow {
  std::string_view name;
  std::string_view params;
  int required;
  Builtin run;
};

using Table = std::span<const BuiltinRow>;

// Null when the table has no such name.
const BuiltinRow* find_row(Table table, std::string_view name);

// Sorts the arguments and runs the row. kInvalid for missing, unknown or surplus arguments.
Result<Value> call_builtin(Runtime& runtime, const BuiltinRow& row, const Value& self,
                           const CallArgs& args);

// By name; null when there is none.
const BuiltinRow* find_filter(std::string_view name);
const BuiltinRow* find_test(std::string_view name);
const BuiltinRow* find_global(std::string_view name);
const BuiltinRow* find_method(const Value& self, std::string_view name);

// kInvalid, naming the filter, when there is none.
Result<Value> apply_filter(Runtime& runtime, std::string_view name, const Value& self,
                           const CallArgs& args);
Result<bool> apply_test(Runtime& runtime, std::string_view name, const Value& self,
                        const CallArgs& args);
Result<Value> call_value(Runtime& runtime, const Value& callee, const CallArgs& args);

// The tables, each in the file of its kind.
Table text_filters();
Table sequence_filters();
Table select_filters();
Table number_filters();
Table string_methods();
Table string_predicates();
Table dict_methods();
Table list_methods();
Table tuple_methods();

}  // namespace weir::jinja
