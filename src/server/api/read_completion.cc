#include <fmt/format.h>

#include <algorithm>

#include "server/api/read_job.h"
#include "server/api/sampling_fields.h"

namespace weir::server {
namespace {

namespace json = boost::json;

constexpr std::string_view kPromptKinds =
    "a string, an array of strings, an array of tokens or an array of arrays of tokens";

std::string element(size_t index) {
  return fmt::format("prompt[{}]", index);
}

struct PromptReader {
  const TextService& service;
  bool add_special, parse_special, with_text, default_length;
  const Request& base;
  Job& job;

  Status add(std::vector<Token> tokens, std::string text, const std::string& param) {
    if (tokens.empty()) return fail(Code::kInvalid, param + " must not be empty.", param);
    job.requests.push_back(base);
    Request& request = job.requests.back();
    request.prompt = std::move(tokens);
    // A length that nobody asked for gives way to a long prompt.
    const uint64_t context = service.info().context_tokens_max;
    const uint64_t room = context - std::min<uint64_t>(request.prompt.size(), context);
    if (default_length)
      request.max_tokens =
          static_cast<uint32_t>(std::clamp<uint64_t>(room, 1, kCompletionTokensDefault));
    if (with_text) job.echo.push_back(std::move(text));
    return {};
  }

  Status add_text(std::string_view text, const std::string& param) {
    auto tokens = service.tokenize(text, add_special, parse_special);
    if (!tokens) {
      if (tokens.error().param.empty()) tokens.error().param = param;
      return fail(std::move(tokens.error()));
    }
    return add(std::move(*tokens), std::string(text), param);
  }

  Status add_tokens(const json::array& array, const std::string& param) {
    WEIR_ASSIGN(auto tokens, to_tokens(array, service.info(), param));
    std::string text;
    if (with_text) {
      WEIR_ASSIGN(text, service.detokenize(tokens, base.skip_special_tokens));
    }
    return add(std::move(tokens), std::move(text), param);
  }

  Status add_each(const json::array& prompts) {
    if (prompts.empty()) return fail(Code::kInvalid, "prompt must not be empty.", "prompt");
    if (prompts.front().is_number()) return add_tokens(prompts, "prompt");
    if (prompts.size() > kPromptsMax)
      return fail(Code::kInvalid, fmt::format("prompt may have at most {} entries.", kPromptsMax),
                  "prompt");
    const bool texts = prompts.front().is_string();
    if (!texts && !prompts.front().is_array())
      return fail(
          wrong_kind(prompts.front(), element(0), "a string, a token or an array of tokens"));
    for (size_t i = 0; i < prompts.size(); ++i) {
      if (prompts[i].kind() != prompts.front().kind())
        return fail(wrong_kind(prompts[i], element(i),
                               texts ? "a string, as prompt[0] is" : "an array, as prompt[0] is"));
      WEIR_TRY(texts ? add_text(prompts[i].as_string(), element(i))
                     : add_tokens(prompts[i].as_array(), element(i)));
    }
    return {};
  }

  Status read(const Fields& fields) {
    const json::value* prompt = fields.find("prompt");
    if (!prompt) return fail(Code::kInvalid, "prompt is missing.", "prompt");
    if (prompt->is_string()) return add_text(prompt->as_string(), "prompt");
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
  const bool default_length = !fields.find("max_tokens");
  PromptReader reader{context.service, add_special, parse_special, echo, default_length, base, job};
  WEIR_TRY(reader.read(fields));
  if (job.requests.size() * base.choices > kAnswersMax)
    return fail(Code::kInvalid,
                fmt::format("n times the number of prompts may be at most {}.", kAnswersMax), "n");
  WEIR_TRY(check_size(job, context.service.info(), "prompt"));
  return job;
}

}  // namespace weir::server
