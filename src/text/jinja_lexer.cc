#include "text/jinja_lexer.h"

#include <fmt/format.h>

#include <algorithm>

#include "text/jinja_limits.h"
#include "text/jinja_number.h"
#include "text/jinja_string_literal.h"
#include "text/jinja_unicode.h"

namespace weir::jinja {
namespace {

using View = std::string_view;
using Kind = Token::Kind;

// Longest first.
constexpr View kOperators[] = {"//", "**", "==", "!=", ">=", "<=", "+", "-", "/",
                               "*",  "%",  "~",  "[",  "]",  "(",  ")", "{", "}",
                               ">",  "<",  "=",  ".",  ":",  "|",  ",", ";"};

// Every line end becomes \n, and one at the very end goes.
std::string normalize(View source) {
  std::string out;
  for (std::size_t i = 0; i < source.size(); ++i) {
    if (source[i] != '\r') {
      out += source[i];
    } else {
      out += '\n';
      if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
    }
  }
  if (out.ends_with('\n')) out.pop_back();
  return out;
}

class Lexer {
 public:
  explicit Lexer(View source) : source_(normalize(source)) {}

  Result<std::vector<Token>> run() {
    while (at_ < source_.size()) WEIR_TRY(root());
    add(Kind::kEnd, "");
    return std::move(tokens_);
  }

 private:
  View rest() const { return View(source_).substr(at_); }
  bool sees(View text) const { return rest().starts_with(text); }

  void add(Kind kind, std::string text) { tokens_.push_back({kind, std::move(text), line_}); }

  // Moves on by `size` bytes, counting lines.
  View take(std::size_t size) {
    const View taken = View(source_).substr(at_, size);
    line_ += static_cast<int>(std::ranges::count(taken, '\n'));
    at_ += taken.size();
    if (!taken.empty()) line_starting_ = taken.back() == '\n';
    return taken;
  }

  void skip_spaces() { take(rest().size() - lstrip(rest()).size()); }

  // Where the next tag begins: "{{", "{%" or "{#".
  std::size_t next_tag() const {
    for (std::size_t at = at_; (at = source_.find('{', at)) != View::npos; ++at) {
      const char next = at + 1 < source_.size() ? source_[at + 1] : '\0';
      if (next == '{' || next == '%' || next == '#') return at;
    }
    return View::npos;
  }

  // Text before a tag, without what the tag's sign and lstrip_blocks take away.
  void add_data(View text, char sign, bool variable) {
    const bool starting = line_starting_;
    View kept = text;
    if (sign == '-') {
      kept = rstrip(text);
    } else if (sign != '+' && !variable) {
      const std::size_t line = text.rfind('\n') + 1;  // 0 when there is none.
      if ((line > 0 || starting) && lstrip(text.substr(line)).empty()) kept = text.substr(0, line);
    }
    if (!kept.empty()) add(Kind::kData, std::string(kept));
    take(text.size());
  }

  Status root() {
    const std::size_t tag = next_tag();
    if (tag == View::npos) {
      const int line = line_;
      tokens_.push_back({Kind::kData, std::string(take(rest().size())), line});
      return {};
    }
    const char type = source_[tag + 1];
    char sign = tag + 2 < source_.size() ? source_[tag + 2] : '\0';
    if (sign != '-' && sign != '+') sign = '\0';
    add_data(rest().substr(0, tag - at_), sign, type == '{');
    if (type == '%' && raw_size() > 0) return raw();
    take(sign == '\0' ? 2 : 3);
    if (type == '#') return comment();
    const bool block = type == '%';
    add(block ? Kind::kBlockBegin : Kind::kVariableBegin, "");
    return inside(block);
  }

  // The size of "{% raw %}" if that stands here, else 0.
  std::size_t raw_size() const {
    View text = rest().substr(2);
    if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
    text = lstrip(text);
    if (!text.starts_with("raw")) return 0;
    text = lstrip(text.substr(3));
    if (text.starts_with("-%}")) {
      text = lstrip(text.substr(3));
    } else if (text.starts_with("%}")) {
      text.remove_prefix(2);
    } else {
      return 0;
    }
    return rest().size() - text.size();
  }

  // "{%- endraw" at `at`: gives the place after the word, or npos.
  std::size_t end_raw(std::size_t at) const {
    View text = View(source_).substr(at + 2);
    if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
    text = lstrip(text);
    if (!text.starts_with("endraw")) return View::npos;
    text = lstrip(text.substr(6));
    const bool closes =
        text.starts_with("%}") || text.starts_with("-%}") || text.starts_with("+%}");
    return closes ? source_.size() - text.size() : View::npos;
  }

  Status raw() {
    const int line = line_;
    take(raw_size());
    for (std::size_t at = at_; (at = source_.find("{%", at)) != View::npos; ++at) {
      const std::size_t end = end_raw(at);
      if (end == View::npos) continue;
      const char sign = source_[at + 2];
      add_data(rest().substr(0, at - at_), sign, /*variable=*/false);
      take(end - at_);
      close("%}", /*trims=*/true);
      return {};
    }
    return syntax_error(line, "this raw block has no {% endraw %}");
  }

  // Takes the closing sign if it stands here, with the white space it eats.
  bool close(View sign, bool trims) {
    if (sees(std::string("-") + std::string(sign))) {
      take(1 + sign.size());
      skip_spaces();
      return true;
    }
    const bool plus = trims && sees(std::string("+") + std::string(sign));
    if (!plus && !sees(sign)) return false;
    take(sign.size() + (plus ? 1 : 0));
    if (trims && !plus && sees("\n")) take(1);
    return true;
  }

  Status comment() {
    const int line = line_;
    const std::size_t end = source_.find("#}", at_);
    if (end == View::npos) return syntax_error(line, "this comment has no #}");
    const bool sign = end > at_ && (source_[end - 1] == '-' || source_[end - 1] == '+');
    take(end - at_ - (sign ? 1 : 0));
    close("#}", /*trims=*/true);
    return {};
  }

  // The tokens of one {{ }} or {% %}. Its end counts only outside brackets.
  Status inside(bool block) {
    const int line = line_;
    brackets_.clear();
    while (at_ < source_.size()) {
      const int here = line_;
      if (brackets_.empty() && close(block ? "%}" : "}}", block)) {
        tokens_.push_back({block ? Kind::kBlockEnd : Kind::kVariableEnd, "", here});
        return {};
      }
      std::size_t next = at_;
      if (is_space(next_char(source_, next))) {
        skip_spaces();
      } else {
        WEIR_TRY(token());
      }
    }
    return syntax_error(line, fmt::format("this tag has no {}", block ? "%}" : "}}"));
  }

  Status token() {
    const char c = source_[at_];
    if (c >= '0' && c <= '9') return number();
    if (c == '"' || c == '\'') return string();
    if (const std::size_t size = name_size(rest()); size > 0) {
      add(Kind::kName, std::string(take(size)));
      return {};
    }
    return op();
  }

  Status number() {
    const bool after_dot = at_ > 0 && source_[at_ - 1] == '.';
    const NumberSize found = number_size(rest(), /*may_be_float=*/!after_dot);
    std::string digits(take(found.size));
    std::erase(digits, '_');
    add(found.is_float ? Kind::kFloat : Kind::kInteger, std::move(digits));
    return {};
  }

  Status string() {
    const char quote = source_[at_];
    std::size_t end = at_ + 1;
    while (end < source_.size() && source_[end] != quote) end += source_[end] == '\\' ? 2 : 1;
    if (end >= source_.size()) return syntax_error(line_, "this string has no end");
    const auto text = unescape(View(source_).substr(at_ + 1, end - at_ - 1));
    if (!text) return syntax_error(line_, text.error().message);
    add(Kind::kString, *text);
    take(end + 1 - at_);
    return {};
  }

  Status op() {
    for (const View sign : kOperators) {
      if (!sees(sign)) continue;
      WEIR_TRY(balance(sign));
      add(Kind::kOperator, std::string(take(sign.size())));
      return {};
    }
    return syntax_error(
        line_, fmt::format("unexpected character '{}'", rest().substr(0, char_size(source_, at_))));
  }

  Status balance(View sign) {
    if (sign == "{" || sign == "(" || sign == "[") {
      brackets_ += sign == "{" ? '}' : (sign == "(" ? ')' : ']');
    } else if (sign == "}" || sign == ")" || sign == "]") {
      if (brackets_.empty()) return syntax_error(line_, fmt::format("unexpected '{}'", sign));
      if (brackets_.back() != sign[0]) {
        return syntax_error(line_,
                            fmt::format("unexpected '{}', expected '{}'", sign, brackets_.back()));
      }
      brackets_.pop_back();
    }
    return {};
  }

  std::string source_;
  std::size_t at_ = 0;
  int line_ = 1;
  bool line_starting_ = true;
  std::string brackets_;  // The closing brackets still to come.
  std::vector<Token> tokens_;
};

}  // namespace

tl::unexpected<Error> syntax_error(int line, const std::string& message) {
  return fail(Code::kInvalid, fmt::format("chat template, line {}: {}", line, message));
}

Result<std::vector<Token>> tokenize(std::string_view source) {
  if (source.size() > kMaxSourceBytes) {
    return fail(Code::kInvalid, fmt::format("the chat template has {} bytes; at most {} may be",
                                            source.size(), kMaxSourceBytes));
  }
  return Lexer(source).run();
}

}  // namespace weir::jinja
