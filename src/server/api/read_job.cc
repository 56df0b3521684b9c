#include "server/api/read_job.h"

#include <fmt/format.h>

#include <algorithm>

#include "server/api/errors.h"

namespace weir::server {
namespace {

Status check_context(const Request& request, uint32_t context, std::string_view prompt_param) {
  const uint64_t prompt = request.prompt.size();
  const uint64_t room_needed = request.prefill_only ? 0 : std::max<uint64_t>(request.max_tokens, 1);
  if (prompt + room_needed <= context) return {};
  const bool prompt_alone = prompt + (request.prefill_only ? 0 : 1) > context;
  return fail(Code::kInvalid,
              fmt::format("{} is {} tokens, but {} were asked for: {} of the prompt and {} to "
                          "generate.",
                          kContextMark, context, prompt + room_needed, prompt, room_needed),
              std::string(prompt_alone ? prompt_param : "max_tokens"));
}

}  // namespace

Result<std::string> read_model(const Fields& fields, const JobContext& context) {
  WEIR_ASSIGN(const auto name, fields.string("model"));
  const auto& names = context.model_names;
  if (!name) return names.front();
  if (std::find(names.begin(), names.end(), *name) != names.end()) return *name;
  constexpr size_t kShown = 100;
  return fail(Code::kNotFound,
              fmt::format("The model '{}' does not exist here; there is '{}'.",
                          std::string_view(*name).substr(0, kShown), names.front()),
              "model");
}

Status read_streaming(const Fields& fields, Job& job) {
  WEIR_ASSIGN(job.stream, fields.boolean("stream", false));
  WEIR_ASSIGN(const auto* options, fields.object("stream_options"));
  if (!options) return {};
  if (!job.stream)
    return fail(Code::kInvalid, "stream_options may only be given with stream true.",
                "stream_options");
  const Fields inner(*options, "stream_options.");
  WEIR_ASSIGN(job.include_usage, inner.boolean("include_usage", false));
  return {};
}

Status check_size(const Job& job, const ModelInfo& model, std::string_view prompt_param) {
  double entries = 0;
  for (const Request& request : job.requests) {
    WEIR_TRY(check_context(request, model.context_tokens_max, prompt_param));
    const double room = model.context_tokens_max - static_cast<double>(request.prompt.size());
    const double tokens = request.max_tokens > 0 ? request.max_tokens : room;
    if (request.logprobs >= 0) entries += request.choices * tokens * (request.logprobs + 1);
    if (request.prompt_logprobs >= 0)
      entries += static_cast<double>(request.prompt.size()) * request.choices *
                 (request.prompt_logprobs + 1);
  }
  if (entries > kLogprobEntriesMax)
    return fail(Code::kInvalid,
                fmt::format("So many log-probabilities ({}) are too many for one answer; at most "
                            "{}. Ask for fewer tokens, choices or alternatives.",
                            entries, kLogprobEntriesMax),
                "logprobs");
  return {};
}

}  // namespace weir::server
