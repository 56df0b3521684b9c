#include <fmt/format.h>

#include "server/api/read_job.h"
#include "server/api/sampling_fields.h"

namespace weir::server {
namespace {

namespace json = boost::json;

constexpr std::string_view kPromptKinds =
    "a string, an array of strings, an array of tokens or an array of arrays of tokens";

struct PromptReader {
  const TextService& service;
  bool add_special, parse_special, with_text;
  const Request& base;
  Job& job;

  Status add(std::vector<Token> tokens, std::string text) {
    if (tokens.empty()) return fail(Code::kInvalid, "prompt must not be empty.", "prompt");
    job.requests.push_back(base);
    job.requests.back().prompt = std::move(tokens);
    if (with_text) job.echo.push_back(std::move(text));
    return {};
  }

  Status add_text(std::string_view text) {
    auto tokens = service.tokenize(text, add_special, parse_special);
    if (!tokens) {
      if (tokens.error().param.empty()) tokens.error().param = "prompt";
      return fail(std::move(tokens.error()));
    }
    return add(std::move(*tokens), std::string(text));
  }

  Status add_tokens(const json::array& array) {
    WEIR_ASSIGN(auto tokens, to_tokens(array, service.info(), "prompt"));
    std::string text;
    if (with_text) {
      WEIR_ASSIGN(text, service.detokenize(tokens, base.skip_special_tokens));
    }
    return add(std::move(tokens), std::move(text));
  }

  Status add_each(const json::array& prompts) {
    if (prompts.empty()) return fail(Code::kInvalid, "prompt must not be empty.", "prompt");
    if (prompts.front().is_number()) return add_tokens(prompts);
    if (prompts.size() > kPromptsMax)
      return fail(Code::kInvalid, fmt::format("prompt may have at most {} entries.", kPromptsMax),
                  "prompt");
    for (const json::value& prompt : prompts) {
      if (prompt.kind() != prompts.front().kind())
        return fail(Code::kInvalid, "The entries of prompt must be of one kind.", "prompt");
      if (prompt.is_string()) {
        WEIR_TRY(add_text(prompt.as_string()));
      } else if (prompt.is_array()) {
        WEIR_TRY(add_tokens(prompt.as_array()));
      } else {
        return fail(wrong_kind(prompts, "prompt", kPromptKinds));
      }
    }
    return {};
  }

  Status read(const Fields& fields) {
    const json::value* prompt = fields.find("prompt");
    if (!prompt) return fail(Code::kInvalid, "prompt is missing.", "prompt");
    if (prompt->is_string()) return add_text(prompt->as_string());
    if (prompt->is_array()) return add_each(prompt->as_array());
    return fail(wrong_kind(*prompt, "prompt", kPromptKinds));
  }
};

Status read_lengths(const Fields& fields, bool echo, Request& request) {
  WEIR_ASSIGN(const auto tokens, fields.number("max_tokens", {0, kTokensMax, true}));
  request.max_tokens = tokens ? static_cast<uint32_t>(*tokens) : kCompletionTokensDefault;
  if (request.max_tokens == 0 && !echo)
    return fail(Code::kInvalid, "max_tokens may only be 0 with echo true.", "max_tokens");
  request.prefill_only = request.max_tokens == 0;
  WEIR_ASSIGN(const auto best, fields.number("best_of", {1, kChoicesMax, true}));
  if (best && *best != request.choices)
    return fail(Code::kInvalid, "best_of must equal n: choosing among answers is not supported.",
                "best_of");
  return {};
}

Status read_logprobs(const Fields& fields, bool echo, Job& job, Request& request) {
  WEIR_ASSIGN(const auto logprobs, fields.number("logprobs", {0, kLogprobsMax, true}));
  if (!logprobs) return {};
  job.logprobs = true;
  request.logprobs = static_cast<int>(*logprobs);
  if (echo) request.prompt_logprobs = request.logprobs;
  return {};
}

}  // namespace

Result<Job> read_completion(std::string_view body, const JobContext& context) {
  WEIR_ASSIGN(const json::object object, parse_body(body));
  const Fields fields(object);
  Job job;
  job.format = &completion_format();
  WEIR_ASSIGN(job.model, read_model(fields, context));
  WEIR_TRY(refuse_unsupported(fields));
  Request base;
  WEIR_TRY(read_sampling(fields, context.service.info(), base));
  WEIR_ASSIGN(const bool echo, fields.boolean("echo", false));
  WEIR_TRY(read_lengths(fields, echo, base));
  WEIR_TRY(read_logprobs(fields, echo, job, base));
  WEIR_TRY(read_streaming(fields, job));
  WEIR_ASSIGN(const bool add_special, fields.boolean("add_special_tokens", true));
  WEIR_ASSIGN(const bool parse_special, fields.boolean("parse_special_tokens", false));
  PromptReader reader{context.service, add_special, parse_special, echo, base, job};
  WEIR_TRY(reader.read(fields));
  if (job.requests.size() * base.choices > kAnswersMax)
    return fail(Code::kInvalid,
                fmt::format("n times the number of prompts may be at most {}.", kAnswersMax), "n");
  WEIR_TRY(check_size(job, context.service.info(), "prompt"));
  return job;
}

}  // namespace weir::server
