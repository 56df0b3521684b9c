#include "text/template_operations.h"

#include <string>

#include "text/chat_template.h"

namespace weir::probe {
namespace {

namespace json = boost::json;

const json::value& member(const json::object& request, const char* name) {
  static const json::value kNull;
  const json::value* found = request.if_contains(name);
  return found == nullptr ? kNull : *found;
}

std::string text(const json::object& request, const char* name) {
  const json::value& value = member(request, name);
  return value.is_string() ? std::string(value.get_string()) : std::string();
}

ChatTemplateInput input_of(const json::object& request) {
  ChatTemplateInput input;
  input.messages = member(request, "messages");
  input.tools = member(request, "tools");
  input.documents = member(request, "documents");
  input.add_generation_prompt = member(request, "add_generation_prompt") == true;
  input.bos_token = text(request, "bos_token");
  input.eos_token = text(request, "eos_token");
  if (member(request, "extra").is_object()) input.extra = member(request, "extra").get_object();
  const json::value& now = member(request, "now");
  if (now.is_int64()) input.now = std::chrono::sys_seconds(std::chrono::seconds(now.get_int64()));
  return input;
}

}  // namespace

json::object render(const json::object& request) {
  const Result<ChatTemplate> parsed = ChatTemplate::parse(text(request, "template"));
  if (!parsed) return {{"error", parsed.error().message}};
  const Result<std::string> rendered = parsed->render(input_of(request));
  if (!rendered) return {{"error", rendered.error().message}};
  return {{"text", *rendered}};
}

}  // namespace weir::probe
