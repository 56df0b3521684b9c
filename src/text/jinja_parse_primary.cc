// Literals, names, subscripts, calls, filters and tests.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "text/jinja_parser.h"

namespace weir::jinja {
namespace {

using Kind = Token::Kind;

struct Constant {
  std::string_view name;
  Value value;
};

// Null for an ordinary name.
const Value* constant(std::string_view name) {
  static const Constant kConstants[] = {{"true", Value(true)},   {"True", Value(true)},
                                        {"false", Value(false)}, {"False", Value(false)},
                                        {"none", Value()},       {"None", Value()}};
  const auto* row = std::ranges::find(kConstants, name, &Constant::name);
  return row == std::end(kConstants) ? nullptr : &row->value;
}

}  // namespace

Parser::Made Parser::primary() {
  const int here = line();
  if (is(Kind::kName)) return primary_name();
  if (is(Kind::kInteger) || is(Kind::kFloat)) return number();
  if (is(Kind::kString)) {
    std::string text;
    while (is(Kind::kString)) text += next().text;
    return std::make_unique<Literal>(here, Value::literal(std::move(text)));
  }
  if (skip_op("(")) {
    WEIR_ASSIGN(ExprPtr inner, tuple(/*with_condition=*/true, /*parenthesized=*/true));
    WEIR_TRY(expect_op(")"));
    return inner;
  }
  if (is_op("[")) return list();
  if (is_op("{")) return dict();
  return unexpected("an expression");
}

Parser::Made Parser::primary_name() {
  const Token token = next();
  if (const Value* value = constant(token.text)) {
    return std::make_unique<Literal>(token.line, *value);
  }
  for (MacroParts* macro : macros_) {
    macro->uses_caller |= token.text == "caller";
    macro->uses_kwargs |= token.text == "kwargs";
    macro->uses_varargs |= token.text == "varargs";
  }
  frames_.load(token.text);
  return std::make_unique<Name>(token.line, token.text);
}

Parser::Made Parser::number() {
  const Token token = next();
  const char* begin = token.text.data();
  const char* end = begin + token.text.size();
  if (token.kind == Kind::kFloat) {
    double value = 0;
    const auto parsed = std::from_chars(begin, end, value);
    if (parsed.ec == std::errc::result_out_of_range) value = std::strtod(begin, nullptr);
    return std::make_unique<Literal>(token.line, Value(value));
  }
  int base = 10;
  if (token.text.size() > 2 && token.text[0] == '0') {
    const char kind = static_cast<char>(token.text[1] | 0x20);
    base = kind == 'x' ? 16 : (kind == 'o' ? 8 : (kind == 'b' ? 2 : 10));
    if (base != 10) begin += 2;
  }
  std::int64_t value = 0;
  if (std::from_chars(begin, end, value, base).ec != std::errc()) {
    return syntax_error(token.line, "an integer does not fit in 64 bits");
  }
  return std::make_unique<Literal>(token.line, Value(value));
}

// Expressions with commas between them; one alone is itself.
Parser::Made Parser::tuple(bool with_condition, bool parenthesized, std::string_view end_name) {
  const int here = line();
  std::vector<ExprPtr> items;
  bool comma = false;
  for (;;) {
    const bool ends = is(Kind::kVariableEnd) || is(Kind::kBlockEnd) || is_op(")") ||
                      (!end_name.empty() && is_name(end_name));
    if (ends) break;
    WEIR_ASSIGN(ExprPtr item, expression(with_condition));
    items.push_back(std::move(item));
    if (!skip_op(",")) break;
    comma = true;
  }
  if (!comma && !items.empty()) return std::move(items.front());
  if (!comma && !parenthesized) return unexpected("an expression");
  auto node = std::make_unique<ListExpr>(here, std::move(items), /*is_tuple=*/true);
  const ListExpr& made = *node;
  return checked(std::move(node), made.items);
}

Parser::Made Parser::list() {
  const int here = next().line;
  std::vector<ExprPtr> items;
  while (!is_op("]")) {
    if (!items.empty()) WEIR_TRY(expect_op(","));
    if (is_op("]")) break;
    WEIR_ASSIGN(ExprPtr item, expression());
    items.push_back(std::move(item));
  }
  WEIR_TRY(expect_op("]"));
  auto node = std::make_unique<ListExpr>(here, std::move(items), /*is_tuple=*/false);
  const ListExpr& made = *node;
  return checked(std::move(node), made.items);
}

Parser::Made Parser::dict() {
  auto node = std::make_unique<DictExpr>(next().line);
  const Expr* highest = nullptr;
  while (!is_op("}")) {
    if (!node->entries.empty()) WEIR_TRY(expect_op(","));
    if (is_op("}")) break;
    WEIR_ASSIGN(ExprPtr key, expression());
    WEIR_TRY(expect_op(":"));
    WEIR_ASSIGN(ExprPtr value, expression());
    for (const Expr* child : {key.get(), value.get()}) {
      if (highest == nullptr || child->height > highest->height) highest = child;
    }
    node->entries.emplace_back(std::move(key), std::move(value));
  }
  WEIR_TRY(expect_op("}"));
  return checked(std::move(node), {highest});
}

Parser::Made Parser::subscript(ExprPtr node) {
  const Token sign = next();
  const Expr* child = node.get();
  if (sign.text == "[") return subscript_part(node);
  if (is(Kind::kInteger)) {
    WEIR_ASSIGN(ExprPtr key, number());
    return checked(std::make_unique<Item>(sign.line, std::move(node), std::move(key)), {child});
  }
  WEIR_ASSIGN(std::string name, any_name("a name or a number after '.'"));
  return checked(std::make_unique<Attribute>(sign.line, std::move(node), std::move(name)), {child});
}

// What stands in [ ]: a key, several keys, or a slice.
Parser::Made Parser::subscript_part(ExprPtr& node) {
  const int here = line();
  const Expr* child = node.get();
  ExprPtr key;
  if (!is_op(":")) {
    WEIR_ASSIGN(key, expression());
  }
  if (is_op(":")) {
    auto slice = std::make_unique<Slice>(here);
    slice->object = std::move(node);
    slice->start = std::move(key);
    next();
    WEIR_ASSIGN(slice->stop, slice_part());
    if (skip_op(":")) {
      WEIR_ASSIGN(slice->step, slice_part());
    }
    WEIR_TRY(expect_op("]"));
    const Slice& made = *slice;
    return checked(std::move(slice), {child, made.start.get(), made.stop.get(), made.step.get()});
  }
  if (is_op(",")) {
    std::vector<ExprPtr> keys;
    keys.push_back(std::move(key));
    while (skip_op(",")) {
      WEIR_ASSIGN(ExprPtr more, expression());
      keys.push_back(std::move(more));
    }
    auto all = std::make_unique<ListExpr>(here, std::move(keys), /*is_tuple=*/true);
    const ListExpr& made = *all;
    WEIR_ASSIGN(key, checked(std::move(all), made.items));
  }
  WEIR_TRY(expect_op("]"));
  const Expr* index = key.get();
  return checked(std::make_unique<Item>(here, std::move(node), std::move(key)), {child, index});
}

Parser::Made Parser::slice_part() {
  if (is_op(":") || is_op("]")) return ExprPtr();
  return expression();
}

Status Parser::call_argument(CallParts& parts) {
  const auto invalid = [&]() { return unexpected("a call's arguments in their order"); };
  if (skip_op("*")) {
    if (parts.more_positional || parts.more_named) return invalid();
    WEIR_ASSIGN(parts.more_positional, expression());
    return {};
  }
  if (skip_op("**")) {
    if (parts.more_named) return invalid();
    WEIR_ASSIGN(parts.more_named, expression());
    return {};
  }
  if (is(Kind::kName) && ahead().kind == Kind::kOperator && ahead().text == "=") {
    if (parts.more_named) return invalid();
    std::string name = next().text;
    next();
    WEIR_ASSIGN(ExprPtr value, expression());
    parts.named.emplace_back(std::move(name), std::move(value));
    return {};
  }
  if (parts.more_positional || parts.more_named || !parts.named.empty()) return invalid();
  WEIR_ASSIGN(ExprPtr value, expression());
  parts.positional.push_back(std::move(value));
  return {};
}

Result<CallParts> Parser::call_arguments() {
  CallParts parts;
  WEIR_TRY(expect_op("("));
  for (bool first = true; !is_op(")"); first = false) {
    if (!first) {
      WEIR_TRY(expect_op(","));
      if (is_op(")")) break;
    }
    WEIR_TRY(call_argument(parts));
  }
  WEIR_TRY(expect_op(")"));
  return parts;
}

Parser::Made Parser::call(ExprPtr node) {
  const int here = line();
  WEIR_ASSIGN(CallParts parts, call_arguments());
  auto made = std::make_unique<Call>(here, std::move(node), std::move(parts));
  const Call& read = *made;
  return checked_call(std::move(made), read.callee.get(), read.parts);
}

Parser::Made Parser::filter_chain(ExprPtr node, bool inline_start) {
  while (inline_start || skip_op("|")) {
    inline_start = false;
    const int here = line();
    WEIR_ASSIGN(std::string name, any_name("a filter's name"));
    while (skip_op(".")) {
      WEIR_ASSIGN(const std::string part, any_name("a filter's name"));
      name += "." + part;
    }
    CallParts parts;
    if (is_op("(")) {
      WEIR_ASSIGN(parts, call_arguments());
    }
    auto made = std::make_unique<Filter>(here, std::move(node), std::move(name), std::move(parts));
    const Filter& read = *made;
    WEIR_ASSIGN(node, checked_call(std::move(made), read.subject.get(), read.parts));
  }
  return node;
}

// A test takes arguments in brackets, or one without.
Result<CallParts> Parser::test_arguments() {
  if (is_op("(")) return call_arguments();
  CallParts parts;
  const bool begins = is(Kind::kName) || is(Kind::kString) || is(Kind::kInteger) ||
                      is(Kind::kFloat) || is_op("[") || is_op("{");
  if (!begins || is_name("else") || is_name("or") || is_name("and")) return parts;
  if (is_name("is")) return unexpected("one test only");
  WEIR_ASSIGN(ExprPtr argument, primary());
  WEIR_ASSIGN(argument, postfix(std::move(argument)));
  parts.positional.push_back(std::move(argument));
  return parts;
}

Parser::Made Parser::test(ExprPtr node) {
  const int here = next().line;
  const bool negated = skip_name("not");
  WEIR_ASSIGN(std::string name, any_name("a test's name"));
  while (skip_op(".")) {
    WEIR_ASSIGN(const std::string part, any_name("a test's name"));
    name += "." + part;
  }
  WEIR_ASSIGN(CallParts parts, test_arguments());
  auto made =
      std::make_unique<Test>(here, std::move(node), std::move(name), std::move(parts), negated);
  const Test& read = *made;
  return checked_call(std::move(made), read.subject.get(), read.parts);
}

}  // namespace weir::jinja
