#include "text/jinja_interpreter.h"

#include <fmt/format.h>

#include "text/jinja_limits.h"
#include "text/jinja_ops.h"

namespace weir::jinja {

Interpreter::Interpreter(std::chrono::sys_seconds clock)
    : Runtime(clock), scope_(std::make_shared<Scope>()) {}

Status Interpreter::define(const std::string& name, Value value) {
  scope_->variables[name] = std::move(value);
  return {};
}

Result<std::string> Interpreter::render(const Program& program) {
  std::string out;
  out_ = &out;
  const Entered inner(*this, inner_scope(program.unset));
  WEIR_TRY(run(program.body));
  return out;
}

tl::unexpected<Error> Interpreter::add_line(Error error, int line) {
  if (!std::exchange(located, true)) {
    error.message = fmt::format("chat template, line {}: {}", line, error.message);
  }
  return fail(std::move(error));
}

Result<Value> Interpreter::eval(const Expr& expr) {
  const DepthGuard guard(*this);
  WEIR_TRY(guard.check());
  WEIR_TRY(heap.spend(1));
  Result<Value> value = expr.run(*this);
  if (!value) return add_line(std::move(value).error(), expr.line);
  return value;
}

Result<Flow> Interpreter::run_statement(const Statement& statement) {
  const DepthGuard guard(*this);
  WEIR_TRY(guard.check());
  WEIR_TRY(heap.spend(1));
  Result<Flow> flow = statement.run(*this);
  if (!flow) return add_line(std::move(flow).error(), statement.line);
  return flow;
}

Result<Flow> Interpreter::run(const Body& body) {
  for (const auto& statement : body) {
    WEIR_ASSIGN(const Flow flow, run_statement(*statement));
    if (flow != Flow::kNext) return flow;
  }
  return Flow::kNext;
}

Result<Value> Interpreter::capture(const Body& body, Flow& flow, ScopePtr scope) {
  std::string text;
  std::string* outer = std::exchange(out_, &text);
  Result<Flow> ended = Flow::kNext;
  {
    const Entered inner(*this, std::move(scope));
    ended = run(body);
  }
  out_ = outer;
  WEIR_ASSIGN(flow, std::move(ended));
  return heap.text(std::move(text));
}

Status Interpreter::write(std::string_view text) {
  WEIR_TRY(heap.spend_bytes(text.size()));
  if (text.size() > kMaxOutputBytes - out_->size()) {
    return fail(Code::kInvalid,
                fmt::format("the template prints more than {} bytes", kMaxOutputBytes));
  }
  *out_ += text;
  return {};
}

Status Interpreter::write(const Value& value) {
  if (value.is_string()) return write(value.str());
  WEIR_ASSIGN(const Value text, to_text(*this, value));
  return write(text.str());
}

ScopePtr Interpreter::scope_in(ScopePtr outer, const NameList& unset, Heap& heap) {
  const auto scope = std::make_shared<Scope>(Scope{std::move(outer), {}});
  (void)heap.spend(unset.size());  // The next step finds out if this was too much.
  for (const std::string& name : unset) {
    scope->variables.emplace(name, heap.undefined(fmt::format("'{}' is undefined", name)));
  }
  return scope;
}

ScopePtr Interpreter::inner_scope(const NameList& unset) {
  return scope_in(scope_, unset, heap);
}

Result<Value> Interpreter::lookup(const std::string& name) {
  for (const Scope* scope = scope_.get(); scope != nullptr; scope = scope->parent.get()) {
    const auto found = scope->variables.find(name);
    if (found != scope->variables.end()) return found->second;
  }
  if (const BuiltinRow* row = find_global(name)) {
    WEIR_ASSIGN(Object * function, heap.make<Function>(128, row, Value()));
    return Value(function);
  }
  return heap.undefined(fmt::format("'{}' is undefined", name));
}

Status Interpreter::bind(const std::string& name, const Value& value) {
  scope_->variables[name] = value;
  return {};
}

Status Interpreter::assign_attribute(const Target& target, const Value& value) {
  WEIR_ASSIGN(const Value space, lookup(target.name));
  auto* attributes = space.as<Namespace>();
  if (attributes == nullptr) {
    return type_error(
        fmt::format("cannot assign attribute on non-namespace object '{}'", target.name));
  }
  return heap.put(*attributes->attributes(), target.attribute, value);
}

Status Interpreter::assign_parts(const Target& target, const Value& value) {
  WEIR_ASSIGN(const std::vector<Value> items, iterate(*this, value));
  if (items.size() != target.parts.size()) {
    return type_error(fmt::format("cannot unpack {} value(s) into {} name(s)", items.size(),
                                  target.parts.size()));
  }
  for (std::size_t i = 0; i < items.size(); ++i) WEIR_TRY(assign(target.parts[i], items[i]));
  return {};
}

Status Interpreter::assign(const Target& target, const Value& value) {
  if (target.is_tuple) return assign_parts(target, value);
  if (!target.attribute.empty()) return assign_attribute(target, value);
  return bind(target.name, value);
}

Result<CallArgs> Interpreter::arguments(const CallParts& parts) {
  CallArgs args;
  for (const ExprPtr& part : parts.positional) {
    WEIR_ASSIGN(Value value, eval(*part));
    args.positional.push_back(std::move(value));
  }
  for (const auto& [name, part] : parts.named) {
    WEIR_ASSIGN(Value value, eval(*part));
    args.named.emplace_back(name, std::move(value));
  }
  if (parts.more_positional) {
    WEIR_ASSIGN(const Value more, eval(*parts.more_positional));
    WEIR_ASSIGN(const std::vector<Value> items, iterate(*this, more));
    args.positional.insert(args.positional.end(), items.begin(), items.end());
  }
  if (parts.more_named) {
    WEIR_ASSIGN(const Value more, eval(*parts.more_named));
    const auto* dict = more.as<Dict>();
    if (dict == nullptr) return type_error("the argument after ** must be a mapping");
    for (const auto& [key, value] : dict->entries()) {
      if (!key.is_string()) return type_error("keywords must be strings");
      args.named.emplace_back(key.str(), value);
    }
  }
  return args;
}

}  // namespace weir::jinja
