// How expressions run.
#include <fmt/format.h>

#include "text/jinja_interpreter.h"
#include "text/jinja_ops.h"

namespace weir::jinja {

Result<Value> Literal::run(Interpreter&) const {
  return value;
}

Result<Value> Name::run(Interpreter& in) const {
  return in.lookup(name);
}

Result<Value> ListExpr::run(Interpreter& in) const {
  std::vector<Value> values;
  values.reserve(items.size());
  for (const ExprPtr& item : items) {
    WEIR_ASSIGN(Value value, in.eval(*item));
    values.push_back(std::move(value));
  }
  return tuple ? in.heap.tuple(std::move(values)) : in.heap.list(std::move(values));
}

Result<Value> DictExpr::run(Interpreter& in) const {
  WEIR_ASSIGN(Dict * dict, in.heap.dict());
  for (const auto& [key, value] : entries) {
    WEIR_ASSIGN(const Value made_key, in.eval(*key));
    WEIR_ASSIGN(Value made_value, in.eval(*value));
    WEIR_TRY(in.heap.put(*dict, made_key, std::move(made_value)));
  }
  return Value(dict);
}

Result<Value> Attribute::run(Interpreter& in) const {
  WEIR_ASSIGN(const Value value, in.eval(*object));
  return get_attribute(in, value, name);
}

Result<Value> Item::run(Interpreter& in) const {
  WEIR_ASSIGN(const Value value, in.eval(*object));
  WEIR_ASSIGN(const Value at, in.eval(*key));
  return get_item(in, value, at);
}

namespace {

Result<Value> eval_or_none(Interpreter& in, const ExprPtr& part) {
  if (!part) return Value();
  return in.eval(*part);
}

}  // namespace

Result<Value> Slice::run(Interpreter& in) const {
  WEIR_ASSIGN(const Value value, in.eval(*object));
  WEIR_ASSIGN(const Value from, eval_or_none(in, start));
  WEIR_ASSIGN(const Value to, eval_or_none(in, stop));
  WEIR_ASSIGN(const Value by, eval_or_none(in, step));
  return get_slice(in, value, from, to, by);
}

Result<Value> Call::run(Interpreter& in) const {
  return call(in, nullptr);
}

Result<Value> Call::call(Interpreter& in, const Value* caller) const {
  WEIR_ASSIGN(const Value function, in.eval(*callee));
  WEIR_ASSIGN(CallArgs args, in.arguments(parts));
  if (caller != nullptr) args.named.emplace_back("caller", *caller);
  return call_value(in, function, args);
}

Result<Value> Filter::run(Interpreter& in) const {
  WEIR_ASSIGN(const Value value, subject ? in.eval(*subject) : in.lookup(kBlockText));
  WEIR_ASSIGN(const CallArgs args, in.arguments(parts));
  return apply_filter(in, name, value, args);
}

Result<Value> Test::run(Interpreter& in) const {
  WEIR_ASSIGN(const Value value, in.eval(*subject));
  WEIR_ASSIGN(const CallArgs args, in.arguments(parts));
  WEIR_ASSIGN(const bool is, apply_test(in, name, value, args));
  return Value(is != negated);
}

Result<Value> Not::run(Interpreter& in) const {
  WEIR_ASSIGN(const Value value, in.eval(*operand));
  return Value(!value.truthy());
}

Result<Value> Sign::run(Interpreter& in) const {
  WEIR_ASSIGN(const Value value, in.eval(*operand));
  if (minus) return negate(in, value);
  if (value.is_double()) return value;
  if (value.is_integral()) return Value(value.integral());
  if (value.is_undefined()) return type_error(value.why());
  return type_error(fmt::format("bad operand type for unary +: '{}'", value.type_name()));
}

Result<Value> Logic::run(Interpreter& in) const {
  WEIR_ASSIGN(Value value, in.eval(*left));
  if (value.truthy() != is_and) return value;
  return in.eval(*right);
}

Result<Value> Arithmetic::run(Interpreter& in) const {
  WEIR_ASSIGN(const Value a, in.eval(*left));
  WEIR_ASSIGN(const Value b, in.eval(*right));
  return arithmetic(in, op, a, b);
}

Result<Value> Concat::run(Interpreter& in) const {
  TextBuilder out(in.heap);
  for (const ExprPtr& part : parts) {
    WEIR_ASSIGN(const Value value, in.eval(*part));
    WEIR_TRY(print(in, value, out));
  }
  return out.take();
}

namespace {

Result<bool> holds(Interpreter& in, const Value& a, std::string_view op, const Value& b) {
  if (op == "==") return equal(in, a, b);
  if (op == "in") return contains(in, b, a);
  if (op == "!=" || op == "not in") {
    WEIR_ASSIGN(const bool is, op == "!=" ? equal(in, a, b) : contains(in, b, a));
    return !is;
  }
  WEIR_ASSIGN(const int way, order(in, a, b, op));
  if (way == 0) return op == "<=" || op == ">=";
  return op[0] == '<' ? way == -1 : way == 1;
}

}  // namespace

Result<Value> Compare::run(Interpreter& in) const {
  WEIR_ASSIGN(Value left, in.eval(*first));
  for (const auto& [op, operand] : rest) {
    WEIR_ASSIGN(Value right, in.eval(*operand));
    WEIR_ASSIGN(const bool is, holds(in, left, op, right));
    if (!is) return Value(false);
    left = std::move(right);
  }
  return Value(true);
}

Result<Value> Condition::run(Interpreter& in) const {
  WEIR_ASSIGN(const Value is, in.eval(*test));
  if (is.truthy()) return in.eval(*yes);
  if (no) return in.eval(*no);
  return in.heap.undefined(
      "the inline if-expression evaluated to false and no else section was defined.");
}

}  // namespace weir::jinja
