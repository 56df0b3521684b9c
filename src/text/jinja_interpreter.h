// Runs a syntax tree.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "text/jinja_ast.h"
#include "text/jinja_builtin.h"
#include "text/jinja_heap.h"

namespace weir::jinja {

// The variables of one block. A block sees those of the blocks around it and sets only its own.
struct Scope {
  std::shared_ptr<Scope> parent;
  std::unordered_map<std::string, Value> variables;
};
using ScopePtr = std::shared_ptr<Scope>;

// One rendering. Not for several threads; each makes its own.
class Interpreter : public Runtime {
 public:
  explicit Interpreter(std::chrono::sys_seconds clock);

  // A variable of the template, before it runs.
  Status define(const std::string& name, Value value);
  Result<std::string> render(const Program& program);

  // Every node is evaluated through these: they count, bound the depth and add the line to errors.
  Result<Value> eval(const Expr& expr);
  Result<Flow> run(const Body& body);
  // The text that the body prints in the scope. `flow` tells how the
  // body ended.
  Result<Value> capture(const Body& body, Flow& flow, ScopePtr scope);
  Status write(std::string_view text);
  Status write(const Value& value);

  Result<Value> lookup(const std::string& name);
  Status assign(const Target& target, const Value& value);
  Result<CallArgs> arguments(const CallParts& parts);

  const ScopePtr& scope() const { return scope_; }
  // Makes `scope` the current one while it lives.
  class Entered {
   public:
    Entered(Interpreter& in, ScopePtr scope)
        : in_(in), outer_(std::exchange(in.scope_, std::move(scope))) {}
    ~Entered() { in_.scope_ = std::move(outer_); }
    Entered(const Entered&) = delete;
    Entered& operator=(const Entered&) = delete;

   private:
    Interpreter& in_;
    ScopePtr outer_;
  };
  // A block inside the current scope; it hides the names `unset` until they are set.
  ScopePtr inner_scope(const NameList& unset);
  static ScopePtr scope_in(ScopePtr outer, const NameList& unset, Heap& heap);

 private:
  Status bind(const std::string& name, const Value& value);
  Status assign_attribute(const Target& target, const Value& value);
  Status assign_parts(const Target& target, const Value& value);
  Result<Flow> run_statement(const Statement& statement);
  tl::unexpected<Error> add_line(Error error, int line);

  ScopePtr scope_;
  std::string* out_ = nullptr;
};

// A macro, or the body of a call block, with the scope where it was defined.
class MacroObject final : public Object {
 public:
  MacroObject(Interpreter& in, const MacroParts& parts, ScopePtr scope)
      : in_(in), parts_(parts), scope_(std::move(scope)) {}

  std::string_view type_name() const override { return "Macro"; }
  bool callable() const override { return true; }
  Result<Value> call(Runtime& runtime, const CallArgs& args) override;
  Result<std::optional<Value>> attribute(Runtime& runtime, std::string_view name) override;

 private:
  Status bind_parameters(Scope& scope, CallArgs& left);
  Status bind_special(Scope& scope, CallArgs& left);

  Interpreter& in_;
  const MacroParts& parts_;
  ScopePtr scope_;
};

// The `loop` of a for: pulls items one by one, so that a filter sees what the body has changed.
class Loop final : public Object {
 public:
  Loop(Interpreter& in, const For& node, std::vector<Value> items)
      : in_(in), node_(node), scope_(in.scope()), items_(std::move(items)) {}

  std::string_view type_name() const override { return "LoopContext"; }
  Result<std::optional<Value>> attribute(Runtime& runtime, std::string_view name) override;
  // Moves on; none at the end.
  Result<std::optional<Value>> next();

  std::int64_t index0() const { return index0_; }
  // Whether `values` differ from those of the call before.
  Result<bool> changed(Value values);

 private:
  Result<std::optional<Value>> pull();
  Result<std::optional<Value>> peek();
  Result<std::int64_t> count();
  Result<Value> neighbour(bool previous);

  Interpreter& in_;
  const For& node_;
  ScopePtr scope_;
  std::vector<Value> items_;
  std::size_t at_ = 0;
  std::vector<Value> pulled_;  // Seen ahead, the next one last.
  bool drained_ = false;
  std::int64_t index0_ = -1;
  std::optional<Value> before_, current_;
  std::optional<Value> last_changed_;
};

}  // namespace weir::jinja
