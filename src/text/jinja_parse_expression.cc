// Expressions, from the weakest operator to the strongest.
#include <fmt/format.h>

#include <algorithm>

#include "text/jinja_limits.h"
#include "text/jinja_parser.h"

namespace weir::jinja {
namespace {

struct ArithRow {
  std::string_view sign;
  Arith op;
};
constexpr ArithRow kArith[] = {{"+", Arith::kAdd},      {"-", Arith::kSub}, {"*", Arith::kMul},
                               {"/", Arith::kDiv},      {"%", Arith::kMod}, {"**", Arith::kPow},
                               {"//", Arith::kFloorDiv}};

constexpr std::string_view kCompareSigns[] = {"==", "!=", "<", "<=", ">", ">="};

int height_of(const Expr* child) {
  return child == nullptr ? 0 : child->height;
}

}  // namespace

Parser::Made Parser::checked(ExprPtr node, std::initializer_list<const Expr*> children) {
  int height = 0;
  for (const Expr* child : children) height = std::max(height, height_of(child));
  node->height = height + 1;
  if (node->height <= kMaxTreeHeight) return node;
  return syntax_error(node->line, fmt::format("an expression of more than {} operations in one "
                                              "another",
                                              kMaxTreeHeight));
}

Parser::Made Parser::checked(ExprPtr node, const std::vector<ExprPtr>& children) {
  const Expr* highest = nullptr;
  for (const ExprPtr& child : children) {
    if (height_of(child.get()) > height_of(highest)) highest = child.get();
  }
  return checked(std::move(node), {highest});
}

Parser::Made Parser::checked_call(ExprPtr node, const Expr* subject, const CallParts& parts) {
  const Expr* highest = subject;
  const auto note = [&](const ExprPtr& child) {
    if (height_of(child.get()) > height_of(highest)) highest = child.get();
  };
  for (const ExprPtr& child : parts.positional) note(child);
  for (const auto& entry : parts.named) note(entry.second);
  note(parts.more_positional);
  note(parts.more_named);
  return checked(std::move(node), {highest});
}

Parser::Made Parser::expression(bool with_condition) {
  return with_condition ? condition() : logic(/*conjunction=*/false);
}

Parser::Made Parser::condition() {
  const Nest nest(*this);
  WEIR_TRY(nest.check());
  int here = line();
  WEIR_ASSIGN(ExprPtr value, logic(/*conjunction=*/false));
  while (skip_name("if")) {
    WEIR_ASSIGN(ExprPtr test, logic(/*conjunction=*/false));
    ExprPtr otherwise;
    if (skip_name("else")) {
      WEIR_ASSIGN(otherwise, condition());
    }
    auto node =
        std::make_unique<Condition>(here, std::move(test), std::move(value), std::move(otherwise));
    const Condition& made = *node;
    WEIR_ASSIGN(value, checked(std::move(node), {made.test.get(), made.yes.get(), made.no.get()}));
    here = line();
  }
  return value;
}

Parser::Made Parser::logic(bool conjunction) {
  const auto operand = [&]() { return conjunction ? negation() : logic(true); };
  int here = line();
  WEIR_ASSIGN(ExprPtr left, operand());
  while (skip_name(conjunction ? "and" : "or")) {
    WEIR_ASSIGN(ExprPtr right, operand());
    auto node = std::make_unique<Logic>(here, std::move(left), std::move(right), conjunction);
    const Logic& made = *node;
    WEIR_ASSIGN(left, checked(std::move(node), {made.left.get(), made.right.get()}));
    here = line();
  }
  return left;
}

Parser::Made Parser::negation() {
  if (!is_name("not")) return comparison();
  const Nest nest(*this);
  WEIR_TRY(nest.check());
  const int here = next().line;
  WEIR_ASSIGN(ExprPtr operand, negation());
  const Expr* child = operand.get();
  return checked(std::make_unique<Not>(here, std::move(operand)), {child});
}

Parser::Made Parser::comparison() {
  const int here = line();
  WEIR_ASSIGN(ExprPtr first, sum());
  auto node = std::make_unique<Compare>(here);
  const Expr* highest = first.get();
  for (;;) {
    std::string sign = current().text;
    if (is_name("not") && ahead().kind == Token::Kind::kName && ahead().text == "in") {
      next();
      sign = "not in";
    } else if (!is_name("in") &&
               !(is(Token::Kind::kOperator) &&
                 std::ranges::find(kCompareSigns, sign) != std::end(kCompareSigns))) {
      break;
    }
    next();
    WEIR_ASSIGN(ExprPtr operand, sum());
    if (operand->height > highest->height) highest = operand.get();
    node->rest.emplace_back(std::move(sign), std::move(operand));
  }
  if (node->rest.empty()) return first;
  node->first = std::move(first);
  return checked(std::move(node), {highest});
}

// Operators of one strength, from left to right.
Parser::Made Parser::arithmetic_chain(Made (Parser::*operand)(), Names signs) {
  int here = line();
  WEIR_ASSIGN(ExprPtr left, (this->*operand)());
  while (is(Token::Kind::kOperator) && std::ranges::find(signs, current().text) != signs.end()) {
    const auto row = std::ranges::find(kArith, next().text, &ArithRow::sign);
    WEIR_ASSIGN(ExprPtr right, (this->*operand)());
    auto node = std::make_unique<Arithmetic>(here, row->op, std::move(left), std::move(right));
    const Arithmetic& made = *node;
    WEIR_ASSIGN(left, checked(std::move(node), {made.left.get(), made.right.get()}));
    here = line();
  }
  return left;
}

Parser::Made Parser::sum() {
  return arithmetic_chain(&Parser::concat, {"+", "-"});
}

Parser::Made Parser::concat() {
  const int here = line();
  WEIR_ASSIGN(ExprPtr first, product());
  if (!is_op("~")) return first;
  std::vector<ExprPtr> parts;
  parts.push_back(std::move(first));
  while (skip_op("~")) {
    WEIR_ASSIGN(ExprPtr part, product());
    parts.push_back(std::move(part));
  }
  auto node = std::make_unique<Concat>(here, std::move(parts));
  const Concat& made = *node;
  return checked(std::move(node), made.parts);
}

Parser::Made Parser::product() {
  return arithmetic_chain(&Parser::power, {"*", "/", "//", "%"});
}

Parser::Made Parser::power() {
  int here = line();
  WEIR_ASSIGN(ExprPtr left, unary(/*with_filter=*/true));
  while (skip_op("**")) {
    WEIR_ASSIGN(ExprPtr right, unary(/*with_filter=*/true));
    auto node = std::make_unique<Arithmetic>(here, Arith::kPow, std::move(left), std::move(right));
    const Arithmetic& made = *node;
    WEIR_ASSIGN(left, checked(std::move(node), {made.left.get(), made.right.get()}));
    here = line();
  }
  return left;
}

Parser::Made Parser::unary(bool with_filter) {
  ExprPtr node;
  if (is_op("-") || is_op("+")) {
    const Nest nest(*this);
    WEIR_TRY(nest.check());
    const Token sign = next();
    WEIR_ASSIGN(ExprPtr operand, unary(/*with_filter=*/false));
    const Expr* child = operand.get();
    WEIR_ASSIGN(
        node,
        checked(std::make_unique<Sign>(sign.line, std::move(operand), sign.text == "-"), {child}));
  } else {
    WEIR_ASSIGN(node, primary());
  }
  WEIR_ASSIGN(node, postfix(std::move(node)));
  if (!with_filter) return node;
  return filters(std::move(node));
}

Parser::Made Parser::postfix(ExprPtr node) {
  for (;;) {
    if (is_op(".") || is_op("[")) {
      WEIR_ASSIGN(node, subscript(std::move(node)));
    } else if (is_op("(")) {
      WEIR_ASSIGN(node, call(std::move(node)));
    } else {
      return node;
    }
  }
}

Parser::Made Parser::filters(ExprPtr node) {
  for (;;) {
    if (is_op("|")) {
      WEIR_ASSIGN(node, filter_chain(std::move(node), /*inline_start=*/false));
    } else if (is_name("is")) {
      WEIR_ASSIGN(node, test(std::move(node)));
    } else if (is_op("(")) {
      WEIR_ASSIGN(node, call(std::move(node)));
    } else {
      return node;
    }
  }
}

}  // namespace weir::jinja
