// How an answer is written down: legacy completions and chats differ in shape alone.
#pragma once

#include <boost/json.hpp>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "server/service.h"

namespace weir::server {

// A part of a choice, or all of it.
struct ChoicePart {
  uint32_t index = 0;
  std::string text;
  bool with_logprobs = false;
  std::vector<TokenLogprob> tokens;
  bool first_unpredicted = false;  // tokens[0] begins the prompt: nothing predicts it.
  size_t offset = 0;               // Characters of this choice's tokens before this part.
  std::string_view finish_reason;  // Empty: not finished.
};

class ReplyFormat {
 public:
  virtual ~ReplyFormat() = default;
  virtual std::string_view id_prefix() const = 0;
  virtual std::string_view whole_object() const = 0;
  virtual std::string_view chunk_object() const = 0;
  // Streams begin with a chunk that names the role.
  virtual bool opens_with_role() const = 0;
  virtual boost::json::object opening(uint32_t index) const = 0;
  virtual boost::json::object whole(const ChoicePart& part, const TextService& service) const = 0;
  virtual boost::json::object chunk(const ChoicePart& part, const TextService& service) const = 0;
};

// "choices" of text_completion.
const ReplyFormat& completion_format();
// "choices" of chat.completion.
const ReplyFormat& chat_format();

// JSON has no infinities: log-probabilities end at -9999, as OpenAI's do.
double finite_logprob(float logprob);
// The bytes of a token; empty for an unknown one.
std::string bytes_of(Token token, const TextService& service);

}  // namespace weir::server
