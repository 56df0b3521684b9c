#include "text/chat_template.h"

#include "text/jinja_interpreter.h"
#include "text/jinja_json.h"
#include "text/jinja_parser.h"

namespace weir {
namespace {

Status define(jinja::Interpreter& in, const std::string& name, const boost::json::value& json) {
  WEIR_ASSIGN(jinja::Value value, jinja::from_json(in, json, name));
  return in.define(name, std::move(value));
}

Status define_all(jinja::Interpreter& in, const ChatTemplateInput& input) {
  WEIR_TRY(define(in, "messages", input.messages));
  WEIR_TRY(define(in, "tools", input.tools));
  WEIR_TRY(define(in, "documents", input.documents));
  WEIR_TRY(in.define("add_generation_prompt", jinja::Value(input.add_generation_prompt)));
  WEIR_TRY(in.define("bos_token", jinja::Value::literal(input.bos_token)));
  WEIR_TRY(in.define("eos_token", jinja::Value::literal(input.eos_token)));
  for (const auto& [name, value] : input.extra) WEIR_TRY(define(in, std::string(name), value));
  return {};
}

}  // namespace

ChatTemplate::ChatTemplate(std::shared_ptr<const jinja::Program> program)
    : program_(std::move(program)) {}

Result<ChatTemplate> ChatTemplate::parse(std::string_view source) {
  WEIR_ASSIGN(jinja::Program program, jinja::parse_program(source));
  return ChatTemplate(std::make_shared<const jinja::Program>(std::move(program)));
}

Result<std::string> ChatTemplate::render(const ChatTemplateInput& input) const {
  jinja::Interpreter in(input.now);
  WEIR_TRY(define_all(in, input));
  return in.render(*program_);
}

}  // namespace weir
