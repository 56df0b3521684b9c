// The syntax tree. Each node knows how to run itself; jinja_expression.cc and jinja_statement.cc
// hold that.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "text/jinja_frames.h"
#include "text/jinja_ops.h"
#include "text/jinja_value.h"

namespace weir::jinja {

class Interpreter;

struct Expr {
  explicit Expr(int at) : line(at) {}
  virtual ~Expr() = default;
  // Called through Interpreter::eval, which counts and says where errors arose.
  virtual Result<Value> run(Interpreter& in) const = 0;

  int line;
  int height = 1;  // Bounded by the parser, so that walking the tree is safe.
};
using ExprPtr = std::unique_ptr<Expr>;

// What follows a statement in the loop around it.
enum class Flow { kNext, kBreak, kContinue };

struct Statement {
  explicit Statement(int at) : line(at) {}
  virtual ~Statement() = default;
  virtual Result<Flow> run(Interpreter& in) const = 0;

  int line;
};
using Body = std::vector<std::unique_ptr<Statement>>;

// What can be assigned to: a name, a namespace's attribute, or a tuple of targets.
struct Target {
  std::string name;
  std::string attribute;  // Not empty: `name.attribute`.
  std::vector<Target> parts;
  bool is_tuple = false;
};

struct CallParts {
  std::vector<ExprPtr> positional;
  std::vector<std::pair<std::string, ExprPtr>> named;
  ExprPtr more_positional;  // *args
  ExprPtr more_named;       // **kwargs
};

// The parameters and the body of a macro or a call block.
struct MacroParts {
  struct Parameter {
    std::string name;
    ExprPtr fallback;  // May be null.
  };
  std::string name;
  std::vector<Parameter> parameters;
  Body body;
  // The body speaks of these names, so a call may give them.
  bool uses_caller = false;
  bool uses_kwargs = false;
  bool uses_varargs = false;
  NameList unset;  // Names hidden until the body sets them.
};

// A whole template.
struct Program {
  Body body;
  NameList unset;
};

struct Literal final : Expr {
  Literal(int at, Value v) : Expr(at), value(std::move(v)) {}
  Result<Value> run(Interpreter& in) const override;
  Value value;
};

struct Name final : Expr {
  Name(int at, std::string n) : Expr(at), name(std::move(n)) {}
  Result<Value> run(Interpreter& in) const override;
  std::string name;
};

struct ListExpr final : Expr {
  ListExpr(int at, std::vector<ExprPtr> all, bool is_tuple)
      : Expr(at), items(std::move(all)), tuple(is_tuple) {}
  Result<Value> run(Interpreter& in) const override;
  std::vector<ExprPtr> items;
  bool tuple;
};

struct DictExpr final : Expr {
  using Expr::Expr;
  Result<Value> run(Interpreter& in) const override;
  std::vector<std::pair<ExprPtr, ExprPtr>> entries;
};

struct Attribute final : Expr {
  Attribute(int at, ExprPtr o, std::string n)
      : Expr(at), object(std::move(o)), name(std::move(n)) {}
  Result<Value> run(Interpreter& in) const override;
  ExprPtr object;
  std::string name;
};

struct Item final : Expr {
  Item(int at, ExprPtr o, ExprPtr k) : Expr(at), object(std::move(o)), key(std::move(k)) {}
  Result<Value> run(Interpreter& in) const override;
  ExprPtr object;
  ExprPtr key;
};

struct Slice final : Expr {
  using Expr::Expr;
  Result<Value> run(Interpreter& in) const override;
  ExprPtr object;
  ExprPtr start, stop, step;  // Each may be null.
};

struct Call final : Expr {
  Call(int at, ExprPtr c, CallParts p) : Expr(at), callee(std::move(c)), parts(std::move(p)) {}
  Result<Value> run(Interpreter& in) const override;
  // With a `caller` for the macro called.
  Result<Value> call(Interpreter& in, const Value* caller) const;
  ExprPtr callee;
  CallParts parts;
};

// The variable that holds a filter block's text; no template can write its name.
inline constexpr char kBlockText[] = "the block";

struct Filter final : Expr {
  Filter(int at, ExprPtr s, std::string n, CallParts p)
      : Expr(at), subject(std::move(s)), name(std::move(n)), parts(std::move(p)) {}
  Result<Value> run(Interpreter& in) const override;
  ExprPtr subject;  // Null at the head of a filter block: the block's text.
  std::string name;
  CallParts parts;
};

struct Test final : Expr {
  Test(int at, ExprPtr s, std::string n, CallParts p, bool negate)
      : Expr(at), subject(std::move(s)), name(std::move(n)), parts(std::move(p)), negated(negate) {}
  Result<Value> run(Interpreter& in) const override;
  ExprPtr subject;
  std::string name;
  CallParts parts;
  bool negated;
};

struct Not final : Expr {
  Not(int at, ExprPtr o) : Expr(at), operand(std::move(o)) {}
  Result<Value> run(Interpreter& in) const override;
  ExprPtr operand;
};

struct Sign final : Expr {
  Sign(int at, ExprPtr o, bool negative) : Expr(at), operand(std::move(o)), minus(negative) {}
  Result<Value> run(Interpreter& in) const override;
  ExprPtr operand;
  bool minus;
};

// `and` and `or` give one of their operands.
struct Logic final : Expr {
  Logic(int at, ExprPtr l, ExprPtr r, bool conjunction)
      : Expr(at), left(std::move(l)), right(std::move(r)), is_and(conjunction) {}
  Result<Value> run(Interpreter& in) const override;
  ExprPtr left, right;
  bool is_and;
};

struct Arithmetic final : Expr {
  Arithmetic(int at, Arith o, ExprPtr l, ExprPtr r)
      : Expr(at), op(o), left(std::move(l)), right(std::move(r)) {}
  Result<Value> run(Interpreter& in) const override;
  Arith op;
  ExprPtr left, right;
};

struct Concat final : Expr {
  Concat(int at, std::vector<ExprPtr> all) : Expr(at), parts(std::move(all)) {}
  Result<Value> run(Interpreter& in) const override;
  std::vector<ExprPtr> parts;
};

// a < b <= c ...
struct Compare final : Expr {
  using Expr::Expr;
  Result<Value> run(Interpreter& in) const override;
  ExprPtr first;
  std::vector<std::pair<std::string, ExprPtr>> rest;
};

struct Condition final : Expr {
  Condition(int at, ExprPtr t, ExprPtr y, ExprPtr n)
      : Expr(at), test(std::move(t)), yes(std::move(y)), no(std::move(n)) {}
  Result<Value> run(Interpreter& in) const override;
  ExprPtr test, yes;
  ExprPtr no;  // May be null.
};

struct Data final : Statement {
  Data(int at, std::string t) : Statement(at), text(std::move(t)) {}
  Result<Flow> run(Interpreter& in) const override;
  std::string text;
};

struct Print final : Statement {
  Print(int at, ExprPtr v) : Statement(at), value(std::move(v)) {}
  Result<Flow> run(Interpreter& in) const override;
  ExprPtr value;
};

struct If final : Statement {
  using Statement::Statement;
  Result<Flow> run(Interpreter& in) const override;
  std::vector<std::pair<ExprPtr, Body>> branches;
  Body otherwise;
};

struct For final : Statement {
  using Statement::Statement;
  Result<Flow> run(Interpreter& in) const override;
  Target target;
  ExprPtr items;
  ExprPtr filter;  // May be null.
  Body body;
  Body otherwise;
  NameList unset, otherwise_unset;
};

struct Jump final : Statement {
  Jump(int at, Flow f) : Statement(at), flow(f) {}
  Result<Flow> run(Interpreter& in) const override;
  Flow flow;
};

struct Set final : Statement {
  using Statement::Statement;
  Result<Flow> run(Interpreter& in) const override;
  Target target;
  ExprPtr value;
};

struct SetBlock final : Statement {
  using Statement::Statement;
  Result<Flow> run(Interpreter& in) const override;
  Target target;
  ExprPtr filter;  // May be null.
  Body body;
  NameList unset;
};

struct FilterBlock final : Statement {
  using Statement::Statement;
  Result<Flow> run(Interpreter& in) const override;
  ExprPtr filter;
  Body body;
  NameList unset;
};

struct With final : Statement {
  using Statement::Statement;
  Result<Flow> run(Interpreter& in) const override;
  std::vector<std::pair<Target, ExprPtr>> values;
  Body body;
  NameList unset;
};

struct Macro final : Statement {
  using Statement::Statement;
  Result<Flow> run(Interpreter& in) const override;
  MacroParts parts;
};

struct CallBlock final : Statement {
  using Statement::Statement;
  Result<Flow> run(Interpreter& in) const override;
  MacroParts caller;
  std::unique_ptr<Call> call;
};

// transformers' {% generation %}: its body, in a scope of its own.
struct Generation final : Statement {
  using Statement::Statement;
  Result<Flow> run(Interpreter& in) const override;
  MacroParts parts;
};

}  // namespace weir::jinja
