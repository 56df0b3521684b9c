// A conversation over one sequence, whose keys and values grow with it and are not computed again.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/args.h"
#include "weir/engine.h"

namespace weir::cli {

// What one answer was, and took.
struct Turn {
  std::string text;
  uint32_t prompt_tokens = 0;  // Of the whole conversation up to the answer,
  uint32_t cached_tokens = 0;  // of which so many were there already.
  uint32_t completion_tokens = 0;
  double prefill_s = 0, decode_s = 0;
  uint64_t kv_bytes = 0;  // Of the sequence, afterwards.
  bool interrupted = false, context_full = false;

  double tokens_per_s() const { return decode_s > 0 ? completion_tokens / decode_s : 0; }
};

class Conversation {
 public:
  using TextSink = std::function<void(std::string_view)>;
  using Interrupted = std::function<bool()>;

  // `engine` must outlive the conversation, and have a chat template.
  Conversation(Engine& engine, GenerationArgs args, std::string system);

  // Answers `user`. Text goes to `sink` as it comes; `interrupted` is asked between tokens. After
  // an error, or an interrupt before the first token, the conversation is as it was before.
  Result<Turn> answer(const std::string& user, const TextSink& sink,
                      const Interrupted& interrupted);

  void reset();                          // Forgets all but the system message.
  void set_system(std::string message);  // Resets, too. Empty: none.

 private:
  Result<std::vector<Token>> prompt() const;
  Status hold(const std::vector<Token>& prompt, Turn& turn, const Interrupted& interrupted);
  Status generate(Turn& turn, const TextSink& sink, const Interrupted& interrupted);
  bool reuse(std::optional<Sequence>& sequence, const std::vector<Token>& prompt) const;

  Engine& engine_;
  const GenerationArgs args_;
  std::string system_;
  std::vector<ChatMessage> messages_;
  std::optional<Sequence> sequence_;  // The conversation so far.
  std::optional<Sequence> prompt_;    // The same before the last answer: the template may write the
                                      // answer in other tokens than it came in.
};

}  // namespace weir::cli
