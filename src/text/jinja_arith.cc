// + - * / // % ** as Python does them. Integers have 64 bits; beyond them is an error, never a
// wrap.
#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "text/jinja_ops.h"

namespace weir::jinja {
namespace {

constexpr std::string_view kSigns[] = {"+", "-", "*", "/", "//", "%", "**"};
using Int = std::int64_t;

tl::unexpected<Error> overflow() {
  return type_error("an integer does not fit in 64 bits");
}

Result<Value> floor_div(Int a, Int b) {
  if (b == 0) return type_error("integer division or modulo by zero");
  if (a == std::numeric_limits<Int>::min() && b == -1) return overflow();
  const Int quotient = a / b;
  return Value(a % b != 0 && ((a < 0) != (b < 0)) ? quotient - 1 : quotient);
}

Result<Value> floor_mod(Int a, Int b) {
  if (b == 0) return type_error("integer modulo by zero");
  if (b == -1) return Value(Int{0});
  const Int rest = a % b;
  return Value(rest != 0 && ((rest < 0) != (b < 0)) ? rest + b : rest);
}

Result<Value> power(Int base, Int exponent) {
  if (exponent < 0) {
    if (base == 0) return type_error("0.0 cannot be raised to a negative power");
    return Value(std::pow(static_cast<double>(base), static_cast<double>(exponent)));
  }
  Int result = 1;
  while (exponent > 0) {
    if ((exponent & 1) != 0 && __builtin_mul_overflow(result, base, &result)) return overflow();
    exponent >>= 1;
    if (exponent > 0 && __builtin_mul_overflow(base, base, &base)) return overflow();
  }
  return Value(result);
}

Result<Value> arith_int(Arith op, Int a, Int b) {
  Int out = 0;
  switch (op) {
    case Arith::kAdd:
      if (__builtin_add_overflow(a, b, &out)) return overflow();
      return Value(out);
    case Arith::kSub:
      if (__builtin_sub_overflow(a, b, &out)) return overflow();
      return Value(out);
    case Arith::kMul:
      if (__builtin_mul_overflow(a, b, &out)) return overflow();
      return Value(out);
    case Arith::kDiv:
      if (b == 0) return type_error("division by zero");
      // Rounded once, as Python does for integers of any size.
      return Value(static_cast<double>(static_cast<long double>(a) / static_cast<long double>(b)));
    case Arith::kFloorDiv:
      return floor_div(a, b);
    case Arith::kMod:
      return floor_mod(a, b);
    case Arith::kPow:
      return power(a, b);
  }
  return overflow();
}

double float_mod(double a, double b) {
  double rest = std::fmod(a, b);
  if (rest != 0.0) return (rest < 0) != (b < 0) ? rest + b : rest;
  return std::copysign(0.0, b);
}

double float_floor_div(double a, double b) {
  const double quotient = (a - float_mod(a, b)) / b;
  if (quotient == 0.0) return std::copysign(0.0, a / b);
  const double whole = std::floor(quotient);
  return quotient - whole > 0.5 ? whole + 1.0 : whole;
}

Result<Value> float_power(double a, double b) {
  if (a == 0.0 && b < 0) return type_error("0.0 cannot be raised to a negative power");
  if (a < 0 && std::isfinite(a) && std::isfinite(b) && b != std::floor(b)) {
    return type_error("a negative number to a fraction gives a complex number");
  }
  const double out = std::pow(a, b);
  if (std::isinf(out) && std::isfinite(a) && std::isfinite(b)) {
    return type_error("Numerical result out of range");
  }
  return Value(out);
}

Result<Value> arith_float(Arith op, double a, double b) {
  const bool divides = op == Arith::kDiv || op == Arith::kFloorDiv || op == Arith::kMod;
  if (divides && b == 0.0) return type_error("float division by zero");
  switch (op) {
    case Arith::kAdd:
      return Value(a + b);
    case Arith::kSub:
      return Value(a - b);
    case Arith::kMul:
      return Value(a * b);
    case Arith::kDiv:
      return Value(a / b);
    case Arith::kFloorDiv:
      return Value(float_floor_div(a, b));
    case Arith::kMod:
      return Value(float_mod(a, b));
    case Arith::kPow:
      return float_power(a, b);
  }
  return overflow();
}

// Text or a list, `count` times.
Result<Value> repeat(Runtime& runtime, const Value& value, Int count) {
  const auto times = static_cast<std::size_t>(std::max<Int>(count, 0));
  const auto* list = value.as<Sequence>();
  const std::size_t unit =
      list != nullptr ? list->items().size() * sizeof(Value) : value.str().size();
  std::size_t bytes = 0;
  if (__builtin_mul_overflow(unit, times, &bytes)) bytes = std::numeric_limits<std::size_t>::max();
  WEIR_TRY(runtime.heap.room(bytes));
  WEIR_TRY(runtime.heap.spend_bytes(bytes));
  if (list == nullptr) {
    std::string out;
    out.reserve(bytes);
    for (std::size_t i = 0; i < times && unit > 0; ++i) out += value.str();
    return runtime.heap.text(std::move(out));
  }
  std::vector<Value> items;
  for (std::size_t i = 0; i < times && unit > 0; ++i) {
    items.insert(items.end(), list->items().begin(), list->items().end());
  }
  return list->is_tuple() ? runtime.heap.tuple(std::move(items))
                          : runtime.heap.list(std::move(items));
}

Result<Value> add_lists(Runtime& runtime, const Sequence& a, const Sequence& b) {
  WEIR_TRY(runtime.heap.room((a.items().size() + b.items().size()) * sizeof(Value)));
  std::vector<Value> items = a.items();
  items.insert(items.end(), b.items().begin(), b.items().end());
  return a.is_tuple() ? runtime.heap.tuple(std::move(items)) : runtime.heap.list(std::move(items));
}

Result<Value> add_texts(Runtime& runtime, const Value& a, const Value& b) {
  TextBuilder out(runtime.heap);
  WEIR_TRY(out.add(a.str()));
  WEIR_TRY(out.add(b.str()));
  return out.take();
}

bool repeats(const Value& value) {
  return value.is_string() || value.as<Sequence>() != nullptr;
}

tl::unexpected<Error> cannot(Arith op, const Value& a, const Value& b) {
  if (op == Arith::kAdd && (a.is_string() || a.as<Sequence>() != nullptr)) {
    return type_error(fmt::format("can only concatenate {} (not \"{}\") to {}", a.type_name(),
                                  b.type_name(), a.type_name()));
  }
  return type_error(fmt::format("unsupported operand type(s) for {}: '{}' and '{}'",
                                kSigns[static_cast<int>(op)], a.type_name(), b.type_name()));
}

}  // namespace

Result<Value> arithmetic(Runtime& runtime, Arith op, const Value& a, const Value& b) {
  if (a.is_integral() && b.is_integral()) return arith_int(op, a.integral(), b.integral());
  if (a.is_number() && b.is_number()) return arith_float(op, a.number(), b.number());
  if (op == Arith::kMod && a.is_string()) return format_percent(runtime, a.str(), b);
  if (a.is_undefined()) return type_error(a.why());
  if (b.is_undefined()) return type_error(b.why());
  if (op == Arith::kAdd) {
    if (a.is_string() && b.is_string()) return add_texts(runtime, a, b);
    const auto* x = a.as<Sequence>();
    const auto* y = b.as<Sequence>();
    if (x != nullptr && y != nullptr && x->is_tuple() == y->is_tuple()) {
      return add_lists(runtime, *x, *y);
    }
  }
  if (op == Arith::kMul && repeats(a) && b.is_integral()) return repeat(runtime, a, b.integral());
  if (op == Arith::kMul && a.is_integral() && repeats(b)) return repeat(runtime, b, a.integral());
  return cannot(op, a, b);
}

Result<Value> negate(Runtime&, const Value& value) {
  if (value.is_double()) return Value(-value.number());
  if (value.is_integral()) {
    if (value.integral() == std::numeric_limits<Int>::min()) return overflow();
    return Value(-value.integral());
  }
  if (value.is_undefined()) return type_error(value.why());
  return type_error(fmt::format("bad operand type for unary -: '{}'", value.type_name()));
}

}  // namespace weir::jinja
