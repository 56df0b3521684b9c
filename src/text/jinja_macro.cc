// Calling macros, by the rules of jinja2's Macro class.
#include <fmt/format.h>

#include <algorithm>

#include "text/jinja_interpreter.h"
#include "text/jinja_ops.h"

namespace weir::jinja {
namespace {

// Takes a keyword argument out of the call.
std::optional<Value> take_named(CallArgs& args, std::string_view name) {
  const auto found = std::ranges::find(
      args.named, name, [](const auto& entry) { return std::string_view(entry.first); });
  if (found == args.named.end()) return std::nullopt;
  Value value = std::move(found->second);
  args.named.erase(found);
  return value;
}

Status no_duplicates(const CallArgs& args) {
  std::vector<std::string_view> names;
  for (const auto& entry : args.named) names.push_back(entry.first);
  std::ranges::sort(names);
  if (std::ranges::adjacent_find(names) == names.end()) return {};
  return type_error("a call names the same argument twice");
}

}  // namespace

Result<Value> MacroObject::call(Runtime&, const CallArgs& args) {
  // Each parameter is looked for among the named arguments.
  WEIR_TRY(
      in_.heap.spend(args.positional.size() + parts_.parameters.size() * (1 + args.named.size())));
  WEIR_TRY(no_duplicates(args));
  const ScopePtr scope = Interpreter::scope_in(scope_, parts_.unset, in_.heap);
  CallArgs left = args;
  {
    const Interpreter::Entered inner(in_, scope);
    WEIR_TRY(bind_parameters(*scope, left));
  }
  WEIR_TRY(bind_special(*scope, left));
  Flow flow = Flow::kNext;
  return in_.capture(parts_.body, flow, scope);
}

// Takes what the parameters need out of `left`. Defaults see the parameters before them.
Status MacroObject::bind_parameters(Scope& scope, CallArgs& left) {
  const std::size_t given = std::min(left.positional.size(), parts_.parameters.size());
  std::vector<const MacroParts::Parameter*> missing;
  for (std::size_t i = 0; i < parts_.parameters.size(); ++i) {
    const MacroParts::Parameter& parameter = parts_.parameters[i];
    std::optional<Value> value;
    if (i < given) {
      value = left.positional[i];
    } else {
      value = take_named(left, parameter.name);
    }
    if (value) {
      scope.variables.insert_or_assign(parameter.name, *value);
    } else {
      missing.push_back(&parameter);
    }
  }
  left.positional.erase(left.positional.begin(),
                        left.positional.begin() + static_cast<std::ptrdiff_t>(given));
  for (const MacroParts::Parameter* parameter : missing) {
    Value value =
        in_.heap.undefined(fmt::format("parameter '{}' was not provided", parameter->name));
    if (parameter->fallback) {
      WEIR_ASSIGN(value, in_.eval(*parameter->fallback));
    }
    scope.variables.insert_or_assign(parameter->name, value);
  }
  return {};
}

// caller, kwargs and varargs exist when the body speaks of them; otherwise what is left is too
// much.
Status MacroObject::bind_special(Scope& scope, CallArgs& left) {
  const auto has = [&](std::string_view name) {
    return std::ranges::find(parts_.parameters, name, &MacroParts::Parameter::name) !=
           parts_.parameters.end();
  };
  if (parts_.uses_caller && !has("caller")) {
    const auto caller = take_named(left, "caller");
    scope.variables["caller"] = caller ? *caller : in_.heap.undefined("No caller defined");
  }
  if (parts_.uses_kwargs && !has("kwargs")) {
    WEIR_ASSIGN(Dict * kwargs, in_.heap.dict());
    for (const auto& [name, value] : left.named) WEIR_TRY(in_.heap.put(*kwargs, name, value));
    scope.variables["kwargs"] = Value(kwargs);
  } else if (!left.named.empty()) {
    return type_error(fmt::format("macro '{}' takes no keyword argument '{}'", parts_.name,
                                  left.named.front().first));
  }
  if (parts_.uses_varargs && !has("varargs")) {
    WEIR_ASSIGN(scope.variables["varargs"], in_.heap.tuple(std::move(left.positional)));
  } else if (!left.positional.empty()) {
    return type_error(fmt::format("macro '{}' takes not more than {} argument(s)", parts_.name,
                                  parts_.parameters.size()));
  }
  return {};
}

Result<std::optional<Value>> MacroObject::attribute(Runtime& runtime, std::string_view name) {
  if (name == "name") {
    WEIR_ASSIGN(Value text, runtime.heap.text(parts_.name));
    return std::optional<Value>(std::move(text));
  }
  return std::optional<Value>();
}

}  // namespace weir::jinja
