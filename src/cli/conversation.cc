#include "cli/conversation.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <utility>

#include "cli/open.h"
#include "cli/streamed_text.h"
#include "cli/utf8.h"

namespace weir::cli {
namespace {

// The text of tokens that come one by one, without decoding all of them each time: only those of a
// window, whose first token is there to give the others their context.
class Decoder {
 public:
  explicit Decoder(const Engine& engine) : engine_(engine) {}

  // The text of all tokens so far, until the next call.
  Result<std::string_view> add(Token token) {
    constexpr size_t kWindow = 8;
    window_.push_back(token);
    WEIR_ASSIGN(const std::string decoded, engine_.detokenize(window_));
    text_.resize(settled_);
    text_ += std::string_view(decoded).substr(std::min(context_, decoded.size()));
    // Half a character decodes to U+FFFD: what follows may still complete it.
    if (window_.size() < kWindow || decoded.ends_with("\uFFFD")) return text_;
    window_ = {token};
    WEIR_ASSIGN(const std::string context, engine_.detokenize(window_));
    context_ = context.size();
    settled_ = text_.size();
    return text_;
  }

 private:
  const Engine& engine_;
  std::vector<Token> window_;
  std::string text_;
  size_t settled_ = 0;  // Bytes of the text that the window adds to.
  size_t context_ = 0;  // Bytes of the window's text that are in there.
};

}  // namespace

Conversation::Conversation(Engine& engine, GenerationArgs args, std::string system)
    : engine_(engine), args_(std::move(args)), system_(std::move(system)) {}

void Conversation::reset() {
  messages_.clear();
  sequence_.reset();
  prompt_.reset();
}

void Conversation::set_system(std::string message) {
  system_ = std::move(message);
  reset();
}

Result<std::vector<Token>> Conversation::prompt() const {
  boost::json::array messages;
  const auto add = [&](const std::string& role, const std::string& content) {
    messages.push_back(boost::json::object{{"role", role}, {"content", content}});
  };
  if (!system_.empty()) add("system", system_);
  for (const ChatMessage& message : messages_) add(message.role, message.content);
  ChatInput input;
  input.messages_json = boost::json::serialize(messages);
  return engine_.chat_tokens(input);
}

// Whether the sequence holds the beginning of the prompt and nothing else.
bool Conversation::reuse(std::optional<Sequence>& sequence,
                         const std::vector<Token>& prompt) const {
  if (!sequence) return false;
  const auto held = sequence->tokens();
  return held.size() < prompt.size() && std::equal(held.begin(), held.end(), prompt.begin());
}

// Makes `sequence_` hold the prompt, computing only what it lacks.
Status Conversation::hold(const std::vector<Token>& prompt, Turn& turn,
                          const Interrupted& interrupted) {
  // A keep method takes what comes at once for a prompt: it is not to see pieces of one.
  const size_t between_interrupts = engine_.options().kv.empty() ? 128 : prompt.size();
  if (!reuse(sequence_, prompt)) {
    sequence_.reset();
    if (reuse(prompt_, prompt)) sequence_ = std::move(prompt_);
  }
  prompt_.reset();
  if (!sequence_) {
    WEIR_ASSIGN(sequence_, engine_.create_sequence());
  }
  turn.prompt_tokens = static_cast<uint32_t>(prompt.size());
  turn.cached_tokens = static_cast<uint32_t>(sequence_->tokens().size());
  for (size_t at = turn.cached_tokens; at < prompt.size() && !turn.interrupted;) {
    const size_t count = std::min(between_interrupts, prompt.size() - at);
    WEIR_TRY(sequence_->append(std::span(prompt).subspan(at, count)));
    at += count;
    turn.interrupted = interrupted();
  }
  WEIR_ASSIGN(prompt_, sequence_->fork());
  return {};
}

Status Conversation::generate(Turn& turn, const TextSink& sink, const Interrupted& interrupted) {
  const ModelInfo& info = engine_.info();
  StreamedText streamed(args_.stop);
  Decoder decoder(engine_);
  std::vector<Token> tokens;
  while (args_.max_tokens == 0 || tokens.size() < args_.max_tokens) {
    if ((turn.interrupted = interrupted())) break;
    WEIR_ASSIGN(const Token token, sequence_->sample(args_.sampling));
    if (std::binary_search(info.end_tokens.begin(), info.end_tokens.end(), token)) break;
    tokens.push_back(token);
    WEIR_ASSIGN(const std::string_view text, decoder.add(token));
    sink(streamed.advance(text));
    if (streamed.stopped()) break;
    turn.context_full = sequence_->tokens().size() >= info.context_tokens_max;
    if (turn.context_full) break;
    WEIR_TRY(sequence_->append(std::span(&tokens.back(), 1)));
  }
  sink(streamed.finish());
  turn.text = streamed.text();
  turn.completion_tokens = static_cast<uint32_t>(tokens.size());
  return {};
}

Result<Turn> Conversation::answer(const std::string& user, const TextSink& sink,
                                  const Interrupted& interrupted) {
  WEIR_TRY(check_utf8("the message", user));
  const size_t before = messages_.size();
  messages_.push_back({"user", user});
  const auto answered = [&]() -> Result<Turn> {
    Turn turn;
    const double start = seconds_now();
    WEIR_ASSIGN(const std::vector<Token> tokens, prompt());
    WEIR_TRY(hold(tokens, turn, interrupted));
    const double middle = seconds_now();
    turn.prefill_s = middle - start;
    if (!turn.interrupted) WEIR_TRY(generate(turn, sink, interrupted));
    turn.decode_s = seconds_now() - middle;
    turn.kv_bytes = sequence_->kv_bytes();
    return turn;
  }();
  if (answered && answered->completion_tokens > 0)
    messages_.push_back({"assistant", answered->text});
  else
    messages_.resize(before);
  return answered;
}

}  // namespace weir::cli
