// JSON requests into jobs. Pure functions of their arguments; they may take long (tokenizing), so
// they run off the I/O thread.
#pragma once

#include <span>
#include <string>

#include "server/api/fields.h"
#include "server/api/job.h"
#include "server/service.h"

namespace weir::server {

inline constexpr size_t kPromptsMax = 128;
inline constexpr size_t kAnswersMax = 512;             // Prompts times n.
inline constexpr double kLogprobEntriesMax = 4 << 20;  // That one answer may have to hold.
inline constexpr uint32_t kCompletionTokensDefault = 16;

struct JobContext {
  const TextService& service;
  std::span<const std::string> model_names;  // The first is the default.
};

Result<Job> read_completion(std::string_view body, const JobContext& context);
Result<Job> read_chat(std::string_view body, const JobContext& context);

// --- Parts that other endpoints use too ---

// The name asked for, or the default; kNotFound for an unknown one.
Result<std::string> read_model(const Fields& fields, const JobContext& context);

// messages, tools, chat_template_kwargs and add_generation_prompt.
Result<ChatInput> read_chat_input(const Fields& fields);
// The conversation's tokens. kInvalid: the model's template makes nothing of the tools given.
Result<std::vector<Token>> read_chat_tokens(const Fields& fields, const JobContext& context);

// --- Parts that both kinds share ---

// stream and stream_options.
Status read_streaming(const Fields& fields, Job& job);

// Checks that the whole job fits: prompts into the context, answers into memory.
Status check_size(const Job& job, const ModelInfo& model, std::string_view prompt_param);

}  // namespace weir::server
