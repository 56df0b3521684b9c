// How statements run.
#include <fmt/format.h>

#include "text/jinja_interpreter.h"

namespace weir::jinja {

Result<Flow> Data::run(Interpreter& in) const {
  WEIR_TRY(in.write(text));
  return Flow::kNext;
}

Result<Flow> Print::run(Interpreter& in) const {
  WEIR_ASSIGN(const Value shown, in.eval(*value));
  WEIR_TRY(in.write(shown));
  return Flow::kNext;
}

Result<Flow> If::run(Interpreter& in) const {
  for (const auto& [test, body] : branches) {
    WEIR_ASSIGN(const Value is, in.eval(*test));
    if (is.truthy()) return in.run(body);
  }
  return in.run(otherwise);
}

Result<Flow> Jump::run(Interpreter&) const {
  return flow;
}

Result<Flow> For::run(Interpreter& in) const {
  WEIR_ASSIGN(const Value source, in.eval(*items));
  WEIR_ASSIGN(std::vector<Value> values, iterate(in, source));
  const std::size_t bytes = 256 + values.capacity() * sizeof(Value);
  WEIR_ASSIGN(Loop * loop, in.heap.make<Loop>(bytes, in, *this, std::move(values)));
  bool finished_one = false;
  for (;;) {
    WEIR_ASSIGN(const auto item, loop->next());
    if (!item) break;
    const Interpreter::Entered inner(in, in.inner_scope(unset));
    in.scope()->variables.insert_or_assign("loop", Value(loop));
    WEIR_TRY(in.assign(target, *item));
    WEIR_ASSIGN(const Flow flow, in.run(body));
    if (flow == Flow::kBreak) break;
    finished_one |= flow == Flow::kNext;
  }
  // As in jinja2, an iteration counts only once its end is reached.
  if (finished_one || otherwise.empty()) return Flow::kNext;
  const Interpreter::Entered inner(in, in.inner_scope(otherwise_unset));
  return in.run(otherwise);
}

Result<Flow> Set::run(Interpreter& in) const {
  WEIR_ASSIGN(const Value made, in.eval(*value));
  WEIR_TRY(in.assign(target, made));
  return Flow::kNext;
}

namespace {

// The filters of a block see its text as this variable, which no template can name.
Result<Value> filtered(Interpreter& in, const Expr& filter, Value text) {
  const Interpreter::Entered inner(in, in.inner_scope({}));
  in.scope()->variables.emplace(kBlockText, std::move(text));
  return in.eval(filter);
}

// jinja2 joins what such blocks give without making text of it.
Status write_text(Interpreter& in, const Value& text) {
  if (text.is_string()) return in.write(text.str());
  return type_error(fmt::format("the block must give str, not {}", text.type_name()));
}

}  // namespace

Result<Flow> SetBlock::run(Interpreter& in) const {
  Flow flow = Flow::kNext;
  WEIR_ASSIGN(Value text, in.capture(body, flow, in.inner_scope(unset)));
  if (flow != Flow::kNext) return flow;
  if (filter) {
    WEIR_ASSIGN(text, filtered(in, *filter, std::move(text)));
  }
  WEIR_TRY(in.assign(target, text));
  return Flow::kNext;
}

Result<Flow> FilterBlock::run(Interpreter& in) const {
  Flow flow = Flow::kNext;
  WEIR_ASSIGN(Value text, in.capture(body, flow, in.inner_scope(unset)));
  if (flow != Flow::kNext) return flow;
  WEIR_ASSIGN(text, filtered(in, *filter, std::move(text)));
  WEIR_TRY(write_text(in, text));
  return Flow::kNext;
}

Result<Flow> With::run(Interpreter& in) const {
  const ScopePtr scope = in.inner_scope(unset);
  for (const auto& [target, expr] : values) {
    WEIR_ASSIGN(const Value value, in.eval(*expr));
    const Interpreter::Entered inner(in, scope);
    WEIR_TRY(in.assign(target, value));
  }
  const Interpreter::Entered inner(in, scope);
  return in.run(body);
}

Result<Flow> Macro::run(Interpreter& in) const {
  WEIR_ASSIGN(Object * macro, in.heap.make<MacroObject>(128, in, parts, in.scope()));
  WEIR_TRY(in.assign(Target{parts.name, {}, {}, false}, Value(macro)));
  return Flow::kNext;
}

Result<Flow> CallBlock::run(Interpreter& in) const {
  WEIR_ASSIGN(Object * made, in.heap.make<MacroObject>(128, in, caller, in.scope()));
  const Value block(made);
  WEIR_ASSIGN(const Value text, call->call(in, &block));
  WEIR_TRY(write_text(in, text));
  return Flow::kNext;
}

Result<Flow> Generation::run(Interpreter& in) const {
  Flow flow = Flow::kNext;
  WEIR_ASSIGN(const Value text, in.capture(parts.body, flow, in.inner_scope(parts.unset)));
  WEIR_TRY(write_text(in, text));
  return flow;
}

}  // namespace weir::jinja
