// Filters on numbers.
#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <cstdlib>

#include "text/jinja_builtin.h"
#include "text/jinja_getter.h"
#include "text/jinja_ops.h"
#include "text/jinja_unicode.h"

namespace weir::jinja {
namespace {

using View = std::string_view;

// Drops the underscores that Python allows between digits; none when one stands elsewhere.
std::optional<std::string> without_underscores(View text) {
  std::string out;
  const auto alnum = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; };
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') {
      out += text[i];
    } else if (i == 0 || i + 1 == text.size() || !alnum(text[i - 1]) || !alnum(text[i + 1])) {
      return std::nullopt;
    }
  }
  return out;
}

// int(text, base): none where Python raises a ValueError, an error beyond 64 bits.
Result<std::optional<std::int64_t>> parse_int(View text, int base) {
  const std::optional<std::int64_t> nothing;
  auto digits = without_underscores(rstrip(lstrip(text)));
  if (!digits || digits->empty()) return nothing;
  const bool negative = (*digits)[0] == '-';
  if (negative || (*digits)[0] == '+') digits->erase(0, 1);
  const View prefix = View(*digits).substr(0, 2);
  if ((base == 16 && (prefix == "0x" || prefix == "0X")) ||
      (base == 8 && (prefix == "0o" || prefix == "0O")) ||
      (base == 2 && (prefix == "0b" || prefix == "0B"))) {
    digits->erase(0, 2);
  }
  if (digits->empty() || (*digits)[0] == '-') return nothing;
  if (negative) digits->insert(0, 1, '-');
  std::int64_t value = 0;
  const char* end = digits->data() + digits->size();
  const auto parsed = std::from_chars(digits->data(), end, value, base);
  if (parsed.ptr != end) return nothing;
  if (parsed.ec != std::errc()) return type_error("int: the number does not fit in 64 bits");
  return std::optional(value);
}

// float(text); none where Python raises a ValueError.
std::optional<double> parse_float(View text) {
  auto digits = without_underscores(rstrip(lstrip(text)));
  if (!digits || digits->empty()) return std::nullopt;
  if ((*digits)[0] == '+') digits->erase(0, 1);
  // The characters of numbers and of inf, infinity and nan; no hexadecimal, no second sign.
  if (digits->find_first_not_of("0123456789.eE+-infatyINFATY") != std::string::npos) {
    return std::nullopt;
  }
  const std::size_t sign = digits->starts_with('-') ? 1 : 0;
  if (digits->size() == sign || (*digits)[sign] == '+' || (*digits)[sign] == '-') {
    return std::nullopt;
  }
  char* end = nullptr;
  const double value = std::strtod(digits->c_str(), &end);
  if (end != digits->c_str() + digits->size()) return std::nullopt;
  return value;
}

Result<Value> to_int_from(double value, const Value& fallback) {
  if (std::isnan(value)) return fallback;
  if (!(std::fabs(value) < 9.2233720368547758e18)) {
    return type_error("int: the number does not fit in 64 bits");
  }
  return Value(static_cast<std::int64_t>(value));
}

Result<Value> to_int(Runtime&, const Value& self, const Args& args) {
  const Value fallback = args.get(0) == nullptr ? Value(std::int64_t{0}) : args.at(0);
  WEIR_ASSIGN(const std::int64_t base, args.integer(1, 10));
  if (base < 2 || base > 36) return type_error("int: base must be from 2 to 36");
  if (self.is_undefined()) return type_error(self.why());
  if (self.is_integral()) return Value(self.integral());
  if (self.is_double()) return to_int_from(self.number(), fallback);
  if (!self.is_string()) return fallback;
  WEIR_ASSIGN(const auto whole, parse_int(self.str(), static_cast<int>(base)));
  if (whole) return Value(*whole);
  const auto number = parse_float(self.str());
  if (!number || std::isinf(*number)) return fallback;
  return to_int_from(*number, fallback);
}

Result<Value> to_float(Runtime&, const Value& self, const Args& args) {
  if (self.is_undefined()) return type_error(self.why());
  if (self.is_number()) return Value(self.number());
  const auto number = self.is_string() ? parse_float(self.str()) : std::nullopt;
  if (number) return Value(*number);
  return args.get(0) == nullptr ? Value(0.0) : args.at(0);
}

// Python's round(): the decimal nearest to the exact binary value, ties to even.
double round_decimal(double value, std::int64_t precision) {
  if (!std::isfinite(value) || precision > 330) return value;
  if (precision < -310) return std::copysign(0.0, value);
  if (precision >= 0) {
    const std::string text = fmt::format("{:.{}f}", value, precision);
    return std::strtod(text.c_str(), nullptr);
  }
  const double scale = std::pow(10.0, static_cast<double>(-precision));
  return std::nearbyint(value / scale) * scale;
}

Result<Value> round_int(std::int64_t value, std::int64_t precision) {
  if (precision >= 0) return Value(value);
  if (precision < -18) return Value(std::int64_t{0});
  std::int64_t scale = 1;
  for (std::int64_t i = precision; i < 0; ++i) scale *= 10;
  const std::int64_t rest = ((value % scale) + scale) % scale;
  std::int64_t down = 0;
  if (__builtin_sub_overflow(value, rest, &down)) return Value(value);
  const bool up = rest > scale - rest || (rest == scale - rest && (down / scale) % 2 != 0);
  std::int64_t out = down;
  if (up && __builtin_add_overflow(down, scale, &out)) {
    return type_error("an integer does not fit in 64 bits");
  }
  return Value(out);
}

Result<Value> round(Runtime&, const Value& self, const Args& args) {
  WEIR_ASSIGN(const std::int64_t precision, args.integer(0, 0));
  WEIR_ASSIGN(const View method, args.string(1, "common"));
  if (self.is_undefined()) return type_error(self.why());
  if (!self.is_number()) {
    return type_error(fmt::format("round: needs a number, not {}", self.type_name()));
  }
  if (method == "common") {
    if (self.is_double()) return Value(round_decimal(self.number(), precision));
    return round_int(self.integral(), precision);
  }
  if (method != "ceil" && method != "floor") {
    return type_error("round: method must be common, ceil or floor");
  }
  if (!std::isfinite(self.number())) return type_error("round: the number is not finite");
  const double scale = std::pow(10.0, static_cast<double>(precision));
  if (scale == 0.0 || !std::isfinite(scale)) return type_error("round: precision out of range");
  const double scaled = self.number() * scale;
  // Python's ceil and floor give an integer, so there is no -0.0.
  const double whole = (method == "ceil" ? std::ceil(scaled) : std::floor(scaled)) + 0.0;
  return Value(whole / scale);
}

Result<Value> absolute(Runtime& runtime, const Value& self, const Args&) {
  if (self.is_double()) return Value(std::fabs(self.number()));
  if (self.is_integral() && self.integral() >= 0) return Value(self.integral());
  if (self.is_integral()) return negate(runtime, self);
  return type_error(fmt::format("bad operand type for abs(): '{}'", self.type_name()));
}

Result<Value> sum(Runtime& runtime, const Value& self, const Args& args) {
  WEIR_ASSIGN(const std::vector<Value> items, iterate(runtime, self));
  const Getter getter = Getter::of(args.get(0));
  Value total = args.get(1) == nullptr ? Value(std::int64_t{0}) : args.at(1);
  if (total.is_string()) return type_error("sum() can't sum strings");
  for (const Value& item : items) {
    WEIR_ASSIGN(const Value value, getter.get(runtime, item));
    WEIR_ASSIGN(total, arithmetic(runtime, Arith::kAdd, total, value));
  }
  return total;
}

Result<Value> extreme(Runtime& runtime, const Value& self, const Args& args, bool largest) {
  WEIR_ASSIGN(const std::vector<Value> items, iterate(runtime, self));
  if (items.empty()) return runtime.heap.undefined("No aggregated item, sequence was empty.");
  WEIR_ASSIGN(const std::vector<Value> keys,
              keys_of(runtime, items, Getter::of(args.get(1)), !args.truth(0, false)));
  std::size_t best = 0;
  for (std::size_t i = 1; i < items.size(); ++i) {
    WEIR_ASSIGN(const int way, order(runtime, keys[i], keys[best], largest ? ">" : "<"));
    if (way == (largest ? 1 : -1)) best = i;
  }
  return items[best];
}
Result<Value> minimum(Runtime& runtime, const Value& self, const Args& args) {
  return extreme(runtime, self, args, false);
}
Result<Value> maximum(Runtime& runtime, const Value& self, const Args& args) {
  return extreme(runtime, self, args, true);
}

constexpr BuiltinRow kNumberFilters[] = {
    {"int", "default base", 0, to_int},
    {"float", "default", 0, to_float},
    {"round", "precision method", 0, round},
    {"abs", "", 0, absolute},
    {"sum", "attribute start", 0, sum},
    {"min", "case_sensitive attribute", 0, minimum},
    {"max", "case_sensitive attribute", 0, maximum},
};

}  // namespace

Table number_filters() {
  return kNumberFilters;
}

}  // namespace weir::jinja
