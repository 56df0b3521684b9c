// `text % values`: Python's printf-like formatting.
#include <fmt/format.h>

#include <cmath>

#include "text/jinja_ops.h"
#include "text/jinja_unicode.h"

namespace weir::jinja {
namespace {

constexpr std::int64_t kMaxWidth = 100'000;

// One %-conversion: %[(key)][flags][width][.precision]kind
struct Conversion {
  std::optional<std::string> key;
  bool left = false;
  bool zero = false;
  bool plus = false;
  bool space = false;
  bool alternate = false;
  std::int64_t width = 0;
  std::int64_t precision = -1;
  char kind = 0;
};

class PercentFormatter {
 public:
  PercentFormatter(Runtime& runtime, const std::string& pattern, const Value& values)
      : runtime_(runtime), pattern_(pattern), values_(values), out_(runtime.heap) {
    const auto* tuple = values.as<Sequence>();
    if (tuple != nullptr && tuple->is_tuple()) {
      items_ = tuple->items();
    } else {
      items_ = {values};
    }
  }

  Result<Value> run() {
    while (at_ < pattern_.size()) {
      const std::size_t sign = std::min(pattern_.find('%', at_), pattern_.size());
      WEIR_TRY(out_.add(std::string_view(pattern_).substr(at_, sign - at_)));
      at_ = sign + 1;
      if (sign == pattern_.size()) break;
      WEIR_ASSIGN(const Conversion conversion, parse());
      WEIR_TRY(convert(conversion));
    }
    // What has items by key is taken as a mapping, used or not.
    const bool mapping = values_.as<Dict>() != nullptr || values_.as<Sequence>() != nullptr ||
                         values_.as<Range>() != nullptr || values_.is_undefined();
    if (next_ < items_.size() && !(mapping && !is_tuple())) {
      return type_error("not all arguments converted during string formatting");
    }
    return out_.take();
  }

 private:
  bool is_tuple() const {
    const auto* tuple = values_.as<Sequence>();
    return tuple != nullptr && tuple->is_tuple();
  }

  bool take(char c) {
    if (at_ >= pattern_.size() || pattern_[at_] != c) return false;
    ++at_;
    return true;
  }

  Result<Conversion> parse() {
    Conversion c;
    if (take('(')) {
      const std::size_t end = pattern_.find(')', at_);
      if (end == std::string::npos) return type_error("incomplete format key");
      c.key = pattern_.substr(at_, end - at_);
      at_ = end + 1;
    }
    for (bool more = true; more;) {
      more = false;
      more |= take('-') && (c.left = true);
      more |= take('0') && (c.zero = true);
      more |= take('+') && (c.plus = true);
      more |= take(' ') && (c.space = true);
      more |= take('#') && (c.alternate = true);
    }
    WEIR_ASSIGN(c.width, number());
    if (take('.')) {
      WEIR_ASSIGN(c.precision, number());
    }
    while (take('h') || take('l') || take('L')) continue;
    if (at_ >= pattern_.size()) return type_error("incomplete format");
    c.kind = pattern_[at_++];
    return c;
  }

  Result<std::int64_t> number() {
    std::int64_t value = 0;
    while (at_ < pattern_.size() && pattern_[at_] >= '0' && pattern_[at_] <= '9') {
      value = value * 10 + (pattern_[at_++] - '0');
      if (value > kMaxWidth) return type_error("a format asks for more than 100000 characters");
    }
    return value;
  }

  Result<Value> argument(const Conversion& c) {
    if (c.key) {
      const auto* dict = values_.as<Dict>();
      if (dict == nullptr) return type_error("format requires a mapping");
      const Value* value = dict->find(*c.key);
      if (value == nullptr) return type_error("format: no key '" + *c.key + "'");
      return *value;
    }
    if (next_ >= items_.size()) return type_error("not enough arguments for format string");
    return items_[next_++];
  }

  Status convert(const Conversion& c) {
    if (c.kind == '%') return out_.add("%");
    WEIR_ASSIGN(const Value value, argument(c));
    const std::string_view kinds = "sradiuxXofFeEgGc";
    if (kinds.find(c.kind) == kinds.npos) {
      return type_error(fmt::format("unsupported format character '{}'", c.kind));
    }
    if (c.kind == 's' || c.kind == 'r' || c.kind == 'a') return convert_text(c, value);
    if (c.kind == 'c') return convert_char(c, value);
    if (!value.is_number()) {
      return type_error(
          fmt::format("%{} format: a real number is required, not {}", c.kind, value.type_name()));
    }
    const std::string_view integral = "diuxXo";
    if (integral.find(c.kind) != integral.npos) return convert_integer(c, value);
    return convert_float(c, value);
  }

  Status convert_text(const Conversion& c, const Value& value) {
    TextBuilder text(runtime_.heap);
    WEIR_TRY(c.kind == 's' ? print(runtime_, value, text) : print_repr(runtime_, value, text));
    std::string_view shown = text.chars();
    if (c.precision >= 0) {
      shown = shown.substr(0, char_offset(shown, static_cast<std::size_t>(c.precision)));
    }
    return pad(c, "", shown);
  }

  Status convert_char(const Conversion& c, const Value& value) {
    std::string text;
    if (value.is_string() && char_count(value.str()) == 1) {
      text = value.str();
    } else if (value.is_integral() && value.integral() >= 0 && value.integral() <= 0x10FFFF) {
      append_char(text, static_cast<char32_t>(value.integral()));
    } else {
      return type_error("%c requires int or char");
    }
    return pad(c, "", text);
  }

  std::string sign(const Conversion& c, bool negative) {
    if (negative) return "-";
    return c.plus ? "+" : (c.space ? " " : "");
  }

  Status convert_integer(const Conversion& c, const Value& value) {
    if (value.is_double() && (c.kind == 'x' || c.kind == 'X' || c.kind == 'o')) {
      return type_error(fmt::format("%{} format: an integer is required, not float", c.kind));
    }
    if (value.is_double() && !(std::fabs(value.number()) < 9.2e18)) {
      return type_error("cannot convert the float to an integer");
    }
    const auto number =
        value.is_double() ? static_cast<std::int64_t>(value.number()) : value.integral();
    const auto magnitude =
        number < 0 ? 0 - static_cast<std::uint64_t>(number) : static_cast<std::uint64_t>(number);
    std::string digits = c.kind == 'x'   ? fmt::format("{:x}", magnitude)
                         : c.kind == 'X' ? fmt::format("{:X}", magnitude)
                         : c.kind == 'o' ? fmt::format("{:o}", magnitude)
                                         : fmt::format("{}", magnitude);
    if (c.precision > static_cast<std::int64_t>(digits.size())) {
      digits.insert(0, static_cast<std::size_t>(c.precision) - digits.size(), '0');
    }
    std::string front = sign(c, number < 0);
    const std::string_view prefixed = "xXo";
    if (c.alternate && prefixed.find(c.kind) != prefixed.npos) front += std::string("0") + c.kind;
    return pad(c, front, digits);
  }

  Status convert_float(const Conversion& c, const Value& value) {
    const double number = value.number();
    const int precision = c.precision < 0 ? 6 : static_cast<int>(c.precision);
    const std::string spec = std::string("{:") + (c.alternate ? "#" : "") + ".{}" + c.kind + "}";
    return pad(c, sign(c, std::signbit(number)),
               fmt::format(fmt::runtime(spec), std::fabs(number), precision));
  }

  Status pad(const Conversion& c, std::string_view front, std::string_view text) {
    const std::size_t size = char_count(front) + char_count(text);
    const auto width = static_cast<std::size_t>(c.width);
    const std::string fill(width > size ? width - size : 0,
                           c.zero && !c.left && is_numeric_kind(c.kind) ? '0' : ' ');
    if (c.left) {
      WEIR_TRY(out_.add(front));
      WEIR_TRY(out_.add(text));
      return out_.add(fill);
    }
    const bool zeros = !fill.empty() && fill[0] == '0';
    WEIR_TRY(out_.add(zeros ? front : fill));
    WEIR_TRY(out_.add(zeros ? fill : front));
    return out_.add(text);
  }

  static bool is_numeric_kind(char kind) {
    return kind != 's' && kind != 'r' && kind != 'a' && kind != 'c';
  }

  Runtime& runtime_;
  const std::string& pattern_;
  const Value& values_;
  TextBuilder out_;
  std::vector<Value> items_;
  std::size_t next_ = 0;
  std::size_t at_ = 0;
};

}  // namespace

Result<Value> format_percent(Runtime& runtime, const std::string& pattern, const Value& values) {
  return PercentFormatter(runtime, pattern, values).run();
}

}  // namespace weir::jinja
