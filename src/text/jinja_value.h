// The values of a template: Python's, as far as templates can tell.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "weir/status.h"

namespace weir::jinja {

class Heap;
class Object;
class Runtime;
struct CallArgs;

// A string's characters and the account they are charged to while they live.
class Text {
 public:
  explicit Text(std::string chars) : chars_(std::move(chars)) {}
  Text(std::string chars, std::shared_ptr<std::size_t> account, std::size_t charge);
  ~Text();
  Text(const Text&) = delete;
  Text& operator=(const Text&) = delete;

  const std::string& chars() const { return chars_; }

 private:
  std::string chars_;
  std::shared_ptr<std::size_t> account_;  // Null for a literal of the template.
  std::size_t charge_ = 0;
};
using TextPtr = std::shared_ptr<const Text>;

// jinja2's Undefined: prints as '', is false and empty; any other use is the error `why`.
struct Undefined {
  TextPtr why;
};
struct None {};

// One value. Objects belong to the Heap of the rendering; a Value only points at them.
class Value {
 public:
  Value() : v_(None{}) {}
  Value(Undefined undefined) : v_(std::move(undefined)) {}  // NOLINT: a union of kinds
  Value(bool truth) : v_(truth) {}                          // NOLINT
  Value(std::int64_t number) : v_(number) {}                // NOLINT
  Value(double number) : v_(number) {}                      // NOLINT
  Value(TextPtr text) : v_(std::move(text)) {}              // NOLINT
  Value(Object* object) : v_(object) {}                     // NOLINT
  Value(const void*) = delete;

  // A literal: charged to nobody.
  static Value literal(std::string chars) {
    return Value(TextPtr(std::make_shared<Text>(std::move(chars))));
  }

  bool is_undefined() const { return std::holds_alternative<Undefined>(v_); }
  bool is_none() const { return std::holds_alternative<None>(v_); }
  bool is_bool() const { return std::holds_alternative<bool>(v_); }
  bool is_int() const { return std::holds_alternative<std::int64_t>(v_); }
  bool is_double() const { return std::holds_alternative<double>(v_); }
  bool is_string() const { return std::holds_alternative<TextPtr>(v_); }
  // Python's bool is an int.
  bool is_integral() const { return is_bool() || is_int(); }
  bool is_number() const { return is_integral() || is_double(); }

  std::int64_t integral() const {
    return is_bool() ? std::get<bool>(v_) : std::get<std::int64_t>(v_);
  }
  double number() const {
    return is_double() ? std::get<double>(v_) : static_cast<double>(integral());
  }
  const std::string& str() const { return std::get<TextPtr>(v_)->chars(); }
  // The message of an undefined value.
  std::string why() const;
  Object* object() const { return is_object() ? std::get<Object*>(v_) : nullptr; }
  bool is_object() const { return std::holds_alternative<Object*>(v_); }
  // The object if it is of class T, else null.
  template <typename T>
  T* as() const {
    return dynamic_cast<T*>(object());
  }

  bool truthy() const;
  // The name Python gives the type: 'str', 'int', 'NoneType', 'Undefined', ...
  std::string_view type_name() const;
  // Python's `is`.
  bool same(const Value& other) const;

 private:
  std::variant<Undefined, None, bool, std::int64_t, double, TextPtr, Object*> v_;
};

// Anything larger than a number or a string. What a class does not override is what Python refuses.
class Object {
 public:
  virtual ~Object() = default;

  virtual std::string_view type_name() const = 0;
  virtual std::optional<std::size_t> length() const { return std::nullopt; }
  virtual bool truthy() const { return length().value_or(1) != 0; }
  // What a `for` would visit; nothing when the object cannot be iterated over. A generator gives
  // its items once.
  virtual std::optional<std::vector<Value>> iterate() { return std::nullopt; }
  virtual bool iterable() const { return false; }
  // `o.name` for what is neither an item nor a method of the type's table; nothing when unknown.
  virtual Result<std::optional<Value>> attribute(Runtime& runtime, std::string_view name);
  virtual bool callable() const { return false; }
  virtual Result<Value> call(Runtime& runtime, const CallArgs& args);
};

// A list or a tuple. Nothing changes it once it is made.
class Sequence : public Object {
 public:
  Sequence(std::vector<Value> items, bool tuple) : items_(std::move(items)), tuple_(tuple) {}

  std::string_view type_name() const override { return tuple_ ? "tuple" : "list"; }
  std::optional<std::size_t> length() const override { return items_.size(); }
  std::optional<std::vector<Value>> iterate() override { return items_; }
  bool iterable() const override { return true; }
  const std::vector<Value>& items() const { return items_; }
  bool is_tuple() const { return tuple_; }

 private:
  std::vector<Value> items_;
  bool tuple_;
};

// A pair of `groupby`: a tuple whose parts have names.
class GroupTuple final : public Sequence {
 public:
  GroupTuple(Value grouper, Value list)
      : Sequence({std::move(grouper), std::move(list)}, /*tuple=*/true) {}
  std::string_view type_name() const override { return "_GroupTuple"; }
  Result<std::optional<Value>> attribute(Runtime& runtime, std::string_view name) override;
};

class Range final : public Object {
 public:
  Range(std::int64_t start, std::int64_t stop, std::int64_t step)
      : start_(start), stop_(stop), step_(step) {}

  std::string_view type_name() const override { return "range"; }
  std::optional<std::size_t> length() const override;
  std::optional<std::vector<Value>> iterate() override;
  bool iterable() const override { return true; }
  std::int64_t at(std::size_t index) const {
    return start_ + static_cast<std::int64_t>(index) * step_;
  }
  std::int64_t start() const { return start_; }
  std::int64_t stop() const { return stop_; }
  std::int64_t step() const { return step_; }

 private:
  std::int64_t start_;
  std::int64_t stop_;
  std::int64_t step_;
};

// What lazy filters (map, select, ...) give: always true, no length, visited once.
class Generator final : public Object {
 public:
  explicit Generator(std::vector<Value> items) : items_(std::move(items)) {}

  std::string_view type_name() const override { return "generator"; }
  bool truthy() const override { return true; }
  std::optional<std::vector<Value>> iterate() override;
  bool iterable() const override { return true; }
  // The next item, for `first`.
  std::optional<Value> next();

 private:
  std::vector<Value> items_;
  std::size_t at_ = 0;
};

// Calls `step` on a shared state each time: `cycler`'s methods, `joiner`, `loop.cycle`.
struct BuiltinRow;
class Function final : public Object {
 public:
  Function(const BuiltinRow* row, Value self) : row_(row), self_(std::move(self)) {}

  std::string_view type_name() const override { return "builtin_function_or_method"; }
  bool callable() const override { return true; }
  Result<Value> call(Runtime& runtime, const CallArgs& args) override;
  const BuiltinRow& row() const { return *row_; }

 private:
  const BuiltinRow* row_;
  Value self_;  // The string, list, ... that a method belongs to.
};

}  // namespace weir::jinja
