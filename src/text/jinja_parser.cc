#include "text/jinja_parser.h"

#include <fmt/format.h>

#include <algorithm>

#include "text/jinja_limits.h"

namespace weir::jinja {
namespace {

using Kind = Token::Kind;

std::string shown(const Token& token) {
  switch (token.kind) {
    case Kind::kData:
      return "text";
    case Kind::kVariableBegin:
      return "{{";
    case Kind::kVariableEnd:
      return "}}";
    case Kind::kBlockBegin:
      return "{%";
    case Kind::kBlockEnd:
      return "%}";
    case Kind::kEnd:
      return "the end of the template";
    case Kind::kString:
      return "a string";
    default:
      return "'" + token.text.substr(0, 100) + "'";
  }
}

std::string one_of(std::initializer_list<std::string_view> names) {
  return fmt::format("{}", fmt::join(names, " or "));
}

}  // namespace

Status Parser::Nest::check() const {
  if (parser_.nesting_ <= kMaxNesting) return {};
  return syntax_error(parser_.line(),
                      fmt::format("blocks or brackets nest more than {} deep", kMaxNesting));
}

Token Parser::next() {
  Token token = current();
  if (at_ + 1 < tokens_.size()) ++at_;
  return token;
}

bool Parser::is_op(std::string_view sign) const {
  return is(Kind::kOperator) && current().text == sign;
}
bool Parser::is_name(std::string_view name) const {
  return is(Kind::kName) && current().text == name;
}
bool Parser::skip_op(std::string_view sign) {
  if (!is_op(sign)) return false;
  next();
  return true;
}
bool Parser::skip_name(std::string_view name) {
  if (!is_name(name)) return false;
  next();
  return true;
}

tl::unexpected<Error> Parser::unexpected(std::string_view wanted) const {
  return syntax_error(line(), fmt::format("expected {}, found {}", wanted, shown(current())));
}

Status Parser::expect(Kind kind, std::string_view what) {
  if (!is(kind)) return unexpected(what);
  next();
  return {};
}
Status Parser::expect_op(std::string_view sign) {
  if (!is_op(sign)) return unexpected(fmt::format("'{}'", sign));
  next();
  return {};
}
Status Parser::expect_name(std::string_view name) {
  if (!is_name(name)) return unexpected(fmt::format("'{}'", name));
  next();
  return {};
}
Result<std::string> Parser::any_name(std::string_view what) {
  if (!is(Kind::kName)) return unexpected(what);
  return next().text;
}

Result<Program> Parser::program() {
  Program made;
  WEIR_ASSIGN(made.body, body_until({}));
  frames_.deliver(0, &made.unset);
  frames_.finish();
  return made;
}

// Leaves the end tag's name as the current token.
Result<Body> Parser::body_until(Names ends) {
  Body body;
  while (!is(Kind::kEnd)) {
    if (is(Kind::kBlockBegin) && std::ranges::find(ends, ahead().text) != ends.end() &&
        ahead().kind == Kind::kName) {
      next();
      return body;
    }
    WEIR_TRY(one_of_body(body));
  }
  if (ends.size() > 0) return unexpected(one_of(ends));
  return body;
}

Status Parser::one_of_body(Body& body) {
  const int here = line();
  if (is(Kind::kData)) {
    body.push_back(std::make_unique<Data>(here, next().text));
    return {};
  }
  if (is(Kind::kVariableBegin)) {
    next();
    WEIR_ASSIGN(ExprPtr value, tuple(/*with_condition=*/true, /*parenthesized=*/false));
    body.push_back(std::make_unique<Print>(here, std::move(value)));
    return expect(Kind::kVariableEnd, "}}");
  }
  WEIR_TRY(expect(Kind::kBlockBegin, "a tag"));
  WEIR_ASSIGN(StatementPtr made, statement());
  body.push_back(std::move(made));
  return expect(Kind::kBlockEnd, "%}");
}

Result<Body> Parser::block(Names ends) {
  skip_op(":");
  WEIR_TRY(expect(Kind::kBlockEnd, "%}"));
  return body_until(ends);
}

Result<Body> Parser::framed_block(Frames::Id frame, NameList& unset, Names ends) {
  frames_.deliver(frame, &unset);
  const Frames::Id outer = frames_.enter(frame);
  WEIR_ASSIGN(Body body, block(ends));
  frames_.enter(outer);
  return body;
}

void Parser::note_stores(const Target& target) {
  for (const Target& part : target.parts) note_stores(part);
  if (target.is_tuple) return;
  if (target.attribute.empty()) {
    frames_.store(target.name);
  } else {
    frames_.load(target.name);
  }
}

void Parser::note_parameters(const Target& target) {
  for (const Target& part : target.parts) note_parameters(part);
  if (!target.is_tuple) frames_.parameter(target.name);
}

struct StatementRow {
  std::string_view name;
  Parser::MadeStatement (Parser::*parse)();
};

Parser::MadeStatement Parser::statement() {
  static constexpr StatementRow kRows[] = {
      {"if", &Parser::parse_if},           {"for", &Parser::parse_for},
      {"set", &Parser::parse_set},         {"macro", &Parser::parse_macro},
      {"call", &Parser::parse_call_block}, {"filter", &Parser::parse_filter_block},
      {"with", &Parser::parse_with},       {"generation", &Parser::parse_generation},
      {"break", &Parser::parse_break},     {"continue", &Parser::parse_continue},
      {"print", &Parser::parse_print},
  };
  const Nest nest(*this);
  WEIR_TRY(nest.check());
  if (!is(Kind::kName)) return unexpected("the name of a tag");
  const auto row = std::ranges::find(kRows, current().text, &StatementRow::name);
  if (row == std::end(kRows)) return unexpected("a tag that chat templates may use");
  return (this->*row->parse)();
}

Parser::MadeStatement Parser::parse_if() {
  auto node = std::make_unique<If>(line());
  next();
  WEIR_TRY(parse_branch(*node));
  frames_.begin_branch();
  for (std::string name = next().text; name != "endif"; name = next().text) {
    if (name == "elif") {
      WEIR_TRY(parse_branch(*node));
    } else {
      WEIR_ASSIGN(node->otherwise, block({"endif"}));
    }
  }
  frames_.end_branch();
  return node;
}

Status Parser::parse_branch(If& node) {
  WEIR_ASSIGN(ExprPtr test, tuple(/*with_condition=*/false, /*parenthesized=*/false));
  frames_.begin_branch();
  WEIR_ASSIGN(Body body, block({"elif", "else", "endif"}));
  frames_.end_branch();
  node.branches.emplace_back(std::move(test), std::move(body));
  return {};
}

Parser::MadeStatement Parser::parse_for() {
  auto node = std::make_unique<For>(line());
  next();
  WEIR_ASSIGN(node->target, parse_target(/*with_namespace=*/false));
  WEIR_TRY(expect_name("in"));
  WEIR_ASSIGN(node->items, tuple(/*with_condition=*/false, /*parenthesized=*/false, "recursive"));
  const Frames::Id outer = frames_.enter(frames_.open());
  note_parameters(node->target);
  if (skip_name("if")) {
    WEIR_ASSIGN(node->filter, expression());
  }
  frames_.enter(outer);
  if (is_name("recursive")) return unexpected("%} (recursive loops are not supported)");
  const Frames::Id inside = frames_.open();
  frames_.enter(inside);
  frames_.parameter("loop");
  note_parameters(node->target);
  frames_.enter(outer);
  ++loops_;
  WEIR_ASSIGN(node->body, framed_block(inside, node->unset, {"endfor", "else"}));
  --loops_;
  if (next().text == "else") {
    WEIR_ASSIGN(node->otherwise, framed_block(frames_.open(), node->otherwise_unset, {"endfor"}));
    next();
  }
  return node;
}

Parser::MadeStatement Parser::parse_break() {
  if (loops_ == 0) return unexpected("a loop around 'break'");
  return std::make_unique<Jump>(next().line, Flow::kBreak);
}
Parser::MadeStatement Parser::parse_continue() {
  if (loops_ == 0) return unexpected("a loop around 'continue'");
  return std::make_unique<Jump>(next().line, Flow::kContinue);
}

Parser::MadeStatement Parser::parse_print() {
  const int here = next().line;
  std::vector<ExprPtr> parts;
  while (!is(Kind::kBlockEnd)) {
    if (!parts.empty()) WEIR_TRY(expect_op(","));
    WEIR_ASSIGN(ExprPtr part, expression());
    parts.push_back(std::move(part));
  }
  auto concat = std::make_unique<Concat>(here, std::move(parts));
  const auto& children = concat->parts;
  WEIR_ASSIGN(ExprPtr value, checked(std::move(concat), children));
  return std::make_unique<Print>(here, std::move(value));
}

Parser::MadeStatement Parser::parse_set() {
  const int here = next().line;
  WEIR_ASSIGN(Target target, parse_target(/*with_namespace=*/true));
  if (skip_op("=")) {
    auto node = std::make_unique<Set>(here);
    node->target = std::move(target);
    WEIR_ASSIGN(node->value, tuple(/*with_condition=*/true, /*parenthesized=*/false));
    note_stores(node->target);
    return node;
  }
  auto node = std::make_unique<SetBlock>(here);
  node->target = std::move(target);
  WEIR_ASSIGN(node->filter, filter_chain(nullptr, /*inline_start=*/false));
  note_stores(node->target);
  WEIR_ASSIGN(node->body, framed_block(frames_.open(), node->unset, {"endset"}));
  next();
  return node;
}

Status Parser::parse_signature(Frames::Id frame, MacroParts& parts) {
  const Frames::Id outer = frames_.enter(frame);
  WEIR_TRY(expect_op("("));
  while (!is_op(")")) {
    if (!parts.parameters.empty()) WEIR_TRY(expect_op(","));
    WEIR_TRY(parse_parameter(parts));
  }
  frames_.enter(outer);
  return expect_op(")");
}

Status Parser::parse_parameter(MacroParts& parts) {
  WEIR_ASSIGN(std::string name, any_name("a parameter"));
  frames_.parameter(name);
  ExprPtr fallback;
  if (skip_op("=")) {
    WEIR_ASSIGN(fallback, expression());
  } else if (!parts.parameters.empty() && parts.parameters.back().fallback != nullptr) {
    return unexpected("a default, as the parameter before has one");
  }
  parts.parameters.push_back({std::move(name), std::move(fallback)});
  return {};
}

// `break` in a macro does not reach the loops around it.
Status Parser::parse_macro_body(Frames::Id frame, MacroParts& parts, std::string_view end) {
  const int outer_loops = std::exchange(loops_, 0);
  macros_.push_back(&parts);
  WEIR_ASSIGN(parts.body, framed_block(frame, parts.unset, {end}));
  macros_.pop_back();
  loops_ = outer_loops;
  next();
  return {};
}

Parser::MadeStatement Parser::parse_macro() {
  auto node = std::make_unique<Macro>(next().line);
  WEIR_ASSIGN(node->parts.name, any_name("the macro's name"));
  frames_.store(node->parts.name);
  const Frames::Id frame = frames_.open();
  WEIR_TRY(parse_signature(frame, node->parts));
  WEIR_TRY(parse_macro_body(frame, node->parts, "endmacro"));
  return node;
}

Parser::MadeStatement Parser::parse_call_block() {
  auto node = std::make_unique<CallBlock>(next().line);
  node->caller.name = "caller";
  const Frames::Id frame = frames_.open();
  if (is_op("(")) WEIR_TRY(parse_signature(frame, node->caller));
  WEIR_ASSIGN(ExprPtr made, expression());
  auto* as_call = dynamic_cast<Call*>(made.get());
  if (as_call == nullptr) return syntax_error(node->line, "expected the call of a macro");
  made.release();
  node->call.reset(as_call);
  WEIR_TRY(parse_macro_body(frame, node->caller, "endcall"));
  return node;
}

Parser::MadeStatement Parser::parse_filter_block() {
  auto node = std::make_unique<FilterBlock>(next().line);
  WEIR_ASSIGN(node->filter, filter_chain(nullptr, /*inline_start=*/true));
  WEIR_ASSIGN(node->body, framed_block(frames_.open(), node->unset, {"endfilter"}));
  next();
  return node;
}

Parser::MadeStatement Parser::parse_with() {
  auto node = std::make_unique<With>(next().line);
  const Frames::Id frame = frames_.open();
  while (!is(Kind::kBlockEnd)) {
    if (!node->values.empty()) WEIR_TRY(expect_op(","));
    WEIR_ASSIGN(Target target, parse_target(/*with_namespace=*/false));
    const Frames::Id outer = frames_.enter(frame);
    note_parameters(target);
    frames_.enter(outer);
    WEIR_TRY(expect_op("="));
    WEIR_ASSIGN(ExprPtr value, expression());
    node->values.emplace_back(std::move(target), std::move(value));
  }
  WEIR_ASSIGN(node->body, framed_block(frame, node->unset, {"endwith"}));
  next();
  return node;
}

Parser::MadeStatement Parser::parse_generation() {
  auto node = std::make_unique<Generation>(next().line);
  WEIR_TRY(parse_macro_body(frames_.open(), node->parts, "endgeneration"));
  return node;
}

Result<Target> Parser::parse_one_target(bool with_namespace) {
  const Nest nest(*this);
  WEIR_TRY(nest.check());
  if (skip_op("(")) {
    WEIR_ASSIGN(Target inner, parse_target(with_namespace));
    WEIR_TRY(expect_op(")"));
    return inner;
  }
  Target target;
  static constexpr std::string_view kReserved[] = {"true", "false", "none",
                                                   "True", "False", "None"};
  if (std::ranges::find(kReserved, current().text) != std::end(kReserved)) {
    return unexpected("a name to assign to");
  }
  WEIR_ASSIGN(target.name, any_name("a name to assign to"));
  if (with_namespace && skip_op(".")) {
    WEIR_ASSIGN(target.attribute, any_name("an attribute's name"));
  }
  return target;
}

Result<Target> Parser::parse_target(bool with_namespace) {
  WEIR_ASSIGN(Target first, parse_one_target(with_namespace));
  if (!is_op(",")) return first;
  Target all;
  all.is_tuple = true;
  all.parts.push_back(std::move(first));
  while (skip_op(",")) {
    const bool ends = is_op(")") || is_op("=") || is_name("in") || is(Kind::kBlockEnd);
    if (ends) break;
    WEIR_ASSIGN(Target part, parse_one_target(with_namespace));
    all.parts.push_back(std::move(part));
  }
  return all;
}

Result<Program> parse_program(std::string_view source) {
  WEIR_ASSIGN(std::vector<Token> tokens, tokenize(source));
  Parser parser(std::move(tokens));
  return parser.program();
}

}  // namespace weir::jinja
