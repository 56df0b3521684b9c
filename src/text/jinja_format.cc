// str.format() as the sandbox allows it.
#include <fmt/format.h>

#include <charconv>

#include "text/jinja_ops.h"
#include "text/jinja_split.h"

namespace weir::jinja {
namespace {

class BraceFormatter {
 public:
  BraceFormatter(Runtime& runtime, std::string_view pattern, const CallArgs& args)
      : runtime_(runtime), pattern_(pattern), args_(args), out_(runtime.heap) {}

  Result<Value> run() {
    while (at_ < pattern_.size()) {
      const char c = pattern_[at_];
      const bool twice = at_ + 1 < pattern_.size() && pattern_[at_ + 1] == c;
      if ((c == '{' || c == '}') && twice) {
        WEIR_TRY(out_.add(pattern_.substr(at_, 1)));
        at_ += 2;
      } else if (c == '{') {
        WEIR_TRY(field());
      } else if (c == '}') {
        return type_error("Single '}' encountered in format string");
      } else {
        const std::size_t end = std::min(pattern_.find_first_of("{}", at_), pattern_.size());
        WEIR_TRY(out_.add(pattern_.substr(at_, end - at_)));
        at_ = end;
      }
    }
    return out_.take();
  }

 private:
  Status field() {
    const std::size_t end = pattern_.find('}', at_);
    if (end == pattern_.npos) return type_error("expected '}' before end of string");
    std::string_view text = pattern_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    if (text.find_first_of(":{") != text.npos && !text.ends_with(':')) {
      return type_error("format(): a specification after ':' is not supported");
    }
    if (text.ends_with(':')) text.remove_suffix(1);
    const bool repr = text.ends_with("!r");
    if (repr || text.ends_with("!s")) text.remove_suffix(2);
    WEIR_ASSIGN(const Value value, resolve(text));
    return repr ? print_repr(runtime_, value, out_) : print(runtime_, value, out_);
  }

  Result<Value> resolve(std::string_view path) {
    const std::size_t end = std::min(path.find_first_of(".["), path.size());
    WEIR_ASSIGN(Value value, root(path.substr(0, end)));
    path.remove_prefix(end);
    while (!path.empty()) {
      const bool item = path[0] == '[';
      const std::size_t stop =
          item ? path.find(']') : std::min(path.find_first_of(".[", 1), path.size());
      if (stop == path.npos || (!item && path[0] != '.')) {
        return type_error("format(): a malformed field");
      }
      const std::string_view name = path.substr(1, stop - 1);
      if (item) {
        WEIR_ASSIGN(value, get_item(runtime_, value, key(name)));
      } else {
        WEIR_ASSIGN(value, get_attribute(runtime_, value, name));
      }
      path.remove_prefix(stop + (item ? 1 : 0));
    }
    return value;
  }

  static std::optional<std::int64_t> number(std::string_view text) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool whole = error == std::errc() && end == text.data() + text.size();
    return whole && value >= 0 && text[0] != '-' ? std::optional(value) : std::nullopt;
  }

  static Value key(std::string_view text) {
    if (const auto index = number(text)) return Value(*index);
    return Value::literal(std::string(text));
  }

  Result<Value> root(std::string_view name) {
    const auto index = number(name);
    if (name.empty() || index) {
      if (name.empty() ? explicit_ : next_ > 0) {
        return type_error("cannot switch between manual and automatic field numbering");
      }
      explicit_ = !name.empty();
      const auto place =
          static_cast<std::size_t>(index ? *index : static_cast<std::int64_t>(next_++));
      if (place < args_.positional.size()) return args_.positional[place];
      return type_error(fmt::format("format(): no argument {}", place));
    }
    for (const auto& [key, value] : args_.named) {
      if (key == name) return value;
    }
    return type_error(fmt::format("format(): no argument '{}'", name));
  }

  Runtime& runtime_;
  std::string_view pattern_;
  const CallArgs& args_;
  TextBuilder out_;
  std::size_t at_ = 0;
  std::size_t next_ = 0;
  bool explicit_ = false;
};

}  // namespace

Result<Value> format_braces(Runtime& runtime, std::string_view pattern, const CallArgs& args) {
  return BraceFormatter(runtime, pattern, args).run();
}

}  // namespace weir::jinja
