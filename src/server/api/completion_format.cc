#include <fmt/format.h>

#include <cmath>

#include "server/api/reply_format.h"
#include "server/api/utf8.h"

namespace weir::server {
namespace {

namespace json = boost::json;

// A token's text; where it is no text by itself, its bytes as OpenAI writes them. Keeps apart the
// tokens that share a character.
std::string token_text(const std::string& bytes) {
  if (is_valid_utf8(bytes)) return bytes;
  std::string out = "bytes:";
  for (const char c : bytes) out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
  return out;
}

json::value top_of(const TokenLogprob& token, const std::string& text, const TextService& service) {
  json::object top;
  for (const auto& [other, logprob] : token.top)
    top.emplace(token_text(bytes_of(other, service)), finite_logprob(logprob));
  top.emplace(text, finite_logprob(token.logprob));  // The chosen one stands there in any case.
  return top;
}

json::value logprobs_of(const ChoicePart& part, const TextService& service) {
  if (!part.with_logprobs) return nullptr;
  json::array tokens, logprobs, tops, offsets;
  size_t offset = part.offset;
  for (size_t i = 0; i < part.tokens.size(); ++i) {
    const TokenLogprob& token = part.tokens[i];
    const std::string bytes = bytes_of(token.token, service);
    const std::string text = token_text(bytes);
    const bool unpredicted = i == 0 && part.first_unpredicted;
    tokens.emplace_back(text);
    logprobs.push_back(unpredicted ? json::value(nullptr) : finite_logprob(token.logprob));
    tops.push_back(unpredicted ? json::value(nullptr) : top_of(token, text, service));
    offsets.emplace_back(offset);
    offset += count_characters(bytes);
  }
  json::object object;
  object["tokens"] = std::move(tokens);
  object["token_logprobs"] = std::move(logprobs);
  object["top_logprobs"] = std::move(tops);
  object["text_offset"] = std::move(offsets);
  return object;
}

class CompletionFormat : public ReplyFormat {
 public:
  std::string_view id_prefix() const override { return "cmpl-"; }
  std::string_view whole_object() const override { return "text_completion"; }
  std::string_view chunk_object() const override { return "text_completion"; }
  bool opens_with_role() const override { return false; }
  json::object opening(uint32_t) const override { return {}; }

  json::object whole(const ChoicePart& part, const TextService& service) const override {
    json::object object;
    object["index"] = part.index;
    object["text"] = to_valid_utf8(part.text);
    object["logprobs"] = logprobs_of(part, service);
    object["finish_reason"] =
        part.finish_reason.empty() ? json::value(nullptr) : json::value(part.finish_reason);
    return object;
  }

  json::object chunk(const ChoicePart& part, const TextService& service) const override {
    return whole(part, service);
  }
};

}  // namespace

const ReplyFormat& completion_format() {
  static const CompletionFormat format;
  return format;
}

double finite_logprob(float logprob) {
  constexpr double kFloor = -9999;
  return std::isfinite(logprob) ? std::max<double>(logprob, kFloor) : kFloor;
}

std::string bytes_of(Token token, const TextService& service) {
  auto bytes = service.token_bytes(token);
  return bytes ? std::move(*bytes) : std::string();
}

}  // namespace weir::server
