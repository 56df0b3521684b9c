// Tokens to a syntax tree, by jinja2's grammar.
#pragma once

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "text/jinja_ast.h"
#include "text/jinja_lexer.h"

namespace weir::jinja {

// kInvalid with the line and what was expected.
Result<Program> parse_program(std::string_view source);

// One pass over the tokens. jinja_parser.cc has the statements, jinja_parse_expression.cc and
// jinja_parse_primary.cc the expressions.
class Parser {
 public:
  explicit Parser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}
  Result<Program> program();

 private:
  // Counts one level of nesting while it lives.
  class Nest {
   public:
    explicit Nest(Parser& parser) : parser_(parser) { ++parser_.nesting_; }
    ~Nest() { --parser_.nesting_; }
    Nest(const Nest&) = delete;
    Nest& operator=(const Nest&) = delete;
    Status check() const;

   private:
    Parser& parser_;
  };
  using Names = std::initializer_list<std::string_view>;
  using Made = Result<ExprPtr>;
  using StatementPtr = std::unique_ptr<Statement>;
  using MadeStatement = Result<StatementPtr>;

  // Tokens.
  const Token& current() const { return tokens_[at_]; }
  const Token& ahead() const { return tokens_[std::min(at_ + 1, tokens_.size() - 1)]; }
  Token next();
  int line() const { return current().line; }
  bool is(Token::Kind kind) const { return current().kind == kind; }
  bool is_op(std::string_view sign) const;
  bool is_name(std::string_view name) const;
  bool skip_op(std::string_view sign);
  bool skip_name(std::string_view name);
  Status expect(Token::Kind kind, std::string_view what);
  Status expect_op(std::string_view sign);
  Status expect_name(std::string_view name);
  Result<std::string> any_name(std::string_view what);
  tl::unexpected<Error> unexpected(std::string_view wanted) const;

  // Statements.
  Result<Body> body_until(Names ends);
  Status one_of_body(Body& body);
  Result<Body> block(Names ends);  // The rest of the tag, and all to the end tag's name.
  // The same as a frame of its own, whose unset names go to `unset`.
  Result<Body> framed_block(Frames::Id frame, NameList& unset, Names ends);
  Status parse_branch(If& node);
  void note_stores(const Target& target);
  void note_parameters(const Target& target);
  MadeStatement statement();
  MadeStatement parse_if();
  MadeStatement parse_for();
  MadeStatement parse_set();
  MadeStatement parse_macro();
  MadeStatement parse_call_block();
  MadeStatement parse_filter_block();
  MadeStatement parse_with();
  MadeStatement parse_generation();
  MadeStatement parse_break();
  MadeStatement parse_continue();
  MadeStatement parse_print();
  Status parse_signature(Frames::Id frame, MacroParts& parts);
  Status parse_parameter(MacroParts& parts);
  Status parse_macro_body(Frames::Id frame, MacroParts& parts, std::string_view end);
  Result<Target> parse_target(bool with_namespace);
  Result<Target> parse_one_target(bool with_namespace);

  // Expressions. A node is `checked` once its children are known.
  Made expression(bool with_condition = true);
  Made condition();
  Made logic(bool conjunction);
  Made negation();
  Made comparison();
  Made sum();
  Made concat();
  Made product();
  Made power();
  Made unary(bool with_filter);
  Made primary();
  Made primary_name();
  Made number();
  Made postfix(ExprPtr node);
  Made filters(ExprPtr node);
  Made tuple(bool with_condition, bool parenthesized, std::string_view end_name = {});
  Made list();
  Made dict();
  Made subscript(ExprPtr node);
  Made subscript_part(ExprPtr& node);
  Made slice_part();
  Made filter_chain(ExprPtr node, bool inline_start);
  Made test(ExprPtr node);
  Result<CallParts> test_arguments();
  Result<CallParts> call_arguments();
  Status call_argument(CallParts& parts);
  Made call(ExprPtr node);
  Made checked(ExprPtr node, std::initializer_list<const Expr*> children);
  Made checked(ExprPtr node, const std::vector<ExprPtr>& children);
  Made checked_call(ExprPtr node, const Expr* subject, const CallParts& parts);
  Made arithmetic_chain(Made (Parser::*operand)(), Names signs);

  friend struct StatementRow;
  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  Frames frames_;
  int nesting_ = 0;
  int loops_ = 0;                    // For loops around, within the macro.
  std::vector<MacroParts*> macros_;  // Macros around.
};

}  // namespace weir::jinja
