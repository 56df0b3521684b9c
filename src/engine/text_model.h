// A model's text side: its tokenizer and chat template.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "format/vocabulary.h"
#include "text/chat_template.h"
#include "text/tokenizer.h"
#include "weir/engine.h"

namespace weir {

class TextModel {
 public:
  static Result<TextModel> create(const Vocabulary& vocabulary);

  const Tokenizer& tokenizer() const { return *tokenizer_; }
  std::string_view template_source() const { return source_; }
  Result<std::string> render(const ChatInput& input) const;
  // The tokens of that text. Control tokens come from the template only: where messages, tools or
  // further variables spell one, it stays text.
  Result<std::vector<Token>> chat_tokens(const ChatInput& input) const;

 private:
  Result<std::string> render(ChatTemplateInput input) const;

  std::unique_ptr<Tokenizer> tokenizer_;
  std::string source_;
  std::optional<ChatTemplate> template_;
  std::string template_error_;  // Why there is a source but no template.
};

}  // namespace weir
