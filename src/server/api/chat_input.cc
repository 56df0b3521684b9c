// Messages, tools and template variables, brought into the one shape that templates expect.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "server/api/read_job.h"

namespace weir::server {
namespace {

namespace json = boost::json;

constexpr std::array<std::string_view, 5> kRoles = {"system", "developer", "user", "assistant",
                                                    "tool"};

// Text parts become one text with a line break between them, as vLLM does for templates that take
// strings.
Result<std::string> join_parts(const json::array& parts, const std::string& param) {
  std::string text;
  for (size_t i = 0; i < parts.size(); ++i) {
    const std::string place = fmt::format("{}[{}]", param, i);
    if (!parts[i].is_object()) return fail(wrong_kind(parts[i], place, "an object"));
    const Fields part(parts[i].as_object(), place + ".");
    WEIR_ASSIGN(const auto type, part.string("type"));
    if (type != "text")
      return fail(Code::kInvalid,
                  fmt::format("{}.type must be \"text\": other content is not supported.", place),
                  place + ".type");
    WEIR_ASSIGN(const auto piece, part.string("text"));
    if (!piece) return fail(Code::kInvalid, place + ".text is missing.", place + ".text");
    if (i > 0) text += '\n';
    text += *piece;
  }
  return text;
}

Result<std::string> read_content(const Fields& message, bool optional) {
  const json::value* content = message.find("content");
  const std::string param = message.param("content");
  if (!content) {
    if (optional) return std::string();
    return fail(Code::kInvalid, param + " is missing.", param);
  }
  if (content->is_string()) return std::string(content->as_string());
  if (content->is_array()) return join_parts(content->as_array(), param);
  return fail(wrong_kind(*content, param, "a string or an array of text parts"));
}

// OpenAI sends a call's arguments as JSON in a string; templates expect the object.
Status open_arguments(json::array& calls, const std::string& param) {
  for (json::value& call : calls) {
    if (!call.is_object()) return fail(wrong_kind(call, param, "an array of objects"));
    json::value* function = call.as_object().if_contains("function");
    if (!function || !function->is_object())
      return fail(Code::kInvalid, param + " must have calls with a function.", param);
    json::value* arguments = function->as_object().if_contains("arguments");
    if (!arguments || !arguments->is_string()) continue;
    auto parsed = parse_body(std::string_view(arguments->as_string()));
    if (parsed) *arguments = std::move(*parsed);
  }
  return {};
}

Result<json::object> read_message(const json::value& value, const std::string& place) {
  if (!value.is_object()) return fail(wrong_kind(value, place, "an object"));
  const Fields fields(value.as_object(), place + ".");
  WEIR_ASSIGN(const auto role, fields.string("role"));
  if (!role) return fail(Code::kInvalid, place + ".role is missing.", place + ".role");
  if (std::find(kRoles.begin(), kRoles.end(), *role) == kRoles.end())
    return fail(Code::kInvalid, place + ".role must be system, developer, user, assistant or tool.",
                place + ".role");
  WEIR_ASSIGN(const json::array* calls, fields.array("tool_calls"));
  json::object message = value.as_object();
  WEIR_ASSIGN(message["content"], read_content(fields, *role == "assistant" && calls));
  if (*role == "developer") message["role"] = "system";  // What templates call it.
  if (calls) WEIR_TRY(open_arguments(message["tool_calls"].as_array(), fields.param("tool_calls")));
  return message;
}

Result<std::string> read_messages(const Fields& fields) {
  WEIR_ASSIGN(const json::array* messages, fields.array("messages"));
  if (!messages || messages->empty())
    return fail(Code::kInvalid, "messages must be an array of at least one message.", "messages");
  json::array out;
  for (size_t i = 0; i < messages->size(); ++i) {
    WEIR_ASSIGN(auto message, read_message((*messages)[i], fmt::format("messages[{}]", i)));
    out.push_back(std::move(message));
  }
  return json::serialize(out);
}

// Whether the model may see the tools.
Result<bool> read_tool_choice(const Fields& fields) {
  const json::value* choice = fields.find("tool_choice");
  if (!choice) return true;
  if (choice->is_string() && choice->as_string() == "none") return false;
  if (choice->is_string() && choice->as_string() == "auto") return true;
  return fail(Code::kInvalid,
              "tool_choice must be \"none\" or \"auto\": calls cannot be forced yet.",
              "tool_choice");
}

Result<std::string> read_tools(const Fields& fields) {
  WEIR_ASSIGN(const bool visible, read_tool_choice(fields));
  WEIR_ASSIGN(const json::array* tools, fields.array("tools"));
  if (!tools || tools->empty()) return std::string();
  for (size_t i = 0; i < tools->size(); ++i)
    if (!(*tools)[i].is_object())
      return fail(wrong_kind((*tools)[i], fmt::format("tools[{}]", i), "an object"));
  return visible ? json::serialize(*tools) : std::string();
}

Result<std::string> read_variables(const Fields& fields) {
  WEIR_ASSIGN(const json::object* variables, fields.object("chat_template_kwargs"));
  if (!variables) return std::string();
  for (const char* name : {"messages", "tools", "add_generation_prompt"})
    if (variables->contains(name))
      return fail(Code::kInvalid, fmt::format("chat_template_kwargs may not set {}.", name),
                  "chat_template_kwargs");
  return json::serialize(*variables);
}

}  // namespace

Result<ChatInput> read_chat_input(const Fields& fields) {
  ChatInput input;
  WEIR_ASSIGN(input.messages_json, read_messages(fields));
  WEIR_ASSIGN(input.tools_json, read_tools(fields));
  WEIR_ASSIGN(input.extra_json, read_variables(fields));
  WEIR_ASSIGN(input.add_generation_prompt, fields.boolean("add_generation_prompt", true));
  return input;
}

// Tools that leave no trace in the prompt are lost, and the answer would not say so. Only rendering
// tells: a template may name them and yet not use them.
Result<std::vector<Token>> read_chat_tokens(const Fields& fields, const JobContext& context) {
  WEIR_ASSIGN(ChatInput input, read_chat_input(fields));
  WEIR_ASSIGN(auto tokens, context.service.chat_tokens(input));
  if (input.tools_json.empty()) return tokens;
  input.tools_json.clear();
  const auto without = context.service.chat_tokens(input);
  if (without && *without == tokens)
    return fail(Code::kInvalid,
                "tools are not supported by this model: its chat template ignores them.", "tools");
  return tokens;
}

}  // namespace weir::server
