#include "server/api/read_job.h"
#include "server/api/sampling_fields.h"

namespace weir::server {
namespace {

namespace json = boost::json;

Status read_max_tokens(const Fields& fields, Request& request) {
  const NumberRange range{1, kTokensMax, true};
  WEIR_ASSIGN(const auto older, fields.number("max_tokens", range));
  WEIR_ASSIGN(const auto newer, fields.number("max_completion_tokens", range));
  const auto tokens = newer ? newer : older;
  if (tokens) request.max_tokens = static_cast<uint32_t>(*tokens);
  return {};
}

Status read_logprobs(const Fields& fields, Job& job, Request& request) {
  WEIR_ASSIGN(job.logprobs, fields.boolean("logprobs", false));
  WEIR_ASSIGN(const auto top, fields.number("top_logprobs", {0, kLogprobsMax, true}));
  if (top && *top > 0 && !job.logprobs)
    return fail(Code::kInvalid, "top_logprobs may only be given with logprobs true.",
                "top_logprobs");
  if (job.logprobs) request.logprobs = top ? static_cast<int>(*top) : 0;
  return {};
}

Status check_response_format(const Fields& fields) {
  WEIR_ASSIGN(const json::object* format, fields.object("response_format"));
  if (!format) return {};
  const Fields inner(*format, "response_format.");
  WEIR_ASSIGN(const auto type, inner.string("type"));
  if (type == "text") return {};
  return fail(Code::kInvalid,
              "response_format.type must be \"text\": constrained output is not supported yet.",
              "response_format");
}

Status check_modalities(const Fields& fields) {
  WEIR_ASSIGN(const json::array* modalities, fields.array("modalities"));
  if (!modalities) return {};
  for (const json::value& value : *modalities)
    if (!value.is_string() || value.as_string() != "text")
      return fail(Code::kInvalid, "modalities may only be [\"text\"].", "modalities");
  return {};
}

Status check_echo(const Fields& fields) {
  WEIR_ASSIGN(const bool echo, fields.boolean("echo", false));
  if (echo) return fail(Code::kInvalid, "echo is not supported in chats.", "echo");
  return {};
}

}  // namespace

Result<Job> read_chat(std::string_view body, const JobContext& context) {
  WEIR_ASSIGN(const json::object object, parse_body(body));
  const Fields fields(object);
  Job job;
  job.format = &chat_format();
  WEIR_ASSIGN(job.model, read_model(fields, context));
  WEIR_TRY(refuse_unsupported(fields));
  WEIR_TRY(check_response_format(fields));
  WEIR_TRY(check_modalities(fields));
  WEIR_TRY(check_echo(fields));
  Request request;
  WEIR_TRY(read_sampling(fields, context.service.info(), request));
  WEIR_TRY(read_max_tokens(fields, request));
  WEIR_TRY(read_logprobs(fields, job, request));
  WEIR_TRY(read_streaming(fields, job));
  auto prompt = read_chat_tokens(fields, context);
  if (!prompt) {
    if (prompt.error().param.empty()) prompt.error().param = "messages";
    return fail(std::move(prompt.error()));
  }
  request.prompt = std::move(*prompt);
  if (request.prompt.empty())
    return fail(Code::kInvalid, "The model's template makes an empty prompt of this.", "messages");
  job.requests.push_back(std::move(request));
  WEIR_TRY(check_size(job, context.service.info(), "messages"));
  return job;
}

}  // namespace weir::server
