#include "server/api/reply_format.h"
#include "server/api/utf8.h"

namespace weir::server {
namespace {

namespace json = boost::json;

json::object scored(Token token, float logprob, const TextService& service) {
  const std::string bytes = bytes_of(token, service);
  json::array numbers;
  for (const char c : bytes) numbers.emplace_back(static_cast<int>(static_cast<unsigned char>(c)));
  json::object object;
  object["token"] = to_valid_utf8(bytes);
  object["logprob"] = finite_logprob(logprob);
  object["bytes"] = std::move(numbers);
  return object;
}

json::value logprobs_of(const ChoicePart& part, const TextService& service) {
  if (!part.with_logprobs) return nullptr;
  json::array content;
  for (const TokenLogprob& token : part.tokens) {
    json::object entry = scored(token.token, token.logprob, service);
    json::array top;
    for (const auto& [other, logprob] : token.top) top.push_back(scored(other, logprob, service));
    entry["top_logprobs"] = std::move(top);
    content.push_back(std::move(entry));
  }
  return json::object{{"content", std::move(content)}, {"refusal", nullptr}};
}

json::object frame(const ChoicePart& part, const TextService& service, const char* key,
                   json::object message) {
  json::object object;
  object["index"] = part.index;
  object[key] = std::move(message);
  object["logprobs"] = logprobs_of(part, service);
  object["finish_reason"] =
      part.finish_reason.empty() ? json::value(nullptr) : json::value(part.finish_reason);
  return object;
}

class ChatFormat : public ReplyFormat {
 public:
  std::string_view id_prefix() const override { return "chatcmpl-"; }
  std::string_view whole_object() const override { return "chat.completion"; }
  std::string_view chunk_object() const override { return "chat.completion.chunk"; }
  bool opens_with_role() const override { return true; }

  json::object opening(uint32_t index) const override {
    json::object object;
    object["index"] = index;
    object["delta"] = json::object{{"role", "assistant"}, {"content", ""}};
    object["logprobs"] = nullptr;
    object["finish_reason"] = nullptr;
    return object;
  }

  json::object whole(const ChoicePart& part, const TextService& service) const override {
    json::object message;
    message["role"] = "assistant";
    message["content"] = to_valid_utf8(part.text);
    message["refusal"] = nullptr;
    return frame(part, service, "message", std::move(message));
  }

  json::object chunk(const ChoicePart& part, const TextService& service) const override {
    json::object delta;
    if (!part.text.empty() || part.finish_reason.empty())
      delta["content"] = to_valid_utf8(part.text);
    return frame(part, service, "delta", std::move(delta));
  }
};

}  // namespace

const ReplyFormat& chat_format() {
  static const ChatFormat format;
  return format;
}

}  // namespace weir::server
