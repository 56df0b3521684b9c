#include "engine/text_model.h"

#include <boost/json.hpp>
#include <chrono>
#include <utility>

namespace weir {
namespace {

VocabularyData tokenizer_data(const Vocabulary& v) {
  VocabularyData data;
  data.model = v.model;
  data.pre = v.pre;
  data.tokens.assign(v.tokens.begin(), v.tokens.end());
  data.token_types = v.token_types;
  data.scores = v.scores;
  data.merges.assign(v.merges.begin(), v.merges.end());
  data.bos = v.bos;
  data.eos = v.eos;
  data.eot = v.eot;
  data.eom = v.eom;
  data.unknown = v.unknown;
  data.add_bos = v.add_bos;
  data.add_eos = v.add_eos;
  data.add_space_prefix = v.add_space_prefix;
  return data;
}

Result<boost::json::value> parse_field(const char* field, const std::string& text) {
  if (text.empty()) return boost::json::value();
  boost::json::error_code error;
  boost::json::value value = boost::json::parse(text, error);
  if (error)
    return fail(Code::kInvalid, std::string(field) + " must be JSON: " + error.message(), field);
  return value;
}

Result<ChatTemplateInput> read_input(const ChatInput& in) {
  ChatTemplateInput input;
  WEIR_ASSIGN(input.messages, parse_field("messages", in.messages_json));
  WEIR_ASSIGN(input.tools, parse_field("tools", in.tools_json));
  WEIR_ASSIGN(boost::json::value extra, parse_field("chat_template_kwargs", in.extra_json));
  if (!extra.is_null() && !extra.is_object())
    return fail(Code::kInvalid, "chat_template_kwargs must be an object", "chat_template_kwargs");
  if (extra.is_object()) input.extra = std::move(extra.as_object());
  input.add_generation_prompt = in.add_generation_prompt;
  return input;
}

// Boost.JSON has bounded the depth.
void guard_strings(const Tokenizer& tokenizer, boost::json::value& value) {
  if (auto* text = value.if_string()) {
    *text = tokenizer.guard(*text);
  } else if (auto* array = value.if_array()) {
    for (auto& item : *array) guard_strings(tokenizer, item);
  } else if (auto* object = value.if_object()) {
    boost::json::object guarded(object->storage());
    for (auto& [key, item] : *object) {
      guard_strings(tokenizer, item);
      guarded.insert_or_assign(tokenizer.guard(key), std::move(item));
    }
    *object = std::move(guarded);
  }
}

}  // namespace

Result<TextModel> TextModel::create(const Vocabulary& vocabulary) {
  TextModel out;
  WEIR_ASSIGN(out.tokenizer_, Tokenizer::create(tokenizer_data(vocabulary)));
  out.source_ = vocabulary.chat_template;
  if (out.source_.empty()) return out;
  auto parsed = ChatTemplate::parse(out.source_);
  if (parsed)
    out.template_ = *std::move(parsed);
  else  // The model can still complete plain text.
    out.template_error_ = parsed.error().message;
  return out;
}

Result<std::string> TextModel::render(const ChatInput& in) const {
  WEIR_ASSIGN(ChatTemplateInput input, read_input(in));
  return render(std::move(input));
}

Result<std::vector<Token>> TextModel::chat_tokens(const ChatInput& in) const {
  WEIR_ASSIGN(ChatTemplateInput input, read_input(in));
  guard_strings(*tokenizer_, input.messages);
  guard_strings(*tokenizer_, input.tools);
  boost::json::value extra = std::move(input.extra);
  guard_strings(*tokenizer_, extra);
  input.extra = std::move(extra.as_object());
  WEIR_ASSIGN(const std::string prompt, render(std::move(input)));
  return tokenizer_->encode(prompt, {.parse_special = true, .guarded = true});
}

Result<std::string> TextModel::render(ChatTemplateInput input) const {
  if (!template_)
    return fail(Code::kInvalid,
                source_.empty() ? "the model has no chat template"
                                : "the model's chat template cannot be used: " + template_error_,
                "messages");
  if (const auto bos = tokenizer_->bos()) input.bos_token = tokenizer_->piece(*bos, true);
  if (const auto eos = tokenizer_->eos()) input.eos_token = tokenizer_->piece(*eos, true);
  input.now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  auto text = template_->render(input);
  if (!text && text.error().param.empty()) text.error().param = "messages";
  return text;
}

}  // namespace weir
